// Review passes, asked for by an implementation of RFC 9497 that shares nothing with auth's.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { assertInvalid, assertProblem } from '../answers.mjs';
import { N, blinded, finalize, freshPass, insider, loggedKey, pass, requestPass, sha256, thisYear } from '../insiders.mjs';
import { call, ownSite, signUp, site } from '../site.mjs';

const PASSES = '/api/auth/passes';
const KEYS = `${PASSES}/keys`;

const newHospital = () => `SYN-T-${randomBytes(6).toString('hex')}`;

async function redeem(json) {
  const { base } = await site();
  return call('POST', '/internal/auth/passes/redemptions', { json, base });
}

const redemption = ({ hospitalId, year, publicKey, pass }) => ({ hospital_id: hospitalId, year, public_key: publicKey, pass });

const isValid = async (json) => {
  const answer = await redeem(json);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.valid;
};

const crowd = async (hospitalId) => (await call('GET', `${PASSES}/crowd?hospital_id=${hospitalId}&year=${thisYear()}`)).json;

test('a pass is issued blindly, proves its key, and is redeemed', async () => {
  const hospital = newHospital();
  const account = await insider(hospital);
  const secret = randomBytes(32);
  const answer = await requestPass(account, hospital, secret);
  assert.equal(answer.status, 201, answer.text);
  const { hospital_id, year, public_key, key_index } = answer.json;
  assert.deepEqual([hospital_id, year], [hospital, thisYear()]);
  const logged = await loggedKey(hospital);
  assert.deepEqual([logged.public_key, logged.index], [public_key, key_index]);
  const own = await pass(account, hospital, secret);
  assert.equal(await isValid(redemption(own)), true);
  assert.equal(await isValid(redemption(own)), true, 'auth remembers nothing');
});

test('the proof of the key does not fit another key', async () => {
  const [hospital, other] = [newHospital(), newHospital()];
  const [account, secret] = [await insider(hospital), randomBytes(32)];
  const answer = await requestPass(account, hospital, secret);
  await freshPass(other);
  const { public_key } = await loggedKey(other);
  await assert.rejects(finalize(answer.json, secret, hospital, thisYear(), public_key), /proof failed/);
});

test('a pass is good for its key, hospital and year only', async () => {
  const [own, other] = [await freshPass(newHospital()), await freshPass(newHospital())];
  const good = redemption(own);
  assert.equal(await isValid(good), true);
  const flipped = Buffer.from(own.pass, 'base64url');
  flipped[0] ^= 1;
  for (const change of [
    { hospital_id: other.hospitalId },
    { hospital_id: newHospital() },
    { year: own.year - 1 },
    { year: own.year + 1 },
    { public_key: other.publicKey },
    { pass: other.pass },
    { pass: flipped.toString('base64url') },
    { pass: randomBytes(64).toString('base64url') },
  ]) {
    assert.equal(await isValid({ ...good, ...change }), false, JSON.stringify(change));
  }
});

test('what cannot be redeemed is refused by name', async () => {
  const good = redemption(await freshPass(newHospital()));
  const refused = async (change, ...fields) => assertInvalid(await redeem({ ...good, ...change }), ...fields);
  await refused({ pass: good.pass.slice(1) }, ['pass', 'invalid_length']);
  await refused({ pass: `${good.pass}==` }, ['pass', 'invalid_length']);
  await refused({ pass: '' }, ['pass', 'invalid_length']);
  await refused({ pass: 'A'.repeat(900_000) }, ['pass', 'invalid_length']);
  await refused({ public_key: good.pass }, ['public_key', 'invalid_length']);
  await refused({ public_key: '*', pass: '*' }, ['public_key', 'invalid_length'], ['pass', 'invalid_length']);
  await refused({ hospital_id: '' }, ['hospital_id', 'invalid_id']);
  await refused({ year: 1999 }, ['year', 'out_of_range']);
  await refused({ year: '2026' }, ['year', 'invalid_type']);
  await refused({ account: 'x' }, ['account', 'unknown_field']);
});

test('the same question gets the same answer, another one none', async () => {
  const hospital = newHospital();
  const [account, secret] = [await insider(hospital), randomBytes(32)];
  const answers = await Promise.all(Array.from({ length: 8 }, () => requestPass(account, hospital, secret)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(7).fill(200), 201]);
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  assertProblem(await requestPass(account, hospital, randomBytes(32)), 409, 'pass_already_issued');
  assert.equal((await crowd(hospital)).issued, 1);
});

test('of different questions at once one is answered', async () => {
  const hospital = newHospital();
  const account = await insider(hospital);
  const answers = await Promise.all(Array.from({ length: 6 }, () => requestPass(account, hospital, randomBytes(32))));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(5).fill(409)]);
  assert.equal((await crowd(hospital)).issued, 1);
});

test('only who is proven gets one, of this year, for a sound element', async () => {
  const hospital = newHospital();
  const [account, secret] = [await insider(hospital), randomBytes(32)];
  assertProblem(await requestPass(await signUp(), hospital, secret), 403, 'no_proof');
  assertProblem(await requestPass(account, newHospital(), secret), 403, 'no_proof');
  assertProblem(await requestPass({}, hospital, secret), 401, 'unauthorized');
  for (const year of [thisYear() - 1, thisYear() + 1, 0, -1]) {
    assertInvalid(await requestPass(account, hospital, secret, year), ['year', 'not_this_year']);
  }
  const { blindedElement } = await blinded(secret, hospital, thisYear());
  const ask = (change) => call('POST', PASSES, { token: account.token, json: { hospital_id: hospital, year: thisYear(), blinded_element: blindedElement, ...change } });
  const zero = Buffer.alloc(32).toString('base64url');
  const large = Buffer.alloc(32, 0xff).toString('base64url');
  for (const blinded_element of ['', '*', zero, large, blindedElement.slice(1), `${blindedElement}=`, `${blindedElement}\u0000`, 'A'.repeat(900_000)]) {
    assertInvalid(await ask({ blinded_element }), ['blinded_element', 'not_an_element']);
  }
  assertInvalid(await ask({ hospital_id: 'a b' }), ['hospital_id', 'invalid_id']);
  assertInvalid(await ask({ year: 2026.5 }), ['year', 'invalid_type']);
  assertInvalid(await ask({ secret: 'x' }), ['secret', 'unknown_field']);
  assert.equal(await loggedKey(hospital), undefined, 'nothing was stored');
  assert.equal((await ask({})).status, 201);
});

test('the crowd is counted, and stays when somebody leaves', async () => {
  const hospital = newHospital();
  assert.deepEqual(await crowd(hospital), { hospital_id: hospital, year: thisYear(), issued: 0, required: 5 });
  const accounts = [await insider(hospital), await insider(hospital), await insider(hospital)];
  for (const account of accounts) await pass(account);
  assert.equal((await crowd(hospital)).issued, 3);
  const { token, password } = accounts[0];
  assert.equal((await call('DELETE', '/api/auth/accounts/me', { token, json: { password } })).status, 204);
  assert.equal((await crowd(hospital)).issued, 3);
  assertInvalid(await call('GET', `${PASSES}/crowd?hospital_id=a%20b&year=1`), ['hospital_id', 'invalid_id'], ['year', 'out_of_range']);
  assertInvalid(await call('GET', `${PASSES}/crowd?hospital_id=a`), ['year', 'required']);
});

/** The whole log. */
async function keyLog() {
  const entries = [];
  let cursor;
  do {
    const { json } = await call('GET', `${KEYS}?limit=7${cursor ? `&cursor=${cursor}` : ''}`);
    entries.push(...json.items);
    cursor = json.next_cursor;
  } while (cursor);
  return entries;
}

test('the key log is one chain, whoever uses a key first at the same time', async () => {
  const accounts = await Promise.all(Array.from({ length: 6 }, () => insider(newHospital())));
  await Promise.all(accounts.map((account) => pass(account)));
  const entries = await keyLog();
  let previous = '0'.repeat(64);
  for (const [at, entry] of entries.entries()) {
    assert.equal(entry.index, at + 1);
    assert.equal(entry.previous, previous);
    const { index, hospital_id, year, public_key } = entry;
    assert.equal(entry.hash, sha256(N('jinmaek-pass-key-v1', index, hospital_id, year, public_key, previous)));
    previous = entry.hash;
  }
  assert.equal(new Set(entries.map(({ hospital_id, year }) => `${hospital_id} ${year}`)).size, entries.length);
  for (const { hospitalId } of accounts) {
    const entry = entries.find(({ hospital_id }) => hospital_id === hospitalId);
    assert.deepEqual(await loggedKey(hospitalId), entry);
  }
});

test('colleagues are given one key', async () => {
  const hospital = newHospital();
  const [one, other] = [await insider(hospital), await insider(hospital)];
  const answers = [await requestPass(one, hospital, randomBytes(32)), await requestPass(other, hospital, randomBytes(32))];
  const [first, second] = answers.map(({ json: { public_key, key_index } }) => [public_key, key_index]);
  assert.deepEqual(first, second);
});

test('the key log is asked for by hospital and year together', async () => {
  assertInvalid(await call('GET', `${KEYS}?hospital_id=a`), ['year', 'required']);
  assertInvalid(await call('GET', `${KEYS}?year=2026`), ['hospital_id', 'required']);
  assertInvalid(await call('GET', `${KEYS}?hospital_id=a%20b&year=2026`), ['hospital_id', 'invalid_id']);
  assertInvalid(await call('GET', `${KEYS}?limit=0`), ['limit', 'out_of_range']);
  assertInvalid(await call('GET', `${KEYS}?cursor=x`), ['cursor', 'invalid_cursor']);
  const none = await call('GET', `${KEYS}?hospital_id=${newHospital()}&year=2026`);
  assert.deepEqual(none.json, { items: [], next_cursor: null });
});

test('another seed than that of the key log is refused', { timeout: 120_000 }, async (t) => {
  const variables = { SPIN_VARIABLE_AUTH_DATABASE_URL: 'sqlite:default', SPIN_VARIABLE_MAIL_API_URL: '', SPIN_VARIABLE_OPERATOR_TOKEN: 'operator' };
  const seeds = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString('base64'));
  const first = await ownSite(t, { variables: { ...variables, SPIN_VARIABLE_PASS_SEED: seeds[0] } });
  const { base, folder } = first;
  await call('PUT', '/api/auth/moderation/mail-domains/A/insiders.example', { token: 'operator', base });
  const { token } = await signUp({ base });
  const address = `t${randomBytes(8).toString('hex')}@insiders.example`;
  await call('POST', '/api/auth/proofs/mail', { token, json: { hospital_id: 'A', address }, base });
  const line = readFileSync(first.log, 'utf8').split('\n').find((line) => line.includes(address));
  const code = line.match(/(?<![\w-])\d{6}(?![\w-])/)[0];
  await call('POST', '/api/auth/proofs/mail/confirmation', { token, json: { code }, base });
  const { blindedElement } = await blinded(randomBytes(32), 'A', thisYear());
  const json = { hospital_id: 'A', year: thisYear(), blinded_element: blindedElement };
  assert.equal((await call('POST', PASSES, { token, json, base })).status, 201);
  await first.stop();

  const second = await ownSite(t, { folder, variables: { ...variables, SPIN_VARIABLE_PASS_SEED: seeds[1] } });
  assert.equal((await fetch(`${second.base}${KEYS}`)).status, 503);
  const log = readFileSync(second.log, 'utf8');
  assert.match(log, /pass_seed is not the one/);
  assert.ok(!seeds.some((seed) => log.includes(seed)));
  await second.stop();

  const third = await ownSite(t, { folder, variables: { ...variables, SPIN_VARIABLE_PASS_SEED: seeds[0] } });
  const again = await call('POST', PASSES, { token, json, base: third.base });
  assert.equal(again.status, 200, again.text);
});
