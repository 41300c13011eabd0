// What a review key says: publish, edit, withdraw. No session anywhere; whatever is wrong has a
// problem of its own, and leaves nothing behind.
//
// Every test writes about a sample hospital of its own, from SYN-0025 on: SYN-0001 to SYN-0024
// are left to the other suites.

import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { asOwner, edition, freshPass, newReview, publish, runBatch, signature, thisYear, withdrawal } from '../insiders.mjs';
import {
  CROWD, HOSPITALS, NOBODY, assertExact, everyItem, expect, hospital, own, passes, pathOf, read, refuse, reviewsOf, stars,
} from '../reviews.mjs';
import { call } from '../site.mjs';

// As many as the issue asks for.
const WRITERS = 50;

const base64url = (length) => randomBytes(length).toString('base64url');
const send = (id, json, headers) => call('POST', reviewsOf(id), { json, headers });
const starDigits = (six) => Object.values(six).join('');

/** Signs other fields than those that are sent. */
const signedAs = (key, review, fields) => {
  const { year, revision, title, body, stars: six } = { ...review, ...fields };
  return { ...review, signature: signature({ ...key, year }, 'publish', revision, title, body, starDigits(six)) };
};

/** Writes a review that is taken. */
async function write(key, draft) {
  const answer = await publish(key, draft);
  assert.equal(answer.status, 201, answer.text);
  return { ...answer.json, path: answer.headers.get('location') };
}

const draft = { title: '설명이 자세해요', body: '진료 전에 비용을 먼저 알려 줘요.', stars: stars(5, 4, 3, 2, 1, 5) };

test('a review is written with a pass, published with others, edited and withdrawn, by its key alone', async () => {
  const id = hospital(25);
  const [key, ...crowd] = await passes(id, CROWD);
  const review = await write(key, draft);
  assert.match(review.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4/, 'a random id, which tells no time');
  assert.deepEqual([review.status, review.month, review.average, review.edited], ['waiting', null, 3.3, false]);
  assert.equal(review.path, pathOf(id, review));
  for (const other of crowd) await write(other, { stars: stars(4) });
  await runBatch();

  const shown = await read(review.path);
  const korea = new Date(Date.now() + 9 * 3600_000).toISOString().slice(0, 7);
  assert.deepEqual([shown.status, shown.month, shown.title, shown.body], ['published', korea, draft.title, draft.body]);
  assert.deepEqual(shown.stars, draft.stars);
  assert.equal((await assertExact(id)).length, CROWD);

  const edited = await expect(200, 'PUT', review.path, { json: edition(key, 2, { ...draft, title: '야간 진료', stars: stars(1) }) });
  assert.deepEqual([edited.json.title, edited.json.average, edited.json.revision], ['야간 진료', 1, 2]);
  await runBatch();
  const now = await read(review.path);
  assert.deepEqual([now.title, now.average, now.edited, now.month], ['야간 진료', 1, true, korea]);
  assert.equal((await assertExact(id)).length, CROWD);

  await expect(204, 'POST', `${review.path}/withdrawal`, { json: withdrawal(key, 3) });
  await expect(404, 'GET', review.path);
  await expect(404, 'POST', `${review.path}/withdrawal`, { json: withdrawal(key, 4) });
  await expect(404, 'PUT', review.path, { json: edition(key, 4, draft) });
  const gone = await own(key);
  assert.deepEqual([gone.status, gone.title, gone.body, gone.stars, gone.revision], ['withdrawn', null, null, null, 3]);
  assert.equal((await assertExact(id)).length, CROWD - 1);
  await refuse(409, 'pass_already_used', 'POST', reviewsOf(id), { json: newReview(key) });
});

test('a review waits until enough passes were issued, and its key sees that', async () => {
  const id = hospital(26);
  const [key, ...few] = await passes(id, CROWD - 1);
  const review = await write(key, draft);
  for (const other of few) await write(other);
  await runBatch();
  await expect(404, 'GET', review.path);
  assert.deepEqual(await everyItem(reviewsOf(id), 10), []);
  assert.equal((await read(`${HOSPITALS}/${id}`)).review_count, 0);
  const waiting = await own(key);
  assert.deepEqual([waiting.status, waiting.review_id, waiting.hospital_id, waiting.year], ['waiting', review.id, id, key.year]);
  assert.deepEqual([waiting.title, waiting.month, waiting.edit_waits, waiting.banned], [draft.title, null, false, false]);

  await expect(200, 'PUT', review.path, { json: edition(key, 5, { ...draft, title: '기다리는 동안 고친 글' }) });
  assert.deepEqual([(await own(key)).title, (await own(key)).revision], ['기다리는 동안 고친 글', 5]);
  await freshPass(id);
  await runBatch();
  assert.equal((await read(review.path)).title, '기다리는 동안 고친 글');
  assert.equal((await assertExact(id)).length, CROWD - 1);
});

test('a request that carries a cookie or a token is refused before it is read', async () => {
  const id = hospital(27);
  const key = await freshPass(id);
  const { path } = await write(key);
  for (const headers of [{ cookie: 'session=x' }, { authorization: 'Bearer x' }, { cookie: 'theme=dark' }]) {
    const tied = (method, address, json) => refuse(400, 'must_be_anonymous', method, address, { json, headers });
    await tied('POST', reviewsOf(id), newReview(key));
    await tied('PUT', path, edition(key, 2, draft));
    await tied('POST', `${path}/withdrawal`, withdrawal(key, 2));
    await tied('POST', `${path}/appeal`, {});
    await tied('GET', `/api/review/keys/${key.publicKey}`);
  }
  assert.equal((await own(key)).revision, 1);
});

test('what became of a key is for who has it, though the key itself is public', async () => {
  const id = hospital(27);
  const [key, other] = await passes(id, 2);
  await write(key);
  const address = `/api/review/keys/${key.publicKey}`;
  for (const headers of [{}, { 'review-signature': '' }, asOwner(other), { 'review-signature': signature(key, 'withdraw', 0) }]) {
    await refuse(403, 'signature_invalid', 'GET', address, { headers });
  }
  assert.equal((await own(key)).status, 'waiting');
});

test('every way in which a pass does not hold has its own problem, and nothing is stored', async () => {
  const id = hospital(27);
  const key = await freshPass(id);
  const elsewhere = await freshPass(hospital(28));
  const [other] = await passes(id, 1);
  const sound = newReview(key, draft);
  const refused = (status, code, json) => refuse(status, code, 'POST', reviewsOf(id), { json });

  await refused(403, 'pass_for_another_hospital', newReview(elsewhere, draft));
  await refused(403, 'pass_invalid', { ...sound, pass: elsewhere.pass });
  await refused(403, 'pass_invalid', { ...sound, pass: other.pass });
  await refused(403, 'pass_invalid', { ...sound, pass: base64url(64) });
  await refused(403, 'pass_invalid', newReview({ ...elsewhere, hospitalId: id }, draft), 'a pass for another hospital, signed for this one');
  for (const year of [thisYear() - 1, thisYear() + 1]) {
    const { json } = await expect(422, 'POST', reviewsOf(id), { json: signedAs(key, { ...sound, year }) }, 'year');
    assert.equal(json.errors[0].code, 'not_this_year');
  }
  await refused(403, 'signature_invalid', { ...sound, signature: base64url(64).replace(/.$/, 'A') });
  await refused(403, 'signature_invalid', { ...sound, title: '남이 고친 제목' });
  await refused(403, 'signature_invalid', { ...sound, stars: stars(1) });
  await refused(403, 'signature_invalid', signedAs(other, sound));
  await refused(403, 'signature_invalid', signedAs(key, sound, { revision: 2 }));
  await refused(403, 'signature_invalid', { ...sound, public_key: other.publicKey });
  await refused(403, 'signature_invalid', { ...sound, public_key: 'AQ'.padEnd(43, 'A') }, 'a key of small order');
  await expect(404, 'POST', reviewsOf('SYN-9999'), { json: newReview({ ...key, hospitalId: 'SYN-9999' }) });
  await expect(404, 'GET', `/api/review/keys/${key.publicKey}`);

  await write(key, draft);
  await refused(409, 'pass_already_used', sound);
  await refused(409, 'pass_already_used', newReview(key, { ...draft, title: '두 번째 글' }));
});

test('a statement is refused unless its key signs it with a higher revision', async () => {
  const id = hospital(28);
  const [key, other] = await passes(id, 2);
  const { path, id: reviewId } = await write(key, draft);
  const edit = edition(key, 3, { ...draft, title: '고친 제목' });
  const refused = (status, code, json) => refuse(status, code, 'PUT', path, { json });
  await refused(403, 'signature_invalid', { ...edit, revision: 4 });
  await refused(403, 'signature_invalid', { ...edit, body: '열 글자가 넘는 다른 본문' });
  await refused(403, 'signature_invalid', edition(other, 3, draft));
  await refuse(403, 'signature_invalid', 'POST', `${path}/withdrawal`, { json: withdrawal(other, 3) });
  await refuse(403, 'signature_invalid', 'POST', `${path}/withdrawal`, { json: { revision: 3, signature: edit.signature } });
  await expect(200, 'PUT', path, { json: edit });
  for (const revision of [1, 2, 3]) await refused(409, 'revision_too_low', edition(key, revision, draft));
  await refuse(409, 'revision_too_low', 'POST', `${path}/withdrawal`, { json: withdrawal(key, 3) });
  const objection = { revision: 4, statement: '열 글자가 넘는 이의', signature: signature(key, 'appeal', 4, '열 글자가 넘는 이의') };
  await refuse(409, 'not_hidden', 'POST', `${path}/appeal`, { json: objection });
  for (const address of [path.replace(id, hospital(29)), path.replace(reviewId, NOBODY), path.replace(reviewId, 'x')]) {
    await expect(404, 'PUT', address, { json: edition(key, 9, draft) });
    await expect(404, 'POST', `${address}/withdrawal`, { json: withdrawal(key, 9) });
  }
  assert.deepEqual([(await own(key)).revision, (await own(key)).title], [3, '고친 제목']);
  await expect(204, 'POST', `${path}/withdrawal`, { json: withdrawal(key, 9) });
});

test('there is one review of each pass, also of those sent at once', async () => {
  const id = hospital(29);
  const key = await freshPass(id);
  const answers = await Promise.all(Array.from({ length: 8 }, () => send(id, newReview(key, draft))));
  assert.deepEqual(answers.map((answer) => answer.status).toSorted(), [201, ...Array(7).fill(409)]);
  assert.equal(answers.find((answer) => answer.status === 409).json.code, 'pass_already_used');
});

test('a review that is sent twice with one key is written once and answered twice', async () => {
  const id = hospital(29);
  const key = await freshPass(id);
  const headers = { 'idempotency-key': randomUUID() };
  const [first, again] = await Promise.all([send(id, newReview(key, draft), headers), send(id, newReview(key, draft), headers)]);
  assert.deepEqual([first.status, again.status], [201, 201], first.text + again.text);
  assert.equal(again.text, first.text);
  const later = await send(id, newReview(key, draft), headers);
  assert.equal(later.text, first.text);
  await expect(422, 'POST', reviewsOf(id), { json: newReview(key, { ...draft, title: '다른 글' }), headers }, 'Idempotency-Key');
  await refuse(409, 'pass_already_used', 'POST', reviewsOf(id), { json: newReview(key, draft) });
  const other = await freshPass(id);
  assert.equal((await send(id, newReview(other, draft), headers)).status, 201, 'another key has keys of its own');
});

test('a review that is none is refused, and each wrong field named', async () => {
  const id = hospital(30);
  const key = await freshPass(id);
  const sound = newReview(key, draft);
  const refused = (fields, field) => expect(422, 'POST', reviewsOf(id), { json: { ...sound, ...fields } }, field);
  await expect(422, 'POST', reviewsOf(id), { json: {} }, 'hospital_id');
  await refused({ title: '글' }, 'title');
  await refused({ title: '가'.repeat(101) }, 'title');
  await refused({ title: '두\n줄' }, 'title');
  await refused({ body: '짧아요' }, 'body');
  await refused({ body: '가'.repeat(5001) }, 'body');
  await refused({ body: '열 글자가 넘는 글 \u0000' }, 'body');
  await refused({ body: '열 글자가 넘는 글 \u202e' }, 'body');
  await refused({ stars: 5 }, 'stars');
  await refused({ stars: { ...stars(3), pay: 3 } }, 'stars.pay');
  await refused({ stars: { ...stars(3), cost: 2.5 } }, 'stars.cost');
  await refused({ stars: { ...stars(3), cost: undefined } }, 'stars.cost');
  await refused({ title: ' ', body: '', stars: stars(0, 6, 3, 3, 3, 3) }, ['title', 'body', 'stars.treatment', 'stars.explanation']);
  for (const revision of [0, 2, -1]) await refused({ revision }, 'revision');
  await refused({ revision: '1' }, 'revision');
  await refused({ year: '2026' }, 'year');
  await refused({ public_key: base64url(31) }, 'public_key');
  await refused({ public_key: `${sound.public_key}=` }, 'public_key');
  await refused({ pass: base64url(63), signature: '' }, ['pass', 'signature']);
  await refused({ author: 'me' }, 'author');
  const raw = (body, headers = { 'content-type': 'application/json' }) => ({ body, headers });
  await expect(422, 'POST', reviewsOf(id), raw('[]'), 'body');
  await expect(422, 'POST', reviewsOf(id), raw('{'), 'body');
  await expect(422, 'POST', reviewsOf(id), raw(Buffer.from('{"title":"\xff"}', 'latin1')), 'body');
  await expect(415, 'POST', reviewsOf(id), raw('title=x', { 'content-type': 'application/x-www-form-urlencoded' }));
  await expect(413, 'POST', reviewsOf(id), raw(JSON.stringify({ ...sound, body: 'a'.repeat(1 << 20) })));
  await expect(403, 'POST', reviewsOf(id), { json: sound, headers: { origin: 'https://elsewhere.example' } });
  await expect(405, 'PUT', reviewsOf(id), {});
  await expect(404, 'GET', `/api/review/keys/${key.publicKey}`);

  const { path } = await write(key, draft);
  const change = (json, field) => expect(422, 'PUT', path, { json }, field);
  await change({}, 'revision');
  await change({ ...edition(key, 2, draft), month: '2020-01' }, 'month');
  await change({ ...edition(key, 2, draft), revision: 2 ** 53 }, 'revision');
  await change(edition(key, 2, { ...draft, title: '글' }), 'title');
  await expect(422, 'POST', `${path}/withdrawal`, { json: { revision: 0, signature: 'x' } }, ['revision', 'signature']);
  await expect(405, 'PATCH', path, { json: {} });
  await expect(405, 'DELETE', path);
});

test('a text is taken only as it will be kept, because that is what is signed', async () => {
  const id = hospital(30);
  const key = await freshPass(id);
  const loose = {
    title: [' 앞이 비었어요', '뒤가 비었어요 ', '조합형 제목'.normalize('NFD')],
    body: ['줄 끝이 CRLF\r\n인 본문이에요.', '줄 끝이 CR\r인 본문이에요.', '\n앞이 비어 있는 본문이에요.'],
  };
  for (const [field, values] of Object.entries(loose)) {
    for (const value of values) {
      const { json } = await expect(422, 'POST', reviewsOf(id), { json: newReview(key, { ...draft, [field]: value }) }, field);
      assert.equal(json.errors[0].code, 'not_normalised', value);
    }
  }
  const taken = { title: '진맥 👩‍⚕️ 3:a,', body: '줄 하나\n줄 둘, 그리고\t더.', stars: stars(3) };
  const { path } = await write(key, taken);
  assert.equal((await own(key)).body, taken.body);
  await expect(422, 'PUT', path, { json: edition(key, 2, { ...taken, title: ' 빈칸 ' }) }, 'title');
});

test('reviews come newest, highest or lowest first, page after page, each once', async () => {
  const id = hospital(31);
  const keys = await passes(id, 6);
  for (const [index, key] of keys.entries()) await write(key, { stars: stars(1 + (index % 5)) });
  await runBatch();
  const averages = async (sort) => (await everyItem(`${reviewsOf(id)}?sort=${sort}`, 2)).map((review) => review.average);
  assert.deepEqual(await averages('highest'), [5, 4, 3, 2, 1, 1]);
  assert.deepEqual(await averages('lowest'), [1, 1, 2, 3, 4, 5]);
  assert.equal((await averages('newest')).length, 6);
  const { next_cursor } = await read(`${reviewsOf(id)}?sort=highest&limit=1`);
  await expect(422, 'GET', `${reviewsOf(id)}?sort=lowest&cursor=${next_cursor}`, {}, 'cursor');
  const latest = await everyItem('/api/review/reviews', 100);
  assert.equal(latest.filter((review) => review.hospital_id === id).length, 6);
});

test('no average is shown of fewer than five reviews', async () => {
  const id = hospital(32);
  const keys = await passes(id, CROWD);
  for (const [index, key] of keys.entries()) {
    const count = index + 1;
    await write(key, { stars: stars(count) });
    await runBatch();
    const { average, review_count } = await read(`${HOSPITALS}/${id}`);
    assert.deepEqual([review_count, average], [count, count < 5 ? null : 3]);
  }
  await assertExact(id);
});

test(`averages are exactly what the reviews say after ${WRITERS} writers at once, with batches among them`, async () => {
  const id = hospital(33);
  const keys = await passes(id, WRITERS);
  const random = () => 1 + Math.floor(Math.random() * 5);
  const any = () => stars(random(), random(), random(), random(), random(), random());
  // A database that is busy for longer than it waits says 503, and to send the request again.
  async function until(status, method, path, json) {
    for (let tries = 0; tries < 20; tries++) {
      const answer = await call(method, path, { json });
      if (answer.status !== 503) {
        assert.equal(answer.status, status, answer.text);
        return answer;
      }
    }
    assert.fail(`${method} ${path} stays busy`);
  }
  const written = await Promise.all([
    ...keys.map((key) => until(201, 'POST', reviewsOf(id), newReview(key, { ...draft, stars: any() }))),
    runBatch(),
  ]);
  await runBatch();
  assert.equal((await assertExact(id)).length, WRITERS);

  // Then each edits or withdraws at once, while batches run.
  const changes = keys.map((key, index) => {
    const path = written[index].headers.get('location');
    if (index % 2) return until(200, 'PUT', path, edition(key, 2, { ...draft, stars: any() }));
    return until(204, 'POST', `${path}/withdrawal`, withdrawal(key, 2));
  });
  await Promise.all([...changes, runBatch(), runBatch()]);
  await runBatch();
  const reviews = await assertExact(id);
  assert.equal(reviews.length, WRITERS / 2);
  assert.ok(reviews.every((review) => review.edited));
});
