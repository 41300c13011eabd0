// The recovery secret as 24 Korean words (BIP 39), whose last one holds a checksum.

import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/korean.js';
import { SECRET_BYTES } from './secret.js';

export const WORD_COUNT = 24;

const known = new Set(wordlist);

/** What is wrong with the words: `code` is `count`, `unknown` (with `word`) or `checksum`. */
export class WordsError extends Error {
  constructor(code, detail = {}) {
    super(code);
    Object.assign(this, { code, ...detail });
  }
}

/** The words as a keyboard writes them (NFC; the list itself is decomposed). */
export function toWords(secret) {
  return entropyToMnemonic(secret, wordlist).normalize('NFC').split(' ');
}

/** The secret. Throws a `WordsError`. Numbers, commas and line breaks between the words are let pass. */
export function fromWords(text) {
  const words = text.normalize('NFKD').match(/[\u1100-\u11ff]+/g) ?? [];
  const unknown = words.find((word) => !known.has(word));
  if (unknown) throw new WordsError('unknown', { word: unknown.normalize('NFC') });
  if (words.length !== WORD_COUNT) throw new WordsError('count', { count: words.length });
  try {
    return Uint8Array.from(mnemonicToEntropy(words.join(' '), wordlist)).subarray(0, SECRET_BYTES);
  } catch {
    throw new WordsError('checksum');
  }
}

const MARK = 'jinmaek-recovery-key';

/** The file: what it is for people, and the words on a line that starts with a mark. */
export function toFile(secret, explanation) {
  return `${explanation}\n\n${MARK}: ${toWords(secret).join(' ')}\n`;
}

/** The secret in a file of ours; `null` where there is none. Throws a `WordsError`. */
export function fromFile(text) {
  const line = text.split('\n').find((line) => line.startsWith(`${MARK}:`));
  return line ? fromWords(line.slice(MARK.length)) : null;
}
