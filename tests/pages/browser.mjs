// Chromium, as every test of the pages uses it.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after } from 'node:test';
import { chromium } from 'playwright-core';
import { publish, runBatch } from '../insiders.mjs';
import { CROWD, passes, stars as starsOf } from '../reviews.mjs';
import { call, signUp, site } from '../site.mjs';

const CHROMIUM = process.env.CHROME_PATH ?? ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));

// A page of ours is there within a second; a busy machine may need several.
const PAGE_LIMIT_MS = 15_000;

const { base } = await site();
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
});
after(() => browser.close());

/**
 * A page in a browser of its own, Korean unless `options` (Playwright's) say otherwise. It fails
 * the test that reads `page.complaints` if the console showed anything but the status of a page
 * that was asked for.
 */
export async function open(options = {}) {
  const context = await browser.newContext({ baseURL: base, locale: 'ko-KR', ...options });
  context.setDefaultTimeout(PAGE_LIMIT_MS);
  const page = await context.newPage();
  page.complaints = [];
  page.on('console', (message) => {
    const expected = /the server responded with a status of 4\d\d/.test(message.text());
    if (['error', 'warning'].includes(message.type()) && !expected) page.complaints.push(message.text());
  });
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  return page;
}

/** Follows a press or a click to the page it leads to. */
export async function follow(page, action) {
  const arrived = page.waitForEvent('load');
  await action();
  await arrived;
}

/** Signs a new account in through the form. Answers `{ login, password, token }` of it. */
export async function signIn(page, account) {
  account ??= await signUp();
  await page.goto('/signin');
  await page.fill('#login', account.login);
  await page.fill('#password', account.password);
  await follow(page, () => page.click('main button.primary'));
  await page.locator('nav.account form').waitFor();
  return account;
}

/** An open hospital of the sample, `{ id, name }`, another one for each `index`. */
export async function hospital(index) {
  const { json } = await call('GET', '/api/review/hospitals?limit=100');
  const open = json.items.filter((item) => item.open);
  return open.at(index);
}

export const hospitalPath = (id) => `/hospitals/${encodeURIComponent(id)}`;

/** Makes a post through the API, by a new account. */
export async function newPost(post = {}) {
  const author = await signUp();
  const json = { category: 'question', title: '야간 근무 질문', body: '본문입니다.', ...post };
  const created = await call('POST', '/api/board/posts', { token: author.token, json });
  assert.equal(created.status, 201, created.text);
  return { ...created.json, author };
}

export async function newComment(post, body = '댓글입니다.', json = {}) {
  const author = await signUp();
  const created = await call('POST', `/api/board/posts/${post}/comments`, { token: author.token, json: { body, ...json } });
  assert.equal(created.status, 201, created.text);
  return { ...created.json, author };
}

/** Every page that the public reads, with something on it. */
export async function publicPages() {
  const post = await newPost();
  const comment = await newComment(post.id, '**굵은** 답변');
  const json = { comment_id: comment.id };
  await call('PUT', `/api/board/posts/${post.id}/accepted-answer`, { token: post.author.token, json });
  const { id } = await hospital(0);
  return [
    '/',
    '/board',
    '/board?category=question&sort=votes',
    '/board?q=zzzzzzzz',
    '/board?q=a',
    `/board/${post.id}`,
    '/hospitals',
    '/hospitals?q=zzzzzzzz',
    hospitalPath(id),
    '/knowledge',
    '/signup',
    '/signin',
    '/nothing-here',
  ];
}

/**
 * Published reviews by fresh insiders of a hospital, one for each number of stars; together with
 * further insiders, who write nothing, they are enough to be published.
 */
export async function publishedReviews(hospitalId, ...stars) {
  const authors = await passes(hospitalId, Math.max(stars.length, CROWD));
  for (const [index, number] of stars.entries()) {
    const created = await publish(authors[index], { stars: starsOf(number), title: `별점 ${number}점` });
    assert.equal(created.status, 201, created.text);
  }
  await runBatch();
}
