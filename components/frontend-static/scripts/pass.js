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

/** The pass, where the DLEQ proof holds for `publicKey`; throws where it does not. All as bytes. */
export function finalise(input, { blind, blinded }, { evaluated, proof }, publicKey) {
  return voprf.finalize(input, blind, evaluated, blinded, publicKey, proof);
}

/**
 * A pass that is being asked for: `blindedElement` (base64url) goes to auth, `finalise` takes its
 * answer and the key in the log, and throws where the one does not prove that it used the other.
 */
export function passRequest(secret, hospitalId, year) {
  const input = reviewKey(secret, hospitalId, year).publicKey;
  const blinded = blindWith(input, blindOf(secret, hospitalId, year));
  const decode = (text) => base64urlnopad.decode(text);
  return {
    blindedElement: base64urlnopad.encode(blinded.blinded),
    finalise({ evaluated_element: evaluated, proof }, publicKey) {
      const answer = { evaluated: decode(evaluated), proof: decode(proof) };
      return base64urlnopad.encode(finalise(input, blinded, answer, decode(publicKey)));
    },
  };
}
