// Moderators: who is one, and what two of them decide.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { assertInvalid, assertProblem } from '../answers.mjs';
import { moderator, pass } from '../insiders.mjs';
import { PICTURE, withText } from '../pictures.mjs';
import { call, signIn, signUp, site } from '../site.mjs';

const MODERATORS = '/api/auth/moderators';
const DOCUMENTS = '/api/auth/moderation/documents';
const DOMAINS = '/api/auth/moderation/mail-domains';
const PROOFS = '/api/auth/proofs';

const PNG = withText('taken on the third floor, at 37.5665, 126.9780');

const newHospital = () => `SYN-T-${randomBytes(6).toString('hex')}`;

const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

const upload = ({ token }, hospitalId, body = PNG) =>
  call('POST', `${PROOFS}/document?hospital_id=${hospitalId}`, { token, body, headers: { 'content-type': 'image/png' } });

const decide = ({ token }, id, approve) => call('POST', `${DOCUMENTS}/${id}/decisions`, { token, json: { approve } });

const standing = async ({ token }) => (await call('GET', PROOFS, { token })).json;

/** Every item of a list. */
async function all({ token }, path) {
  const items = [];
  let cursor;
  do {
    const { json } = await call('GET', `${path}${path.includes('?') ? '&' : '?'}limit=100${cursor ? `&cursor=${cursor}` : ''}`, { token });
    items.push(...json.items);
    cursor = json.next_cursor;
  } while (cursor);
  return items;
}

/** The document that waits for a hospital, as a moderator sees it. */
const waiting = async (who, hospitalId) => (await all(who, DOCUMENTS)).find(({ hospital_id }) => hospital_id === hospitalId);

test('the operator names moderators, whose tokens say so', async () => {
  const { operatorToken } = await site();
  const { login, password, token } = await signUp();
  assert.equal(claims(token).roles, undefined);
  assertProblem(await call('GET', DOCUMENTS, { token }), 403, 'not_a_moderator');
  for (let i = 0; i < 2; i += 1) {
    assert.equal((await call('PUT', `${MODERATORS}/${login.toUpperCase()}`, { token: operatorToken })).status, 204);
  }
  const next = await signIn(login, password);
  assert.deepEqual(claims(next).roles, ['moderator']);
  assert.deepEqual((await call('GET', '/api/auth/accounts/me', { token: next })).json.roles, ['moderator']);
  assert.equal((await call('GET', DOCUMENTS, { token: next })).status, 200);

  for (let i = 0; i < 2; i += 1) {
    assert.equal((await call('DELETE', `${MODERATORS}/${login}`, { token: operatorToken })).status, 204);
  }
  assertProblem(await call('GET', DOCUMENTS, { token: next }), 403, 'not_a_moderator');
  assert.equal(claims(await signIn(login, password)).roles, undefined);
});

test('nobody else names moderators', async () => {
  const { operatorToken } = await site();
  const [{ login, token }, other] = [await signUp(), await moderator()];
  for (const method of ['PUT', 'DELETE']) {
    for (const refused of [undefined, token, other.token, `${operatorToken}x`, operatorToken.slice(1), '']) {
      assertProblem(await call(method, `${MODERATORS}/${login}`, { token: refused }), 401, 'unauthorized');
    }
    for (const absent of ['nobody-of-that-name', 'a', '%EA%B9%80']) {
      assertProblem(await call(method, `${MODERATORS}/${absent}`, { token: operatorToken }), 404, 'not_found');
    }
  }
});

test('two moderators approve a document, and it is gone', async () => {
  const [one, other, account, hospital] = [await moderator(), await moderator(), await signUp(), newHospital()];
  assert.equal((await upload(account, hospital)).status, 202);
  const { id, day, ...shown } = await waiting(one, hospital);
  assert.deepEqual(shown, { hospital_id: hospital, media_type: 'image/png', bytes: PICTURE.length, approvals: 0, mine: false });
  assert.match(day, /^\d{4}-\d\d-\d\d$/);

  const { base } = await site();
  const file = await fetch(`${base}${DOCUMENTS}/${id}`, { headers: { authorization: `Bearer ${one.token}` } });
  assert.deepEqual([file.status, file.headers.get('content-type'), file.headers.get('cache-control')], [200, 'image/png', 'no-store']);
  assert.deepEqual(Buffer.from(await file.arrayBuffer()), PICTURE, 'what was written into it is gone');

  const first = await decide(one, id, true);
  assert.deepEqual([first.status, first.json], [200, { status: 'waiting' }]);
  assertProblem(await decide(one, id, true), 409, 'second_moderator_needed');
  assert.equal((await waiting(one, hospital)).mine, true);
  assert.deepEqual([(await waiting(other, hospital)).mine, (await waiting(other, hospital)).approvals], [false, 1]);
  assert.equal((await standing(account)).proof, null);
  assert.equal((await standing(account)).pending[0].approvals, 1);

  assert.deepEqual((await decide(other, id, true)).json, { status: 'approved' });
  const { proof, pending } = await standing(account);
  assert.deepEqual([proof.hospital_id, proof.method, pending], [hospital, 'document', []]);
  assert.equal(await waiting(one, hospital), undefined);
  for (const answer of [await call('GET', `${DOCUMENTS}/${id}`, { token: one.token }), await decide(one, id, true), await decide(one, id, false)]) {
    assertProblem(answer, 404, 'not_found');
  }
  assert.ok(await pass({ ...account, hospitalId: hospital }), 'it is worth a pass');
});

test('one refusal is enough, also after an approval', async () => {
  const [one, other, account, hospital] = [await moderator(), await moderator(), await signUp(), newHospital()];
  await upload(account, hospital);
  const { id } = await waiting(one, hospital);
  await decide(one, id, true);
  assert.deepEqual((await decide(other, id, false)).json, { status: 'refused' });
  assert.deepEqual(await standing(account), { proof: null, pending: [] });
  assertProblem(await call('GET', `${DOCUMENTS}/${id}`, { token: one.token }), 404, 'not_found');
});

test('another document has to be approved anew', async () => {
  const [one, other, account, hospital] = [await moderator(), await moderator(), await signUp(), newHospital()];
  await upload(account, hospital);
  const { id } = await waiting(one, hospital);
  await decide(one, id, true);
  await upload(account, hospital, withText('another one'));
  assertProblem(await decide(other, id, true), 404, 'not_found');
  const { id: second, approvals } = await waiting(one, hospital);
  assert.equal(approvals, 0);
  assert.deepEqual((await decide(other, second, true)).json, { status: 'waiting' });
});

test('two moderators who approve at once are counted both, one who does twice once', async () => {
  const [one, other, account, hospital] = [await moderator(), await moderator(), await signUp(), newHospital()];
  await upload(account, hospital);
  const { id } = await waiting(one, hospital);
  const twice = await Promise.all([decide(one, id, true), decide(one, id, true)]);
  assert.deepEqual(twice.map(({ status }) => status).sort(), [200, 409]);
  const both = await Promise.all([decide(other, id, true), decide(one, id, true)]);
  assert.equal(both[0].json.status, 'approved');
  assert.ok([404, 409].includes(both[1].status));
  assert.equal((await standing(account)).proof.method, 'document');
});

test('nobody decides on their own document', async () => {
  const [own, hospital] = [await moderator(), newHospital()];
  await upload(own, hospital);
  const { id } = await waiting(own, hospital);
  for (const approve of [true, false]) assertProblem(await decide(own, id, approve), 403, 'own_document');
  assert.equal((await standing(own)).pending.length, 1);
});

test('only moderators see and decide', async () => {
  const [insider, hospital, who] = [await signUp(), newHospital(), await moderator()];
  await upload(insider, hospital);
  const { id } = await waiting(who, hospital);
  const routes = [['GET', DOCUMENTS], ['GET', `${DOCUMENTS}/${id}`], ['POST', `${DOCUMENTS}/${id}/decisions`], ['GET', DOMAINS], ['PUT', `${DOMAINS}/${hospital}/a.example`], ['DELETE', `${DOMAINS}/${hospital}/a.example`]];
  for (const [method, path] of routes) {
    const body = method === 'POST' ? { json: { approve: true } } : {};
    assertProblem(await call(method, path, { ...body, token: insider.token }), 403, 'not_a_moderator');
    assertProblem(await call(method, path, body), 401, 'unauthorized');
  }
  assert.equal((await waiting(who, hospital)).approvals, 0);
});

test('a decision that is none is refused by name', async () => {
  const [who, account, hospital] = [await moderator(), await signUp(), newHospital()];
  await upload(account, hospital);
  const { id } = await waiting(who, hospital);
  const send = (json) => call('POST', `${DOCUMENTS}/${id}/decisions`, { token: who.token, json });
  assertInvalid(await send({}), ['approve', 'required']);
  assertInvalid(await send({ approve: 'yes' }), ['approve', 'invalid_type']);
  assertInvalid(await send({ approve: true, reason: 'x' }), ['reason', 'unknown_field']);
  for (const absent of ['x', '00000000-0000-4000-8000-000000000000']) {
    assertProblem(await decide(who, absent, true), 404, 'not_found');
    assertProblem(await call('GET', `${DOCUMENTS}/${absent}`, { token: who.token }), 404, 'not_found');
  }
  assert.equal((await waiting(who, hospital)).approvals, 0);
});

test('a domain that an insider asks for comes before the moderators, once', async () => {
  const [who, hospital] = [await moderator(), newHospital()];
  const domain = `d${randomBytes(6).toString('hex')}.example`;
  const ask = ({ token }) => call('POST', `${PROOFS}/mail`, { token, json: { hospital_id: hospital, address: `kim@${domain.toUpperCase()}` } });
  for (let i = 0; i < 2; i += 1) assertProblem(await ask(await signUp()), 409, 'domain_not_approved');
  const of = async (query) => (await all(who, `${DOMAINS}${query}`)).filter(({ hospital_id }) => hospital_id === hospital);
  const asked = { hospital_id: hospital, domain, approved: false };
  assert.deepEqual(await of(''), [asked]);
  assert.deepEqual(await of('?approved=false'), [asked]);
  assert.deepEqual(await of('?approved=true'), []);

  const change = (method) => call(method, `${DOMAINS}/${hospital}/${domain.toUpperCase()}`, { token: who.token });
  for (let i = 0; i < 2; i += 1) assert.equal((await change('PUT')).status, 204);
  assert.deepEqual(await of('?approved=true'), [{ ...asked, approved: true }]);
  assert.equal((await ask(await signUp())).status, 202);
  for (let i = 0; i < 2; i += 1) assert.equal((await change('DELETE')).status, 204);
  assert.deepEqual(await of(''), []);
  assertProblem(await ask(await signUp()), 409, 'domain_not_approved');
});

test('an account puts five domains before the moderators, then it has to wait', async () => {
  const [account, hospital] = [await signUp(), newHospital()];
  const ask = (n) => call('POST', `${PROOFS}/mail`, { token: account.token, json: { hospital_id: hospital, address: `a@d${n}.example` } });
  for (let n = 0; n < 5; n += 1) assertProblem(await ask(n), 409, 'domain_not_approved');
  assertProblem(await ask(5), 429, 'too_many_requests');
});

test('a hospital or a domain that cannot be one is refused by name', async () => {
  const who = await moderator();
  const put = (hospital, domain) => call('PUT', `${DOMAINS}/${encodeURIComponent(hospital)}/${encodeURIComponent(domain)}`, { token: who.token });
  for (const domain of ['localhost', '10.0.0.1', 'a b.kr', '-a.kr', '가온.kr', 'a..kr', 'a@b.kr', `${'a'.repeat(64)}.kr`]) {
    assertInvalid(await put('SYN-0001', domain), ['domain', 'invalid_domain']);
  }
  assertInvalid(await put('a b', 'a.kr'), ['hospital_id', 'invalid_id']);
  assert.equal((await put('A+/=_-', 'a.kr')).status, 204);
  assertInvalid(await call('GET', `${DOMAINS}?approved=maybe`, { token: who.token }), ['approved', 'invalid_type']);
});
