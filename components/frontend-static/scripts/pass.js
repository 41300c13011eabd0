// The pass: auth's VOPRF of the review key (RFC 9497, ristretto255-SHA512, verifiable mode),
// had without showing auth the key.

import { ristretto255, ristretto255_oprf } from '@noble/curves/ed25519.js';
import { bytesToNumberLE, numberToBytesLE } from '@noble/curves/utils.js';
import { base64urlnopad } from '@scure/base';
import { reviewKey } from './review-key.js';
import { derive } from './secret.js';

const { voprf } = ristretto255_oprf;
const { Fn } = ristretto255.Point;

/** The blind is made from the secret, so that every device asks the same question. */
export function blindOf(secret, hospitalId, year) {
  return Fn.create(bytesToNumberLE(derive(secret, ['jinmaek-blind-v1', hospitalId, year], 64)));
}

/** `input` blinded by this very scalar: `{ blind, blinded }`, both as bytes. */
export function blindWith(input, scalar) {
  // The library takes random bytes rather than a scalar and makes them a number from 1 on.
  const result = voprf.blind(input, (length) => numberToBytesLE(scalar - 1n, length));
  if (bytesToNumberLE(result.blind) !== scalar) throw new Error('another blind than the one given');
  return result;
}

/**
 * A pass that is being asked for: `blindedElement` (base64url) goes to auth, `finalise` takes its
 * answer. It throws where the DLEQ proof does not hold for `publicKey`, the one in the key log.
 */
export function passRequest(secret, hospitalId, year) {
  const input = reviewKey(secret, hospitalId, year).publicKey;
  const { blind, blinded } = blindWith(input, blindOf(secret, hospitalId, year));
  return {
    blindedElement: base64urlnopad.encode(blinded),
    finalise(answer, publicKey) {
      const [evaluated, proof, key] = [answer.evaluated_element, answer.proof, publicKey].map((text) => base64urlnopad.decode(text));
      return base64urlnopad.encode(voprf.finalize(input, blind, evaluated, blinded, key, proof));
    },
  };
}
