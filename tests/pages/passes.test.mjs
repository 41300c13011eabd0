// From a proof of employment to a published review, and back by the recovery key alone.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { approveDomain, freshPass, insider, moderator, newAddress, prove, receivedCode, runBatch } from '../insiders.mjs';
import { PICTURE, withPlace } from '../pictures.mjs';
import { MODERATION, everyItem, expect } from '../reviews.mjs';
import { call, signUp } from '../site.mjs';
import { inspect } from './accessibility.mjs';
import { follow, hospital, hospitalPath, open, signIn } from './browser.mjs';

const press = (page, selector) => follow(page, () => page.click(selector));
const done = (page) => page.locator('.done[role=status]').innerText();
const state = (page, name) => page.locator(`[data-state="${name}"]:visible`).first();
const reviewPath = (id) => `${hospitalPath(id)}/review`;

/** A browser of a fresh insider, whose pass it has made: `{ page, account }`. */
async function withPass(hospitalId, options) {
  const page = await open(options);
  const account = await signIn(page);
  await prove(account, hospitalId);
  await page.goto('/account/proofs');
  await state(page, 'ready').waitFor();
  return { page, account };
}

async function rate(page, stars = 4) {
  for (const aspect of ['treatment', 'explanation', 'kindness', 'facilities', 'cost', 'honesty']) {
    await page.check(`[name="stars.${aspect}"][value="${stars}"]`, { force: true });
  }
}

/** Writes a review in the browser, which says what comes next. */
async function write(page, hospitalId, title, body = '바쁘지만 서로 돕는 곳이에요. 설명이 자세해요.') {
  await page.goto(reviewPath(hospitalId));
  await page.locator('[data-write]').waitFor();
  await rate(page);
  await page.fill('#title', title);
  await page.fill('#body', body);
  await page.click('[data-submit] button');
  await state(page, 'sent').waitFor();
}

const wordsOf = async (page) => {
  await page.goto('/account/secret');
  await page.click('[data-show-words]');
  return page.locator('[data-words] li').allInnerTexts();
};

const restored = async (words, options) => {
  const page = await open(options);
  await page.goto('/account/secret');
  await page.fill('#recovery-words', words.join(' '));
  await page.click('[data-restore-words] button');
  await page.locator('[data-said=restored]').waitFor();
  return page;
};

async function reviewsOf(hospitalId) {
  const { json } = await call('GET', `/api/review${hospitalPath(hospitalId)}/reviews?limit=100`);
  return json.items;
}

const crowd = (hospitalId, size) => Promise.all(Array.from({ length: size }, () => freshPass(hospitalId)));

test('prove by work mail, get a pass, write by keyboard, wait, be read by everyone', async () => {
  const { id, name } = await hospital(20);
  await approveDomain(id);
  const address = newAddress();
  const page = await open();
  await signIn(page);
  await page.goto('/account');
  await press(page, 'main [href="/account/proofs"]');
  await press(page, 'main [href="/account/proofs/hospital"]');
  await page.fill('#q', name);
  await press(page, '.together button');
  await press(page, '.rows .button');
  assert.match(await page.locator('h1').innerText(), new RegExp(name.replace(/[()]/g, '\\$&')));
  await page.fill('#address', 'nonsense');
  await press(page, '[action="/account/proofs/mail"] button');
  assert.equal(await page.inputValue('#address'), 'nonsense');
  assert.ok(await page.locator('#address-mistake').isVisible());
  await page.fill('#address', address);
  await press(page, '[action="/account/proofs/mail"] button');
  assert.match(await done(page), /메일로 보냈어요/);
  const code = await receivedCode(address);
  await page.fill('#code', code === '000000' ? '000001' : '000000');
  await press(page, '[action$="/confirmation"] button');
  assert.match(await page.locator('#code-mistake').innerText(), /맞지 않아요/);
  await page.fill('#code', code);
  await press(page, '[action$="/confirmation"] button');
  assert.match(await done(page), /재직을 확인했어요/);
  await state(page, 'ready').waitFor();
  await inspect(page, 'a proof with its pass');

  await press(page, '[data-state=ready] .primary');
  const sent = [];
  page.on('request', (request) => sent.push(request));
  await page.locator('[data-write]').waitFor();
  assert.match(await page.locator('.lead').innerText(), /통행증을 받은 사람은 1명/);
  await inspect(page, 'the form');
  await page.locator('[name="stars.treatment"]').first().focus();
  for (const stars of [5, 4, 3, 2, 1, 3]) {
    await page.keyboard.press('Space');
    for (let n = 1; n < stars; n++) await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Tab');
  }
  assert.equal(await page.evaluate(() => document.activeElement.id), 'title');
  await page.keyboard.type('솔직한 한 줄');
  await page.keyboard.press('Tab');
  await page.keyboard.type('좋았던 점과 아쉬운 점을 적습니다.');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await state(page, 'sent').waitFor();
  assert.match(await page.evaluate(() => document.activeElement.textContent), /리뷰를 보냈어요/);
  assert.match(await state(page, 'sent').innerText(), /5명이 되면 공개해요/);
  await inspect(page, 'after sending');

  const [statement] = sent.filter((request) => request.method() === 'POST');
  const headers = await statement.allHeaders();
  assert.ok((await page.context().cookies()).length >= 2, 'there are cookies that could have been sent');
  for (const header of ['cookie', 'authorization', 'referer']) assert.equal(headers[header], undefined, header);
  for (const request of sent.filter((request) => request.url().includes('/api/'))) {
    assert.equal((await request.allHeaders()).cookie, undefined, request.url());
  }

  const outsider = await open({ javaScriptEnabled: false });
  await outsider.goto(hospitalPath(id));
  assert.equal(await outsider.locator('.review').count(), 0);
  await page.goto('/reviews/mine');
  await page.locator('[data-status]', { hasText: '공개를 기다리는 중' }).waitFor();
  await inspect(page, 'the reviews of this device');
  await crowd(id, 4);
  await runBatch();
  await outsider.goto(hospitalPath(id));
  assert.deepEqual(await outsider.locator('.review .scores dd [aria-hidden]').allInnerTexts(), ['5', '4', '3', '2', '1', '3']);
  assert.match(await outsider.locator('.review').innerText(), /솔직한 한 줄/);
  await page.goto('/reviews/mine');
  await page.locator('[data-status]', { hasText: '공개됨' }).waitFor();
  assert.deepEqual(page.complaints, []);
});

test('another device has the words: it edits without an account, and a third one with the file withdraws', async () => {
  const { id, name } = await hospital(21);
  await crowd(id, 4);
  const { page } = await withPass(id);
  await write(page, id, '다른 기기에서 고칠 리뷰');
  await runBatch();
  const words = await wordsOf(page);
  assert.equal(words.length, 24);
  await inspect(page, 'the recovery key');
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('[data-save-file]')]);
  const saved = await file.path();
  assert.match(file.suggestedFilename(), /\.txt$/);
  assert.ok(readFileSync(saved, 'utf8').includes(words.join(' ')));

  const second = await restored(words);
  assert.equal((await second.context().cookies()).filter(({ name }) => name === 'session').length, 0);
  await second.goto('/reviews/mine');
  await second.fill('#q', name);
  await press(second, '.together button');
  await press(second, '.rows .title');
  await second.locator('[data-write]').waitFor();
  assert.equal(await second.inputValue('#title'), '다른 기기에서 고칠 리뷰');
  assert.match(await second.locator('h1').innerText(), /리뷰 고치기/);
  assert.match(await second.locator('[data-state=form] > [data-status]').innerText(), /공개됨/);
  await second.fill('#title', '다른 기기에서 고친 리뷰');
  await second.click('[data-submit] button');
  await state(second, 'saved').waitFor();
  await second.goto('/reviews/mine');
  await second.locator('[data-status]', { hasText: '공개됨' }).waitFor();
  await runBatch();
  // Other suites may have written of this hospital as well.
  const own = async () => (await reviewsOf(id)).map(({ title }) => title).filter((title) => title.startsWith('다른 기기'));
  assert.deepEqual(await own(), ['다른 기기에서 고친 리뷰']);
  assert.deepEqual(second.complaints, []);

  const third = await open();
  await third.goto('/account/secret');
  await third.setInputFiles('#recovery-file', saved);
  await third.locator('[data-said=restored]').waitFor();
  await third.goto(reviewPath(id));
  await third.locator('[data-write]').waitFor();
  await third.click('[data-withdraw] summary');
  await inspect(third, 'a review of one\'s own');
  await third.click('[data-withdraw] button');
  await third.locator('[data-over=withdrawn]').waitFor();
  assert.deepEqual(await own(), []);
  await third.reload();
  await third.locator('[data-over=withdrawn]').waitFor();
  assert.equal(await third.locator('textarea').count(), 0);
  assert.deepEqual(third.complaints, []);
});

const LOOKS = [[360, 'light'], [360, 'dark'], [1280, 'light'], [1280, 'dark']];

/** The page narrow and wide, light and dark. */
async function inspectLooks(page, what) {
  for (const [width, colorScheme] of LOOKS) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    await inspect(page, `${what}, ${width} px, ${colorScheme}`);
  }
}

test('a hidden review: its author objects, and again from a device that has only the words', async () => {
  const { id, name } = await hospital(11);
  await crowd(id, 4);
  const { page } = await withPass(id);
  await write(page, id, '누군가 지우려는 리뷰');
  await runBatch();
  const review = (await reviewsOf(id)).find(({ title }) => title === '누군가 지우려는 리뷰');
  const claim = { claimant: '가상의원', contact: '02-000-0000', reason: 'false_fact', detail: '사실과 다른 내용입니다.' };
  const takedown = (await expect(201, 'POST', `/api/review${hospitalPath(id)}/reviews/${review.id}/takedowns`, { json: claim })).json.id;
  const { token } = await moderator();
  const decide = (decision) => expect(204, 'POST', `${MODERATION}/takedowns/${takedown}/decisions`, { token, json: { decision } });
  const objection = async () => (await everyItem(`${MODERATION}/takedowns`, 100, token)).find((item) => item.id === takedown).appeal;

  await page.goto(reviewPath(id));
  await page.locator('[data-write]').waitFor();
  assert.equal(await page.locator('[data-appeal]:visible').count(), 0, 'what is shown needs no objection');
  await decide('hide');
  await page.reload();
  await page.locator('[data-appeal]').waitFor();
  assert.match(await page.locator('[data-state=form] > [data-status]').innerText(), /\d{4}\. \d+\. \d+\.까지 가려짐/);
  await inspectLooks(page, 'a review that is hidden');
  await page.fill('#statement', '짧아요');
  await page.click('[data-appeal] button');
  assert.match(await page.locator('#statement-mistake').innerText(), /10자 이상/);
  assert.equal(await page.inputValue('#statement'), '짧아요');
  assert.match(await page.evaluate(() => document.activeElement.textContent), /1곳을 고쳐/);
  await inspectLooks(page, 'an objection that is too short');

  const [first, second] = ['직접 겪은 사실만 적었습니다.\n두 번째 줄도 있습니다.', '다른 기기에서 다시 적는 이의입니다.'];
  await page.fill('#statement', first);
  await page.keyboard.press('Tab');
  const sending = page.waitForRequest((request) => request.url().endsWith('/appeal'));
  await page.keyboard.press('Enter');
  const headers = await (await sending).allHeaders();
  for (const header of ['cookie', 'authorization', 'referer']) assert.equal(headers[header], undefined, header);
  await state(page, 'appealed').waitFor();
  assert.ok(await page.evaluate(() => document.activeElement.matches('[data-state=appealed] h2')));
  await inspectLooks(page, 'an objection that was sent');
  assert.equal(await objection(), first);

  const other = await restored(await wordsOf(page));
  await other.goto('/reviews/mine');
  await other.fill('#q', name);
  await press(other, '.together button');
  await press(other, '.rows .title');
  await other.locator('[data-appeal]').waitFor();
  await inspectLooks(other, 'a review that is hidden, on another device');
  await other.fill('#statement', second);
  await other.click('[data-appeal] button');
  await state(other, 'appealed').waitFor();
  assert.equal(await objection(), second, 'the later one stands');
  assert.equal((await other.context().cookies()).filter(({ name }) => name === 'session').length, 0);

  await page.goto(reviewPath(id));
  await page.locator('[data-appeal]').waitFor();
  await decide('restore');
  await page.fill('#statement', '이미 다시 공개된 줄 모르고 적은 이의입니다.');
  await page.click('[data-appeal] button');
  assert.match(await page.locator('[data-mistakes]').innerText(), /가려진 리뷰에만/);
  await page.reload();
  await page.locator('[data-write]').waitFor();
  assert.equal(await page.locator('[data-appeal]:visible').count(), 0);
  assert.deepEqual([...page.complaints, ...other.complaints], []);
});

test('of several reviews of a device none is asked for until it is opened', async () => {
  const { id } = await hospital(12);
  const { page } = await withPass(id);
  await page.evaluate((other) => {
    const passes = JSON.parse(localStorage.getItem('jinmaek-passes'));
    localStorage.setItem('jinmaek-passes', JSON.stringify([...passes, other]));
  }, { hospitalId: id, hospitalName: '지난해의 병원', year: 2025 });
  const asked = [];
  page.on('request', (request) => request.url().includes('/api/review/keys/') && asked.push(request.url()));
  await page.goto('/reviews/mine');
  await state(page, 'several').waitFor();
  assert.deepEqual(await page.locator('[data-status]').allInnerTexts(), ['열어서 확인', '열어서 확인']);
  await inspectLooks(page, 'several reviews');
  assert.deepEqual(asked, []);
  await press(page, '[data-state=list] .title >> nth=0');
  await page.locator('[data-write]').waitFor();
  assert.equal(asked.length, 1);
});

test('who is proven by others gets the pass on the next page of the account', async () => {
  const { id } = await hospital(13);
  const account = await signUp();
  const path = `/api/auth/proofs/document?hospital_id=${encodeURIComponent(id)}`;
  await expect(202, 'POST', path, { token: account.token, headers: { 'content-type': 'image/png' }, body: PICTURE });
  for (const { token } of [await moderator(), await moderator()]) {
    const waiting = await everyItem('/api/auth/moderation/documents', 100, token);
    const { id: document } = waiting.find(({ hospital_id }) => hospital_id === id);
    await expect(200, 'POST', `/api/auth/moderation/documents/${document}/decisions`, { token, json: { approve: true } });
  }
  const page = await open();
  await signIn(page, account);
  await page.goto('/account');
  await state(page, 'ready').waitFor();
  const passes = JSON.parse(await page.evaluate(() => localStorage.getItem('jinmaek-passes')));
  assert.deepEqual(passes.map(({ hospitalId }) => hospitalId), [id]);
  await inspectLooks(page, 'the account');
  await page.goto(`/account/proofs/new?hospital_id=${encodeURIComponent(id)}`);
  assert.equal(new URL(page.url()).pathname, '/account/proofs', 'nothing is asked that is proven');
});

/** A photo as telephones take them: larger than what may be sent. */
async function photo(page) {
  const base64 = await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 3000, height: 2000 });
    const context = canvas.getContext('2d');
    for (let y = 0; y < 2000; y += 9) {
      for (let x = 0; x < 3000; x += 9) {
        context.fillStyle = `hsl(${Math.floor(Math.random() * 360)} 60% ${20 + Math.floor(Math.random() * 60)}%)`;
        context.fillRect(x, y, 9, 9);
      }
    }
    return canvas.toDataURL('image/jpeg', 1).split(',')[1];
  });
  return withPlace(Buffer.from(base64, 'base64'), 'GPSLatitude 37.5665');
}

test('a photo is made smaller and loses its place before it is sent', async () => {
  const { id } = await hospital(14);
  const page = await open();
  await signIn(page);
  await page.goto(`/account/proofs/new?hospital_id=${encodeURIComponent(id)}`);
  const buffer = await photo(page);
  assert.ok(buffer.length > 1 << 20 && buffer.includes('GPSLatitude'));
  const choose = (name, mimeType, buffer) => page.setInputFiles('#document', { name, mimeType, buffer });
  await choose('certificate.pdf', 'application/pdf', Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(1 << 20)]));
  await state(page, 'too-large').waitFor();
  await choose('broken.png', 'image/png', Buffer.from('no picture'));
  await state(page, 'unreadable').waitFor();
  await inspectLooks(page, 'a file that cannot be sent');
  assert.equal(await page.inputValue('#document'), '');
  await choose('IMG_0001.JPG', 'image/jpeg', buffer);
  await state(page, 'shrunk').waitFor();
  assert.equal(await page.locator('[data-photo] .mistake:visible').count(), 0);
  await inspectLooks(page, 'a photo that was made smaller');
  const sent = await page.evaluate(async () => {
    const [file] = document.querySelector('#document').files;
    const { width, height } = await createImageBitmap(file);
    return { name: file.name, type: file.type, size: file.size, width, height };
  });
  assert.deepEqual([sent.name, sent.type, (sent.width / sent.height).toFixed(1)], ['document.jpg', 'image/jpeg', '1.5']);
  assert.ok(sent.size <= 1 << 20 && sent.width >= 1300, JSON.stringify(sent));
  // Sent at once, it waits until the photo is ready.
  await choose('IMG_0002.JPG', 'image/jpeg', buffer);
  await press(page, '[action="/account/proofs/document"] button');
  assert.match(await done(page), /서류를 올렸어요/);

  const { token } = await moderator();
  const [{ id: document }] = (await everyItem('/api/auth/moderation/documents', 100, token)).filter(({ hospital_id }) => hospital_id === id);
  const file = await page.request.get(`/api/auth/moderation/documents/${document}`, { headers: { authorization: `Bearer ${token}` } });
  const seen = await file.body();
  assert.deepEqual([file.headers()['content-type'], seen.readUInt16BE(0)], ['image/jpeg', 0xffd8]);
  for (const word of ['Exif', 'GPSLatitude']) assert.ok(!seen.includes(word), word);
  assert.ok(seen.length > 10_000 && seen.length <= 1 << 20);
  assert.deepEqual(page.complaints, []);
});

test('the same secret makes the same pass on another device of the account', async () => {
  const { id } = await hospital(22);
  const { page, account } = await withPass(id);
  const passes = (page) => page.evaluate(() => localStorage.getItem('jinmaek-passes'));
  const words = await wordsOf(page);
  const second = await open();
  await signIn(second, account);
  await second.goto('/account/proofs');
  await state(second, 'elsewhere').waitFor();
  assert.deepEqual(await second.evaluate(() => Object.keys(localStorage)), [], 'a secret that is good for nothing is not kept');
  await inspect(second, 'a pass made elsewhere');
  await press(second, '[data-state=elsewhere] .primary');
  await second.fill('#recovery-words', words.join('\n'));
  await second.click('[data-restore-words] button');
  await state(second, 'ready').waitFor();
  assert.equal(await passes(second), await passes(page));
  await second.click('[data-state=present] summary');
  await second.click('[data-forget]');
  await second.locator('[data-said=forgotten]').waitFor();
  assert.equal(await passes(second), null);
});

test('words and files that hold no secret say why', async () => {
  const page = await open();
  await page.goto('/account/secret');
  await state(page, 'none').waitFor();
  const refused = async (text) => {
    await page.fill('#recovery-words', text);
    await page.click('[data-restore-words] button');
    return page.locator('#recovery-words-mistake').innerText();
  };
  assert.match(await refused(''), /24개여야 해요. 지금은 0개/);
  assert.match(await refused('가격 진맥'), /‘진맥’/);
  assert.match(await refused(Array(24).fill('가격').join(' ')), /차례/);
  assert.match(await page.evaluate(() => document.activeElement.textContent), /1곳을 고쳐/);
  await inspect(page, 'words that are wrong');
  await page.setInputFiles('#recovery-file', { name: 'x.txt', mimeType: 'text/plain', buffer: Buffer.from('다른 파일') });
  assert.match(await page.locator('#recovery-file-mistake').innerText(), /복구 열쇠가 없어요/);
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), []);
});

test('what identifies is asked about before anything is sent', async () => {
  const { id } = await hospital(23);
  const { page } = await withPass(id);
  const sent = [];
  page.on('request', (request) => request.method() === 'POST' && sent.push(request.url()));
  await page.goto(reviewPath(id));
  await page.locator('[data-write]').waitFor();
  await rate(page);
  await page.fill('#title', '김철수 원장님이 좋아요');
  await page.fill('#body', '3월 5일에 수간호사가 010-1234-5678로 연락했어요.');
  await page.click('[data-submit] button');
  await page.locator('[data-found]').waitFor();
  assert.deepEqual(await page.locator('[data-found] li').allInnerTexts(), ['김철수 원장님 (이름)', '3월 5일 (날짜)', '수간호사 (한두 명뿐인 직책)', '010-1234-5678 (전화번호)']);
  assert.ok(await page.evaluate(() => document.activeElement.matches('[data-found]')));
  await inspect(page, 'a warning');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const selected = await page.evaluate(() => document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd));
  assert.equal(selected, '김철수 원장님');
  await page.fill('#title', '원장님이 좋아요');
  await page.fill('#body', '3월 5일에 연락을 받았어요. 정말이에요.');
  await page.click('[data-submit] button');
  assert.deepEqual(await page.locator('[data-found] li').allInnerTexts(), ['3월 5일 (날짜)']);
  assert.deepEqual(sent, []);
  await page.click('[data-send-anyway]');
  await state(page, 'sent').waitFor();
  assert.equal(sent.length, 1);
});

test('mistakes are shown at their fields with the text kept, and a draft stays on the device', async () => {
  const { id } = await hospital(24);
  const { page } = await withPass(id);
  await page.goto(reviewPath(id));
  await page.locator('[data-write]').waitFor();
  await page.fill('#title', '가');
  await page.fill('#body', '짧다');
  await page.click('[data-submit] button');
  await page.locator('[data-mistakes]').waitFor();
  assert.match(await page.locator('#title-mistake').innerText(), /2자 이상/);
  assert.equal(await page.getAttribute('#title', 'aria-invalid'), 'true');
  assert.match(await page.locator('#body-mistake').innerText(), /짧아요/);
  assert.equal(await page.locator('.stars-given .mistake').count(), 6);
  assert.match(await page.locator('[data-mistakes] a').last().innerText(), /짧아요/, 'in the order of the fields');
  assert.equal(await page.inputValue('#title'), '가');
  await inspect(page, 'a form that failed');
  await page.locator('[data-mistakes] a').last().click();
  await page.goto('/hospitals');
  await page.goto(reviewPath(id));
  await page.click('[data-draft-restore]');
  assert.equal(await page.inputValue('#body'), '짧다');
  await rate(page, 2);
  await page.fill('#title', '이제 두 글자');
  await page.fill('#body', '열 글자가 넘는 내용이에요.');
  await page.context().setOffline(true);
  await page.click('[data-submit] button');
  assert.match(await page.locator('[data-mistakes]').innerText(), /지금은 보낼 수 없어요/);
  assert.equal(await page.inputValue('#title'), '이제 두 글자');
  await page.context().setOffline(false);
  await page.click('[data-submit] button');
  await state(page, 'sent').waitFor();
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('draft'))), []);
});

test('a key that the log does not have, a log that changed, a proof that does not hold: no pass', async () => {
  const { id } = await hospital(25);
  await freshPass(id);
  const attempt = async (tamper) => {
    const page = await open();
    await prove(await signIn(page), id);
    await tamper(page);
    await page.goto('/account/proofs');
    await state(page, 'key-log').waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem('jinmaek-passes')), null);
    return page;
  };
  const rewrite = (page, pattern, change) =>
    page.route(pattern, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: change(await response.json()) });
    });
  const other = Buffer.alloc(32, 7).toString('base64url');
  const page = await attempt((page) => rewrite(page, '**/api/auth/passes/keys?*', (log) => ({ ...log, items: log.items.map((entry) => ({ ...entry, public_key: other })) })));
  await inspect(page, 'a log that lies');
  await attempt((page) => rewrite(page, '**/api/auth/passes', (answer) => ({ ...answer, proof: Buffer.alloc(64, 1).toString('base64url') })));
  await attempt((page) => rewrite(page, '**/api/auth/passes', (answer) => ({ ...answer, evaluated_element: answer.public_key })));
  await attempt((page) => page.addInitScript(() => localStorage.setItem('jinmaek-key-log', JSON.stringify({ index: 1, hash: '1'.repeat(64) }))));
});

test('who has no pass finds no form, and is told the way to one', async () => {
  const { id } = await hospital(26);
  const outsider = await open();
  await outsider.goto(hospitalPath(id));
  assert.equal(await outsider.locator('[href$="/review"]').count(), 0);
  await outsider.goto(reviewPath(id));
  await state(outsider, 'no-pass').waitFor();
  assert.equal(await outsider.locator('main textarea, main input').count(), 0);
  assert.equal(await outsider.locator('main .primary:visible').getAttribute('href'), `/signin?next=${encodeURIComponent(reviewPath(id))}`);
  await inspect(outsider, 'no pass');
  await outsider.goto('/reviews/mine');
  await state(outsider, 'no-secret').waitFor();
  const page = await open();
  await signIn(page);
  await page.goto(reviewPath(id));
  await state(page, 'no-pass').waitFor();
  assert.equal(await page.locator('main textarea').count(), 0);
  await press(page, 'main .primary:visible');
  assert.ok(page.url().includes('/account/proofs/new?hospital_id='));
});

test('with scripts off the pages say what scripts are for, and proofs work without', async () => {
  const { id } = await hospital(27);
  await approveDomain(id);
  const page = await open({ javaScriptEnabled: false });
  await page.goto(reviewPath(id));
  assert.match(await page.locator('main').innerText(), /스크립트가 꺼져 있어서 지금은 쓸 수 없어요/);
  assert.equal(await page.locator('main textarea').count(), 0);
  for (const path of ['/account/secret', '/reviews/mine']) {
    await page.goto(path);
    assert.match(await page.locator('main').innerText(), /스크립트를 켜고/, path);
    assert.equal(await page.locator('main button:visible, main textarea:visible').count(), 0, path);
  }
  await signIn(page);
  const proofForm = `/account/proofs/new?hospital_id=${encodeURIComponent(id)}`;
  await page.goto(proofForm);
  const address = newAddress();
  await page.fill('#address', address);
  await press(page, '[action="/account/proofs/mail"] button');
  await page.fill('#code', await receivedCode(address));
  await press(page, '[action$="/confirmation"] button');
  assert.match(await page.locator('main').innerText(), /스크립트를 켜고/);
});

test('by document and by colleagues: what is asked for shows, and can be taken back', async () => {
  const { id } = await hospital(28);
  const page = await open({ javaScriptEnabled: false });
  await signIn(page);
  const proofForm = `/account/proofs/new?hospital_id=${encodeURIComponent(id)}`;
  await page.goto(proofForm);
  await press(page, '[action="/account/proofs/document"] button');
  assert.match(await page.locator('.mistakes').innerText(), /파일/);
  await page.setInputFiles('#document', { name: 'a.gif', mimeType: 'image/gif', buffer: Buffer.from('GIF89a') });
  await press(page, '[action="/account/proofs/document"] button');
  assert.match(await page.locator('.mistakes').innerText(), /PDF, JPEG, PNG/);
  await page.setInputFiles('#document', { name: 'a.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n') });
  await press(page, '[action="/account/proofs/document"] button');
  assert.match(await done(page), /서류를 올렸어요/);
  assert.match(await page.locator('#pending-document').innerText(), /지금까지 0명/);
  await page.goto(proofForm);
  await press(page, '[action="/account/proofs/vouching"] button');
  const code = await page.locator('#pending-vouch .code').innerText();
  assert.match(code, /\S{6,}/);
  await press(page, '#pending-document [action$="/take-back"] button');
  assert.match(await done(page), /취소했어요/);
  assert.equal(await page.locator('#pending-document').count(), 0);

  // A colleague whose proof is of today may not vouch yet.
  const colleague = await open({ javaScriptEnabled: false });
  await signIn(colleague, await insider(id));
  await colleague.goto('/account/proofs');
  assert.match(await colleague.locator('main').innerText(), /30일이 지난/);
  await colleague.goto('/account/vouch');
  await colleague.fill('#code', code);
  await press(colleague, 'main button.primary');
  assert.match(await colleague.locator('.mistakes').innerText(), /30일이 지나야/);
});

test('English, narrow and dark: the same pages, no wider than the screen', async () => {
  const { id } = await hospital(29);
  const { page } = await withPass(id, { viewport: { width: 360, height: 800 }, locale: 'en', colorScheme: 'dark' });
  await inspect(page, 'proofs');
  await page.goto(reviewPath(id));
  await page.locator('[data-write]').waitFor();
  await inspect(page, 'the form');
  await wordsOf(page);
  await inspect(page, 'words');
  for (const path of ['/reviews/mine', '/account/proofs/hospital', `/account/proofs/new?hospital_id=${encodeURIComponent((await hospital(28)).id)}`, '/account/vouch', '/account']) {
    await page.goto(path);
    await inspect(page, path);
  }
});
