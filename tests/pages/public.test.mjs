// The public reads everything and can write nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hospital, hospitalPath, follow, newComment, newPost, open, publicPages, publishedReviews } from './browser.mjs';

test('no page of the public has a way to write', async () => {
  const page = await open();
  for (const path of await publicPages()) {
    await page.goto(path);
    const writing = page.locator('form[method=post], textarea, [href="/board/new"], [href$="/edit"], [href$="/review"]');
    const expected = ['/signup', '/signin'].includes(path) ? 1 : 0;
    assert.equal(await writing.count(), expected, path);
    assert.equal(await page.locator('script').count(), 0, `${path} needs no script`);
    assert.deepEqual(page.complaints, [], path);
  }
});

test('a page has one heading, its landmarks, a title and a description', async () => {
  const page = await open();
  for (const path of await publicPages()) {
    await page.goto(path);
    assert.equal(await page.locator('h1').count(), 1, path);
    for (const landmark of ['main', 'header.site', 'footer.site']) assert.equal(await page.locator(landmark).count(), 1, path);
    assert.match(await page.title(), /진맥/, path);
    assert.ok((await page.locator('meta[name=description]').getAttribute('content')).length > 5, path);
    assert.equal(await page.locator('html').getAttribute('lang'), 'ko', path);
  }
});

test('the keyboard skips to the content, and finds a hospital', async () => {
  const page = await open();
  const { name, id } = await hospital(2);
  await page.goto('/');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'content');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'q');
  await page.keyboard.type(name);
  await follow(page, () => page.keyboard.press('Enter'));
  assert.equal(new URL(page.url()).pathname, '/hospitals');
  await follow(page, () => page.locator('.rows .title').first().press('Enter'));
  assert.equal(new URL(page.url()).pathname, hospitalPath(id));
  assert.equal(await page.locator('h1').innerText(), name);
});

test('what has the focus can be seen, and the order is the order of the page', async () => {
  const page = await open();
  await page.goto('/board');
  const seen = [];
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      const box = document.activeElement.getBoundingClientRect();
      return { outline: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2, top: box.top + scrollY };
    });
    assert.ok(focused.outline, `the focus shows at stop ${i}`);
    seen.push(focused.top);
  }
  const rows = seen.slice(7);
  assert.deepEqual(rows, [...rows].sort((a, b) => a - b));
});

test('the board is narrowed, ordered, searched and turned over', async () => {
  const word = `검색어${Date.now().toString(36)}`;
  for (let n = 0; n < 21; n++) await newPost({ title: `${word} ${n}`, category: n % 2 ? 'work' : 'free' });
  const page = await open();
  await page.goto('/board');
  await page.fill('#q', word);
  await follow(page, () => page.locator('#q').press('Enter'));
  assert.equal(await page.locator('.rows li').count(), 20);
  await follow(page, () => page.click('a[rel=next]'));
  assert.deepEqual(await page.locator('.rows .title').allInnerTexts(), [`${word} 0`]);
  await follow(page, () => page.click('nav.pages a >> nth=0'));
  assert.equal(await page.locator('.rows li').count(), 20);
  await follow(page, () => page.click('nav.tabs a[href*=work]'));
  assert.equal(await page.locator('nav.tabs [aria-current=page]').innerText(), '일터');
  await follow(page, () => page.click('nav.sort a >> nth=1'));
  assert.equal(await page.locator('nav.sort [aria-current]').innerText(), '추천순');
  assert.equal(await page.locator('nav.tabs [aria-current=page]').innerText(), '일터');
});

test('a thread shows labels, levels, the accepted answer and nothing that was not written as text', async () => {
  const post = await newPost({ title: '<b>제목</b>', body: '<script>alert(1)</script>\n\n**굵게** [링크](javascript:alert(1))' });
  const first = await newComment(post.id, '첫 댓글');
  await newComment(post.id, '답글', { parent_id: first.id });
  const page = await open();
  await page.goto(`/board/${post.id}`);
  assert.equal(await page.locator('h1').innerText(), '<b>제목</b>');
  assert.equal(await page.locator('.post .prose strong').innerText(), '굵게');
  assert.equal(await page.locator('.prose script, .prose [href^=javascript]').count(), 0);
  assert.deepEqual(await page.locator('.comment .label').allInnerTexts(), ['익명 1', '익명 2']);
  assert.equal(await page.locator('.comment.reply').innerText().then((text) => text.includes('답글')), true);
  assert.equal(await page.locator('.accepted').count(), 0);
  assert.deepEqual(page.complaints, []);
});

test('a hospital has no average below five reviews, says why, and has one from five on', async () => {
  const { id } = await hospital(-1);
  const page = await open();
  const count = async () => Number((await page.locator('#reviews-title').innerText()).replace(/\D/g, ''));
  await page.goto(hospitalPath(id));
  if ((await count()) < 4) {
    await publishedReviews(id, 4, 4, 4, 4);
    await page.goto(hospitalPath(id));
  }
  if ((await count()) < 5) {
    assert.equal(await page.locator('.average').count(), 0);
    assert.match(await page.locator('.rating-summary').innerText(), /다섯 개부터/);
    await publishedReviews(id, 2);
    await page.goto(hospitalPath(id));
  }
  assert.match(await page.locator('.average').innerText(), /^\d\.\d/);
  assert.equal(await page.locator('.bars').first().locator('dt').count(), 6);
  assert.match(await page.locator('.bars dd .unseen').first().innerText(), /5점 만점에 \d\.\d점/);
  assert.match(await page.locator('main').innerText(), /출처: .+ 기준/);
  await follow(page, () => page.click('nav.sort a >> nth=1'));
  assert.equal(await page.locator('nav.sort [aria-current]').innerText(), '별점 높은순');
});

test('English by the browser, by a link, and back', async () => {
  const page = await open({ locale: 'en-GB' });
  await page.goto('/board');
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  assert.equal(await page.locator('h1').innerText(), 'Board');
  await follow(page, () => page.click('footer [lang=ko]'));
  assert.equal(new URL(page.url()).pathname, '/board');
  assert.equal(await page.locator('h1').innerText(), '게시판');
  await follow(page, () => page.click('footer [lang=en]'));
  assert.equal(await page.locator('h1').innerText(), 'Board');
});
