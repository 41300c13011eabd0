// A key log that lies is found out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryHash, entryOf, KeyLogError, readLog } from '../../components/frontend-static/scripts/key-log.js';

function log(length, mark = 'key') {
  const entries = [];
  for (let index = 1; index <= length; index++) {
    const entry = { index, hospital_id: `H${index}`, year: 2026, public_key: `${mark}${index}`, previous: entries.at(-1)?.hash ?? '0'.repeat(64) };
    entries.push({ ...entry, hash: entryHash(entry) });
  }
  return entries;
}

const pages = (entries, size = 3) => async (cursor) => {
  const start = Number(cursor || 0);
  return { items: entries.slice(start, start + size), next_cursor: start + size < entries.length ? String(start + size) : null };
};

const head = ({ index, hash }) => ({ index, hash });

test('a log is read page by page, from the first entry to the last', async () => {
  const entries = log(8);
  const result = await readLog(pages(entries));
  assert.deepEqual(result.entries, entries);
  assert.deepEqual(result.head, head(entries[7]));
  assert.equal(entryOf(result.entries, 'H4', 2026).public_key, 'key4');
  assert.deepEqual((await readLog(pages([]))).entries, []);
});

test('it has to extend what this browser saw', async () => {
  const entries = log(8);
  for (const seen of [1, 5, 8]) await readLog(pages(entries), head(entries[seen - 1]));
  await assert.rejects(readLog(pages(entries.slice(0, 4)), head(entries[4])), KeyLogError, 'an entry is gone');
  await assert.rejects(readLog(pages(log(8, 'marked')), head(entries[4])), KeyLogError, 'written anew');
});

test('an entry that was changed, left out, moved or repeated is found', async () => {
  const changed = (change) => {
    const entries = log(8);
    change(entries);
    return readLog(pages(entries));
  };
  await assert.rejects(changed((entries) => (entries[3].public_key = 'marked')), KeyLogError);
  await assert.rejects(changed((entries) => entries.splice(3, 1)), KeyLogError);
  await assert.rejects(changed((entries) => entries.reverse()), KeyLogError);
  await assert.rejects(changed((entries) => entries.splice(3, 0, entries[3])), KeyLogError);
  await assert.rejects(changed((entries) => (entries[0].previous = entries[1].hash)), KeyLogError);
});

test('a hospital has one key a year, or none may be used', async () => {
  const entries = log(3);
  assert.throws(() => entryOf(entries, 'H9', 2026), KeyLogError);
  assert.throws(() => entryOf(entries, 'H1', 2027), KeyLogError);
  assert.throws(() => entryOf([...entries, { ...entries[0], public_key: 'marked' }], 'H1', 2026), KeyLogError);
});
