// The batch of a day: the first request of a new one runs it, once, with two instances on one
// database. The day of a row is changed in the database, as if a night had passed.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

for (const name of ['JINMAEK_BASE', 'JINMAEK_MAILS']) delete process.env[name];
const { serve, use } = await import('../site.mjs');
const { edition, moderator, publish, withdrawal } = await import('../insiders.mjs');
const { CROWD, HOSPITALS, MODERATION, assertExact, everyItem, expect, hospital, own, passes, read, reviewsOf, stars } = await import('../reviews.mjs');

const TARGET = fileURLToPath(new URL('../../target/', import.meta.url));
const HOSPITAL = hospital(1);
const SMALL = hospital(2);

let folder, site, keys, paths;

before(async () => {
  folder = mkdtempSync(join(TARGET, 'days-'));
  await start();
});

after(async () => {
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start() {
  site = await serve(folder, ['--admin', 'off']);
  use(site);
}

const sql = (text) => execFileSync('sqlite3', ['-batch', '-cmd', '.timeout 5000', join(folder, 'state/sqlite_db.db'), text], { encoding: 'utf8' });

/** What was stated today was stated yesterday, and yesterday's batch is through. */
const night = () => sql(`
  UPDATE signed_reviews SET touched = date(touched, '-1 day') WHERE touched <> '';
  UPDATE review_publication SET day = date(day, '-1 day') WHERE day <> '';`);

/** Stops the site, lets a night pass, and starts it again. */
async function nextDay() {
  await site.stop();
  night();
  await start();
}

const titles = async () => (await assertExact(HOSPITAL)).map((review) => review.title).toSorted();

test('what is written on a day is not shown on that day', async () => {
  keys = await passes(HOSPITAL, CROWD);
  paths = [];
  for (const [index, key] of keys.entries()) {
    const answer = await publish(key, { title: `첫날의 글 ${index}`, stars: stars(1 + index) });
    paths.push(answer.headers.get('location'));
  }
  const [few] = await passes(SMALL, CROWD - 1);
  await publish(few, { title: '사람이 적은 병원' });
  keys.few = few;
  for (let count = 0; count < 5; count++) assert.deepEqual(await titles(), []);
  assert.equal(sql("SELECT count(*) FROM signed_reviews WHERE touched = '' OR queued = 0").trim(), '0');
});

test('two instances run the batch of the next day once', async () => {
  await site.stop();
  night();
  const both = await Promise.all([serve(folder, ['--admin', 'off']), serve(folder, ['--admin', 'off'])]);
  const reads = Array.from({ length: 40 }, (_, index) => fetch(`${both[index % 2].base}${HOSPITALS}/${HOSPITAL}`));
  for (const answer of await Promise.all(reads)) assert.equal(answer.status, 200);
  use(both[0]);
  assert.deepEqual(await titles(), keys.map((_, index) => `첫날의 글 ${index}`));
  assert.equal((await read(`${HOSPITALS}/${HOSPITAL}`)).average, 3);
  assert.equal(sql('SELECT count(*) FROM signed_reviews').trim(), `${CROWD + 1}`, 'each row is there once');
  await both[1].stop();
  site = both[0];
});

test('what has too few passes waits on, and its day is forgotten', async () => {
  assert.equal((await own(keys.few)).status, 'waiting');
  assert.equal(sql("SELECT touched || '/' || queued FROM signed_reviews WHERE status = 'waiting'").trim(), '/1');
});

test('an edit waits for the next day while the old text stays; a withdrawal does not wait', async () => {
  await expect(200, 'PUT', paths[0], { json: edition(keys[0], 2, { title: '고친 글', body: '열 글자가 넘는 고친 본문', stars: stars(5) }) });
  assert.equal((await read(paths[0])).title, '첫날의 글 0');
  const waiting = await own(keys[0]);
  assert.deepEqual([waiting.title, waiting.edit_waits, waiting.revision], ['고친 글', true, 2]);
  await expect(204, 'POST', `${paths[1]}/withdrawal`, { json: withdrawal(keys[1], 2) });
  assert.deepEqual(await titles(), [0, 2, 3, 4].map((index) => `첫날의 글 ${index}`));
  await nextDay();
  assert.deepEqual((await titles()).sort(), ['고친 글', '첫날의 글 2', '첫날의 글 3', '첫날의 글 4'].sort());
  assert.deepEqual([(await own(keys[0])).edit_waits, (await read(paths[0])).edited], [false, true]);
  assert.equal(sql("SELECT count(*) FROM signed_reviews WHERE touched <> ''").trim(), '0');
  assert.equal(sql('SELECT count(*) FROM review_edits').trim(), '0');
});

test('what is hidden comes back by itself after its last day', async () => {
  const { token } = await moderator();
  const claim = { claimant: '홍길동', contact: 'hong@example.org', reason: 'insult', detail: '욕설이 있습니다.' };
  const { json } = await expect(201, 'POST', `${paths[2]}/takedowns`, { json: claim });
  await expect(204, 'POST', `${MODERATION}/takedowns/${json.id}/decisions`, { token, json: { decision: 'hide' } });
  const { hidden_until } = await read(paths[2]);
  await nextDay();
  assert.equal((await read(paths[2])).status, 'hidden');
  sql("UPDATE signed_reviews SET hidden_until = date('now', '+9 hours', '-1 day') WHERE status = 'hidden'");
  await nextDay();
  const shown = await read(paths[2]);
  assert.deepEqual([shown.status, shown.title, shown.hidden_until], ['published', '첫날의 글 2', null]);
  await assertExact(HOSPITAL);
  const acts = (await everyItem(`${MODERATION}/log`, 100)).map((entry) => entry.act);
  assert.deepEqual(acts, ['restored', 'hidden']);
  assert.ok(hidden_until > sql("SELECT date('now')").trim());
  assert.equal((await everyItem(reviewsOf(HOSPITAL), 100)).length, CROWD - 1);
});
