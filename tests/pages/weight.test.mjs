// What a reader's browser fetches for a page, by its own network log, with scripts off.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, signUp } from '../site.mjs';
import { hospital, hospitalPath, newPost, open, publicPages, publishedReviews } from './browser.mjs';

// HTML, style sheet, icon and headers, compressed: what fits into the second flight of a new
// connection, whose first one is ten packets (RFC 6928).
const MOST_BYTES = 20 * 1024;

// What one page of a list shows.
const ROWS = 20;

const PARAGRAPH = '야간 근무가 잦은 병동에서 인수인계를 어떻게 하는지 궁금합니다. 저희는 교대 때마다 삼십 분을 더 남아 기록을 맞추는데, '
  + '그 시간은 수당에 들어가지 않습니다. 다른 곳은 전산에 남긴 기록만으로 넘기는지, 말로도 설명하는지 알려 주세요. ';

/** Pages as full as they get in a usual week: lists of twenty, a thread of twenty answers, twenty reviews. */
async function fullPages() {
  for (let number = 1; number < ROWS; number++) await newPost({ title: `${number}번째 질문: 인수인계와 교대 시간은 어떻게 하나요` });
  const thread = await newPost({ body: PARAGRAPH.repeat(4) });
  const { token } = await signUp();
  for (let number = 1; number <= ROWS; number++) {
    // Texts that differ, as people's do: what repeats would compress to nothing.
    const words = PARAGRAPH.split(' ');
    const body = words.map((_, index) => words[(index * (number + 1)) % words.length]).join(' ');
    const answer = await call('POST', `/api/board/posts/${thread.id}/comments`, { token, json: { body: `${number}. ${body}` } });
    assert.equal(answer.status, 201, answer.text);
  }
  const { id } = await hospital(3);
  await publishedReviews(id, ...Array.from({ length: ROWS }, (_, index) => (index % 5) + 1));
  return [`/board/${thread.id}`, hospitalPath(id), '/moderation/about', '/moderation/log'];
}

/** Loads a page, and gives each request with its bytes over the wire and who asked for it. */
async function load(page, path) {
  const log = await page.context().newCDPSession(page);
  const requests = new Map();
  log.on('Network.requestWillBeSent', ({ requestId, request, initiator }) => requests.set(requestId, { url: request.url, initiator, bytes: 0 }));
  log.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (requests.has(requestId)) requests.get(requestId).bytes = encodedDataLength;
  });
  await log.send('Network.enable');
  await log.send('Network.setCacheDisabled', { cacheDisabled: true });
  await page.goto(path, { waitUntil: 'networkidle' });
  await log.detach();
  return [...requests.values()];
}

/** Not every browser asks for it where nobody sees it. */
async function iconBytes(page) {
  const { href } = await page.locator('link[rel=icon]').evaluate(({ href }) => ({ href }));
  const { headers } = await fetch(href, { headers: { 'accept-encoding': 'br' } });
  return { href, bytes: Number(headers.get('content-length')) };
}

test('a reader\'s page needs no script, 20 KiB and one round trip after the HTML', async (t) => {
  const page = await open({ javaScriptEnabled: false });
  for (const path of [...(await fullPages()), ...(await publicPages())]) {
    const [document, ...others] = await load(page, path);
    assert.equal(new URL(document.url).pathname + new URL(document.url).search, path);
    const icon = await iconBytes(page);
    // The HTML itself names all that there is: nothing of it leads to more.
    for (const { url, initiator } of others) assert.ok(url === icon.href && [undefined, document.url].includes(initiator.url), `${path}: ${url}`);
    const bytes = document.bytes + icon.bytes;
    assert.ok(document.bytes > 1_000, `${path}: the log knows the size`);
    assert.ok(bytes <= MOST_BYTES, `${path}: ${bytes} bytes`);
    t.diagnostic(`${bytes} bytes: ${path}`);
    assert.ok((await page.locator('main').innerText()).length > 20, `${path} can be read`);
    assert.deepEqual(page.complaints, [], path);
  }
});
