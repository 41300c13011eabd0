// Writes, edits, withdraws and appeals for the review of one hospital and year, with its key alone.

import { askAsKey, asNobody, succeeded } from './api.js';
import { countCharacters } from './counter.js';
import { forgetDraft, keepDraft } from './draft.js';
import { clearMistakes, explain, showMistakes } from './mistakes.js';
import { messagesOf, show } from './page.js';
import { stateOf } from './own-reviews-page.js';
import { reviewKey } from './review-key.js';
import * as statement from './statement.js';
import * as storage from './storage.js';
import { findings } from './warnings.js';

export async function reviewPage(root) {
  const { hospital: hospitalId, hospitalName, year, issued } = root.dataset;
  const place = { hospitalId, hospitalName, year: Number(year) };
  const secret = storage.secret();
  if (!secret) return show(root, 'no-pass');
  show(root, 'looking');
  const key = reviewKey(secret, hospitalId, place.year);
  const answer = await askAsKey(key, key.sign(statement.read(place)));
  const review = { root, place, key, messages: messagesOf(root), crowd: Number(issued ?? 0) };
  if (succeeded(answer)) return showOwn(review, answer);
  if (answer.status !== 404) return show(root, 'away');
  const pass = storage.passFor(hospitalId, place.year)?.pass;
  const may = pass && 'current' in root.dataset && 'open' in root.dataset;
  return may ? showNew(review, pass) : show(root, 'no-pass');
}

function showNew(review, pass) {
  const form = unfold(review).querySelector('[data-write]');
  keepDraft(form);
  onWrite(review, form, 1, async (draft, signature) => {
    const { place, key } = review;
    const json = { hospital_id: place.hospitalId, year: place.year, revision: 1, ...draft, public_key: key.name, pass, signature };
    const answer = await asNobody('POST', address(place), json);
    if (!succeeded(answer)) return answer;
    forgetDraft(form);
    finish(review, 'sent');
  });
}

function showOwn(review, answer) {
  const { root, place } = review;
  const own = answer.body;
  // A device that was restored learns here where it wrote.
  if (!storage.passFor(place.hospitalId, place.year)) storage.keepPass(place);
  const over = own.banned ? 'banned' : own.status;
  const note = root.querySelector(`[data-over="${over}"]`);
  if (note) {
    note.hidden = false;
    return show(root, 'over');
  }
  const heading = document.querySelector('[data-edit-title]');
  heading.textContent = heading.dataset.editTitle;
  const content = unfold(review);
  const status = content.querySelector('[data-status]');
  status.textContent = stateOf(answer, review.messages);
  status.hidden = false;
  fillIn(content.querySelector('[data-write]'), own);
  edit(review, content, own);
  withdraw(review, content, own);
  if (own.status === 'hidden') appeal(review, content, own);
}

function edit(review, content, own) {
  const form = content.querySelector('[data-write]');
  form.querySelector('[data-new]').hidden = true;
  form.querySelector('[data-edit]').hidden = false;
  const revision = own.revision + 1;
  onWrite(review, form, revision, async (draft, signature) => {
    const answer = await asNobody('PUT', address(review.place, own), { revision, ...draft, signature });
    if (!succeeded(answer)) return answer;
    finish(review, 'saved');
  });
}

function withdraw(review, content, own) {
  const section = content.querySelector('[data-withdraw]');
  section.hidden = false;
  onSubmit(section.querySelector('form'), review, async () => {
    const revision = own.revision + 1;
    const signature = review.key.sign(statement.withdraw({ ...review.place, revision }));
    const answer = await asNobody('POST', `${address(review.place, own)}/withdrawal`, { revision, signature });
    if (!succeeded(answer)) return answer;
    review.root.querySelector('[data-over=withdrawn]').hidden = false;
    finish(review, 'over');
  });
}

function appeal(review, content, own) {
  const section = content.querySelector('[data-appeal]');
  section.hidden = false;
  onSubmit(section.querySelector('form'), review, async (form) => {
    const revision = own.revision + 1;
    const text = statement.normalised(form.querySelector('textarea').value);
    const signature = review.key.sign(statement.appeal({ ...review.place, revision, statement: text }));
    const answer = await asNobody('POST', `${address(review.place, own)}/appeal`, { revision, statement: text, signature });
    if (!succeeded(answer)) return answer;
    finish(review, 'appealed');
  });
}

/** The form, which is no part of the page before it may be used. */
function unfold({ root }) {
  const content = document.createElement('div');
  content.dataset.state = 'form';
  content.append(root.querySelector('template').content.cloneNode(true));
  root.append(content);
  show(root, 'form');
  for (const area of content.querySelectorAll('textarea')) countCharacters(area);
  return content;
}

function fillIn(form, { title, body, stars }) {
  form.querySelector('#title').value = title;
  const area = form.querySelector('#body');
  area.value = body;
  area.dispatchEvent(new Event('input'));
  for (const aspect of statement.ASPECTS) form.querySelector(`[name="stars.${aspect}"][value="${stars[aspect]}"]`).checked = true;
}

/** Sends what is written, where nothing in it identifies but what the writer said to send all the same. */
function onWrite(review, form, revision, send) {
  const accepted = new Set();
  const box = form.querySelector('[data-found]');
  const buttons = form.querySelector('[data-submit]');
  const ask = (open) => {
    [box.hidden, buttons.hidden] = [!open, open];
    if (open) box.focus();
  };
  let found = [];
  box.querySelector('[data-correct]').addEventListener('click', () => {
    ask(false);
    select(form, found[0]);
  });
  box.querySelector('[data-send-anyway]').addEventListener('click', () => {
    ask(false);
    for (const { text } of found) accepted.add(text);
    form.requestSubmit();
  });
  onSubmit(form, review, async () => {
    const draft = read(form);
    found = identifying(draft, review.crowd).filter(({ text }) => !accepted.has(text));
    if (found.length > 0) {
      list(box, found, review.messages);
      return ask(true);
    }
    ask(false);
    return send(draft, review.key.sign(statement.publish({ ...review.place, revision, ...draft })));
  });
}

const identifying = (draft, crowd) => ['title', 'body'].flatMap((field) => findings(draft[field], crowd).map((finding) => ({ field, ...finding })));

function list(box, found, { warnings }) {
  const items = found.map(({ kind, text }) => Object.assign(document.createElement('li'), { textContent: `${text} (${warnings[kind]})` }));
  box.querySelector('ul').replaceChildren(...items);
}

/** What is written. An aspect without stars has none, which the API refuses together with all else. */
function read(form) {
  const chosen = (aspect) => form.querySelector(`[name="stars.${aspect}"]:checked`)?.value ?? 0;
  const stars = Object.fromEntries(statement.ASPECTS.map((aspect) => [aspect, Number(chosen(aspect))]));
  const text = (id) => statement.normalised(form.querySelector(`#${id}`).value);
  return { title: text('title'), body: text('body'), stars };
}

/** Leads to what was found, in the text as it stands in the field. */
function select(form, { field, text }) {
  const element = form.querySelector(`#${field}`);
  const start = element.value.indexOf(text);
  element.focus();
  if (start >= 0) element.setSelectionRange(start, start + text.length);
}

/** `send` answers the refusal, or nothing where it is done with the form. */
function onSubmit(form, { messages }, send) {
  let busy = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    clearMistakes(form);
    try {
      const refusal = await send(form);
      if (!refusal) return;
      const { mistakes, notice } = explain(refusal, messages);
      showMistakes(form, messages, mistakes, notice);
    } finally {
      busy = false;
    }
  });
}

function finish({ root }, state) {
  root.querySelector('[data-state=form]').remove();
  show(root, state);
  const heading = root.querySelector(`[data-state="${state}"] h2`);
  heading?.focus();
  window.scrollTo(0, 0);
}

function address({ hospitalId }, own) {
  const reviews = `/api/review/hospitals/${encodeURIComponent(hospitalId)}/reviews`;
  return own ? `${reviews}/${encodeURIComponent(own.review_id)}` : reviews;
}
