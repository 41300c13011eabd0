// The import of hospitals as an operator runs it: `cargo xtask import hospitals FILE`.
//
// An import closes what its file does not name, so this suite has a site of its own. Its tests
// follow one another: each starts from what the one before it left.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

delete process.env.JINMAEK_BASE;
// On database servers both sites send to one mail server; on SQLite each logs its own codes.
if (!process.env.SPIN_VARIABLE_AUTH_DATABASE_URL) delete process.env.JINMAEK_MAILS;
const { call, site } = await import('../site.mjs');
const { asOwner, freshPass, newReview } = await import('../insiders.mjs');

const HOSPITALS = '/api/review/hospitals';
const SAMPLES = new URL('../../samples/hospitals.csv', import.meta.url);
const XTASK = fileURLToPath(new URL('../../target/release/xtask', import.meta.url));

// A hundred hospitals, so that one of them is one percent.
const COUNT = 100;

let folder, base, stop;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jinmaek-import-'));
  const running = await site();
  ({ base, stop } = running);
  writeFileSync(join(folder, 'token'), running.operatorToken);
});

after(() => {
  stop?.();
  rmSync(folder, { recursive: true, force: true });
});

function program(file, { options = [], to = base, token = 'token' } = {}) {
  const place = ['--base', to, '--token-file', join(folder, token)];
  return spawn(XTASK, ['import', 'hospitals', file, ...place, ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Runs the importer on a file of this content. */
async function run(content, { name = 'hospitals(2026.9.).csv', ...rest } = {}) {
  const file = join(folder, name);
  writeFileSync(file, content);
  const importer = program(file, rest);
  let said = '';
  importer.stderr.on('data', (data) => (said += data));
  const [code] = await once(importer, 'close');
  return { code, said };
}

async function taken(content, options) {
  const { code, said } = await run(content, options);
  assert.equal(code, 0, said);
  return said;
}

async function refused(content, options) {
  const { code, said } = await run(content, options);
  assert.notEqual(code, 0, said);
  return said;
}

const HEADERS = readFileSync(SAMPLES, 'utf8').split('\n')[0].split(',');

const id = (number) => `SYN-I${String(number).padStart(4, '0')}`;

/** A line of HIRA's file, its cells by header; those that are not given are empty. */
const row = (number, cells) => ({
  암호화요양기호: id(number),
  요양기관명: `가져온의원 ${number} (가상)`,
  종별코드명: '의원',
  시도코드명: '서울',
  시군구코드명: '가상구',
  주소: `서울특별시 가상구 없는길 ${number}`,
  총의사수: '2',
  '좌표(X)': '127.1',
  '좌표(Y)': '37.5',
  ...cells,
});

const rows = (count = COUNT, change = (line) => line) => Array.from({ length: count }, (_, index) => change(row(index + 1), index + 1));
const csv = (list, headers = HEADERS) => [headers, ...list.map((line) => headers.map((header) => line[header] ?? ''))].map((line) => line.join(',')).join('\r\n');

async function show(number) {
  const answer = await call('GET', `${HOSPITALS}/${id(number)}`);
  return answer.status === 404 ? undefined : answer.json;
}

const open = async (number) => (await show(number))?.open;

test('a file that is not HIRA\'s is refused with the reason', async () => {
  assert.match(await refused(csv(rows(), ['요양기관명', '시도코드명', '종별코드명'])), /no column 암호화요양기호, 주소/);
  assert.match(await refused(''), /empty/);
  assert.match(await refused('x', { name: 'hospitals.xlsx', options: ['--date', '2026-09-30'] }), /not an XLSX/);
  assert.match(await refused('x', { name: 'hospitals.pdf', options: ['--date', '2026-09-30'] }), /\.xlsx, \.csv or \.zip/);
  assert.match(await refused(csv(rows()), { name: 'hospitals.csv' }), /--date/);
  assert.match(await refused(csv(rows()), { options: ['--date', '2026-02-30'] }), /date must be/);
  assert.match(await refused(csv(rows()), { to: 'http://127.0.0.1:1' }), /no answer/);
  writeFileSync(join(folder, 'other-token'), 'x');
  assert.match(await refused(csv(rows()), { token: 'other-token' }), /token is not the one/);
  assert.equal(await show(1), undefined);
});

test('more than 5 % is refused with the numbers, and taken with --force', async () => {
  // The sample hospitals that the site starts with are not in the file.
  const said = await refused(csv(rows()));
  assert.match(said, /41 of 41 hospitals \(100\.0 %.*41 closed; 100 new/);
  assert.equal(await show(1), undefined, 'nothing was changed');
  assert.match(await taken(csv(rows()), { options: ['--force'] }), /100 new, 0 updated, 0 reopened, 41 closed, 0 unchanged/);
  const shown = await show(1);
  assert.deepEqual([shown.open, shown.doctors.total, shown.source.date], [true, 2, '2026-09-30']);
  const sample = (await call('GET', `${HOSPITALS}/SYN-0001`)).json;
  assert.deepEqual([sample.open, sample.source.name], [false, '예시 자료'], 'closed, and still of its own source');
});

test('the same file again changes nothing, whatever its form', async () => {
  const nothing = /0 new, 0 updated, 0 reopened, 0 closed, 100 unchanged/;
  assert.match(await taken(csv(rows())), nothing);
  assert.match(await taken(`\uFEFF${csv(rows())}`), nothing, 'with a byte order mark');
  assert.match(await taken(csv(rows(), ['새로운 열', ...HEADERS.toReversed()])), nothing, 'columns in another order, and one more');
  assert.match(await taken(csv(rows()).normalize('NFD')), nothing, 'decomposed Hangul');
  assert.match(await taken(csv(rows()).replaceAll('\r\n', '\n')), nothing, 'other line ends');
});

test('what is unchanged is as of the newest file', async () => {
  await taken(csv(rows()), { name: 'hospitals(2026.12.).csv' });
  assert.equal((await show(1)).source.date, '2026-12-31');
});

test('a bad row is reported with its line, the rest is kept, and its hospital stays as it was', async () => {
  const said = await taken(
    csv([
      ...rows(COUNT, (line, number) => {
        if (number === 1) return row(1, { 요양기관명: '' });
        if (number === 2) return row(2, { 주소: '서울, 쉼표가 하나 많은 길' });
        if (number === 3) return row(3, { 전화번호: '02-000-0003' });
        if (number === 4) return row(4, { '좌표(X)': '37.5', '좌표(Y)': '127.1' });
        return line;
      }),
      row(5),
      row(0, { 암호화요양기호: '한글 기호' }),
    ]),
  );
  assert.match(said, /line 2: 요양기관명 must not be empty: rejected/);
  assert.match(said, /line 3: .*has 31 cells instead of 30: rejected/);
  assert.match(said, /line 102: 암호화요양기호 stands in line 6 already: rejected/);
  assert.match(said, /line 103: 암호화요양기호 must be .*: rejected/);
  assert.match(said, /line 5: 좌표\(X\) must be between 124 and 132 degrees: left out/);
  assert.match(said, /98 rows accepted, 4 rejected, 2 cells left out/);
  assert.match(said, /0 new, 2 updated, 0 reopened, 0 closed, 96 unchanged/);
  assert.deepEqual([(await show(1)).name, await open(1), await open(2)], ['가져온의원 1 (가상)', true, true]);
  assert.equal((await show(3)).phone, '02-000-0003');
  assert.equal((await show(4)).location, null);
});

test('a hospital that is missing is closed, can be read but not reviewed, and opens when it is back', async () => {
  await taken(csv(rows()));
  const key = await freshPass(id(100));
  assert.match(await taken(csv(rows().slice(0, -3))), /3 closed, 97 unchanged/);
  assert.equal(await open(100), false);

  const review = { json: newReview(key) };
  const closed = await call('POST', `${HOSPITALS}/${id(100)}/reviews`, review);
  assert.deepEqual([closed.status, closed.json.code], [409, 'hospital_closed']);

  assert.match(await taken(csv(rows())), /0 new, 0 updated, 3 reopened, 0 closed, 97 unchanged/);
  assert.equal(await open(100), true);
  const opened = await call('POST', `${HOSPITALS}/${id(100)}/reviews`, review);
  assert.equal(opened.status, 201, opened.text);
  await taken(csv(rows().slice(0, -3)));
  await taken(csv(rows()));
  const own = await call('GET', `/api/review/keys/${key.publicKey}`, { headers: asOwner(key) });
  assert.equal(own.json.review_id, opened.json.id, 'an import leaves reviews alone');
});

test('an import that is interrupted changes nothing', async () => {
  const file = join(folder, 'long(2026.9.).csv');
  writeFileSync(file, csv(rows(20_000, (line, number) => row(number, { 총의사수: '9' }))));
  const importer = program(file, { options: ['--force'] });
  await sleep(400);
  importer.kill('SIGKILL');
  const [code, signal] = await once(importer, 'close');
  assert.deepEqual([code, signal], [null, 'SIGKILL'], 'it was still at work');
  assert.deepEqual([(await show(1)).doctors.total, await show(101)], [2, undefined]);
  assert.match(await taken(csv(rows())), /100 unchanged/);
});
