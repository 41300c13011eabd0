// The recovery secret: 32 random bytes from which everything else is made, so that another
// device that has it is the same reviewer.

import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { netstrings } from './netstring.js';

export const SECRET_BYTES = 32;

export const newSecret = () => crypto.getRandomValues(new Uint8Array(SECRET_BYTES));

/** HKDF-SHA256 (RFC 5869) without a salt; `info` are the fields of the purpose, its name first. */
export function derive(secret, info, length) {
  return hkdf(sha256, secret, undefined, netstrings(...info), length);
}
