// Every page, narrow and wide, light and dark, for the public and for insiders.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prove } from '../insiders.mjs';
import { call } from '../site.mjs';
import { inspect } from './accessibility.mjs';
import { follow, hospital, hospitalPath, newComment, newPost, open, publicPages, publishedReviews, signIn } from './browser.mjs';

async function insidersPages(page) {
  const account = await signIn(page);
  const { token } = account;
  const { id } = await hospital(8);
  await publishedReviews(id, 4);
  await prove(account, id);
  await page.goto('/account/proofs');
  await page.locator('[data-state=ready]').waitFor();
  const { json: post } = await call('POST', '/api/board/posts', { token, json: { category: 'question', title: '내 질문', body: '본문' } });
  const comment = await newComment(post.id);
  const { json: own } = await call('POST', `/api/board/posts/${post.id}/comments`, { token, json: { body: '내 답글', parent_id: comment.id } });
  const others = await newPost();
  return [
    '/board',
    '/board/new',
    `/board/${post.id}`,
    `/board/${post.id}?reply=${comment.id}&done=commented`,
    `/board/${post.id}/edit`,
    `/board/${post.id}/comments/${own.id}/edit`,
    `/board/${others.id}`,
    hospitalPath(id),
    `${hospitalPath(id)}/review`,
    `${hospitalPath((await hospital(0)).id)}/review`,
    '/account',
    '/account/proofs',
    '/account/proofs/hospital',
    `/account/proofs/new?hospital_id=${encodeURIComponent((await hospital(0)).id)}`,
    '/account/vouch',
    '/account/secret',
    '/reviews/mine',
  ];
}

for (const width of [360, 1280]) {
  for (const colorScheme of ['light', 'dark']) {
    test(`${width} px, ${colorScheme}: accessible, no wider than the screen, large enough to press`, async () => {
      const page = await open({ viewport: { width, height: 800 }, colorScheme });
      for (const path of await publicPages()) {
        await page.goto(path);
        await inspect(page, path);
      }
      for (const path of await insidersPages(page)) {
        await page.goto(path);
        await inspect(page, path);
      }
      await page.goto('/board/new');
      await follow(page, () => page.click('main button.primary'));
      await inspect(page, 'a form that failed');
    });
  }
}

test('English pages are as wide as the screen and accessible too', async () => {
  const page = await open({ viewport: { width: 360, height: 800 }, locale: 'en' });
  for (const path of [...(await publicPages()), ...(await insidersPages(page))]) {
    await page.goto(path);
    await inspect(page, path);
  }
});

test('nothing moves', async () => {
  const page = await open();
  await page.goto('/');
  const moving = await page.evaluate(() => document.getAnimations().length);
  assert.equal(moving, 0);
});
