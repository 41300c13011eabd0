// Accounts, sessions and keys, over HTTP.
//
// Guesses are counted by the client's address, so whatever provokes a limit comes from a loopback
// address of its own: the other suites sign in from 127.0.0.1 at the same time.

import assert from 'node:assert/strict';
import { createHash, createHmac, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertInvalid, assertProblem } from '../answers.mjs';
import { contract } from '../contract.mjs';
import { call, ownSite, signIn, signUp, site } from '../site.mjs';

const ACCOUNTS = '/api/auth/accounts';
const ME = '/api/auth/accounts/me';
const SESSIONS = '/api/auth/sessions';
const REFRESH = '/api/auth/sessions/refresh';
const CURRENT = '/api/auth/sessions/current';
const JWKS = '/api/auth/.well-known/jwks.json';

const newLogin = () => `t${randomBytes(8).toString('hex')}`;
const newAddress = () => `127.${1 + randomBytes(1)[0] % 250}.${randomBytes(1)[0]}.${1 + randomBytes(1)[0] % 250}`;
const GOOD_PASSWORD = 'a pulse, felt calmly';

/** Like `call`, from another address of this machine, and on another site if `base` says so. */
async function callFrom(address, method, path, json, base) {
  base ??= (await site()).base;
  const answer = await new Promise((resolve, reject) => {
    const options = { method, localAddress: address, headers: { 'content-type': 'application/json' }, agent: false };
    const sent = httpRequest(base + path, options, async (response) => {
      const text = Buffer.concat(await response.toArray()).toString();
      const headers = new Headers();
      for (const [name, values] of Object.entries(response.headersDistinct)) {
        for (const value of values) headers.append(name, value);
      }
      resolve({ status: response.statusCode, headers, text, json: text && JSON.parse(text) });
    });
    sent.once('error', reject).end(JSON.stringify(json));
  });
  (await contract(base, 'auth')).check(method, path, answer);
  return answer;
}

const guess = (address, login, password = 'not the password', base) =>
  callFrom(address, 'POST', SESSIONS, { login, password }, base);

/** Runs `attempt` this many times, ten at once, and fails unless each gives a problem of this kind. */
async function assertProblems(times, status, code, attempt) {
  for (let done = 0; done < times; done += 10) {
    const answers = await Promise.all(Array.from({ length: Math.min(10, times - done) }, attempt));
    for (const answer of answers) assertProblem(answer, status, code);
  }
}

/** `[{ name, value, ...attributes }]` of an answer's Set-Cookie headers. */
function cookies({ headers }) {
  return headers.getSetCookie().map((line) => {
    const [pair, ...attributes] = line.split('; ');
    const [name, value] = pair.split('=');
    return { name, value, attributes: attributes.sort().join('; ') };
  });
}

const cookie = (answer, name) => cookies(answer).find((each) => each.name === name)?.value;

async function signInWithCookies({ login, password }) {
  const answer = await call('POST', SESSIONS, { json: { login, password } });
  assert.equal(answer.status, 201, answer.text);
  return { token: answer.json.access_token, refresh: cookie(answer, 'refresh') };
}

const refreshWith = (refresh) => call('POST', REFRESH, { headers: { cookie: `refresh=${refresh}` } });

const decoded = (token) => token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
const encoded = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');

test('signing up makes an account and does not sign in', async () => {
  const login = newLogin();
  const answer = await call('POST', ACCOUNTS, { json: { login: login.toUpperCase(), password: GOOD_PASSWORD } });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get('location'), ME);
  assert.equal(answer.json.login, login);
  assert.deepEqual(cookies(answer), []);
  assert.ok(await signIn(login.toUpperCase(), GOOD_PASSWORD));
});

test('a login is taken once, in whatever case', async () => {
  const { login } = await signUp();
  const again = await call('POST', ACCOUNTS, { json: { login: login.toUpperCase(), password: GOOD_PASSWORD } });
  assertProblem(again, 409, 'login_taken');
});

test('of several sign-ups with one login at once one succeeds', async () => {
  const login = newLogin();
  const json = { login, password: GOOD_PASSWORD };
  const answers = await Promise.all(Array.from({ length: 8 }, () => call('POST', ACCOUNTS, { json })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(7).fill(409)]);
});

test('a sign-up sent again with its Idempotency-Key is answered as before', async () => {
  const json = { login: newLogin(), password: GOOD_PASSWORD };
  const headers = { 'idempotency-key': randomBytes(12).toString('hex') };
  const first = await call('POST', ACCOUNTS, { json, headers });
  const second = await call('POST', ACCOUNTS, { json, headers });
  assert.equal(second.status, 201);
  assert.equal(second.text, first.text);
  assert.equal(second.headers.get('location'), ME);
  for (const other of [{ ...json, login: newLogin() }, { ...json, password: `${GOOD_PASSWORD}!` }]) {
    const reused = await call('POST', ACCOUNTS, { json: other, headers });
    assertInvalid(reused, ['Idempotency-Key', 'idempotency_key_reused']);
  }
});

test('a sign-up sent ten times at once with its Idempotency-Key makes one account', async () => {
  const json = { login: newLogin(), password: GOOD_PASSWORD };
  const headers = { 'idempotency-key': randomBytes(12).toString('hex') };
  const answers = await Promise.all(Array.from({ length: 10 }, () => call('POST', ACCOUNTS, { json, headers })));
  assert.deepEqual(answers.map(({ status }) => status), Array(10).fill(201));
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
});

test('what cannot be a login or a password is refused by name', async () => {
  const cases = [
    [{ login: '' }, ['login', 'required']],
    [{ login: 'ab' }, ['login', 'too_short']],
    [{ login: 'a'.repeat(31) }, ['login', 'too_long']],
    [{ login: '김지우' }, ['login', 'invalid_characters']],
    [{ login: 'kim\u0000woo' }, ['login', 'invalid_characters']],
    [{ login: 'kim 👩‍⚕️' }, ['login', 'invalid_characters']],
    [{ login: ' kimwoo' }, ['login', 'invalid_characters']],
    [{ password: '' }, ['password', 'required']],
    [{ password: 'ninechars' }, ['password', 'too_short']],
    [{ password: '한'.normalize('NFD').repeat(9) }, ['password', 'too_short']],
    [{ password: 'ab1!'.repeat(33) }, ['password', 'too_long']],
    [{ password: 'a'.repeat(900_000) }, ['password', 'too_long']],
    [{ password: 'long enough\u0000' }, ['password', 'control_character']],
    [{ password: 'Password123' }, ['password', 'too_common']],
    [{ password: '1111111111' }, ['password', 'too_common']],
    [{ login: 'kimjiwoo-26', password: 'KimJiwoo-26' }, ['password', 'same_as_login']],
  ];
  for (const [part, expected] of cases) {
    const answer = await call('POST', ACCOUNTS, { json: { login: newLogin(), password: GOOD_PASSWORD, ...part } });
    assertInvalid(answer, expected);
  }
  const both = await call('POST', ACCOUNTS, { json: { login: 'a', password: 'b' } });
  assertInvalid(both, ['login', 'too_short'], ['password', 'too_short']);
});

test('a password is the same however its Hangul was typed', async () => {
  const login = newLogin();
  const password = '진맥하는 비밀번호 👩‍⚕️';
  await call('POST', ACCOUNTS, { json: { login, password: password.normalize('NFD') } });
  assert.ok(await signIn(login, password.normalize('NFC')));
  assert.ok(await signIn(login, password.normalize('NFD')));
});

test('a body that is not what it should be is refused by name', async () => {
  const json = { 'content-type': 'application/json' };
  const good = { login: newLogin(), password: GOOD_PASSWORD };
  for (const path of [ACCOUNTS, SESSIONS]) {
    const post = (body, headers = json) => call('POST', path, { body, headers });
    assertInvalid(await post('{"login"'), ['body', 'invalid_json']);
    assertInvalid(await post(''), ['body', 'invalid_json']);
    assertInvalid(await post('[]'), ['body', 'invalid_type']);
    assertInvalid(await post(Buffer.from('{"login":"\xff"}', 'latin1')), ['body', 'invalid_utf8']);
    assertInvalid(await post('{"login":1,"password":"x"}'), ['login', 'invalid_type']);
    assertInvalid(await post('{"login":"abc"}'), ['password', 'required']);
    assertInvalid(await post(JSON.stringify({ ...good, admin: true })), ['admin', 'unknown_field']);
    // Half a surrogate pair is no character.
    assertInvalid(await post('{"login":"\\ud800","password":"x"}'), ['body', 'invalid_json']);
    assertProblem(await post(JSON.stringify(good), { 'content-type': 'text/plain' }), 415, 'unsupported_media_type');
    assertProblem(await post(JSON.stringify({ ...good, password: 'a'.repeat(1 << 20) })), 413, 'body_too_large');
  }
});

test('no other method and no other address', async () => {
  const wrong = await call('PUT', SESSIONS, { json: {} });
  assertProblem(wrong, 405, 'method_not_allowed');
  assert.match(wrong.headers.get('allow'), /POST/);
  assertProblem(await call('GET', '/api/auth/accounts/someone'), 404, 'not_found');
});

test('signing in answers a token and sets two cookies that scripts cannot read', async () => {
  const { login, password } = await signUp();
  const answer = await call('POST', SESSIONS, { json: { login, password } });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(answer.json.token_type, 'Bearer');
  assert.equal(answer.json.expires_in, 600);
  assert.equal(cookie(answer, 'session'), answer.json.access_token);
  assert.match(cookie(answer, 'refresh'), /^[\w-]{22}\.[\w-]{43}$/);
  assert.deepEqual(Object.fromEntries(cookies(answer).map(({ name, attributes }) => [name, attributes])), {
    session: 'HttpOnly; Max-Age=600; Path=/; SameSite=Lax; Secure',
    refresh: 'HttpOnly; Max-Age=2592000; Path=/; SameSite=Strict; Secure',
  });
});

test('the token is a JWT that the published key verifies', async () => {
  const { token } = await signUp();
  const keys = await call('GET', JWKS);
  assert.equal(keys.headers.get('cache-control'), 'public, max-age=300');
  assert.equal(keys.headers.get('content-type'), 'application/json');
  const [key] = keys.json.keys;
  const { crv, kty, x } = key;
  assert.equal(key.kid, createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url'));

  const [header, claims] = decoded(token);
  assert.deepEqual(header, { typ: 'JWT', alg: 'EdDSA', kid: key.kid });
  assert.deepEqual(Object.keys(claims).sort(), ['aud', 'exp', 'iat', 'iss', 'sub']);
  assert.deepEqual([claims.iss, claims.aud, claims.exp - claims.iat], ['jinmaek', 'jinmaek', 600]);
  assert.ok(Math.abs(claims.iat - Date.now() / 1000) < 60);
  assert.match(claims.sub, /^[\w-]{22}$/);

  const [signed, signature] = [token.slice(0, token.lastIndexOf('.')), token.split('.')[2]];
  const published = createPublicKey({ key, format: 'jwk' });
  assert.ok(verify(null, Buffer.from(signed), published, Buffer.from(signature, 'base64url')));
});

test('the subject is the account\'s own, and not its id', async () => {
  const one = await signUp();
  const other = await signUp();
  const subject = (token) => decoded(token)[1].sub;
  assert.equal(subject(one.token), subject(await signIn(one.login, one.password)));
  assert.notEqual(subject(one.token), subject(other.token));
  const { json } = await call('GET', ME, { token: one.token });
  assert.notEqual(subject(one.token), json.id);
});

test('a token that auth did not sign is refused', async () => {
  const { token } = await signUp();
  const [header, claims] = decoded(token);
  const [head, body, signature] = token.split('.');
  const [key] = (await call('GET', JWKS)).json.keys;
  const { privateKey } = generateKeyPairSync('ed25519');
  const signedBy = (head) => {
    const text = `${encoded(head)}.${body}`;
    return `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`;
  };
  const confused = `${encoded({ ...header, alg: 'HS256' })}.${body}`;
  const forged = {
    'no signature': `${encoded({ ...header, alg: 'none' })}.${body}.`,
    'no signature, no key': `${encoded({ alg: 'none' })}.${body}.`,
    'a foreign key': signedBy(header),
    'a foreign key under its own name': signedBy({ ...header, kid: 'mine' }),
    'a key in the header': signedBy({ ...header, jwk: privateKey.export({ format: 'jwk' }) }),
    'the public key as a secret': `${confused}.${createHmac('sha256', Buffer.from(key.x, 'base64url')).update(confused).digest('base64url')}`,
    'other claims': `${head}.${encoded({ ...claims, sub: 'someone-elses-subject' })}.${signature}`,
    'a later end': `${head}.${encoded({ ...claims, exp: claims.exp + 3600 })}.${signature}`,
    'a short signature': token.slice(0, -8),
    'not a token': 'abc',
    'nothing': '',
    'far too long': 'a'.repeat(4000),
  };
  for (const [name, token] of Object.entries(forged)) {
    const answer = await call('GET', ME, { headers: { authorization: `Bearer ${token}` } });
    assertProblem(answer, 401, 'unauthorized');
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer', name);
    assert.equal((await call('GET', ME, { headers: { cookie: `session=${token}` } })).status, 401, name);
  }
  assert.equal((await call('GET', ME)).status, 401);
  assert.equal((await call('GET', ME, { token })).status, 200);
  assert.equal((await call('GET', ME, { headers: { cookie: `session=${token}` } })).status, 200);
});

test('a session is asked for before the body is judged', async () => {
  for (const [method, path] of [['DELETE', ME], ['POST', `${ME}/password`], ['DELETE', SESSIONS]]) {
    const answer = await call(method, path, { body: '{', headers: { 'content-type': 'application/json' } });
    assertProblem(answer, 401, 'unauthorized');
  }
});

test('another site cannot write with our cookies', async () => {
  const { login, password, token } = await signUp();
  const { host } = new URL((await site()).base);
  const foreign = [{ origin: 'https://elsewhere.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }];
  for (const headers of foreign) {
    const signingIn = await call('POST', SESSIONS, { json: { login, password }, headers });
    assertProblem(signingIn, 403, 'cross_origin');
    assert.deepEqual(cookies(signingIn), []);
    const session = { ...headers, cookie: `session=${token}` };
    assertProblem(await call('DELETE', SESSIONS, { headers: session }), 403, 'cross_origin');
    assertProblem(await call('DELETE', ME, { headers: session, json: { password } }), 403, 'cross_origin');
  }
  const own = await call('POST', SESSIONS, { json: { login, password }, headers: { origin: `http://${host}` } });
  assert.equal(own.status, 201);
});

test('a login that does not exist and a wrong password are answered alike, in the same time', async () => {
  const { login } = await signUp();
  const address = newAddress();
  const times = { exists: [], absent: [] };
  const answers = new Set();
  const timed = async (kind, login) => {
    const start = performance.now();
    const { status, json, headers } = await guess(address, login);
    times[kind].push(performance.now() - start);
    const { trace_id, ...body } = json;
    const names = [...headers.keys()].filter((name) => name !== 'date');
    answers.add(JSON.stringify([status, body, names, headers.get('content-length')]));
  };
  for (let i = 0; i < 9; i += 1) {
    await timed('exists', login);
    await timed('absent', newLogin());
  }
  assert.equal(answers.size, 1, [...answers].join('\n'));
  assert.match([...answers][0], /^\[401.*invalid_credentials/);
  // The least of each: a busy machine only adds. Without the decoy an absent login is answered ten
  // times as fast.
  const ratio = Math.min(...times.exists) / Math.min(...times.absent);
  assert.ok(ratio > 0.5 && ratio < 2, `exists/absent = ${ratio}`);
});

test('a refresh token is followed by the next one', async () => {
  const account = await signUp();
  const first = await signInWithCookies(account);
  const second = await refreshWith(first.refresh);
  assert.equal(second.status, 201);
  assert.equal(second.headers.get('cache-control'), 'no-store');
  assert.equal(decoded(second.json.access_token)[1].sub, decoded(first.token)[1].sub);
  assert.notEqual(cookie(second, 'refresh'), first.refresh);
  assert.equal(cookie(second, 'session'), second.json.access_token);
  assert.equal((await refreshWith(cookie(second, 'refresh'))).status, 201);
});

test('two tabs that refresh at once both stay signed in', async () => {
  const { refresh } = await signInWithCookies(await signUp());
  const answers = await Promise.all(Array.from({ length: 6 }, () => refreshWith(refresh)));
  assert.deepEqual(answers.map(({ status }) => status), Array(6).fill(201));
  const next = answers.map((answer) => cookie(answer, 'refresh')).filter(Boolean);
  assert.equal(next.length, 1);
  assert.equal((await refreshWith(next[0])).status, 201);
});

test('a refresh token that returns later revokes its family, and only that', async () => {
  const account = await signUp();
  const [stolen, other] = [await signInWithCookies(account), await signInWithCookies(account)];
  const newest = cookie(await refreshWith(stolen.refresh), 'refresh');
  await sleep(10_500);
  assertProblem(await refreshWith(stolen.refresh), 401, 'invalid_refresh_token');
  assertProblem(await refreshWith(newest), 401, 'invalid_refresh_token');
  assert.equal((await refreshWith(other.refresh)).status, 201);
});

test('a token older than the one before revokes at once', async () => {
  const { refresh: first } = await signInWithCookies(await signUp());
  const second = cookie(await refreshWith(first), 'refresh');
  const third = cookie(await refreshWith(second), 'refresh');
  assertProblem(await refreshWith(first), 401, 'invalid_refresh_token');
  assertProblem(await refreshWith(third), 401, 'invalid_refresh_token');
});

test('what is no refresh token refreshes nothing', async () => {
  const { token, refresh } = await signInWithCookies(await signUp());
  const [family, secret] = refresh.split('.');
  for (const value of ['', '.', 'abc', family, `${family}.`, `${family}.${secret.slice(1)}`, `x.${secret}`, token, '%00', 'a'.repeat(3000)]) {
    assertProblem(await refreshWith(value), 401, 'invalid_refresh_token');
  }
  assertProblem(await call('POST', REFRESH), 401, 'invalid_refresh_token');
  assert.equal((await refreshWith(refresh)).status, 201);
});

test('signing out ends one browser and clears its cookies', async () => {
  const account = await signUp();
  const [here, elsewhere] = [await signInWithCookies(account), await signInWithCookies(account)];
  const answer = await call('DELETE', CURRENT, { headers: { cookie: `refresh=${here.refresh}; session=${here.token}` } });
  assert.equal(answer.status, 204);
  assert.deepEqual(cookies(answer), [
    { name: 'refresh', value: '', attributes: 'HttpOnly; Max-Age=0; Path=/; SameSite=Strict; Secure' },
    { name: 'session', value: '', attributes: 'HttpOnly; Max-Age=0; Path=/; SameSite=Lax; Secure' },
  ]);
  assertProblem(await refreshWith(here.refresh), 401, 'invalid_refresh_token');
  assert.equal((await refreshWith(elsewhere.refresh)).status, 201);
});

test('signing out works without a valid session', async () => {
  for (const headers of [{}, { cookie: 'refresh=nonsense; session=nonsense' }, { authorization: 'Bearer x' }]) {
    const answer = await call('DELETE', CURRENT, { headers });
    assert.equal(answer.status, 204);
    assert.equal(cookies(answer).length, 2);
  }
});

test('signing out everywhere ends every browser of this account', async () => {
  const [account, stranger] = [await signUp(), await signUp()];
  const [one, two] = [await signInWithCookies(account), await signInWithCookies(account)];
  const theirs = await signInWithCookies(stranger);
  const answer = await call('DELETE', SESSIONS, { token: one.token });
  assert.equal(answer.status, 204);
  assert.equal(cookies(answer).length, 2);
  for (const { refresh } of [one, two]) {
    assertProblem(await refreshWith(refresh), 401, 'invalid_refresh_token');
  }
  assert.equal((await refreshWith(theirs.refresh)).status, 201);
});

test('at most fifty browsers stay signed in', async () => {
  const account = await signUp();
  const first = await signInWithCookies(account);
  for (let i = 0; i < 49; i += 1) await signInWithCookies(account);
  const last = await signInWithCookies(account);
  assertProblem(await refreshWith(first.refresh), 401, 'invalid_refresh_token');
  assert.equal((await refreshWith(last.refresh)).status, 201);
});

test('an account is shown to its owner, with a tag', async () => {
  const { login, token } = await signUp();
  const answer = await call('GET', ME, { token });
  assert.equal(answer.status, 200);
  assert.deepEqual(Object.keys(answer.json).sort(), ['created_at', 'id', 'login', 'roles']);
  assert.deepEqual([answer.json.login, answer.json.roles], [login, []]);
  const tag = { 'if-none-match': answer.headers.get('etag') };
  assert.equal((await call('GET', ME, { token, headers: tag })).status, 304);
});

test('a changed password signs out every other browser', async () => {
  const account = await signUp();
  const [here, elsewhere] = [await signInWithCookies(account), await signInWithCookies(account)];
  const change = (current_password, new_password) => call('POST', `${ME}/password`, {
    token: here.token,
    headers: { cookie: `refresh=${here.refresh}` },
    json: { current_password, new_password },
  });
  assertInvalid(await change('not the password', GOOD_PASSWORD), ['current_password', 'wrong_password']);
  assertInvalid(await change(account.password, 'short'), ['new_password', 'too_short']);
  assert.equal((await refreshWith(elsewhere.refresh)).status, 201);

  assert.equal((await change(account.password, GOOD_PASSWORD)).status, 204);
  assertProblem(await refreshWith(elsewhere.refresh), 401, 'invalid_refresh_token');
  assert.equal((await refreshWith(here.refresh)).status, 201);
  assertProblem(await guess(newAddress(), account.login, account.password), 401, 'invalid_credentials');
  assert.ok(await signIn(account.login, GOOD_PASSWORD));
});

test('a deleted account is gone, and its login is free for someone else', async () => {
  const account = await signUp();
  const { token, refresh } = await signInWithCookies(account);
  const remove = (password) => call('DELETE', ME, { token, json: { password } });
  assertInvalid(await remove('not the password'), ['password', 'wrong_password']);
  const answer = await remove(account.password);
  assert.equal(answer.status, 204);
  assert.equal(cookies(answer).length, 2);

  for (const path of [ME, '/api/auth/proofs']) assertProblem(await call('GET', path, { token }), 401, 'unauthorized');
  assertProblem(await refreshWith(refresh), 401, 'invalid_refresh_token');
  assertProblem(await guess(newAddress(), account.login, account.password), 401, 'invalid_credentials');

  await call('POST', ACCOUNTS, { json: { login: account.login, password: account.password } });
  const next = await signIn(account.login, account.password);
  assert.notEqual(decoded(next)[1].sub, decoded(token)[1].sub);
  assertProblem(await call('GET', ME, { token }), 401, 'unauthorized');
});

test('ten wrong guesses at a login, then one has to wait, whether it exists or not', async () => {
  const { login, password } = await signUp();
  const waits = [];
  for (const each of [login, newLogin()]) {
    const address = newAddress();
    await assertProblems(10, 401, 'invalid_credentials', () => guess(address, each));
    const refused = await guess(address, each);
    assertProblem(refused, 429, 'too_many_requests');
    waits.push(Number(refused.headers.get('retry-after')));
    // The right password does not help a guesser who has spent the guesses.
    assertProblem(await guess(address, each, password), 429, 'too_many_requests');
  }
  assert.ok(waits.every((seconds) => seconds >= 1 && seconds <= 60), waits.join());
  // Elsewhere the owner is not locked out.
  assert.equal((await guess(newAddress(), login, password)).status, 201);
});

test('guesses that come at once do not slip past the limit', async () => {
  const { login } = await signUp();
  const address = newAddress();
  const answers = await Promise.all(Array.from({ length: 30 }, () => guess(address, login)));
  const count = (status) => answers.filter((answer) => answer.status === status).length;
  assert.deepEqual([count(401), count(429)], [10, 20]);
});

test('colleagues who sign in at once at one address are all signed in', async () => {
  const colleagues = await Promise.all(Array.from({ length: 16 }, () => signUp()));
  const address = newAddress();
  for (let round = 0; round < 2; round += 1) {
    const signIns = colleagues.map(({ login, password }) => guess(address, login, password));
    for (const answer of await Promise.all(signIns)) assert.equal(answer.status, 201);
  }
});

test('right passwords are not counted', async () => {
  const { login, password } = await signUp();
  const address = newAddress();
  for (let i = 0; i < 9; i += 1) await guess(address, login);
  for (let i = 0; i < 12; i += 1) assert.equal((await guess(address, login, password)).status, 201);
});

test('passwords are guessed no faster where a session asks for them', async () => {
  const { token } = await signUp();
  const wrong = { current_password: 'not the password', new_password: GOOD_PASSWORD };
  const change = () => call('POST', `${ME}/password`, { token, json: wrong });
  for (let i = 0; i < 10; i += 1) assert.equal((await change()).status, 422);
  assertProblem(await change(), 429, 'too_many_requests');
  const removal = await call('DELETE', ME, { token, json: { password: 'not the password' } });
  assertProblem(removal, 429, 'too_many_requests');
});

test('one address cannot try many logins, and does not lock out who signs in there', async () => {
  const [colleague, stranger] = [await signUp(), await signUp()];
  const address = newAddress();
  assert.equal((await guess(address, colleague.login, colleague.password)).status, 201);
  await assertProblems(100, 401, 'invalid_credentials', () => guess(address, newLogin()));
  assertProblem(await guess(address, newLogin()), 429, 'too_many_requests');
  assertProblem(await guess(address, stranger.login, stranger.password), 429, 'too_many_requests');
  assert.equal((await guess(address, colleague.login, colleague.password)).status, 201);
  assert.equal((await guess(newAddress(), stranger.login, stranger.password)).status, 201);
});

test('many addresses cannot try one login, and do not lock its owner out', async () => {
  const { login, password } = await signUp();
  const home = newAddress();
  assert.equal((await guess(home, login, password)).status, 201);
  const addresses = Array.from({ length: 11 }, newAddress);
  for (const address of addresses.slice(0, 10)) {
    await assertProblems(10, 401, 'invalid_credentials', () => guess(address, login));
  }
  assertProblem(await guess(addresses[10], login), 429, 'too_many_requests');
  assert.equal((await guess(home, login, password)).status, 201);
});

test('one address cannot ask for long which logins are taken', async () => {
  const { login } = await signUp();
  const address = newAddress();
  const ask = (login) => callFrom(address, 'POST', ACCOUNTS, { login, password: GOOD_PASSWORD });
  for (let i = 0; i < 3; i += 1) assert.equal((await ask(newLogin())).status, 201);
  await assertProblems(100, 409, 'login_taken', () => ask(login));
  const refused = await ask(newLogin());
  assertProblem(refused, 429, 'too_many_requests');
  assert.ok(Number(refused.headers.get('retry-after')) <= 30);
});

test('a restart forgets neither guesses, nor sessions, nor keys', { timeout: 120_000 }, async (t) => {
  const json = { login: newLogin(), password: GOOD_PASSWORD };
  const address = newAddress();
  const keys = (base) => fetch(base + JWKS).then((answer) => answer.text());

  const before = await ownSite(t);
  // The first requests that this site ever sees race to make its key.
  const published = await Promise.all(Array.from({ length: 40 }, () => keys(before.base)));
  assert.equal(new Set(published).size, 1);
  assert.equal((await callFrom(newAddress(), 'POST', ACCOUNTS, json, before.base)).status, 201);
  const session = await guess(newAddress(), json.login, GOOD_PASSWORD, before.base);
  for (let i = 0; i < 10; i += 1) await guess(address, json.login, undefined, before.base);
  await before.stop();

  const after = await ownSite(t, { folder: before.folder });
  assertProblem(await guess(address, json.login, GOOD_PASSWORD, after.base), 429, 'too_many_requests');
  assert.equal(await keys(after.base), published[0]);
  const headers = { cookie: `refresh=${cookie(session, 'refresh')}` };
  assert.equal((await fetch(after.base + REFRESH, { method: 'POST', headers })).status, 201);
});

test('a configured key signs, and its tokens are held to their claims', { timeout: 120_000 }, async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const { base } = await ownSite(t, { variables: { SPIN_VARIABLE_SESSION_SIGNING_KEY: pem } });
  const [key] = (await (await fetch(base + JWKS)).json()).keys;
  assert.equal(key.x, publicKey.export({ format: 'jwk' }).x);

  const json = { login: newLogin(), password: GOOD_PASSWORD };
  await callFrom(newAddress(), 'POST', ACCOUNTS, json, base);
  const [header, claims] = decoded((await guess(newAddress(), json.login, GOOD_PASSWORD, base)).json.access_token);
  const status = async (changes, part = header) => {
    const text = `${encoded(part)}.${encoded({ ...claims, ...changes })}`;
    const token = `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`;
    return (await fetch(base + ME, { headers: { authorization: `Bearer ${token}` } })).status;
  };
  const now = Math.floor(Date.now() / 1000);
  assert.equal(await status({}), 200);
  assert.equal(await status({ exp: now - 2 }), 401, 'expired');
  assert.equal(await status({ exp: undefined }), 401, 'without an end');
  assert.equal(await status({ iss: 'someone' }), 401, 'another issuer');
  assert.equal(await status({ aud: 'someone' }), 401, 'another audience');
  assert.equal(await status({ sub: 'nobody-of-that-name-00' }), 401, 'no such account');
  assert.equal(await status({ sub: undefined }), 401, 'nobody');
  assert.equal(await status({}, { ...header, kid: 'another' }), 401, 'another key id');
  assert.equal(await status({}, { ...header, kid: undefined }), 401, 'no key id');
});
