// Hospitals over HTTP: what is wanted, and what each kind of bad input gets. `call` holds every
// answer against the contract, so a test states only what the contract cannot say.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSPITALS, NOBODY, everyItem, expect, query, read, reviewsOf } from '../reviews.mjs';
import { signUp, site } from '../site.mjs';

const IMPORTS = '/api/review/operator/hospital-imports';

let operatorToken;

before(async () => {
  ({ operatorToken } = await site());
});

const ids = (items) => items.map((item) => item.id);

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
