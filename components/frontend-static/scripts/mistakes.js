// What is wrong with a form: a summary that has the focus, and each mistake at its field, in the
// markup that the server uses for its own forms.

import { fill } from './page.js';

export function clearMistakes(form) {
  for (const element of form.querySelectorAll('[data-mistakes], [data-mistake]')) element.remove();
  for (const field of form.querySelectorAll('[aria-invalid]')) {
    field.removeAttribute('aria-invalid');
    const others = (field.getAttribute('aria-describedby') ?? '').split(' ').filter((id) => !id.endsWith('-mistake'));
    if (others.join('')) field.setAttribute('aria-describedby', others.join(' '));
    else field.removeAttribute('aria-describedby');
  }
}

/** Shows `{ field, message }` of each mistake, or `notice` where what is wrong is no field's. */
export function showMistakes(form, messages, mistakes, notice) {
  clearMistakes(form);
  const ordered = inOrder(form, mistakes);
  const summary = document.createElement('div');
  Object.assign(summary, { className: 'mistakes', tabIndex: -1 });
  summary.setAttribute('role', 'alert');
  summary.dataset.mistakes = '';
  summary.append(paragraph(notice ?? fill(messages.summary, { n: mistakes.length })));
  if (mistakes.length > 0) summary.append(list(ordered));
  form.prepend(summary);
  for (const mistake of ordered) mark(form, mistake);
  summary.focus();
}

/** What a refusal of the API means, as `showMistakes` takes it. */
export function explain({ status, body }, messages) {
  const known = (field, code) => messages.mistakes[`${field}/${code}`] ?? messages.mistakes[`${field}/required`] ?? messages.mistakes['/other'];
  const mistakes = (status === 422 && body?.errors?.map(({ field, code }) => ({ field, code, message: known(field, code) }))) || [];
  const foreign = mistakes.find(({ field }) => !messages.mistakes[`${field}/required`]);
  const notice = messages.refusals[foreign?.code] ?? messages.refusals[body?.code] ?? messages.try_again;
  return foreign || mistakes.length === 0 ? { mistakes: [], notice } : { mistakes };
}

/** As the form has its fields, whatever the order of the API. */
function inOrder(form, mistakes) {
  const ids = [...form.querySelectorAll('[id]')].map(({ id }) => id);
  return [...mistakes].sort((one, other) => ids.indexOf(one.field) - ids.indexOf(other.field));
}

function paragraph(text) {
  const element = document.createElement('p');
  const strong = document.createElement('strong');
  strong.textContent = text;
  element.append(strong);
  return element;
}

function list(mistakes) {
  const element = document.createElement('ul');
  for (const { field, message } of mistakes) {
    const item = document.createElement('li');
    const link = document.createElement('a');
    Object.assign(link, { href: `#${field}`, textContent: message });
    item.append(link);
    element.append(item);
  }
  return element;
}

function mark(form, { field, message }) {
  const element = form.querySelector(`#${CSS.escape(field)}`);
  if (!element) return;
  const note = document.createElement('span');
  Object.assign(note, { className: 'mistake', id: `${field}-mistake`, textContent: message });
  note.dataset.mistake = '';
  const described = [note.id, element.getAttribute('aria-describedby')].filter(Boolean).join(' ');
  element.setAttribute('aria-describedby', described);
  if (element.tagName === 'FIELDSET') {
    element.querySelector('legend').after(note);
  } else {
    element.setAttribute('aria-invalid', 'true');
    element.before(note);
  }
}
