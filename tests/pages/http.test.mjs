// What goes over the wire: headers, sizes, caches, and what bad requests get.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { signUp, site } from '../site.mjs';
import { hospital, hospitalPath, newPost } from './browser.mjs';

const { base } = await site();

// A reader's page with its style sheet, over the wire.
const MOST_BYTES = 20 * 1024;

/** One request without what `fetch` adds or undoes: `{ status, headers, body }`. */
function send(method, path, headers = {}, body) {
  return new Promise((resolve, reject) => {
    const sent = request(base + path, { method, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }));
    });
    sent.on('error', reject).end(body);
  });
}

const form = 'application/x-www-form-urlencoded';
const post = (path, body, headers = {}) => send('POST', path, { 'content-type': form, origin: base, ...headers }, body);

async function readersPages() {
  const { id } = await newPost();
  return ['/', '/board', `/board/${id}`, '/hospitals', hospitalPath((await hospital(0)).id), '/knowledge'];
}

test('every page has the headers that keep it safe', async () => {
  for (const path of [...(await readersPages()), '/nothing-here', '/signin']) {
    const { headers } = await send('GET', path);
    const policy = headers['content-security-policy'];
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]) assert.ok(policy.includes(part), path);
    assert.ok(!policy.includes('unsafe'), policy);
    assert.equal(headers['referrer-policy'], 'same-origin');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
    assert.ok(headers['permissions-policy']);
    assert.equal(headers['strict-transport-security'], undefined, 'only over https');
    assert.match(headers.vary, /accept-encoding.*accept-language.*cookie/);
  }
  const behindTls = await send('GET', '/', { 'x-forwarded-proto': 'https' });
  assert.match(behindTls.headers['strict-transport-security'], /max-age=\d+/);
});

/** The page in each encoding, all of it the same: other tests write while this one reads. */
async function inEachEncoding(path) {
  for (let attempt = 0; attempt < 10; attempt++) {
    const plain = await send('GET', path);
    const brotli = await send('GET', path, { 'accept-encoding': 'gzip, br' });
    const gzip = await send('GET', path, { 'accept-encoding': 'gzip' });
    const again = await send('GET', path, { 'if-none-match': brotli.headers.etag });
    if ((await send('GET', path)).body.equals(plain.body)) return { plain, brotli, gzip, again };
  }
  assert.fail(`${path} never stands still`);
}

test('a reader\'s page is small, complete, and known again', async () => {
  for (const path of await readersPages()) {
    const { plain, brotli, gzip, again } = await inEachEncoding(path);
    assert.match(plain.headers['cache-control'], /^max-age=0, must-revalidate, s-maxage=10$/, path);
    assert.equal((plain.body.toString().match(/<link|<script|<img/g) ?? []).length, 1, `${path}: nothing but the icon is fetched`);
    assert.equal(brotli.headers['content-encoding'], 'br', path);
    assert.equal(brotliDecompressSync(brotli.body).toString(), plain.body.toString(), path);
    assert.ok(brotli.body.length <= MOST_BYTES, `${path}: ${brotli.body.length} bytes`);
    assert.equal(gunzipSync(gzip.body).toString(), plain.body.toString(), path);
    assert.equal(again.status, 304, path);
    assert.equal(again.body.length, 0, path);
  }
});

test('assets never change and are compressed', async () => {
  const [, icon] = (await send('GET', '/')).body.toString().match(/href="(\/assets\/[^"]+)"/);
  const { headers, body } = await send('GET', icon, { 'accept-encoding': 'br' });
  assert.match(icon, /\.[\w-]{10}\.svg$/);
  assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
  assert.equal(headers['content-encoding'], 'br');
  assert.match(brotliDecompressSync(body).toString(), /^<svg/);
  assert.equal((await send('GET', icon, { 'if-none-match': headers.etag, 'accept-encoding': 'br' })).status, 304);
  assert.equal((await send('GET', '/assets/other.js')).status, 404);
});

test('what an insider saw is kept by no cache', async () => {
  const { token } = await signUp();
  const { headers, body } = await send('GET', '/board', { cookie: `session=${token}` });
  assert.equal(headers['cache-control'], 'private, no-store');
  assert.match(body.toString(), /로그아웃/);
  const stranger = await send('GET', '/board', { 'if-none-match': headers.etag });
  assert.equal(stranger.status, 200);
});

test('without a session nothing is written', async () => {
  const { id } = await newPost();
  for (const path of [`/board/${id}/vote`, `/board/${id}/delete`, `/board/${id}/accept`, '/account/proofs/mail', '/account/proofs/take-back', '/account/vouch', '/account/password', '/account/delete']) {
    const answer = await post(path, 'up=true', { referer: `${base}/board/${id}` });
    assert.equal(answer.status, 303, path);
    assert.equal(answer.headers.location, `/signin?next=${encodeURIComponent(`/board/${id}`)}`, path);
    const background = await post(path, 'up=true', { 'sec-fetch-mode': 'cors' });
    assert.equal(background.status, 401, path);
  }
  for (const path of ['/board/new', `/board/${id}/edit`, `/board/${id}/comments`]) {
    const answer = await post(path, 'category=free&title=abc&body=some+longer+text');
    assert.equal(answer.status, 401, path);
    assert.match(answer.body.toString(), /some longer text/, path);
  }
  for (const path of ['/board/new', `/board/${id}/edit`, '/account', '/account/proofs', '/account/proofs/hospital', '/account/proofs/new?hospital_id=x', '/account/vouch']) {
    const answer = await send('GET', path);
    assert.equal(answer.status, 303, path);
    assert.equal(answer.headers.location, `/signin?next=${encodeURIComponent(path)}`, path);
  }
});

test('another site\'s form is refused', async () => {
  const { token } = await signUp();
  for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { origin: '', 'sec-fetch-site': 'cross-site' }]) {
    if (!headers.origin) delete headers.origin;
    const sent = { 'content-type': form, cookie: `session=${token}`, ...headers };
    const answer = await send('POST', '/board/new', sent, 'category=free&title=abc&body=abcdef');
    assert.equal(answer.status, 403, JSON.stringify(headers));
    assert.match(answer.headers['content-type'], /text\/html/);
    assert.match(answer.body.toString(), /<h1>/);
  }
});

test('bad requests get a page that says what to do, never a 500', async () => {
  const { token } = await signUp();
  const cookie = `session=${token}`;
  const { id } = await newPost();
  const status = async (body, headers = {}) => (await post('/board/new', body, { cookie, ...headers })).status;
  assert.equal(await status(''), 422);
  assert.equal(await status('title=%ff%fe&body=x'), 422);
  assert.equal(await status('title=a%00b&body=abc&category=free'), 422);
  assert.equal(await status('category=nonsense&title=abc&body=abc'), 422);
  assert.equal(await status('title=abc&body=abc&category=free&key=%0d%0ainjected'), 303);
  assert.equal(await status('{}', { 'content-type': 'application/json' }), 415);
  assert.equal(await status(`body=${'a'.repeat(2 ** 20)}`), 413);
  assert.equal(await status(`category=free&title=abc&body=${'a'.repeat(10_001)}`), 422);
  const readable = ['/board/nonsense', '/board/%ff', '/board?cursor=nonsense', '/board?category=nonsense', '/board?q=%ff', '/board?q=%00', '/hospitals?q=%00',
    '/hospitals?cursor=x', `/board/${id}?cursor=x`, '/hospitals/nothing', '/hospitals/%2e%2e', '/?done=%ff', `/lang?to=en&next=${encodeURIComponent('//evil.example')}`,
    '/lang?to=xx', '/signin?next=https://evil.example', `/board/${'a'.repeat(500)}`];
  for (const path of readable) {
    const answer = await send('GET', path);
    assert.ok(answer.status < 500, `${path}: ${answer.status}`);
    if (answer.status >= 400) assert.match(answer.body.toString(), /<h1>/, path);
    assert.ok(!/evil/.test(answer.headers.location ?? ''), path);
  }
  for (const cookie of ['session=a.b.c', 'session=', 'refresh=nonsense', 'session=%00; refresh=%ff', `session=${'a'.repeat(5_000)}`]) {
    const answer = await send('GET', '/board', { cookie });
    assert.equal(answer.status, 200, cookie);
    assert.doesNotMatch(answer.body.toString(), /로그아웃/, cookie);
  }
  assert.equal((await send('PUT', '/board')).status, 405);
  assert.equal((await send('GET', '/signout')).status, 405);
  assert.equal((await send('HEAD', '/')).status, 200);
});

test('emoji and combining Hangul come back as they were meant', async () => {
  const { token } = await signUp();
  const decomposed = '의료진'.normalize('NFD');
  const body = new URLSearchParams({ category: 'free', title: `${decomposed} 👩‍⚕️`, body: '가나다 🏥' }).toString();
  const answer = await post('/board/new', body, { cookie: `session=${token}` });
  assert.equal(answer.status, 303);
  const page = await send('GET', answer.headers.location.split('?')[0]);
  assert.match(page.body.toString(), /<h1>의료진 👩‍⚕️<\/h1>/u);
});

test('robots are told what is worth reading', async () => {
  const { status, headers, body } = await send('GET', '/robots.txt');
  assert.equal(status, 200);
  assert.match(headers['content-type'], /text\/plain/);
  assert.match(body.toString(), /Disallow: \/account/);
});

test('a session that is refused leads to the sign-in page, not round in a circle', async () => {
  const { token, login, password } = await signUp();
  const removed = await fetch(`${base}/api/auth/accounts/me`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ password }),
  });
  assert.equal(removed.status, 204, login);
  const account = await send('GET', '/account', { cookie: `session=${token}` });
  assert.equal(account.status, 303);
  assert.equal(account.headers.location, '/signin?next=%2Faccount');
  const [cookie] = account.headers['set-cookie'];
  assert.match(cookie, /^session=; Max-Age=0;/);
  assert.equal((await send('GET', account.headers.location)).status, 200);
});

test('no name of a route of the API is taken for a hospital', async () => {
  assert.equal((await send('GET', '/hospitals/facets')).status, 404);
});
