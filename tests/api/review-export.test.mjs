// The public export, and the command that checks it offline.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { publish, runBatch } from '../insiders.mjs';
import { CROWD, expect, hospital, passes } from '../reviews.mjs';

const XTASK = fileURLToPath(new URL('../../target/release/xtask', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'jinmaek-export-'));

after(() => rmSync(folder, { recursive: true, force: true }));

/** What `cargo xtask verify-export` says of a file with this content. */
function verify(text) {
  const file = join(folder, 'export.ndjson');
  writeFileSync(file, text);
  return new Promise((resolve) => {
    execFile(XTASK, ['verify-export', file], (error, stdout, stderr) => resolve({ holds: !error, said: stdout + stderr }));
  });
}

test('the export holds every published review with its signature, and holds when it is checked', async () => {
  const id = hospital(36);
  const keys = await passes(id, CROWD);
  for (const [index, key] of keys.entries()) await publish(key, { title: `내보낼 글 ${index}` });
  const lone = await passes(hospital(37), 1);
  await publish(lone[0], { title: '아직 기다리는 글' });
  await runBatch();

  const answer = await expect(200, 'GET', '/api/review/export.ndjson');
  assert.equal(answer.headers.get('content-type'), 'application/x-ndjson');
  const lines = answer.text.trimEnd().split('\n').map((line) => JSON.parse(line));
  const ours = lines.filter((line) => line.type === 'review' && line.hospital_id === id);
  assert.deepEqual(ours.map((line) => line.title).toSorted(), keys.map((_, index) => `내보낼 글 ${index}`));
  assert.deepEqual(ours.map((line) => line.public_key).toSorted(), keys.map((key) => key.publicKey).toSorted());
  assert.ok(!answer.text.includes('아직 기다리는 글'), 'what waits is not in it');
  assert.ok(lines.some((line) => line.type === 'key' && line.hospital_id === id));
  const count = (type) => lines.filter((line) => line.type === type).length;
  assert.deepEqual(lines.at(-1), { type: 'end', keys: count('key'), acts: count('act'), reviews: count('review') });

  const sound = await verify(answer.text);
  assert.ok(sound.holds, sound.said);
  const number = lines.findIndex((line) => line.type === 'review') + 1;
  const forged = await verify(answer.text.replace('"body":"', '"body":"덧붙인 말. '));
  assert.ok(!forged.holds);
  assert.match(forged.said, new RegExp(`line ${number}: the signature`));
  const cut = await verify(answer.text.split('\n').slice(0, -2).join('\n') + '\n');
  assert.match(cut.said, new RegExp(`line ${lines.length}: the file ends without its end`));
});
