// Reports, takedown requests, replies and removals: by two moderators, beside what everyone sees.
// The walk goes without scripts; nothing here needs any.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, test } from 'node:test';
import { appeal, freshPass, insider, moderator, publish, runBatch } from '../insiders.mjs';
import { PICTURE } from '../pictures.mjs';
import { call, signUp } from '../site.mjs';
import { inspect } from './accessibility.mjs';
import { follow, hospital, hospitalPath, open, signIn } from './browser.mjs';

// Below so many passes nothing is published.
const CROWD = 5;

const QUEUES = ['/moderation', '/moderation/documents', '/moderation/mail-domains', '/moderation/reports', '/moderation/takedowns', '/moderation/removals', '/moderation/reply-tokens'];

const noScripts = { javaScriptEnabled: false };
const done = (page) => page.locator('[role=status]').innerText();
const press = (page, selector) => follow(page, () => page.locator(selector).click());
const word = () => `낱말${randomBytes(5).toString('hex')}`;

let place;
let first;
let second;
const passes = [];

before(async () => {
  place = await hospital(10);
  [first, second] = [await moderator(), await moderator()];
  for (let n = 0; n < CROWD; n++) passes.push(await freshPass(place.id));
});

/** A published review of a pass that was not used yet: `{ own, id, title, body }`. */
async function newReview() {
  const own = passes.pop() ?? (await freshPass(place.id));
  const [title, body] = [`제목 ${word()}`, `본문에 쓰인 말은 ${word()} 입니다.`];
  const created = await publish(own, { title, body });
  assert.equal(created.status, 201, created.text);
  await runBatch();
  return { own, id: created.json.id, title, body, path: `${hospitalPath(place.id)}/reviews/${created.json.id}` };
}

async function signedIn(account, options = noScripts) {
  const page = await open(options);
  await signIn(page, account);
  return page;
}

/** What the public sees in place of a review. */
async function shown(page, review) {
  await page.goto(hospitalPath(place.id));
  const text = await page.locator(`#r-${review.id}`).innerText();
  return { text, whole: await page.content() };
}

/** The case about a review in a queue. */
const about = (page, review) => page.locator('.cases > li', { hasText: review.title });

async function decide(page, review, label) {
  await about(page, review).locator('summary', { hasText: label }).click();
  await follow(page, () => about(page, review).locator('details[open] button', { hasText: label }).click());
}

/** The newest entries of the public log, as a reader sees them. */
async function logged(page) {
  await page.goto('/moderation/log');
  return page.locator('.log > li').allInnerTexts();
}

async function requestTakedown(page, review, claimant = '가상의원 대리인') {
  await page.goto(hospitalPath(place.id));
  await press(page, `#r-${review.id} [href$="/takedown"]`);
  await page.fill('#claimant', claimant);
  await page.fill('#contact', 'claimant@example.com');
  await page.check('[name=reason][value=personal_data]');
  await page.fill('#detail', '제 이름을 알 수 있는 내용이 들어 있습니다.');
  await press(page, 'main button.primary');
  assert.match(await done(page), /요청을 보냈어요/);
}

test('an outsider finds the log and the takedown form, and nothing to moderate with', async () => {
  const review = await newReview();
  const page = await open(noScripts);
  await page.goto(hospitalPath(place.id));
  assert.equal(await page.locator(`#r-${review.id} [href$="/takedown"]`).count(), 1);
  assert.equal(await page.locator('form[method=post], textarea, [href$="/report"], [href$="/reply"], [href="/moderation"]').count(), 0);
  for (const path of [...QUEUES, `${review.path}/report`]) {
    await page.goto(path);
    assert.equal(new URL(page.url()).pathname, '/signin', path);
  }
  await page.goto('/');
  await press(page, 'footer [href="/moderation/log"]');
  assert.match(await page.locator('main').innerText(), /verify-export/);
  await press(page, 'footer [href="/moderation/about"]');
  assert.equal(await page.locator('form[method=post]').count(), 0);
});

test('an insider may report a review once, and moderates nothing', async () => {
  const review = await newReview();
  const page = await signedIn(await signUp());
  for (const path of [...QUEUES, '/moderation/documents/1/file']) {
    assert.equal((await page.goto(path)).status(), 403, path);
    assert.equal(await page.locator('main form').count(), 0, path);
  }
  await page.goto(hospitalPath(place.id));
  assert.equal(await page.locator('[href="/moderation"]').count(), 0);
  await press(page, `#r-${review.id} [href$="/report"]`);
  assert.match(await page.locator('main').innerText(), new RegExp(review.title));
  await page.fill('#detail', '이유를 고르지 않은 신고');
  await press(page, 'main button.primary');
  assert.match(await page.locator('#reason-mistake').innerText(), /이유를 골라/);
  assert.equal(await page.inputValue('#detail'), '이유를 고르지 않은 신고');
  await page.check('[name=reason][value=insult]');
  await press(page, 'main button.primary');
  assert.match(await done(page), /신고를 보냈어요/);
  await page.goto(`${review.path}/report`);
  await page.check('[name=reason][value=other]');
  await press(page, 'main button.primary');
  assert.match(await page.locator('.mistakes').innerText(), /이미 신고했어요/);

  const desk = await signedIn(first);
  await desk.goto('/moderation');
  await press(desk, 'main [href="/moderation/reports"] >> nth=-1');
  assert.match(await about(desk, review).innerText(), /욕설이나 모욕/);
  await decide(desk, review, '받아들이지 않기');
  assert.match(await done(desk), /받아들이지 않았어요/);
  assert.equal(await about(desk, review).count(), 0);
  assert.match((await logged(page))[0], /신고를 받아들이지 않음/);
  assert.match((await shown(page, review)).text, new RegExp(review.title));
});

test('a takedown request hides a review until it is decided; its author may object', async () => {
  const review = await newReview();
  const page = await open(noScripts);
  await page.goto(`${review.path}/takedown`);
  await page.fill('#claimant', '가상의원');
  await press(page, 'main button.primary');
  for (const field of ['contact', 'reason', 'detail']) assert.equal(await page.locator(`#${field}-mistake`).count(), 1, field);
  assert.equal(await page.inputValue('#claimant'), '가상의원');
  const claimant = `대리인 ${word()}`;
  await requestTakedown(page, review, claimant);
  assert.match((await shown(page, review)).text, new RegExp(review.title), 'a request alone hides nothing');

  const desk = await signedIn(first);
  await desk.goto('/moderation/takedowns');
  assert.match(await about(desk, review).innerText(), new RegExp(`결정을 기다려요[^]*${claimant}[^]*claimant@example.com`));
  await decide(desk, review, '30일 동안 가리기');
  assert.match(await done(desk), /가렸어요/);
  const hidden = await shown(page, review);
  assert.match(hidden.text, /임시조치 중/);
  assert.match(hidden.text, /\d{4}\. \d+\. \d+\.까지/);
  for (const word of [review.title, review.body, claimant]) assert.ok(!hidden.whole.includes(word), word);

  const objection = '사실만 적었고 누구인지 알 수 없게 썼습니다.';
  const address = `/api/review${hospitalPath(place.id)}/reviews/${review.id}/appeal`;
  assert.equal((await call('POST', address, { json: appeal(review.own, 2, objection) })).status, 202);
  const other = await signedIn(second);
  await other.goto('/moderation/takedowns');
  assert.match(await about(other, review).innerText(), new RegExp(objection));
  await decide(other, review, '다시 공개');
  assert.match(await done(other), /다시 공개했어요/);
  assert.match((await shown(page, review)).text, new RegExp(review.title));
  const log = await logged(page);
  assert.match(log[0], /다시 공개함/);
  assert.match(log[1], /임시로 가림[^]*개인정보/);
  assert.ok(!log.join().includes(claimant), 'acts, not people');

  await desk.goto('/moderation/takedowns');
  assert.equal(await about(desk, review).count(), 0);
});

test('what another moderator has decided meanwhile is said, not done twice', async () => {
  const review = await newReview();
  await requestTakedown(await open(noScripts), review);
  const [desk, other] = [await signedIn(first), await signedIn(second)];
  await desk.goto('/moderation/takedowns');
  await other.goto('/moderation/takedowns');
  await decide(desk, review, '받아들이지 않기');
  assert.match(await done(desk), /받아들이지 않았어요/);
  await decide(other, review, '30일 동안 가리기');
  assert.match(await other.locator('.mistakes').innerText(), /다른 관리자가 처리했어요/);
  assert.match((await shown(other, review)).text, new RegExp(review.title));
});

test('a removal takes two moderators, and leaves its trace', async () => {
  const review = await newReview();
  const reporter = await signUp();
  const address = `/api/review${hospitalPath(place.id)}/reviews/${review.id}/reports`;
  const reported = await call('POST', address, { token: reporter.token, json: { reason: 'advertising', detail: '' } });
  assert.ok(reported.status < 300, reported.text);
  const desk = await signedIn(first);
  await desk.goto('/moderation/reports');
  const own = about(desk, review);
  await own.locator('summary', { hasText: '영구 삭제 제안' }).click();
  assert.equal(await own.locator('select').inputValue(), 'advertising');
  await own.locator('[name=ban_key]').check({ force: true });
  await follow(desk, () => own.locator('details[open] button').click());
  assert.match(await done(desk), /제안했어요/);
  assert.match(await about(desk, review).innerText(), /내가 제안했어요/);
  assert.equal(await about(desk, review).locator('details').count(), 0, 'nobody confirms their own proposal');
  const drop = await about(desk, review).locator('form').getAttribute('action');
  const headers = { origin: new URL(desk.url()).origin };
  const forged = await desk.request.post(drop.replace(/drop$/, 'confirm'), { headers, form: {} });
  assert.equal(forged.status(), 409);
  assert.match(await forged.text(), /다른 관리자가 확인해야/);
  const page = await open(noScripts);
  assert.match((await shown(page, review)).text, new RegExp(review.title));

  const other = await signedIn(second);
  await other.goto('/moderation/removals');
  assert.match(await about(other, review).innerText(), /리뷰 열쇠도 함께 막아요/);
  await decide(other, review, '영구 삭제');
  assert.match(await done(other), /영구히 삭제했어요/);
  const removed = await shown(page, review);
  assert.match(removed.text, /삭제된 리뷰예요/);
  for (const word of [review.title, review.body]) assert.ok(!removed.whole.includes(word), word);
  const log = (await logged(page)).slice(0, 2).join();
  assert.match(log, /영구 삭제함/);
  assert.match(log, /열쇠를 그해 동안 막음/);
  await desk.goto('/moderation/reports');
  assert.equal(await about(desk, review).count(), 0);
});

test('a hospital replies with the token that a moderator gave it, until that is revoked', async () => {
  const review = await newReview();
  const desk = await signedIn(first);
  await desk.goto('/moderation/reply-tokens');
  await desk.fill('#q', place.name);
  await press(desk, '.together button');
  await follow(desk, () => desk.locator('.pairs li', { hasText: place.name }).first().locator('button').click());
  const token = await desk.locator('#token').innerText();
  assert.ok(token.length >= 20 && !desk.url().includes(token));

  const page = await open(noScripts);
  await page.goto(`${review.path}/takedown`);
  await press(page, '[href$="/reply"]');
  await page.fill('#token', 'not-the-token');
  await page.fill('#body', '병원이 직접 드리는 답입니다.');
  await press(page, 'main button.primary');
  assert.match(await page.locator('#token-mistake').innerText(), /쓸 수 없는 토큰/);
  assert.equal(await page.inputValue('#body'), '병원이 직접 드리는 답입니다.');
  assert.ok(!(await page.content()).includes('not-the-token'));
  await page.fill('#token', token);
  await press(page, 'main button.primary');
  assert.match(await done(page), /답글을 올렸어요/);
  assert.ok(!page.url().includes(token));
  assert.match(await page.locator(`#r-${review.id} .answer`).innerText(), /병원이 직접 드리는 답입니다/);

  await desk.goto('/moderation/reply-tokens');
  assert.ok(!(await desk.content()).includes(token), 'a token is shown once');
  const held = desk.locator('.pairs li', { hasText: place.name });
  await held.locator('summary').click();
  await follow(desk, () => held.locator('details[open] button').click());
  await page.goto(`${review.path}/reply`);
  await page.fill('#token', token);
  await page.fill('#body', '거둔 토큰으로 바꾸려는 답입니다.');
  await press(page, 'main button.primary');
  assert.equal(await page.locator('#token-mistake').count(), 1);
  assert.match((await shown(page, review)).text, /병원이 직접 드리는 답입니다/);
});

test('a document proves employment once two moderators have seen it', async () => {
  const account = await signUp();
  const sent = await call('POST', `/api/auth/proofs/document?hospital_id=${encodeURIComponent(place.id)}`, { token: account.token, headers: { 'content-type': 'image/png' }, body: PICTURE });
  assert.equal(sent.status, 202, sent.text);
  const proof = async () => (await call('GET', '/api/auth/proofs', { token: account.token })).json.proof;
  const waiting = async (page) => {
    await page.goto('/moderation/documents');
    return page.locator('.cases > li', { hasText: place.name }).last();
  };
  const approve = async (page) => {
    const item = await waiting(page);
    const path = await item.locator('img').getAttribute('src');
    const file = await page.request.get(path);
    assert.equal(file.headers()['content-type'], 'image/png');
    assert.match(file.headers()['cache-control'], /no-store/);
    assert.deepEqual(await file.body(), PICTURE);
    await item.locator('summary', { hasText: '승인' }).click();
    await follow(page, () => item.locator('details[open] button').click());
    assert.match(await done(page), /승인했어요/);
    return path;
  };
  const [desk, other] = [await signedIn(first), await signedIn(second)];
  await approve(desk);
  const mine = await waiting(desk);
  assert.match(await mine.innerText(), /내가 승인했어요[^]*/);
  assert.equal(await mine.locator('summary', { hasText: '승인' }).count(), 0);
  assert.equal(await proof(), null);
  const path = await approve(other);
  assert.equal((await proof()).hospital_id, place.id);
  assert.equal((await other.request.get(path)).status(), 404, 'a document is gone at its decision');
});

test('a mail domain is approved for a hospital, and taken back', async () => {
  const account = await signUp();
  const domain = `${word().slice(2)}.example`;
  const ask = () => call('POST', '/api/auth/proofs/mail', { token: account.token, json: { hospital_id: place.id, address: `someone@${domain}` } });
  assert.equal((await ask()).status, 409);
  const desk = await signedIn(first);
  await desk.goto('/moderation/mail-domains');
  const row = () => desk.locator('.pairs li', { hasText: domain });
  await follow(desk, () => row().locator('button', { hasText: '승인' }).click());
  assert.match(await done(desk), /승인했어요/);
  assert.equal((await ask()).status, 202);
  // Other suites have had domains approved as well, on as many pages as it takes.
  while (!(await row().count())) await follow(desk, () => desk.locator('a[rel=next]').click());
  await follow(desk, () => row().locator('button', { hasText: '승인 취소' }).click());
  assert.match(await done(desk), /승인을 취소했어요/);
  await desk.fill('#q', place.name);
  await press(desk, '.together button');
  await follow(desk, () => desk.locator('form.inline button').first().click());
  assert.match(await desk.locator('.mistakes').innerText(), /hospital.example/);
});

for (const [width, colorScheme, locale] of [[360, 'light', 'ko'], [1280, 'dark', 'ko'], [360, 'dark', 'en']]) {
  test(`${width} px, ${colorScheme}, ${locale}: every page of it is accessible, wide enough and large enough`, async () => {
    const look = { viewport: { width, height: 800 }, colorScheme, locale };
    const [hidden, reported] = [await newReview(), await newReview()];
    const anyone = await open(look);
    for (const path of [`${hidden.path}/takedown`, `${hidden.path}/reply`]) {
      await anyone.goto(path);
      await inspect(anyone, path);
      await press(anyone, 'main button.primary');
      await inspect(anyone, `${path}, refused`);
    }
    const json = { claimant: '가상의원', contact: '02-000-0000', reason: 'insult', detail: '모욕하는 문장이 두 군데 있습니다.' };
    assert.ok((await call('POST', `/api/review${hidden.path}/takedowns`, { json })).status < 300);
    const { token } = await signUp();
    assert.ok((await call('POST', `/api/review${reported.path}/reports`, { token, json: { reason: 'other', detail: '긴 설명 '.repeat(30).trim() } })).status < 300);
    assert.equal((await call('POST', `/api/auth/proofs/document?hospital_id=${encodeURIComponent(place.id)}`, { token, headers: { 'content-type': 'image/png' }, body: PICTURE })).status, 202);
    const removal = { hospital_id: place.id, review_id: reported.id, reason: 'other', ban_key: false };
    assert.equal((await call('POST', '/api/review/moderation/removals', { token: second.token, json: removal })).status, 201);

    const desk = await signedIn(first, look);
    for (const path of [...QUEUES, `/moderation/reply-tokens?q=${encodeURIComponent(place.name)}`, `/moderation/mail-domains?q=${encodeURIComponent(place.name)}`, `${reported.path}/report`]) {
      await desk.goto(path);
      await inspect(desk, path);
      const folded = await desk.locator('.cases > li').first().locator('summary').all();
      for (const summary of folded) await summary.click();
      if (folded.length > 0) await inspect(desk, `${path}, opened`);
    }
    await desk.goto('/moderation/takedowns');
    await about(desk, hidden).locator('details summary').first().click();
    await follow(desk, () => about(desk, hidden).locator('details[open] button').first().click());
    for (const path of [hospitalPath(place.id), '/moderation/about', '/moderation/log']) {
      await anyone.goto(path);
      await inspect(anyone, path);
      await desk.goto(path);
      await inspect(desk, path);
    }
  });
}

test('a proof of employment is no moderator\'s role', async () => {
  const page = await signedIn(await insider(place.id));
  assert.equal((await page.goto('/moderation')).status(), 403);
});
