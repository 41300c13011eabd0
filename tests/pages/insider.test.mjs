// An insider's way through the site, with scripts and without.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { call, signUp } from '../site.mjs';
import { follow, newComment, newPost, open, signIn } from './browser.mjs';

const done = (page) => page.locator('[role=status]').innerText();
const press = (page, selector) => follow(page, () => page.click(selector));

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with scripts' : 'without scripts';

  test(`sign up, sign in, write, comment, vote, accept, edit, delete, ${how}`, async () => {
    const page = await open({ javaScriptEnabled });
    const login = `p${randomBytes(6).toString('hex')}`;
    await page.goto('/signup');
    await page.fill('#login', login);
    await page.fill('#password', 'jinmaek-pages-1');
    await press(page, 'main button.primary');
    assert.match(await done(page), /가입했어요/);
    await page.fill('#login', login);
    await page.fill('#password', 'jinmaek-pages-1');
    await press(page, 'main button.primary');
    assert.equal(await page.locator('nav.account').innerText().then((text) => text.includes('로그아웃')), true);

    await page.goto('/board');
    await press(page, '[href="/board/new"]');
    await page.check('[name=category][value=question]');
    await page.fill('#title', '질문 있어요');
    await page.fill('#body', '**본문**');
    await press(page, 'main button.primary');
    assert.match(await done(page), /글을 올렸어요/);
    const thread = new URL(page.url()).pathname;
    const id = thread.split('/').pop();

    await page.fill('#body', '제 댓글');
    await press(page, '#write button.primary');
    assert.match(await page.locator('.comment .label.author').innerText(), /글쓴이/);
    const answer = await newComment(id, '답변입니다');
    await page.goto(thread);
    await press(page, `#c-${answer.id} [action$="/vote"] button`);
    assert.match(await page.locator(`#c-${answer.id} [action$="/vote"] button`).innerText(), /추천 취소\s1/);
    await press(page, `#c-${answer.id} [action$="/accept"] button`);
    assert.match(await page.locator('.accepted').innerText(), /답변입니다/);
    await press(page, `#c-${answer.id} [action$="/accept"] button`);
    assert.equal(await page.locator('.accepted').count(), 0);

    await press(page, `#c-${answer.id} [href*="reply="]`);
    assert.match(await page.locator('#write-title').innerText(), /익명 1에게 답글/);
    await page.fill('#body', '고마워요');
    await press(page, '#write button.primary');
    assert.equal(await page.locator('.comment.reply').count(), 1);

    await press(page, '.comment.reply [href$="/edit"]');
    await page.fill('#body', '정말 고마워요');
    await press(page, 'main button.primary');
    assert.match(await page.locator('.comment.reply').innerText(), /정말 고마워요/);
    await page.click('.comment.reply summary');
    await press(page, '.comment.reply button.danger');
    assert.equal(await page.locator('.comment.reply').count(), 0);

    await press(page, '.post [href$="/edit"]');
    assert.equal(await page.inputValue('#body'), '**본문**');
    await page.fill('#title', '고친 제목');
    await press(page, 'main button.primary');
    assert.equal(await page.locator('h1').innerText(), '고친 제목');
    await page.click('.post summary');
    await press(page, '.post button.danger');
    assert.match(await done(page), /삭제했어요/);
    assert.equal((await page.goto(thread)).status(), 404);
    assert.deepEqual(page.complaints, []);
  });
}

test('a form that fails keeps its text, says what is wrong, and has the focus there', async () => {
  const page = await open();
  await signIn(page);
  await page.goto('/board/new');
  await page.fill('#title', '가');
  await page.fill('#body', '');
  const [response] = await Promise.all([page.waitForEvent('response'), press(page, 'main button.primary')]);
  assert.equal(response.status(), 422);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'mistakes');
  assert.equal(await page.inputValue('#title'), '가');
  assert.equal(await page.getAttribute('#title', 'aria-invalid'), 'true');
  assert.match(await page.locator('#title-mistake').innerText(), /2자 이상/);
  assert.ok((await page.getAttribute('#title', 'aria-describedby')).includes('title-mistake'));
  await page.locator('.mistakes a').first().click();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'title');
  await page.fill('#title', '이제 두 글자 이상');
  await page.fill('#body', '본문도 있어요');
  await press(page, 'main button.primary');
  assert.match(await done(page), /글을 올렸어요/);
});

test('passwords are never shown again, and the reason is', async () => {
  const page = await open();
  const { login } = await signUp();
  await page.goto('/signup');
  await page.fill('#login', login);
  await page.fill('#password', 'a-secret-of-mine-1');
  await press(page, 'main button.primary');
  assert.match(await page.locator('.mistakes').innerText(), /이미 사용 중인 아이디/);
  assert.equal(await page.inputValue('#login'), login);
  assert.equal(await page.inputValue('#password'), '');
  assert.ok(!(await page.content()).includes('a-secret-of-mine-1'));
  await page.goto('/signin');
  await page.fill('#login', login);
  await page.fill('#password', 'not-the-password');
  await press(page, 'main button.primary');
  assert.match(await page.locator('.mistakes').innerText(), /맞지 않아요/);
});

test('the text survives the end of a session', async () => {
  const page = await open();
  await signIn(page);
  await page.goto('/board/new');
  await page.fill('#title', '오래 쓴 글');
  await page.fill('#body', '오래 쓴 본문');
  await page.context().clearCookies();
  const [response] = await Promise.all([page.waitForEvent('response'), press(page, 'main button.primary')]);
  assert.equal(response.status(), 401);
  assert.match(await page.locator('.mistakes').innerText(), /로그아웃됐어요/);
  assert.equal(await page.inputValue('#body'), '오래 쓴 본문');
});

test('a session goes on with the refresh cookie alone', async () => {
  const page = await open();
  await signIn(page);
  const context = page.context();
  const [refresh] = (await context.cookies()).filter(({ name }) => name === 'refresh');
  await context.clearCookies({ name: 'session' });
  await page.goto('/account');
  assert.equal(new URL(page.url()).pathname, '/account');
  const cookies = Object.fromEntries((await context.cookies()).map(({ name, value }) => [name, value]));
  assert.ok(cookies.session);
  assert.notEqual(cookies.refresh, refresh.value);
});

test('a page for insiders leads through signing in and back', async () => {
  const page = await open();
  const account = await signUp();
  await page.goto('/board/new?category=work');
  assert.equal(new URL(page.url()).pathname, '/signin');
  await page.fill('#login', account.login);
  await page.fill('#password', account.password);
  await press(page, 'main button.primary');
  assert.equal(new URL(page.url()).pathname, '/board/new');
  assert.ok(await page.isChecked('[value=work]'));
  await page.goto('/signin?next=//evil.example/');
  assert.equal(new URL(page.url()).pathname, '/');
});

test('an edit that another one overtook is not lost and does not overwrite unasked', async () => {
  const post = await newPost();
  const page = await open();
  await signIn(page, post.author);
  await page.goto(`/board/${post.id}/edit`);
  await call('PATCH', `/api/board/posts/${post.id}`, { token: post.author.token, json: { title: '다른 창에서 고침' } });
  await page.fill('#title', '이 창에서 고침');
  await press(page, 'main button.primary');
  assert.match(await page.locator('.mistakes').innerText(), /먼저 수정됐어요/);
  assert.equal(await page.inputValue('#title'), '이 창에서 고침');
  await press(page, 'main button.primary');
  assert.equal(await page.locator('h1').innerText(), '이 창에서 고침');
});

test('a form that is sent twice counts once', async () => {
  const page = await open();
  await signIn(page);
  await page.goto('/board/new');
  const title = `두 번 눌러요 ${Date.now()}`;
  await page.fill('#title', title);
  await page.fill('#body', '한 번만 올라가야 해요');
  const form = await page.locator('main form').evaluate((form) => Object.fromEntries(new FormData(form)));
  const headers = { origin: new URL(page.url()).origin };
  const send = () => page.request.post('/board/new', { form, headers, maxRedirects: 0 });
  const answers = await Promise.all([send(), send()]);
  const places = answers.filter((answer) => answer.status() === 303).map((answer) => answer.headers().location);
  assert.ok(places.length >= 1 && new Set(places).size === 1, places.join());
  const { json } = await call('GET', `/api/board/posts?q=${encodeURIComponent(title)}`);
  assert.equal(json.items.length, 1);
});

test('a draft is kept on the device, offered, and gone once it was sent', async () => {
  const page = await open();
  await signIn(page);
  await page.goto('/board/new');
  await page.fill('#title', '쓰다 만 제목');
  await page.fill('#body', '쓰다 만 본문');
  await page.goto('/board');
  await page.goto('/board/new');
  assert.equal(await page.inputValue('#title'), '');
  await page.click('[data-draft-restore]');
  assert.equal(await page.inputValue('#body'), '쓰다 만 본문');
  assert.match(await page.locator('.counter').innerText(), /^7 \/ 10,000/);
  await press(page, 'main button.primary');
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), []);
  await page.goto('/board/new');
  assert.equal(await page.locator('[data-draft-offer]').isVisible(), false);
  await page.fill('#title', '또 쓰다 만 제목');
  await follow(page, () => page.click('nav.account button'));
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), [], 'signing out takes drafts with it');
});

test('the account: password, hospital, signing out everywhere, deleting it', async () => {
  const page = await open();
  const account = await signIn(page);
  await page.goto('/account');
  await page.fill('#current_password', 'wrong-password');
  await page.fill('#new_password', 'another-password-2');
  await press(page, '[action="/account/password"] button');
  assert.match(await page.locator('#current_password-mistake').innerText(), /맞지 않아요/);
  await page.fill('#current_password', account.password);
  await page.fill('#new_password', 'another-password-2');
  await press(page, '[action="/account/password"] button');
  assert.match(await done(page), /비밀번호를 바꿨어요/);

  await press(page, '[action="/account/signout-everywhere"] button');
  assert.match(await done(page), /로그아웃했어요/);
  await signIn(page, { ...account, password: 'another-password-2' });
  await page.goto('/account');
  await page.click('summary');
  await page.fill('#password', 'wrong-password');
  await press(page, '[action="/account/delete"] button');
  assert.match(await page.locator('#password-mistake').innerText(), /맞지 않아요/);
  await page.fill('#password', 'another-password-2');
  await press(page, '[action="/account/delete"] button');
  assert.match(await done(page), /계정을 삭제했어요/);
  await page.goto('/account');
  assert.equal(new URL(page.url()).pathname, '/signin');
  assert.deepEqual(page.complaints, []);
});
