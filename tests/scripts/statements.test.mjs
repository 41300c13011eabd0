// What is signed and what is hashed, held to the vectors that the components are held to.

import assert from 'node:assert/strict';
import { createPrivateKey, hkdfSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { entryHash } from '../../components/frontend-static/scripts/key-log.js';
import { netstrings } from '../../components/frontend-static/scripts/netstring.js';
import { reviewKey } from '../../components/frontend-static/scripts/review-key.js';
import * as statement from '../../components/frontend-static/scripts/statement.js';

const vectors = JSON.parse(readFileSync(new URL('../vectors/statements.json', import.meta.url)));
const text = (bytes) => Buffer.from(bytes).toString();

const starsOf = (digits) => Object.fromEntries(statement.ASPECTS.map((aspect, index) => [aspect, Number(digits[index])]));

test('statements are those of the vectors, byte for byte', () => {
  for (const { action, message, hospital_id: hospitalId, stars, ...fields } of vectors.statements) {
    const given = { hospitalId, ...fields, ...(stars && { stars: starsOf(stars) }) };
    assert.equal(text(statement[action](given)), message);
  }
});

test('entries of the key log hash to those of the vectors', () => {
  for (const entry of vectors.pass_keys) assert.equal(entryHash(entry), entry.hash);
});

test('netstrings count bytes, and tell fields apart', () => {
  assert.equal(text(netstrings('새', 7)), '3:새,1:7,');
  assert.equal(text(netstrings('')), '0:,');
  assert.notEqual(text(netstrings('a', 'b')), text(netstrings('ab')));
});

test('a review key is Ed25519 from HKDF, signing as node does', () => {
  const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
  const key = reviewKey(secret, 'SYN-1', 2026);
  const seed = hkdfSync('sha256', secret, '', netstrings('jinmaek-review-key-v1', 'SYN-1', 2026), 32);
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(seed)]);
  const message = statement.withdraw({ hospitalId: 'SYN-1', year: 2026, revision: 2 });
  assert.equal(key.sign(message), sign(null, message, createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).toString('base64url'));
  assert.equal(key.name.length, 43);
});

test('a text is signed in one form only', () => {
  assert.equal(statement.normalised('\ufeff \u0085의료진\r\n둘째\r줄 \n\u3000'.normalize('NFD')), '의료진\n둘째\n줄');
  const once = statement.normalised('  a\r\nb  ');
  assert.equal(statement.normalised(once), once);
});
