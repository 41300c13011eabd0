// Proofs of employment: work mail, documents, colleagues. What two moderators do is in
// auth-moderation.test.mjs.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertInvalid, assertProblem } from '../answers.mjs';
import { approveDomain, blinded, insider, mailCode, newAddress, prove, receivedCode, requestPass, thisYear } from '../insiders.mjs';
import { PICTURE } from '../pictures.mjs';
import { postmark } from '../postmark.mjs';
import { call, ownSite, signUp } from '../site.mjs';

const PROOFS = '/api/auth/proofs';
const MAIL = `${PROOFS}/mail`;
const CONFIRMATION = `${MAIL}/confirmation`;
const DOCUMENT = `${PROOFS}/document`;
const VOUCHING = `${PROOFS}/vouching`;
const VOUCHES = '/api/auth/vouches';

const DAY_MS = 24 * 3600_000;

const PDF = Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(2000)]);

const newHospital = () => `SYN-T-${randomBytes(6).toString('hex')}`;

const day = (millis) => new Date(millis + 9 * 3600_000).toISOString().slice(0, 10);

const standing = async ({ token }, base) => (await call('GET', PROOFS, { token, base })).json;
const ask = ({ token }, hospital_id, address, base) => call('POST', MAIL, { token, json: { hospital_id, address }, base });
const confirm = ({ token }, code, base) => call('POST', CONFIRMATION, { token, json: { code }, base });
const wantVouching = ({ token }, hospital_id, base) => call('POST', VOUCHING, { token, json: { hospital_id }, base });
const vouch = ({ token }, code, base) => call('POST', VOUCHES, { token, json: { code }, base });
const upload = ({ token }, hospitalId, body = PDF, type = 'application/pdf', base = undefined) =>
  call('POST', `${DOCUMENT}?hospital_id=${encodeURIComponent(hospitalId)}`, { token, body, headers: { 'content-type': type }, base });

/** Another code than this one. */
const wrong = (code) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

test('a code sent to a work-mail address proves where one works, for a year', async () => {
  const [account, hospital, address] = [await signUp(), newHospital(), newAddress()];
  assert.deepEqual(await standing(account), { proof: null, pending: [] });
  await approveDomain(hospital, address.split('@')[1]);
  const code = await mailCode(account, hospital, address);
  const waiting = { method: 'mail', hospital_id: hospital, expires_on: day(Date.now() + 600_000), approvals: null, code: null };
  assert.deepEqual(await standing(account), { proof: null, pending: [waiting] });

  const answer = await confirm(account, code);
  assert.equal(answer.status, 201, answer.text);
  const now = Date.now();
  assert.deepEqual(answer.json, {
    hospital_id: hospital,
    method: 'mail',
    since: day(now),
    until: day(now + 365 * DAY_MS),
    valid: true,
    changeable_on: day(now + 90 * DAY_MS),
    may_vouch_on: day(now + 30 * DAY_MS),
  });
  assert.deepEqual(await standing(account), { proof: answer.json, pending: [] });
  assertInvalid(await confirm(account, code), ['code', 'expired']);
});

test('five wrong codes use one up, and prove nothing', async () => {
  const [account, hospital, address] = [await signUp(), newHospital(), newAddress()];
  await approveDomain(hospital);
  const code = await mailCode(account, hospital, address);
  for (let i = 0; i < 5; i += 1) assertInvalid(await confirm(account, wrong(code)), ['code', 'wrong']);
  assertInvalid(await confirm(account, code), ['code', 'no_tries_left']);
  assert.equal((await standing(account)).proof, null);
  assert.equal((await confirm(account, await mailCode(account, hospital, address))).status, 201);
});

test('tries that come at once are counted one by one', async () => {
  const [account, hospital] = [await signUp(), newHospital()];
  await approveDomain(hospital);
  const code = await mailCode(account, hospital, newAddress());
  const answers = await Promise.all(Array.from({ length: 12 }, () => confirm(account, wrong(code))));
  const codes = answers.map(({ json }) => json.errors[0].code).sort();
  assert.deepEqual(codes, [...Array(7).fill('no_tries_left'), ...Array(5).fill('wrong')]);
});

test('a code is good for its account and its address only', async () => {
  const [one, other, hospital] = [await signUp(), await signUp(), newHospital()];
  await approveDomain(hospital);
  const first = await mailCode(one, hospital, newAddress());
  assertInvalid(await confirm(other, first), ['code', 'expired']);
  await mailCode(other, hospital, newAddress());
  const foreign = await confirm(other, first);
  // One pair of codes in a million is the same.
  assertInvalid(foreign, ['code', 'wrong']);
  const second = await mailCode(one, hospital, newAddress());
  if (second !== first) assertInvalid(await confirm(one, first), ['code', 'wrong']);
  assert.equal((await confirm(one, second)).status, 201);
});

test('who asks cannot tell an address that is used from one that is not, nor by the time', async () => {
  const hospital = newHospital();
  const answers = new Set();
  const times = { known: [], unknown: [] };
  // The least of each: a busy machine only adds, and more tries take that away, but no difference
  // that is always there.
  const ratio = () => Math.min(...times.known) / Math.min(...times.unknown);
  const differs = () => !(ratio() > 0.2 && ratio() < 5);
  for (let i = 0; i < 3 || (i < 12 && differs()); i += 1) {
    for (const kind of ['known', 'unknown']) {
      const known = (await insider(hospital)).address;
      const account = await signUp();
      const start = performance.now();
      const { status, text, headers } = await ask(account, hospital, kind === 'known' ? known : newAddress());
      times[kind].push(performance.now() - start);
      answers.add(JSON.stringify([status, text, [...headers.keys()].filter((name) => name !== 'date')]));
    }
  }
  assert.equal(answers.size, 1, [...answers].join('\n'));
  assert.match([...answers][0], /^\[202,""/);
  assert.ok(!differs(), `known/unknown = ${ratio()}`);
});

test('one mailbox proves one account, however it is written', async () => {
  const hospital = newHospital();
  const { address } = await insider(hospital);
  const [name, domain] = address.split('@');
  for (const form of [`${name.toUpperCase()}@${domain.toUpperCase()}`, `${name}+a@${domain}`]) {
    const account = await signUp();
    await ask(account, hospital, form);
    const code = await receivedCode(form.includes('+') ? form : form.replace(/@.*/, `@${domain}`));
    assertProblem(await confirm(account, code), 409, 'address_used');
    assert.equal((await standing(account)).proof, null);
  }
});

test('of two accounts that prove one mailbox at once one succeeds', async () => {
  const [hospital, address] = [newHospital(), newAddress()];
  await approveDomain(hospital);
  const accounts = [await signUp(), await signUp(), await signUp()];
  const codes = [];
  for (const account of accounts) codes.push(await mailCode(account, hospital, address));
  const answers = await Promise.all(accounts.map((account, i) => confirm(account, codes[i])));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409]);
});

test('a domain proves the hospitals that it is approved for', async () => {
  const [account, hospital, other] = [await signUp(), newHospital(), newHospital()];
  const domain = `d${randomBytes(6).toString('hex')}.example`;
  const domains = async (id) => (await call('GET', `${PROOFS}/mail-domains?hospital_id=${id}`, { token: account.token })).json.items;
  assert.deepEqual(await domains(hospital), []);
  await approveDomain(hospital, domain);
  assert.deepEqual(await domains(hospital), [{ domain }]);
  assert.deepEqual(await domains(other), []);
  assert.equal((await ask(account, hospital, `a@${domain}`)).status, 202);
  for (const refused of [`a@sub.${domain}`, `a@x${domain}`]) {
    assertProblem(await ask(account, hospital, refused), 409, 'domain_not_approved');
  }
  assertProblem(await ask(account, other, `a@${domain}`), 409, 'domain_not_approved');
  assertInvalid(await call('GET', `${PROOFS}/mail-domains?hospital_id=%20`, { token: account.token }), ['hospital_id', 'invalid_id']);
});

test('what cannot be an address, a hospital or a code is refused by name', async () => {
  const [account, hospital] = [await signUp(), newHospital()];
  await approveDomain(hospital);
  for (const address of ['', 'kim', '@insiders.example', 'a b@insiders.example', 'a@insiders.example\r\nBcc: b@b.kr', '김@insiders.example', 'a@10.0.0.1', 'a@localhost', `${'a'.repeat(65)}@insiders.example`, 'a@insiders.example\u0000', '"a"@insiders.example', 'a,b@insiders.example', 'x'.repeat(900_000)]) {
    assertInvalid(await ask(account, hospital, address), ['address', 'invalid_address']);
  }
  for (const id of ['', 'a b', '한글', 'a'.repeat(101), 'a\u0000']) {
    assertInvalid(await ask(account, id, newAddress()), ['hospital_id', 'invalid_id']);
    assertInvalid(await wantVouching(account, id), ['hospital_id', 'invalid_id']);
  }
  assertInvalid(await ask(account, '', ''), ['hospital_id', 'invalid_id'], ['address', 'invalid_address']);
  for (const code of ['', '12345', '1234567', 'abcdef', '٠٠٠٠٤٢', '1'.repeat(100_000)]) {
    assertInvalid(await confirm(account, code), ['code', 'wrong']);
    assertInvalid(await vouch(account, code), ['code', 'wrong']);
  }
  assertInvalid(await call('POST', MAIL, { token: account.token, json: { hospital_id: hospital } }), ['address', 'required']);
  assertInvalid(await call('POST', CONFIRMATION, { token: account.token, json: { code: 123456 } }), ['code', 'invalid_type']);
  assert.deepEqual(await standing(account), { proof: null, pending: [] });
});

test('nothing of this without a session, or from another site', async () => {
  const json = { hospital_id: newHospital(), address: newAddress(), code: '123456' };
  for (const [method, path] of [['GET', PROOFS], ['POST', MAIL], ['POST', CONFIRMATION], ['POST', `${DOCUMENT}?hospital_id=a`], ['POST', VOUCHING], ['POST', VOUCHES], ['DELETE', `${PROOFS}/pending/mail`], ['GET', `${PROOFS}/mail-domains?hospital_id=a`]]) {
    const body = method === 'POST' ? { json } : {};
    assertProblem(await call(method, path, body), 401, 'unauthorized');
    if (method === 'GET') continue;
    const { token } = await signUp();
    const headers = { cookie: `session=${token}`, origin: 'https://elsewhere.example' };
    assertProblem(await call(method, path, { ...body, headers }), 403, 'cross_origin');
  }
});

test('another hospital has to wait, the same one may be proven again', async () => {
  const account = await insider(newHospital());
  const elsewhere = newHospital();
  await approveDomain(elsewhere);
  for (const answer of [await ask(account, elsewhere, newAddress()), await upload(account, elsewhere), await wantVouching(account, elsewhere)]) {
    assertProblem(answer, 409, 'too_early');
  }
  const before = (await standing(account)).proof;
  assert.deepEqual((await standing(account)).pending, []);
  const again = await prove(account, account.hospitalId, account.address);
  assert.deepEqual(again, before);
});

test('an account is sent five codes, and a mailbox three, whoever asks', async () => {
  const hospital = newHospital();
  await approveDomain(hospital);
  const account = await signUp();
  for (let i = 0; i < 5; i += 1) assert.equal((await ask(account, hospital, newAddress())).status, 202);
  const refused = await ask(account, hospital, newAddress());
  assertProblem(refused, 429, 'too_many_requests');
  assert.ok(Number(refused.headers.get('retry-after')) <= 600);

  const address = newAddress();
  const count = () => readFileSync(process.env.JINMAEK_MAILS ?? '/dev/null', 'utf8').split(address).length - 1;
  for (let i = 0; i < 4; i += 1) assert.equal((await ask(await signUp(), hospital, address)).status, 202);
  if (process.env.JINMAEK_MAILS) assert.equal(count(), 3);
});

test('a request sent again with its Idempotency-Key sends one mail', async () => {
  const [account, hospital, address] = [await signUp(), newHospital(), newAddress()];
  await approveDomain(hospital);
  const headers = { 'idempotency-key': randomBytes(12).toString('hex') };
  const send = (address) => call('POST', MAIL, { token: account.token, json: { hospital_id: hospital, address }, headers });
  const answers = await Promise.all([send(address), send(address), send(address)]);
  assert.deepEqual(answers.map(({ status }) => status), [202, 202, 202]);
  const code = await receivedCode(address);
  if (process.env.JINMAEK_MAILS) {
    assert.equal(readFileSync(process.env.JINMAEK_MAILS, 'utf8').split(address).length - 1, 1);
  }
  assertInvalid(await send(newAddress()), ['Idempotency-Key', 'idempotency_key_reused']);
  assert.equal((await confirm(account, code)).status, 201);
});

test('a document waits for moderators, and can be taken back', async () => {
  const [account, hospital] = [await signUp(), newHospital()];
  assert.equal((await upload(account, hospital)).status, 202);
  const waiting = { method: 'document', hospital_id: hospital, expires_on: day(Date.now() + 30 * DAY_MS), approvals: 0, code: null };
  assert.deepEqual((await standing(account)).pending, [waiting]);
  for (let i = 0; i < 2; i += 1) {
    assert.equal((await call('DELETE', `${PROOFS}/pending/document`, { token: account.token })).status, 204);
  }
  assert.deepEqual((await standing(account)).pending, []);
  assertProblem(await call('DELETE', `${PROOFS}/pending/rumour`, { token: account.token }), 404, 'not_found');
});

test('only what is a PDF, a JPEG or a PNG of at most 1 MiB is taken', async () => {
  const [account, hospital] = [await signUp(), newHospital()];
  const pieces = Buffer.concat([PICTURE.subarray(0, 8), randomBytes(100)]);
  for (const [body, type] of [[PDF, 'text/html'], [PDF, 'image/svg+xml'], [PDF, 'application/octet-stream'], [PDF, 'application/json']]) {
    assertProblem(await upload(account, hospital, body, type), 415, 'unsupported_media_type');
  }
  for (const [body, type] of [[PDF, 'image/png'], [PICTURE, 'image/jpeg'], [pieces, 'image/png'], [PICTURE.subarray(0, -4), 'image/png'], [Buffer.from('<script>alert(1)</script>'), 'image/png'], [Buffer.alloc(0), 'application/pdf']]) {
    assertInvalid(await upload(account, hospital, body, type), ['body', 'not_that_type']);
  }
  const large = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(1 << 20)]);
  assertProblem(await upload(account, hospital, large), 413, 'body_too_large');
  assertInvalid(await upload(account, 'a b'), ['hospital_id', 'invalid_id']);
  assert.deepEqual((await standing(account)).pending, []);
  assert.equal((await upload(account, hospital, large.subarray(0, 1 << 20))).status, 202);
  assert.equal((await upload(account, hospital, PICTURE, 'IMAGE/PNG; x=y')).status, 202);
  assert.equal((await standing(account)).pending.length, 1);
});

test('a colleague has to be proven for thirty days before vouching', async () => {
  const hospital = newHospital();
  const newcomer = await signUp();
  const asked = await wantVouching(newcomer, hospital);
  assert.equal(asked.status, 201, asked.text);
  const { code } = asked.json;
  assert.deepEqual((await wantVouching(newcomer, hospital)).json, asked.json);
  const [pending] = (await standing(newcomer)).pending;
  assert.deepEqual(pending, { method: 'vouch', hospital_id: hospital, expires_on: day(Date.now() + 14 * DAY_MS), approvals: 0, code });

  assertProblem(await vouch(await insider(hospital), code), 403, 'proof_too_young');
  assertProblem(await vouch(await insider(newHospital()), code), 403, 'no_proof');
  assertProblem(await vouch(await signUp(), code), 403, 'no_proof');
  assertProblem(await vouch(newcomer, code), 409, 'own_code');
  assertInvalid(await vouch(await insider(hospital), 'ZZZZZZZZZZ'), ['code', 'wrong']);
  assert.equal((await standing(newcomer)).pending[0].approvals, 0);
});

/** Sites on SQLite, whose rows can be made older. */
const SQLITE = { SPIN_VARIABLE_AUTH_DATABASE_URL: 'sqlite:default', SPIN_VARIABLE_MAIL_API_URL: '', SPIN_VARIABLE_OPERATOR_TOKEN: 'operator' };

function sql(folder, statement) {
  const files = readdirSync(folder, { recursive: true }).filter((name) => /\.(db|sqlite3?)$/.test(name));
  assert.equal(files.length, 1, files.join());
  const { status, stderr } = spawnSync('sqlite3', ['-cmd', '.timeout 5000', join(folder, files[0]), statement]);
  assert.equal(status, 0, String(stderr));
}

/** Proves on another site, by the code in its log. */
async function proveAt({ base, log }, account, hospital, address) {
  const path = `/api/auth/moderation/mail-domains/${hospital}/${address.split('@')[1]}`;
  assert.equal((await call('PUT', path, { token: 'operator', base })).status, 204);
  assert.equal((await ask(account, hospital, address, base)).status, 202);
  const code = await loggedCode(log, address);
  return confirm(account, code, base);
}

async function loggedCode(log, address) {
  for (;;) {
    const line = readFileSync(log, 'utf8').split('\n').findLast((line) => line.includes(address));
    const code = line?.match(/(?<![\w-])\d{6}(?![\w-])/)?.[0];
    if (code) return code;
    await sleep(20);
  }
}

test('two colleagues of thirty days vouch, once each', { timeout: 120_000 }, async (t) => {
  const own = await ownSite(t, { variables: SQLITE });
  const { base, folder } = own;
  const colleagues = [await signUp({ base }), await signUp({ base }), await signUp({ base })];
  for (const colleague of colleagues) assert.equal((await proveAt(own, colleague, 'A', newAddress())).status, 201);
  sql(folder, `UPDATE proofs SET since = since - ${30 * DAY_MS}`);

  const newcomer = await signUp({ base });
  const { code } = (await wantVouching(newcomer, 'A', base)).json;
  assert.equal((await vouch(colleagues[0], code.toLowerCase(), base)).status, 204);
  assertProblem(await vouch(colleagues[0], code, base), 409, 'vouched_already');
  assert.deepEqual([(await standing(newcomer, base)).proof, (await standing(newcomer, base)).pending[0].approvals], [null, 1]);
  assert.equal((await vouch(colleagues[1], `${code.slice(0, 5)}-${code.slice(5)}`, base)).status, 204);
  const { proof, pending } = await standing(newcomer, base);
  assert.deepEqual([proof.hospital_id, proof.method, pending], ['A', 'vouch', []]);
  assertInvalid(await vouch(colleagues[2], code, base), ['code', 'wrong']);

  // A colleague who deletes the account takes the word back.
  const other = await signUp({ base });
  const { code: second } = (await wantVouching(other, 'A', base)).json;
  await vouch(colleagues[2], second, base);
  const { token, password } = colleagues[2];
  assert.equal((await call('DELETE', '/api/auth/accounts/me', { token, json: { password }, base })).status, 204);
  assert.equal((await standing(other, base)).pending[0].approvals, 0);
  sql(folder, `UPDATE vouch_codes SET expires_at = expires_at - ${14 * DAY_MS}`);
  assertInvalid(await vouch(colleagues[0], second, base), ['code', 'wrong']);
  assert.deepEqual((await standing(other, base)).pending, []);
});

test('neither a document nor an address can be read in the database', { timeout: 120_000 }, async (t) => {
  const own = await ownSite(t, { variables: SQLITE });
  const { base, folder, log } = own;
  const [account, address] = [await signUp({ base }), newAddress()];
  await call('PUT', '/api/auth/moderation/mail-domains/A/insiders.example', { token: 'operator', base });
  assert.equal((await ask(account, 'A', address, base)).status, 202);
  await loggedCode(log, address);
  const page = Buffer.from(`%PDF-1.7\n${'works here since 2019, '.repeat(20)}`);
  assert.equal((await upload(account, 'A', page, 'application/pdf', base)).status, 202);
  await own.stop();
  const files = readdirSync(folder, { recursive: true }).filter((name) => /\.(db|sqlite3?)(-wal)?$/.test(name));
  const bytes = Buffer.concat(files.map((name) => readFileSync(join(folder, name))));
  assert.ok(bytes.includes(account.login), 'it is the database');
  const [user] = address.split('@');
  for (const readable of [user, 'works here', page.toString('base64').slice(60, 100)]) {
    assert.ok(!bytes.includes(readable), readable);
  }
});

test('a proof ends after a year, and a code after ten minutes', { timeout: 120_000 }, async (t) => {
  const own = await ownSite(t, { variables: SQLITE });
  const { base, folder } = own;
  const [account, address] = [await signUp({ base }), newAddress()];
  assert.equal((await proveAt(own, account, 'A', address)).status, 201);
  sql(folder, `UPDATE proofs SET since = since - ${366 * DAY_MS}, expires_at = expires_at - ${366 * DAY_MS}`);
  assert.equal((await standing(account, base)).proof.valid, false);
  const { blindedElement } = await blinded(randomBytes(32), 'A', thisYear());
  const json = { hospital_id: 'A', year: thisYear(), blinded_element: blindedElement };
  assertProblem(await call('POST', '/api/auth/passes', { token: account.token, json, base }), 403, 'proof_expired');

  // Whoever takes longer than that for another hospital may change to it.
  await call('PUT', '/api/auth/moderation/mail-domains/B/insiders.example', { token: 'operator', base });
  assert.equal((await ask(account, 'B', newAddress(), base)).status, 202);
  sql(folder, 'UPDATE mail_codes SET expires_at = expires_at - 600000');
  assertInvalid(await confirm(account, '123456', base), ['code', 'expired']);
  assert.deepEqual((await standing(account, base)).pending, []);

  // The mailbox is free again with its proof's end.
  sql(folder, `UPDATE proven_addresses SET expires_at = expires_at - ${366 * DAY_MS}`);
  const next = await signUp({ base });
  assert.equal((await proveAt(own, next, 'A', address)).status, 201);
});

test('mails go out as Postmark takes them, once, and again only if they were not taken', { timeout: 120_000 }, async (t) => {
  const server = await postmark(t);
  const { base, log } = await ownSite(t, {
    variables: {
      ...SQLITE,
      SPIN_VARIABLE_MAIL_API_URL: server.url,
      SPIN_VARIABLE_MAIL_API_TOKEN: 'server-token-of-postmark',
      SPIN_VARIABLE_MAIL_SENDER: 'code@jinmaek.example',
    },
  });
  await call('PUT', '/api/auth/moderation/mail-domains/A/insiders.example', { token: 'operator', base });
  const account = await signUp({ base });
  const mailsTo = (address) => server.mails.filter(({ json }) => json.To === address);

  const first = newAddress();
  assert.equal((await ask(account, 'A', first, base)).status, 202);
  assert.equal(server.mails.length, 1);
  const [{ path, token, json }] = server.mails;
  assert.deepEqual([path, token], ['POST /email', 'server-token-of-postmark']);
  assert.deepEqual([json.From, json.To, json.TrackOpens, json.TrackLinks], ['code@jinmaek.example', first, false, 'None']);
  const code = json.TextBody.match(/\d{6}/)[0];
  assert.ok(!/진맥|jinmaek/i.test(json.Subject + json.TextBody), 'the mail does not say what it is for');
  const logged = readFileSync(log, 'utf8');
  assert.ok(!logged.includes(first) && !logged.includes(code), 'nothing of it is in the log');

  // Not taken, not taken, taken.
  const retried = newAddress();
  server.answers.push(500, 503);
  assert.equal((await ask(account, 'A', retried, base)).status, 202);
  assert.equal(mailsTo(retried).length, 3);
  assert.equal(new Set(mailsTo(retried).map(({ json }) => json.TextBody)).size, 1);

  // Nobody knows whether it was taken.
  const dropped = newAddress();
  server.answers.push('drop');
  assert.equal((await ask(account, 'A', dropped, base)).status, 202);
  await standing(account, base);
  assert.equal(mailsTo(dropped).length, 1);

  // Refused for good.
  const refused = newAddress();
  server.answers.push(422);
  assert.equal((await ask(account, 'A', refused, base)).status, 202);
  await standing(account, base);
  assert.equal(mailsTo(refused).length, 1);

  // Away at first: it goes out when its owner asks how the proof stands, however many do so at once.
  const late = newAddress();
  server.answers.push(500, 500, 500);
  assert.equal((await ask(account, 'A', late, base)).status, 202);
  assert.equal(mailsTo(late).length, 3);
  await sleep(3_200);
  await Promise.all(Array.from({ length: 8 }, () => standing(account, base)));
  assert.equal(mailsTo(late).length, 4);
  await standing(account, base);
  assert.equal(mailsTo(late).length, 4);
  const lateCode = mailsTo(late)[0].json.TextBody.match(/\d{6}/)[0];
  assert.equal((await confirm(account, lateCode, base)).status, 201);
});

test('what auth cannot do without is named in the log', { timeout: 240_000 }, async (t) => {
  const cases = [
    [{ SPIN_VARIABLE_PASS_SEED: 'c2hvcnQ=' }, 'pass_seed', 'c2hvcnQ='],
    [{ SPIN_VARIABLE_MIN_PASSES: '0' }, 'min_passes'],
    [{ SPIN_VARIABLE_MAIL_API_URL: 'http://127.0.0.1:9' }, 'mail_api_token'],
    [{ SPIN_VARIABLE_MAIL_API_URL: 'http://127.0.0.1:9', SPIN_VARIABLE_MAIL_API_TOKEN: 'x' }, 'mail_sender'],
  ].map(([variables, ...rest]) => [{ ...SQLITE, SPIN_VARIABLE_MAIL_API_TOKEN: '', SPIN_VARIABLE_MAIL_SENDER: '', ...variables }, ...rest]);
  // On a database server nothing may be left out.
  if (process.env.SPIN_VARIABLE_AUTH_DATABASE_URL) {
    cases.push([{ SPIN_VARIABLE_MAIL_API_URL: '' }, 'mail_api_url'], [{ SPIN_VARIABLE_PASS_SEED: '' }, 'pass_seed']);
  }
  // In one folder, where the host keeps what it has compiled.
  let folder;
  let logged = 0;
  for (const [variables, name, secret] of cases) {
    const { base, log, stop, ...site } = await ownSite(t, { folder, variables });
    folder = site.folder;
    const answer = await fetch(`${base}/api/auth/passes/keys`);
    assert.equal(answer.status, 503, name);
    assert.ok(!(await answer.text()).includes(name), 'the client is not told');
    const text = readFileSync(log, 'utf8').slice(logged);
    logged += text.length;
    assert.ok(text.includes(name), `${name} is in the log: ${text}`);
    if (secret) assert.ok(!text.includes(secret), 'its value is not');
    await stop();
  }
});

test('an account that goes takes everything of its proof with it', async () => {
  const hospital = newHospital();
  const secret = randomBytes(32);
  const account = await insider(hospital);
  const first = await requestPass(account, hospital, secret);
  assert.equal(first.status, 201, first.text);
  await upload(account, hospital);
  const { token, password } = account;
  assert.equal((await call('DELETE', '/api/auth/accounts/me', { token, json: { password } })).status, 204);

  // The same mailbox proves the next account, and has had its pass of this year.
  const next = await signUp();
  assert.deepEqual(await standing(next), { proof: null, pending: [] });
  await prove(next, hospital, account.address);
  assertProblem(await requestPass(next, hospital, randomBytes(32)), 409, 'pass_already_issued');
  const again = await requestPass(next, hospital, secret);
  assert.deepEqual([again.status, again.json], [200, first.json]);
  // However often.
  await call('DELETE', '/api/auth/accounts/me', { token: next.token, json: { password: next.password } });
  const third = await signUp();
  await approveDomain(hospital);
  const code = await mailCode(third, hospital, account.address);
  assert.equal((await confirm(third, code)).status, 201);
  assertProblem(await requestPass(third, hospital, randomBytes(32)), 409, 'pass_already_issued');
});
