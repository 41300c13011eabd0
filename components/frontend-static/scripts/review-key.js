// The key that signs the review of one hospital and year.

import { ed25519 } from '@noble/curves/ed25519.js';
import { base64urlnopad } from '@scure/base';
import { derive } from './secret.js';

/** `publicKey` as bytes, `name` the same as base64url, `sign(message)` the signature as base64url. */
export function reviewKey(secret, hospitalId, year) {
  const seed = derive(secret, ['jinmaek-review-key-v1', hospitalId, year], 32);
  const publicKey = ed25519.getPublicKey(seed);
  return {
    publicKey,
    name: base64urlnopad.encode(publicKey),
    sign: (message) => base64urlnopad.encode(ed25519.sign(message, seed)),
  };
}
