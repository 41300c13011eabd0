// Hospitals and reviews over HTTP: what is wanted, and what each kind of bad input gets. `call`
// holds every answer against the contract, so a test states only what the contract cannot say.
//
// Every test writes about a sample hospital of its own, from SYN-0025 on: SYN-0001 to SYN-0024
// are left to the other suites.

import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { before, test } from 'node:test';
import { call, signUp, site } from '../site.mjs';

const HOSPITALS = '/api/review/hospitals';
const IMPORTS = '/api/review/operator/hospital-imports';
const ASPECTS = ['treatment', 'explanation', 'kindness', 'facilities', 'cost', 'honesty'];
const NOBODY = '4fe0780a-a580-4309-921f-6c88500f2f8b';

// As many as the issue asks for.
const WRITERS = 50;

const hospital = (number) => `SYN-${String(number).padStart(4, '0')}`;
const reviewsOf = (id) => `${HOSPITALS}/${id}/reviews`;
const stars = (...six) => Object.fromEntries(ASPECTS.map((aspect, index) => [aspect, six[index] ?? six[0]]));
const draft = (fields) => ({ title: '설명이 자세해요', body: '진료 전에 비용을 먼저 알려 줘요.', stars: stars(4), ...fields });

let operatorToken;

before(async () => {
  ({ operatorToken } = await site());
});

async function expect(status, method, path, options, field) {
  const answer = await call(method, path, options);
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
  if (field) assert.deepEqual(answer.json.errors.map((error) => error.field), [field].flat(), answer.text);
  return answer;
}

const read = async (path, token) => (await expect(200, 'GET', path, { token })).json;

/** An access token of somebody who works at `id`. */
async function insiderOf(id) {
  const { token } = await signUp();
  await employ(token, id);
  return token;
}

const employ = (token, id) => expect(200, 'PATCH', '/api/auth/accounts/me', { token, json: { hospital_id: id } });

/** Writes a review; `path` is where it is. */
async function write(id, token, fields) {
  const answer = await expect(201, 'POST', reviewsOf(id), { token, json: draft(fields) });
  return { ...answer.json, path: answer.headers.get('location') };
}

async function everyItem(path, limit, token) {
  const items = [];
  let cursor = '';
  do {
    const page = await read(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor}`, token);
    assert.ok(page.items.length <= limit);
    items.push(...page.items);
    cursor = page.next_cursor === null ? null : `&cursor=${page.next_cursor}`;
  } while (cursor !== null);
  return items;
}

const ids = (items) => items.map((item) => item.id);
const query = (parameters) => `${HOSPITALS}?${new URLSearchParams(parameters)}`;

// One decimal, halves up, in whole numbers.
const mean = (sum, count) => Math.floor((sum * 20 + count) / (count * 2)) / 10;

/** What a hospital's reviews say, worked out from the reviews themselves. */
function ratingOf(reviews) {
  const count = reviews.length;
  const total = (review) => ASPECTS.reduce((sum, aspect) => sum + review.stars[aspect], 0);
  const average = (sum, of) => (count < 5 ? null : mean(sum, of));
  const distribution = { 1: 0, 2: 0, 3: 0, 4: 0, 5: 0 };
  for (const review of reviews) distribution[Math.round(total(review) / 6)]++;
  const aspect = (name) => ({ average: average(reviews.reduce((sum, review) => sum + review.stars[name], 0), count), count });
  return {
    review_count: count,
    average: average(reviews.reduce((sum, review) => sum + total(review), 0), count * 6),
    aspects: Object.fromEntries(ASPECTS.map((name) => [name, aspect(name)])),
    distribution,
  };
}

/** Fails unless all that is shown of a hospital's reviews is what they say. */
async function assertExact(id) {
  const reviews = await everyItem(reviewsOf(id), 100);
  const { review_count, average, aspects, distribution, name } = await read(`${HOSPITALS}/${id}`);
  assert.deepEqual({ review_count, average, aspects, distribution }, ratingOf(reviews));
  const listed = (await read(query({ q: name.slice(0, 20), limit: 100 }))).items.find((item) => item.id === id);
  assert.deepEqual([listed.review_count, listed.average], [review_count, average]);
  return reviews;
}

test('hospitals are found by words of their name and address, by region and by kind', async () => {
  const found = async (parameters) => ids((await read(query({ limit: 100, ...parameters }))).items);
  const all = await found({});
  assert.ok(all.length >= 41);
  assert.deepEqual(await found({ q: '가온별빛' }), ['SYN-0004']);
  assert.deepEqual(await found({ q: '가온별빛'.normalize('NFD') }), ['SYN-0004'], 'combining Hangul');
  assert.deepEqual(await found({ q: '  제주   오름달 ' }), ['SYN-0040'], 'words of the address and of the name');
  assert.deepEqual(await found({ q: '없는길 120 ' }), ['SYN-0040']);
  assert.deepEqual(await found({ region: '세종시', kind: '치과의원' }), ['SYN-0026']);
  assert.deepEqual(await found({ region: '세종시', kind: '치과의원', q: '가온' }), []);
  assert.deepEqual(await found({ region: '세종' }), [], 'filters are exact');
  assert.deepEqual(await found({ q: '%' }), [], 'wildcards are letters');
  assert.deepEqual(await found({ q: '_' }), []);
  assert.deepEqual(await found({ q: '👩‍⚕️' }), []);
  assert.deepEqual(await found({ q: '', region: '', kind: '' }), all, 'a form sends its empty fields');
  assert.deepEqual(await found({ q: "' OR 1=1 --" }), []);
});

test('hospitals come by name, page after page, each once', async () => {
  const whole = (await read(query({ limit: 100 }))).items;
  assert.deepEqual(ids(await everyItem(HOSPITALS, 7)), ids(whole));
  const keys = whole.map((item) => [item.name, item.id]);
  const byBytes = ([a, b], [c, d]) => Buffer.compare(Buffer.from(a), Buffer.from(c)) || Buffer.compare(Buffer.from(b), Buffer.from(d));
  assert.deepEqual(keys, keys.toSorted(byBytes));
});

test('a hospital shows all that open data says, with its source', async () => {
  const shown = await read(`${HOSPITALS}/SYN-0001`);
  assert.equal(shown.name, '가온누리대학교병원(가상)');
  assert.deepEqual([shown.region, shown.kind, shown.district, shown.open], ['서울', '상급종합', '가상구', true]);
  assert.deepEqual(shown.doctors.medicine, { general: 3, interns: 25, residents: 63, specialists: 185 });
  assert.equal(shown.homepage, 'https://gaon.example');
  assert.deepEqual(Object.keys(shown.source), ['name', 'date']);
  assert.equal((await read(`${HOSPITALS}/SYN-0013`)).location, null);
  const facets = await read('/api/review/hospital-facets');
  assert.ok(facets.regions.includes('제주') && facets.kinds.includes('조산원'));
});

test('what is read again is not sent again', async () => {
  for (const path of [HOSPITALS, '/api/review/hospital-facets', `${HOSPITALS}/SYN-0001`, reviewsOf('SYN-0001')]) {
    const etag = (await expect(200, 'GET', path)).headers.get('etag');
    await expect(304, 'GET', path, { headers: { 'if-none-match': etag } });
  }
});

test('what is not there is 404', async () => {
  for (const id of ['SYN-9999', 'x'.repeat(101), '%00', 'a%20b', '%ED%95%9C', '%F0%9F%91%A9', '%FF', '..%2f..']) {
    await expect(404, 'GET', `${HOSPITALS}/${id}`);
    await expect(404, 'GET', `${HOSPITALS}/${id}/reviews`);
    await expect(404, 'GET', `${HOSPITALS}/${id}/reviews/${NOBODY}`);
  }
  for (const id of ['1', 'x', NOBODY, '%00']) await expect(404, 'GET', `${reviewsOf('SYN-0001')}/${id}`);
});

test('parameters that are none name their field', async () => {
  const refused = (parameters, field) => expect(422, 'GET', `${HOSPITALS}?${parameters}`, {}, field);
  await refused('limit=0', 'limit');
  await refused('limit=101', 'limit');
  await refused('limit=x', 'limit');
  await refused('cursor=x', 'cursor');
  await refused('offset=1', 'offset');
  await refused('q=%FF', 'q');
  await refused('q=a%00', 'q');
  await refused(`q=${'a'.repeat(51)}`, 'q');
  await refused('region=%E2%80%AE', 'region');
  await expect(422, 'GET', `${reviewsOf('SYN-0001')}?sort=best`, {}, 'sort');
  const { next_cursor } = await read(query({ limit: 1 }));
  await refused(`region=${encodeURIComponent('서울')}&cursor=${next_cursor}`, 'cursor');
  await expect(422, 'GET', `${reviewsOf('SYN-0001')}?cursor=${next_cursor}`, {}, 'cursor');
});

test('an insider reviews their own hospital, edits the review and withdraws it', async () => {
  const id = hospital(25);
  const token = await insiderOf(id);
  const review = await write(id, token, { title: '  야간 진료  ', body: '줄 하나\r\n줄 둘, 그리고 더.', stars: stars(5, 4, 3, 2, 1, 5) });
  assert.deepEqual([review.title, review.body], ['야간 진료', '줄 하나\n줄 둘, 그리고 더.']);
  assert.deepEqual([review.average, review.mine, review.edited], [3.3, true, false]);
  assert.match(review.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4/, 'a random id, which tells no time');
  const korea = new Date(Date.now() + 9 * 3600_000).toISOString().slice(0, 7);
  assert.equal(review.month, korea);

  const stranger = await insiderOf(id);
  assert.equal((await read(review.path)).mine, false);
  assert.equal((await read(review.path, stranger)).mine, false);
  const { headers } = await expect(200, 'GET', review.path, { token });
  const etag = headers.get('etag');

  const edited = await expect(200, 'PATCH', review.path, { token, json: { stars: stars(1) }, headers: { 'if-match': etag } });
  assert.deepEqual([edited.json.title, edited.json.average, edited.json.edited], ['야간 진료', 1, true]);
  await expect(412, 'PATCH', review.path, { token, json: { title: '늦은 수정' }, headers: { 'if-match': etag } });
  await expect(412, 'DELETE', review.path, { token, headers: { 'if-match': etag } });
  assert.deepEqual((await assertExact(id)).map((item) => item.average), [1]);

  await expect(204, 'DELETE', review.path, { token });
  await expect(404, 'GET', review.path, { token });
  await expect(404, 'DELETE', review.path, { token });
  await write(id, token);
});

test('only who works there may review, and only the author may change a review', async () => {
  const id = hospital(26);
  const [token, stranger] = [await insiderOf(id), await insiderOf(hospital(27))];
  const review = await write(id, token);
  const elsewhere = await expect(403, 'POST', reviewsOf(id), { token: stranger, json: draft() });
  assert.equal(elsewhere.json.code, 'not_your_hospital');
  const { token: unemployed } = await signUp();
  await expect(403, 'POST', reviewsOf(id), { token: unemployed, json: draft() });
  await expect(404, 'POST', reviewsOf('SYN-9999'), { token, json: draft() });
  for (const other of [stranger, unemployed]) {
    await expect(403, 'PATCH', review.path, { token: other, json: { title: '남의 글' } });
    await expect(403, 'DELETE', review.path, { token: other });
  }
  await expect(401, 'POST', reviewsOf(id), { json: draft() });
  await expect(401, 'PATCH', review.path, { json: { title: '이름 없이' } });
  await expect(401, 'DELETE', review.path);
  await expect(404, 'PATCH', review.path.replace(id, hospital(27)), { token, json: { title: '다른 병원' } });
  assert.deepEqual((await assertExact(id)).map((item) => item.title), ['설명이 자세해요']);

  await employ(token, hospital(27));
  await expect(200, 'PATCH', review.path, { token, json: { title: '그만둔 뒤에도' } });
});

test('there is one review for each insider and hospital, also of those sent at once', async () => {
  const id = hospital(28);
  const token = await insiderOf(id);
  const answers = await Promise.all(Array.from({ length: 8 }, () => call('POST', reviewsOf(id), { token, json: draft() })));
  assert.deepEqual(answers.map((answer) => answer.status).toSorted(), [201, ...Array(7).fill(409)]);
  assert.equal(answers.find((answer) => answer.status === 409).json.code, 'already_reviewed');
  assert.equal((await assertExact(id)).length, 1);
});

test('a review that is sent twice with one key is written once and answered twice', async () => {
  const id = hospital(29);
  const token = await insiderOf(id);
  const headers = { 'idempotency-key': randomUUID() };
  const first = await expect(201, 'POST', reviewsOf(id), { token, json: draft(), headers });
  const again = await expect(201, 'POST', reviewsOf(id), { token, json: draft(), headers });
  assert.equal(again.text, first.text);
  await expect(422, 'POST', reviewsOf(id), { token, json: draft({ title: '다른 글' }), headers }, 'Idempotency-Key');
  await expect(409, 'POST', reviewsOf(id), { token, json: draft() });
});

test('a review that is none is refused, and each wrong field named', async () => {
  const id = hospital(30);
  const token = await insiderOf(id);
  const refused = (json, field) => expect(422, 'POST', reviewsOf(id), { token, json }, field);
  await refused({}, 'title');
  await refused(draft({ title: '글' }), 'title');
  await refused(draft({ title: '가'.repeat(101) }), 'title');
  await refused(draft({ title: '두\n줄' }), 'title');
  await refused(draft({ body: '짧아요' }), 'body');
  await refused(draft({ body: '가'.repeat(5001) }), 'body');
  await refused(draft({ body: `열 글자가 넘는 글 \u0000` }), 'body');
  await refused(draft({ body: `열 글자가 넘는 글 \u202e` }), 'body');
  await refused(draft({ stars: 5 }), 'stars');
  await refused(draft({ stars: { ...stars(3), pay: 3 } }), 'stars.pay');
  await refused(draft({ stars: { ...stars(3), cost: 'x' } }), 'stars.cost');
  await refused(draft({ stars: { ...stars(3), cost: 2.5 } }), 'stars.cost');
  await refused(draft({ stars: { ...stars(3), cost: undefined } }), 'stars.cost');
  await refused({ title: ' ', body: '', stars: stars(0, 6, 3, 3, 3, 3) }, ['title', 'body', 'stars.treatment', 'stars.explanation']);
  await refused(draft({ author: 'me' }), 'author');
  await refused([], 'body');
  const raw = (body, headers = { 'content-type': 'application/json' }) => ({ token, body, headers });
  await expect(422, 'POST', reviewsOf(id), raw('{'), 'body');
  await expect(422, 'POST', reviewsOf(id), raw(Buffer.from('{"title":"\xff"}', 'latin1')), 'body');
  await expect(415, 'POST', reviewsOf(id), raw('title=x', { 'content-type': 'application/x-www-form-urlencoded' }));
  await expect(413, 'POST', reviewsOf(id), raw(JSON.stringify(draft({ body: 'a'.repeat(1 << 20) }))));
  await expect(403, 'POST', reviewsOf(id), { token, json: draft(), headers: { origin: 'https://elsewhere.example' } });
  await expect(405, 'PUT', reviewsOf(id), { token });
  assert.equal((await assertExact(id)).length, 0, 'nothing of it was kept');

  const review = await write(id, token, { title: '진맥 👩‍⚕️', body: '한글 조합형도 열 글자가 되게.'.normalize('NFD') });
  assert.deepEqual([review.title, review.body], ['진맥 👩‍⚕️', '한글 조합형도 열 글자가 되게.']);
  const change = (json, field) => expect(422, 'PATCH', review.path, { token, json }, field);
  await change({}, 'body');
  await change({ title: '' }, 'title');
  await change({ stars: { cost: 3 } }, 'stars.treatment');
  await change({ month: '2020-01' }, 'month');
  assert.equal((await read(review.path)).edited, false);
});

test('a token that auth did not sign is no session', async () => {
  const id = hospital(31);
  const token = await insiderOf(id);
  const [header, payload, signature] = token.split('.');
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const decode = (part) => JSON.parse(Buffer.from(part, 'base64url'));
  const signed = (head, body, key) => {
    const text = `${head}.${body}`;
    return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`;
  };
  const { privateKey } = generateKeyPairSync('ed25519');
  const hmac = `${encode({ ...decode(header), alg: 'HS256' })}.${payload}`;
  const forged = [
    'x',
    `${header}.${payload}.`,
    `${encode({ ...decode(header), alg: 'none' })}.${payload}.`,
    `${header}.${encode({ ...decode(payload), sub: 'somebody' })}.${signature}`,
    signed(header, payload, privateKey),
    signed(encode({ alg: 'EdDSA', kid: 'unknown' }), payload, privateKey),
    `${hmac}.${createHmac('sha256', 'jinmaek').update(hmac).digest('base64url')}`,
    'a'.repeat(5000),
  ];
  for (const wrong of forged) {
    await expect(401, 'POST', reviewsOf(id), { token: wrong, json: draft() });
    await expect(200, 'GET', reviewsOf(id), { token: wrong });
  }
  assert.equal((await assertExact(id)).length, 0);
});

test('reviews come newest, highest or lowest first, page after page, each once', async () => {
  const id = hospital(32);
  const tokens = await Promise.all(Array.from({ length: 6 }, () => insiderOf(id)));
  await Promise.all(tokens.map((token, index) => write(id, token, { stars: stars(1 + (index % 5)) })));
  const averages = async (sort) => (await everyItem(`${reviewsOf(id)}?sort=${sort}`, 2)).map((review) => review.average);
  assert.deepEqual(await averages('highest'), [5, 4, 3, 2, 1, 1]);
  assert.deepEqual(await averages('lowest'), [1, 1, 2, 3, 4, 5]);
  assert.equal((await averages('newest')).length, 6);
  const { next_cursor } = await read(`${reviewsOf(id)}?sort=highest&limit=1`);
  await expect(422, 'GET', `${reviewsOf(id)}?sort=lowest&cursor=${next_cursor}`, {}, 'cursor');
  const mine = (await read(reviewsOf(id), tokens[0])).items.filter((review) => review.mine);
  assert.equal(mine.length, 1);
});

test('no average is shown of fewer than five reviews', async () => {
  const id = hospital(33);
  for (let count = 1; count <= 5; count++) {
    await write(id, await insiderOf(id), { stars: stars(count) });
    const { average, review_count } = await read(`${HOSPITALS}/${id}`);
    assert.deepEqual([review_count, average], [count, count < 5 ? null : 3]);
  }
  await assertExact(id);
});

test(`averages are exactly what the reviews say after ${WRITERS} writers at once`, async () => {
  const id = hospital(34);
  const tokens = [];
  // Ten at a time: each sign-up hashes a password in 19 MiB.
  while (tokens.length < WRITERS) tokens.push(...(await Promise.all(Array.from({ length: 10 }, () => insiderOf(id)))));

  const random = () => 1 + Math.floor(Math.random() * 5);
  const any = () => stars(...ASPECTS.map(random));
  // A database that is busy for longer than it waits says 503, and to send the request again.
  async function until(status, method, path, options) {
    for (let tries = 0; tries < 20; tries++) {
      const answer = await call(method, path, options);
      if (answer.status !== 503) {
        assert.equal(answer.status, status, answer.text);
        return answer;
      }
    }
    assert.fail(`${method} ${path} stays busy`);
  }
  const written = await Promise.all(
    tokens.map((token) => until(201, 'POST', reviewsOf(id), { token, json: draft({ stars: any() }) })),
  );
  assert.equal((await assertExact(id)).length, WRITERS);

  // Then each edits or withdraws at once, and one in three of those who withdrew writes again.
  await Promise.all(
    tokens.map(async (token, index) => {
      const path = written[index].headers.get('location');
      if (index % 2) return until(200, 'PATCH', path, { token, json: { stars: any() } });
      await until(204, 'DELETE', path, { token });
      if (index % 3 === 0) await until(201, 'POST', reviewsOf(id), { token, json: draft({ stars: any() }) });
    }),
  );
  const writtenAgain = Array.from({ length: WRITERS }, (_, index) => index).filter((index) => index % 6 === 0).length;
  const reviews = await assertExact(id);
  assert.equal(reviews.length, WRITERS / 2 + writtenAgain);
  assert.equal(reviews.filter((review) => review.edited).length, WRITERS / 2);
});

test('the import is open to the operator alone', async () => {
  const json = { source: '아무개', date: '2026-09-30' };
  const { token } = await signUp();
  for (const wrong of [undefined, token, 'x', `${operatorToken}x`]) {
    await expect(401, 'POST', IMPORTS, { token: wrong, json });
    await expect(401, 'PUT', `${IMPORTS}/${NOBODY}/rows`, { token: wrong, json: { rows: [] } });
    await expect(401, 'POST', `${IMPORTS}/${NOBODY}/commit`, { token: wrong, json: { force: true } });
  }
});

test('an import that is none is refused, and shows nothing before its commit', async () => {
  const operator = { token: operatorToken };
  const refused = (path, json, field, method = 'PUT') => expect(422, method, path, { ...operator, json }, field);
  await refused(IMPORTS, { source: '', date: '2026-02-30' }, ['source', 'date'], 'POST');
  await refused(IMPORTS, { source: '가', date: '2026-02-03', force: true }, 'force', 'POST');
  for (const id of [NOBODY, 'x', '%00']) {
    await expect(404, 'PUT', `${IMPORTS}/${id}/rows`, { ...operator, json: { rows: [{ line: 1 }] } });
    await expect(404, 'POST', `${IMPORTS}/${id}/commit`, { ...operator, json: { force: true } });
  }
  const started = await expect(201, 'POST', IMPORTS, { ...operator, json: { source: '지어낸 자료', date: '2026-09-30' } });
  const rows = `${IMPORTS}/${started.json.id}/rows`;
  await refused(rows, { rows: [] }, 'rows');
  await refused(rows, { rows: Array.from({ length: 501 }, (_, index) => ({ line: index + 1 })) }, 'rows');
  await refused(rows, { rows: [{ line: 2 }, { line: 2 }] }, 'rows[1].line');
  await refused(rows, { rows: [{ line: 0 }] }, 'rows[0].line');
  await refused(rows, { rows: [{ line: 2, id: 7 }] }, 'rows[0].id');
  await refused(rows, { rows: [{ line: 2, colour: 'red' }] }, 'rows[0].colour');

  const row = { line: 2, id: 'SYN-STAGED', name: '숨은의원(가상)', kind: '의원', region: '서울', address: '없는 곳' };
  const stage = async (...list) => (await expect(200, 'PUT', rows, { ...operator, json: { rows: list } })).json;
  const first = await stage({ ...row, phone: '없음', longitude: '37.5', latitude: '127.0' }, { ...row, line: 3 }, { ...row, line: 4, id: 'a b' });
  assert.equal(first.accepted, 1);
  assert.deepEqual(first.rejected.map(({ line, field, code }) => [line, field, code]), [[3, 'id', 'duplicate'], [4, 'id', 'invalid_id']]);
  assert.deepEqual(first.warnings.map(({ field }) => field), ['phone', 'longitude', 'latitude']);
  assert.deepEqual((await stage(row)).rejected, [], 'a batch may be sent again');
  await expect(404, 'GET', `${HOSPITALS}/SYN-STAGED`);
  const tooMany = await expect(409, 'POST', `${IMPORTS}/${started.json.id}/commit`, { ...operator, json: { force: false } });
  assert.equal(tooMany.json.code, 'too_many_changes');
  await expect(404, 'GET', `${HOSPITALS}/SYN-STAGED`);
});
