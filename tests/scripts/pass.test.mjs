// The browser's half of a pass, against the RFC's vectors and against another implementation.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DLEQProof, EvaluationRequest, generateKeyPair, Oprf, VOPRFServer } from '@cloudflare/voprf-ts';
import { CryptoNoble } from '@cloudflare/voprf-ts/crypto-noble';
import { blindOf, blindWith, finalise, passRequest } from '../../components/frontend-static/scripts/pass.js';
import { reviewKey } from '../../components/frontend-static/scripts/review-key.js';

Oprf.Crypto = CryptoNoble;
const SUITE = Oprf.Suite.RISTRETTO255_SHA512;

const vectors = JSON.parse(readFileSync(new URL('../vectors/rfc9497.json', import.meta.url)));
const hex = (text) => Uint8Array.from(Buffer.from(text, 'hex'));
const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
const number = (littleEndian) => BigInt(`0x${Buffer.from(littleEndian).reverse().toString('hex')}`);

test('the vectors of RFC 9497 come out', () => {
  for (const vector of vectors.evaluations) {
    const [input, scalar] = [hex(vector.input), number(hex(vector.blind))];
    const { blind, blinded } = blindWith(input, scalar);
    assert.equal(Buffer.from(blinded).toString('hex'), vector.blinded_element);
    const answer = { evaluated: hex(vector.evaluated_element), proof: hex(vector.proof) };
    const output = finalise(input, { blind, blinded }, answer, hex(vectors.public_key));
    assert.equal(Buffer.from(output).toString('hex'), vector.output);
  }
});

test('a proof that does not hold for the key of the log is refused', () => {
  const [vector, other] = vectors.evaluations;
  const input = hex(vector.input);
  const blinded = blindWith(input, number(hex(vector.blind)));
  const right = { evaluated: hex(vector.evaluated_element), proof: hex(vector.proof) };
  const key = hex(vectors.public_key);
  finalise(input, blinded, right, key);
  const flipped = Uint8Array.from(right.proof, (byte, index) => (index === 3 ? byte ^ 1 : byte));
  const identity = new Uint8Array(32);
  for (const wrong of [{ proof: flipped }, { proof: hex(other.proof) }, { evaluated: hex(other.evaluated_element) }, { evaluated: identity }, { proof: right.proof.subarray(1) }]) {
    assert.throws(() => finalise(input, blinded, { ...right, ...wrong }, key), JSON.stringify(Object.keys(wrong)));
  }
  assert.throws(() => finalise(input, blinded, right, hex(vector.blinded_element)), 'another key');
});

/** What auth does, by an implementation that shares nothing with ours. */
async function evaluate(server, blindedElement) {
  const group = Oprf.getGroup(SUITE);
  const blinded = group.desElt(Buffer.from(blindedElement, 'base64url'));
  const { evaluated, proof } = await server.blindEvaluate(new EvaluationRequest([blinded]));
  return { evaluated_element: base64url(evaluated[0].serialize()), proof: base64url(proof.serialize()) };
}

test('a pass is what another implementation evaluates for the review key', async () => {
  const { privateKey, publicKey } = await generateKeyPair(SUITE);
  const server = new VOPRFServer(SUITE, privateKey);
  for (let n = 0; n < 3; n++) {
    const secret = randomBytes(32);
    const request = passRequest(secret, 'SYN-0001', 2026);
    const answer = await evaluate(server, request.blindedElement);
    const pass = request.finalise(answer, base64url(publicKey));
    const { publicKey: input } = reviewKey(secret, 'SYN-0001', 2026);
    assert.ok(await server.verifyFinalize(input, Buffer.from(pass, 'base64url')));
    assert.equal(Buffer.from(pass, 'base64url').length, 64);
  }
  assert.equal(DLEQProof.size(Oprf.getGroup(SUITE)), 64);
});

test('the same secret asks the same question, another secret, hospital or year another one', () => {
  const secret = randomBytes(32);
  const asked = (...of) => passRequest(...of).blindedElement;
  assert.equal(asked(secret, 'A', 2026), asked(Uint8Array.from(secret), 'A', 2026));
  const all = [asked(secret, 'A', 2026), asked(secret, 'B', 2026), asked(secret, 'A', 2027), asked(randomBytes(32), 'A', 2026)];
  assert.equal(new Set(all).size, all.length);
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  assert.ok(blindOf(secret, 'A', 2026) > 0n && blindOf(secret, 'A', 2026) < order);
});
