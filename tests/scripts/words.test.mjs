// The recovery secret as words and as a file.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { newSecret } from '../../components/frontend-static/scripts/secret.js';
import { fromFile, fromWords, toFile, toWords, WORD_COUNT } from '../../components/frontend-static/scripts/words.js';

const bytes = (secret) => Buffer.from(secret).toString('hex');

test('24 words and back, however they were written down', () => {
  for (let n = 0; n < 20; n++) {
    const secret = randomBytes(32);
    const words = toWords(secret);
    assert.equal(words.length, WORD_COUNT);
    assert.ok(words.every((word) => word === word.normalize('NFC')), 'as a keyboard writes them');
    const written = [words.join(' '), words.join('\n'), words.map((word, index) => `${index + 1}. ${word}`).join('\r\n'), `  ${words.join(',  ')} `, words.join(' ').normalize('NFD')];
    for (const text of written) assert.equal(bytes(fromWords(text)), bytes(secret), text);
  }
});

test('BIP 39 of known entropy', () => {
  const words = toWords(new Uint8Array(32));
  assert.equal(words[0], '가격');
  assert.deepEqual(new Set(words.slice(0, 23)), new Set(['가격']));
});

test('what is wrong with the words is said', () => {
  const words = toWords(randomBytes(32));
  const wrong = (list) => {
    try {
      fromWords(list.join(' '));
    } catch (error) {
      return error;
    }
  };
  assert.equal(wrong(words.slice(1)).code, 'count');
  assert.equal(wrong(words.slice(1)).count, 23);
  assert.equal(wrong([]).code, 'count');
  assert.deepEqual([wrong(['진맥', ...words.slice(1)]).code, wrong(['진맥', ...words.slice(1)]).word], ['unknown', '진맥']);
  // Any two words exchanged, unless they are equal or the eight bits of the checksum fit by chance.
  const swapped = words.map((_, index) => wrong(words.with(index, words[0]).with(0, words[index]))?.code);
  assert.ok(swapped.filter((code) => code === 'checksum').length >= 20, swapped.join());
});

test('a file holds the secret and says what it is', () => {
  const secret = newSecret();
  assert.equal(secret.length, 32);
  const file = toFile(secret, '진맥 복구 열쇠\n아무에게도 보여 주지 마세요.');
  assert.match(file, /^진맥 복구 열쇠/);
  assert.equal(bytes(fromFile(file)), bytes(secret));
  assert.equal(bytes(fromFile(file.replaceAll('\n', '\r\n'))), bytes(secret));
  assert.equal(fromFile('다른 파일'), null);
  assert.throws(() => fromFile('jinmaek-recovery-key: 가격 가격'), { code: 'count' });
});
