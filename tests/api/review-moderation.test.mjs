// Reports, takedown requests, replies, removal by two, and the public log of it all.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, test } from 'node:test';
import { N, appeal, edition, moderator, newReview, publish, runBatch, sha256, withdrawal } from '../insiders.mjs';
import {
  CROWD, MODERATION, NOBODY, assertExact, everyItem, expect, hospital, own, passes, pathOf, read, refuse, reviewsOf, stars,
} from '../reviews.mjs';
import { call, signUp, site } from '../site.mjs';

const HOSPITAL = hospital(34);
const REASON = 'false_fact';
const draft = { title: '설명이 자세해요', body: '진료 전에 비용을 먼저 알려 줘요.', stars: stars(5) };

let keys, reviews, first, second;

before(async () => {
  [first, second] = [await moderator(), await moderator()];
  keys = await passes(HOSPITAL, CROWD + 2);
  reviews = [];
  for (const key of keys) {
    const answer = await publish(key, draft);
    reviews.push({ ...answer.json, path: answer.headers.get('location'), key });
  }
  await runBatch();
});

const act = (status, method, path, moderating, json) => expect(status, method, `${MODERATION}${path}`, { token: moderating.token, json });
const listed = (path, moderating = first) => everyItem(`${MODERATION}/${path}`, 100, moderating.token);
const log = () => everyItem(`${MODERATION}/log`, 100);
const actsOn = async (review) => (await log()).filter((entry) => entry.review_id === review.id).map((entry) => entry.act).reverse();
const visible = async (review) => (await everyItem(reviewsOf(HOSPITAL), 100)).find((item) => item.id === review.id);

const claim = (fields) => ({ claimant: '홍길동', contact: 'hong@example.org', reason: REASON, detail: '사실이 아닙니다.', ...fields });

/** A takedown request for the review: its id. */
async function requested(review, fields) {
  return (await expect(201, 'POST', `${review.path}/takedowns`, { json: claim(fields) })).json.id;
}

const decide = (status, id, decision, moderating = first) => act(status, 'POST', `/takedowns/${id}/decisions`, moderating, { decision });

test('an insider reports a review once, and a moderator dismisses the report', async () => {
  const [review] = reviews;
  const { token } = await signUp();
  const report = { reason: 'insult', detail: '욕설이 있습니다.' };
  const answer = await expect(201, 'POST', `${review.path}/reports`, { token, json: report });
  await refuse(409, 'already_reported', 'POST', `${review.path}/reports`, { token, json: report });
  await expect(401, 'POST', `${review.path}/reports`, { json: report });
  await expect(404, 'POST', `${reviewsOf(HOSPITAL)}/${NOBODY}/reports`, { token, json: report });
  await expect(404, 'POST', `${review.path.replace(HOSPITAL, hospital(35))}/reports`, { token, json: report });
  await expect(422, 'POST', `${review.path}/reports`, { token, json: { ...report, reason: 'boring' } }, 'reason');
  await expect(422, 'POST', `${review.path}/reports`, { token, json: { ...report, detail: 'a'.repeat(1001) } }, 'detail');
  await expect(422, 'POST', `${review.path}/reports`, { token, json: { reason: 'other' } }, 'detail');

  const item = (await listed('reports')).find(({ id }) => id === answer.json.id);
  assert.deepEqual([item.hospital_id, item.review_id, item.reason, item.detail], [HOSPITAL, review.id, 'insult', report.detail]);
  assert.deepEqual([item.review.title, item.review.status], [draft.title, 'published']);
  assert.match(item.hospital_name, /가상/);
  await act(204, 'POST', `/reports/${item.id}/dismissal`, first);
  await act(404, 'POST', `/reports/${item.id}/dismissal`, second);
  assert.ok(!(await listed('reports')).some(({ id }) => id === item.id));
  assert.deepEqual(await actsOn(review), ['report_dismissed']);
  await refuse(409, 'already_reported', 'POST', `${review.path}/reports`, { token, json: report });
});

test('a takedown request hides a review without a trace being lost, its author objects, and it is restored', async () => {
  const review = reviews[1];
  const count = (await assertExact(HOSPITAL)).length;
  const id = await requested(review);
  assert.equal((await visible(review)).status, 'published', 'a request alone hides nothing');
  const waiting = (await listed('takedowns')).find((item) => item.id === id);
  assert.deepEqual([waiting.status, waiting.claimant, waiting.contact, waiting.hidden_until], ['waiting', '홍길동', 'hong@example.org', null]);
  await decide(409, id, 'restore');
  await decide(204, id, 'hide');
  assert.equal((await decide(409, id, 'refuse', second)).json.code, 'decided_already');

  const hidden = await read(review.path);
  const { status, title, body, stars: six, average, reply } = hidden;
  assert.deepEqual({ status, title, body, six, average, reply }, { status: 'hidden', title: null, body: null, six: null, average: null, reply: null });
  const until = new Date(Date.now() + (9 * 3600 + 30 * 86400) * 1000).toISOString().slice(0, 10);
  assert.equal(hidden.hidden_until, until);
  assert.deepEqual(await visible(review), hidden);
  assert.ok(!(await everyItem(`${reviewsOf(HOSPITAL)}?sort=highest`, 100)).some((item) => item.id === review.id));
  assert.equal((await assertExact(HOSPITAL)).length, count - 1, 'it counts no more');
  await refuse(409, 'not_published', 'POST', `${review.path}/takedowns`, { json: claim() });

  const statement = '사실만 썼습니다. 다시 보여 주세요.';
  await expect(202, 'POST', `${review.path}/appeal`, { json: appeal(review.key, 2, statement) });
  await refuse(409, 'revision_too_low', 'POST', `${review.path}/appeal`, { json: appeal(review.key, 2, statement) });
  await refuse(403, 'signature_invalid', 'POST', `${review.path}/appeal`, { json: appeal(keys[0], 3, statement) });
  await expect(422, 'POST', `${review.path}/appeal`, { json: appeal(review.key, 3, ' 빈칸으로 시작해요. ') }, 'statement');
  assert.equal((await own(review.key)).status, 'hidden');
  const item = (await listed('takedowns')).find((each) => each.id === id);
  assert.deepEqual([item.status, item.appeal, item.hidden_until, item.review.body], ['hidden', statement, until, draft.body]);

  await decide(204, id, 'restore', second);
  assert.equal((await read(review.path)).title, draft.title);
  assert.equal((await assertExact(HOSPITAL)).length, count);
  assert.deepEqual(await actsOn(review), ['hidden', 'restored']);
  const again = await requested(review);
  assert.equal((await decide(409, again, 'hide')).json.code, 'hidden_before');
  await decide(204, again, 'refuse');
  assert.deepEqual(await actsOn(review), ['hidden', 'restored', 'takedown_refused']);

  const edit = (revision, title) => expect(200, 'PUT', review.path, { json: edition(review.key, revision, { ...draft, title }) });
  await edit(3, '고친 글');
  await runBatch();
  assert.equal((await read(review.path)).title, '고친 글');
  const edited = await requested(review);
  await decide(204, edited, 'hide');
  // An edit waits for the decision, too.
  await edit(4, '또 고친 글');
  await runBatch();
  assert.equal((await visible(review)).status, 'hidden');
  await decide(204, edited, 'restore', second);
  await runBatch();
  assert.equal((await read(review.path)).title, '또 고친 글');
  await decide(204, await requested(review), 'hide');
  await expect(204, 'POST', `${review.path}/withdrawal`, { json: withdrawal(review.key, 5) });
  await expect(404, 'GET', review.path);
  assert.ok(!(await listed('takedowns')).some((each) => each.review_id === review.id));
  assert.equal((await assertExact(HOSPITAL)).length, count - 1);
});

test('requests are checked, and a flood of them is met', async () => {
  const review = reviews[2];
  const path = `${review.path}/takedowns`;
  await expect(422, 'POST', path, { json: claim({ claimant: '', contact: 'x' }) }, ['claimant', 'contact']);
  await expect(422, 'POST', path, { json: claim({ reason: 'other', more: 1 }) }, 'more');
  const empty = { claimant: '', contact: '', reason: '', detail: '' };
  await expect(422, 'POST', path, { json: empty }, ['claimant', 'contact', 'reason', 'detail']);
  await expect(404, 'POST', `${reviewsOf(HOSPITAL)}/${NOBODY}/takedowns`, { json: claim() });
  const headers = { 'idempotency-key': randomUUID() };
  const sent = await Promise.all([1, 2].map(() => expect(201, 'POST', path, { json: claim(), headers })));
  assert.equal(sent[0].text, sent[1].text, 'sent twice, it is one request');
  await expect(422, 'POST', path, { json: claim({ reason: 'insult' }), headers }, 'Idempotency-Key');
  const ids = [sent[0].json.id];
  for (let count = 1; count < 10; count++) ids.push(await requested(review));
  const full = await expect(429, 'POST', path, { json: claim() });
  assert.ok(Number(full.headers.get('retry-after')) > 0);
  await Promise.all(ids.map((id) => decide(204, id, 'refuse')));
});

test('a removal takes two moderators, and may ban the key', async () => {
  const review = reviews[3];
  const count = (await assertExact(HOSPITAL)).length;
  const proposal = { hospital_id: HOSPITAL, review_id: review.id, reason: 'personal_data', ban_key: true };
  const { json } = await act(201, 'POST', '/removals', first, proposal);
  assert.equal(json.mine, true);
  assert.equal((await act(409, 'POST', '/removals', second, proposal)).json.code, 'removal_proposed');
  assert.equal((await act(409, 'POST', `/removals/${json.id}/confirmation`, first)).json.code, 'second_moderator_needed');
  assert.equal((await read(review.path)).status, 'published', 'one moderator removes nothing');
  assert.equal((await listed('removals', second)).find((item) => item.id === json.id).mine, false);
  await act(204, 'DELETE', `/removals/${json.id}`, second);
  await act(404, 'POST', `/removals/${json.id}/confirmation`, second);

  const { token } = await signUp();
  await expect(201, 'POST', `${review.path}/reports`, { token, json: { reason: 'personal_data', detail: '' } });
  await requested(review);
  const again = (await act(201, 'POST', '/removals', first, proposal)).json;
  await act(204, 'POST', `/removals/${again.id}/confirmation`, second);
  await act(404, 'POST', `/removals/${again.id}/confirmation`, second);
  const removed = await visible(review);
  assert.deepEqual([removed.status, removed.title, removed.stars, removed.hidden_until], ['removed', null, null, null]);
  assert.equal((await assertExact(HOSPITAL)).length, count - 1);
  for (const list of ['reports', 'takedowns', 'removals']) {
    assert.ok(!(await listed(list)).some((item) => item.review_id === review.id), list);
  }
  assert.deepEqual(await actsOn(review), ['removed', 'key_banned']);
  assert.equal((await act(409, 'POST', '/removals', first, proposal)).json.code, 'review_removed');

  const banned = await own(review.key);
  assert.deepEqual([banned.status, banned.banned, banned.title], ['removed', true, null]);
  await refuse(403, 'key_banned', 'PUT', review.path, { json: edition(review.key, 9, draft) });
  await refuse(403, 'key_banned', 'POST', `${review.path}/withdrawal`, { json: withdrawal(review.key, 9) });
  await refuse(403, 'key_banned', 'POST', reviewsOf(HOSPITAL), { json: newReview(review.key) });

  const other = reviews[4];
  const plain = (await act(201, 'POST', '/removals', second, { ...proposal, review_id: other.id, ban_key: false })).json;
  await act(204, 'POST', `/removals/${plain.id}/confirmation`, first);
  assert.deepEqual(await actsOn(other), ['removed']);
  await refuse(409, 'review_removed', 'PUT', other.path, { json: edition(other.key, 9, draft) });
  await refuse(409, 'review_removed', 'POST', `${other.path}/withdrawal`, { json: withdrawal(other.key, 9) });
});

test('a hospital replies by its token, beside the review', async () => {
  const review = reviews[5];
  const issued = (await act(201, 'POST', '/reply-tokens', first, { hospital_id: HOSPITAL })).json;
  const foreign = (await act(201, 'POST', '/reply-tokens', first, { hospital_id: hospital(35) })).json;
  await act(404, 'POST', '/reply-tokens', first, { hospital_id: 'SYN-9999' });
  const item = (await listed('reply-tokens')).find(({ id }) => id === issued.id);
  assert.deepEqual(Object.keys(item).toSorted(), ['day', 'hospital_id', 'hospital_name', 'id'], 'the token is shown once');
  const reply = { body: '알려 주셔서 고맙습니다.' };
  await expect(401, 'PUT', `${review.path}/reply`, { json: reply });
  await expect(401, 'PUT', `${review.path}/reply`, { token: 'x', json: reply });
  await expect(401, 'PUT', `${review.path}/reply`, { token: first.token, json: reply });
  await refuse(403, 'reply_token_of_another_hospital', 'PUT', `${review.path}/reply`, { token: foreign.token, json: reply });
  await expect(422, 'PUT', `${review.path}/reply`, { token: issued.token, json: { body: '짧다' } }, 'body');
  await expect(404, 'DELETE', `${review.path}/reply`, { token: issued.token });
  const shown = (await expect(200, 'PUT', `${review.path}/reply`, { token: issued.token, json: reply })).json;
  assert.deepEqual((await read(review.path)).reply, shown);
  await expect(200, 'PUT', `${review.path}/reply`, { token: issued.token, json: { body: '다시 확인하고 답글을 고칩니다.' } });
  assert.equal((await visible(review)).reply.body, '다시 확인하고 답글을 고칩니다.');
  await expect(204, 'DELETE', `${review.path}/reply`, { token: issued.token });
  assert.equal((await read(review.path)).reply, null);
  await act(204, 'DELETE', `/reply-tokens/${issued.id}`, second);
  await act(404, 'DELETE', `/reply-tokens/${issued.id}`, second);
  await expect(401, 'PUT', `${review.path}/reply`, { token: issued.token, json: reply });
  assert.deepEqual(await actsOn(review), ['reply_published', 'reply_published', 'reply_withdrawn']);
  const ofHospital = (await log()).filter((entry) => entry.hospital_id === HOSPITAL && !entry.review_id).map((entry) => entry.act);
  assert.deepEqual(ofHospital, ['reply_token_revoked', 'reply_token_issued']);
});

test('only moderators moderate', async () => {
  const { token } = await signUp();
  const routes = [
    ['GET', '/reports'], ['POST', `/reports/${NOBODY}/dismissal`], ['GET', '/takedowns'],
    ['POST', `/takedowns/${NOBODY}/decisions`, { decision: 'hide' }], ['GET', '/removals'],
    ['POST', '/removals', { hospital_id: HOSPITAL, review_id: NOBODY, reason: 'other', ban_key: false }],
    ['POST', `/removals/${NOBODY}/confirmation`], ['DELETE', `/removals/${NOBODY}`], ['GET', '/reply-tokens'],
    ['POST', '/reply-tokens', { hospital_id: HOSPITAL }], ['DELETE', `/reply-tokens/${NOBODY}`],
  ];
  for (const [method, path, json] of routes) {
    await expect(401, method, `${MODERATION}${path}`, { json });
    await refuse(403, 'not_a_moderator', method, `${MODERATION}${path}`, { token, json });
  }
  for (const id of [NOBODY, 'x', '%00']) {
    await act(404, 'POST', `/reports/${id}/dismissal`, first);
    await act(404, 'POST', `/takedowns/${id}/decisions`, first, { decision: 'hide' });
    await act(404, 'POST', `/removals/${id}/confirmation`, first);
    await act(404, 'DELETE', `/reply-tokens/${id}`, first);
  }
  await act(422, 'POST', `/takedowns/${NOBODY}/decisions`, first, { decision: 'delete' });
});

test('who is no moderator any more moderates no more, whatever the token says', async () => {
  const { operatorToken } = await site();
  const [dismissed, gone] = [await moderator(), await moderator()];
  for (const { token } of [dismissed, gone]) await expect(200, 'GET', `${MODERATION}/reports`, { token });
  await expect(204, 'DELETE', `/api/auth/moderators/${dismissed.login}`, { token: operatorToken });
  await expect(204, 'DELETE', '/api/auth/accounts/me', { token: gone.token, json: { password: gone.password } });
  const id = await requested(reviews[6]);
  for (const { token } of [dismissed, gone]) {
    await refuse(403, 'not_a_moderator', 'GET', `${MODERATION}/takedowns`, { token });
    await refuse(403, 'not_a_moderator', 'POST', `${MODERATION}/takedowns/${id}/decisions`, { token, json: { decision: 'hide' } });
  }
  await decide(204, id, 'refuse');
});

test('the log is public, names no one, and every entry is chained to the one before', async () => {
  const entries = (await log()).reverse();
  assert.ok(entries.length > 10);
  let previous = '0'.repeat(64);
  for (const [position, entry] of entries.entries()) {
    assert.equal(entry.index, position + 1);
    assert.equal(entry.previous, previous);
    const { index, day, act: name, hospital_id, review_id, reason } = entry;
    assert.equal(entry.hash, sha256(N('jinmaek-moderation-v1', index, day, name, hospital_id, review_id, reason, previous)));
    previous = entry.hash;
  }
  const text = JSON.stringify(entries);
  for (const { login } of [first, second]) assert.ok(!text.includes(login));
});

test('acts at once are chained all the same', async () => {
  const review = reviews[6];
  const before = (await actsOn(review)).length;
  const ids = [];
  for (let count = 0; count < 8; count++) ids.push(await requested(review));
  await Promise.all(ids.map((id, index) => decide(204, id, 'refuse', index % 2 ? first : second)));
  assert.equal((await actsOn(review)).length, before + 8);
  const indexes = (await log()).map((entry) => entry.index);
  assert.equal(new Set(indexes).size, indexes.length);
  assert.equal(pathOf(HOSPITAL, review), review.path);
});

/** The statuses of these decisions, sent at once. */
const atOnce = async (...decisions) => (await Promise.all(decisions.map(([moderating, path, json]) =>
  call('POST', `${MODERATION}${path}`, { token: moderating.token, json })))).map(({ status }) => status);

test('of moderators who decide the same at once one decides', async () => {
  const review = reviews[6];
  const before = await actsOn(review);
  const since = async () => (await actsOn(review)).slice(before.length);
  const { token } = await signUp();
  const { json: report } = await expect(201, 'POST', `${review.path}/reports`, { token, json: { reason: 'other', detail: '' } });
  const dismissal = `/reports/${report.id}/dismissal`;
  const dismissals = await atOnce([first, dismissal], [second, dismissal], [first, dismissal], [second, dismissal]);
  assert.deepEqual(dismissals.toSorted(), [204, 404, 404, 404]);
  assert.deepEqual(await since(), ['report_dismissed']);

  const id = await requested(review);
  const decisions = `/takedowns/${id}/decisions`;
  const [hiding, refusal] = await atOnce([first, decisions, { decision: 'hide' }], [second, decisions, { decision: 'refuse' }]);
  assert.deepEqual([hiding, refusal].toSorted(), [204, 409]);
  assert.deepEqual(await since(), ['report_dismissed', hiding === 204 ? 'hidden' : 'takedown_refused']);
  assert.equal((await visible(review)).status, hiding === 204 ? 'hidden' : 'published');

  const third = await moderator();
  const removal = { hospital_id: HOSPITAL, review_id: review.id, reason: 'other', ban_key: true };
  const proposals = await atOnce([first, '/removals', removal], [second, '/removals', removal]);
  assert.deepEqual(proposals.toSorted(), [201, 409]);
  const proposal = (await listed('removals', third)).find((item) => item.review_id === review.id);
  const other = proposals[0] === 201 ? second : first;
  const confirmation = `/removals/${proposal.id}/confirmation`;
  const confirmations = await atOnce([third, confirmation], [other, confirmation], [third, confirmation]);
  assert.deepEqual(confirmations.toSorted(), [204, 404, 404]);
  assert.deepEqual((await since()).slice(2), ['removed', 'key_banned']);
});
