// An adversary with everything that the site keeps: both databases with the place of every row, every
// line of the log, the host's metrics. A hundred members of five hospitals have passes, sixty of them
// write a review. Nothing may join a review to an account better than chance within its hospital and
// year, and the same adversary finds the link at once where something leaks.
//
// JINMAEK_SEED chooses who writes, in which order; the permutations are run with several seeds.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { components, features, judge, random, shuffled } from './adversary.mjs';

for (const name of ['JINMAEK_BASE', 'JINMAEK_MAILS']) delete process.env[name];
const { call, freePort, serve, signIn, use } = await import('../site.mjs');
const { newReview, runBatch } = await import('../insiders.mjs');
const { everyItem, hospital, passes, reviewsOf, stars } = await import('../reviews.mjs');

const TARGET = fileURLToPath(new URL('../../target/', import.meta.url));
const HOSPITALS = [1, 2, 3, 4, 5].map(hospital);
const MEMBERS = 20;
const WRITERS = 12;
const SEED = Number(process.env.JINMAEK_SEED ?? randomInt(1e9));

// What is there is by chance if more than one of so many permutations is as strong, which is wrong once in
// thousands of runs. Where something leaks none is.
const PERMUTATIONS = 10_000;
const PERMUTATION_SEEDS = [1, 2, 3];

let folder, site, authors, waiting, published, metrics, log;

before(async () => {
  folder = mkdtempSync(join(TARGET, 'adversary-'));
  const admin = `127.0.0.1:${await freePort()}`;
  site = await serve(folder, ['--admin', admin]);
  use(site);
  console.log(`JINMAEK_SEED=${SEED}`);
  authors = await write(await members());
  waiting = dump();
  await runBatch();
  metrics = await (await fetch(`http://${admin}/metrics`)).text();
  await checkShown();
  await site.stop();
  published = dump({ places: true });
  log = readFileSync(site.log, 'utf8');
});

after(async () => {
  await site?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Members of all hospitals, with passes, in an order that mixes the hospitals. */
async function members() {
  const all = [];
  for (let round = 0; round < MEMBERS; round += 5) {
    for (const id of HOSPITALS) all.push(...(await passes(id, 5)));
  }
  return all;
}

/**
 * Some of the members sign in and write at once, one after another: whatever tells when a review was
 * written tells by the session who wrote it.
 */
async function write(all) {
  const draw = random(SEED);
  const writers = HOSPITALS.flatMap((id) => shuffled(all.filter((it) => it.hospitalId === id), draw).slice(0, WRITERS));
  const written = [];
  for (const [index, key] of shuffled(writers, draw).entries()) {
    await signIn(key.account.login, key.account.password);
    const draft = { title: `글 ${draw().toString(36).slice(2, 10)}`, stars: stars(...Array.from({ length: 6 }, () => 1 + Math.floor(draw() * 5))) };
    const headers = index % 2 ? { 'idempotency-key': randomUUID() } : {};
    const answer = await call('POST', reviewsOf(key.hospitalId), { json: newReview(key, draft), headers });
    assert.equal(answer.status, 201, answer.text);
    written.push({ ...key, ...draft, reviewId: answer.json.id, order: index, time: Date.now() });
  }
  return written;
}

async function checkShown() {
  for (const id of HOSPITALS) assert.equal((await everyItem(reviewsOf(id), 100)).length, WRITERS);
}

/** Every row of every table as `{ table, values, places }`, in the order of the dump. */
function dump({ places = false } = {}) {
  const file = join(folder, 'state/sqlite_db.db');
  const ask = (sql) => JSON.parse(execFileSync('sqlite3', ['-json', '-batch', '-cmd', '.timeout 5000', file, sql], { encoding: 'utf8', maxBuffer: 1 << 28 }) || '[]');
  const bytes = places ? readFileSync(file) : undefined;
  const tables = ask("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL AND name NOT LIKE 'hospital%' AND name NOT LIKE 'sqlite_%'");
  return tables.flatMap(({ name, sql }) => {
    const rowid = /WITHOUT ROWID|CREATE VIRTUAL/i.test(sql) ? '' : 'rowid AS "(rowid)", ';
    return ask(`SELECT ${rowid}* FROM "${name}"`).map((values, index) => ({
      table: name,
      values,
      places: { '(order of the dump)': index, ...(bytes && placesIn(bytes, values)) },
    }));
  });
}

/** Where in the file the row's longest text stands first and last: copies in indexes and in free pages count. */
function placesIn(bytes, values) {
  const texts = Object.values(values).filter((value) => typeof value === 'string' && value.length >= 20);
  const needle = texts.toSorted((a, b) => b.length - a.length)[0];
  if (!needle) return {};
  return { '(first place in the file)': bytes.indexOf(needle), '(last place in the file)': bytes.lastIndexOf(needle) };
}

/** What belongs to the account and what to the review of each author, whom the adversary should not know. */
function truth(rows) {
  const groups = components(rows);
  const groupOf = (matches) => groups.find((group) => group.some(matches)) ?? assert.fail('no such rows');
  return authors.map((author) => ({
    hospital: author.hospitalId,
    account: groupOf(({ table, values }) => table === 'accounts' && values.login === author.account.login),
    review: groupOf(({ table, values }) => table === 'signed_reviews' && values.public_key === author.publicKey),
  }));
}

const SITUATIONS = () => [['while reviews wait', waiting], ['after the batch', published]];

test('no value joins an account and a review', () => {
  for (const [when, rows] of SITUATIONS()) {
    for (const { account, review } of truth(rows)) assert.notEqual(account, review, when);
  }
});

test('no column, place or order joins them better than chance', () => {
  for (const [when, rows] of SITUATIONS()) {
    const pairs = features(truth(rows));
    const names = (columns) => columns.map((column) => column.name).join(', ');
    // There is something to compare.
    for (const column of [/accounts\.created_at/, /sessions\.\w+_at/, /accounts\.\(rowid\)/]) assert.match(names(pairs.accounts), column);
    for (const column of [/signed_reviews\.id/, /signed_reviews\.\(order of the dump\)/]) assert.match(names(pairs.reviews), column);
    for (const seed of PERMUTATION_SEEDS) {
      const verdict = judge(pairs, PERMUTATIONS, seed);
      assert.ok(verdict.p > 1 / PERMUTATIONS, `${when}, seed ${seed}: ${JSON.stringify(verdict)} (JINMAEK_SEED=${SEED})`);
    }
  }
});

test('the same adversary finds whatever leaks', () => {
  const leaks = {
    'the exact time': (author) => author.time,
    'a counter': (author) => author.order,
    'an id that is made of the time': (author) => `${author.time.toString(16).padStart(12, '0')}-${randomUUID()}`,
  };
  for (const [what, leak] of Object.entries(leaks)) {
    const of = new Map(authors.map((author) => [author.publicKey, leak(author)]));
    const leaky = published.map((row) => (row.table === 'signed_reviews' ? { ...row, values: { ...row.values, leak: of.get(row.values.public_key) } } : row));
    const verdict = judge(features(truth(leaky)), PERMUTATIONS, 1);
    assert.ok(verdict.p <= 1 / PERMUTATIONS && verdict.review.includes('leak'), `${what}: ${JSON.stringify(verdict)}`);
  }
  const accounts = new Map(published.filter(({ table }) => table === 'accounts').map(({ values }) => [values.login, values.id]));
  const of = new Map(authors.map((author) => [author.publicKey, accounts.get(author.account.login)]));
  const tied = published.map((row) => (row.table === 'signed_reviews' ? { ...row, values: { ...row.values, leak: of.get(row.values.public_key) } } : row));
  for (const { account, review } of truth(tied)) assert.equal(account, review, 'an id of the account');
});

test('no row of a review holds a time', () => {
  const today = new Date(Date.now() + 9 * 3600_000).toISOString();
  for (const { values } of published.filter(({ table }) => table === 'signed_reviews')) {
    assert.deepEqual([values.touched, values.month], ['', today.slice(0, 7)]);
    const numbers = Object.values(values).filter((value) => typeof value === 'number');
    assert.ok(numbers.every((value) => value < 10_000), JSON.stringify(values));
  }
});

test('no line of the log is about a review or says where a request came from', () => {
  for (const line of log.split('\n')) {
    if (/^(Serving|Metrics) http|진맥 is at/.test(line)) continue;
    assert.doesNotMatch(line, /127\.0\.0\.1|::1/, 'an address');
    assert.doesNotMatch(line, /\/reviews|\/keys\//, 'the path of a review');
    for (const { reviewId, publicKey, pass, title } of authors) {
      for (const secret of [reviewId, publicKey, pass, title]) assert.ok(!line.includes(secret), line);
    }
  }
});

test('the metrics name components, and nothing that belongs to one request', () => {
  const labels = [...metrics.matchAll(/[{,](\w+)="([^"]*)"/g)];
  assert.ok(labels.length > 10, metrics);
  // A route is a pattern of spin.toml; a pool is that of a database file, or of a component at servers.
  const allowed = new Set(['component', 'route', 'status', 'le', 'version', 'pool']);
  for (const [, name] of labels) assert.ok(allowed.has(name), name);
  for (const { reviewId, publicKey, account } of authors) {
    for (const secret of [reviewId, publicKey, account.login]) assert.ok(!metrics.includes(secret));
  }
});
