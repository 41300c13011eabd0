// Insiders as the suites need them: proven to work somewhere, with a pass, writing reviews. Every
// byte is made as docs/passes.md says, by libraries that the site does not use.

import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, hkdfSync, randomBytes, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DLEQProof, Evaluation, Oprf, VOPRFClient } from '@cloudflare/voprf-ts';
import { CryptoNoble } from '@cloudflare/voprf-ts/crypto-noble';
import { call, signIn, signUp, site } from './site.mjs';

Oprf.Crypto = CryptoNoble;

export const SUITE = Oprf.Suite.RISTRETTO255_SHA512;

/** Proofs are made with addresses at this domain unless a test says otherwise. */
export const DOMAIN = 'insiders.example';

const PROOFS = '/api/auth/proofs';

// How long a mail may take to get from the component into the file that holds it.
const MAIL_LIMIT_MS = 10_000;

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');

/** The fields as netstrings: `N('새', 7)` is `3:새,1:7,`. */
export function N(...fields) {
  return Buffer.concat(fields.map((field) => {
    const bytes = Buffer.from(String(field));
    return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes, Buffer.from(',')]);
  }));
}

/** The calendar year in Seoul. */
export const thisYear = () => new Date(Date.now() + 9 * 3600_000).getUTCFullYear();

/** SHA-256 in hexadecimal, as the logs chain their entries. */
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** An account that the operator named a moderator, signed in since. */
export async function moderator() {
  const account = await signUp();
  const { operatorToken } = await site();
  const named = await call('PUT', `/api/auth/moderators/${account.login}`, { token: operatorToken });
  assert.equal(named.status, 204, named.text);
  return { ...account, token: await signIn(account.login, account.password) };
}

/** Lets addresses at `domain` prove that one works at the hospital. */
export async function approveDomain(hospitalId, domain = DOMAIN) {
  const { operatorToken } = await site();
  const path = `/api/auth/moderation/mail-domains/${encodeURIComponent(hospitalId)}/${domain}`;
  const answer = await call('PUT', path, { token: operatorToken });
  assert.equal(answer.status, 204, answer.text);
}

export const newAddress = (domain = DOMAIN) => `t${randomBytes(8).toString('hex')}@${domain}`;

/** Asks for a code to `address`, which has an approved domain, and gives the code. */
export async function mailCode({ token }, hospitalId, address) {
  const json = { hospital_id: hospitalId, address };
  const asked = await call('POST', `${PROOFS}/mail`, { token, json });
  assert.equal(asked.status, 202, asked.text);
  return receivedCode(address);
}

/**
 * The code of the newest mail to this address. JINMAEK_MAILS is a file with a line for each mail: the
 * log of a site on SQLite, where auth shows the code to the developer, or what a mail server got.
 */
export async function receivedCode(address) {
  const file = process.env.JINMAEK_MAILS ?? (await site()).log;
  assert.ok(file, 'JINMAEK_MAILS names the file that mails arrive in');
  const deadline = Date.now() + MAIL_LIMIT_MS;
  for (;;) {
    const line = readFileSync(file, 'utf8').split('\n').findLast((line) => line.includes(address));
    const code = line?.match(/(?<![\w-])\d{6}(?![\w-])/)?.[0];
    if (code) return code;
    assert.ok(Date.now() < deadline, `no mail to ${address} in ${file}`);
    await sleep(20);
  }
}

/** Proves by work mail that the account belongs to someone at the hospital. */
export async function prove(account, hospitalId, address = newAddress()) {
  await approveDomain(hospitalId, address.split('@')[1]);
  const code = await mailCode(account, hospitalId, address);
  const answer = await call('POST', `${PROOFS}/mail/confirmation`, { token: account.token, json: { code } });
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
}

/** A fresh account, proven to work at the hospital: `{ login, password, token, hospitalId, address }`. */
export async function insider(hospitalId) {
  const account = await signUp();
  const address = newAddress();
  await prove(account, hospitalId, address);
  return { ...account, hospitalId, address };
}

/** The review key of a recovery secret, hospital and year: `{ privateKey, publicKey }`, the latter its 32 bytes. */
export function reviewKey(secret, hospitalId, year) {
  const seed = hkdfSync('sha256', secret, '', N('jinmaek-review-key-v1', hospitalId, year), 32);
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(seed)]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: Buffer.from(createPublicKey(privateKey).export({ format: 'jwk' }).x, 'base64url') };
}

/** The blind of a recovery secret, hospital and year, as the library's scalar. */
export function blindScalar(secret, hospitalId, year) {
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', N('jinmaek-blind-v1', hospitalId, year), 64));
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const number = BigInt(`0x${bytes.reverse().toString('hex')}`) % order;
  const little = Buffer.from(number.toString(16).padStart(64, '0'), 'hex').reverse();
  return Oprf.getGroup(SUITE, CryptoNoble).desScalar(little);
}

/** The blinded request of a review key: what auth is sent, and what finalising its answer takes. */
export async function blinded(secret, hospitalId, year, serverKey = new Uint8Array(32)) {
  const key = reviewKey(secret, hospitalId, year);
  const client = new VOPRFClient(SUITE, serverKey);
  client.randomBlinder = async () => blindScalar(secret, hospitalId, year);
  const [finalizeData, request] = await client.blind([key.publicKey]);
  return { key, finalizeData, blindedElement: base64url(request.blinded[0].serialize()) };
}

/** The answer to a request for a pass, unchecked. */
export async function requestPass({ token }, hospitalId, secret, year = thisYear()) {
  const { blindedElement } = await blinded(secret, hospitalId, year);
  const json = { hospital_id: hospitalId, year, blinded_element: blindedElement };
  return call('POST', '/api/auth/passes', { token, json });
}

/** The entry of the key log for a hospital and year. */
export async function loggedKey(hospitalId, year = thisYear()) {
  const query = new URLSearchParams({ hospital_id: hospitalId, year });
  const { json } = await call('GET', `/api/auth/passes/keys?${query}`);
  return json.items[0];
}

/** Checks the proof of an answer against a public key (base64url), and unblinds it: the 64 bytes of the pass. */
export async function finalize(answer, secret, hospitalId, year, publicKey) {
  const serverKey = Buffer.from(publicKey, 'base64url');
  const { finalizeData } = await blinded(secret, hospitalId, year, serverKey);
  const group = Oprf.getGroup(SUITE, CryptoNoble);
  const element = group.desElt(Buffer.from(answer.evaluated_element, 'base64url'));
  const proof = DLEQProof.deserialize(group.id, Buffer.from(answer.proof, 'base64url'), CryptoNoble);
  const evaluation = new Evaluation(Oprf.Mode.VOPRF, [element], proof);
  const [output] = await new VOPRFClient(SUITE, serverKey).finalize(finalizeData, evaluation);
  return Buffer.from(output);
}

/**
 * A pass of an insider, checked against the key log: `{ secret, hospitalId, year, pass, publicKey,
 * privateKey }`, `pass` and `publicKey` in base64url as the API takes them.
 */
export async function pass(account, hospitalId = account.hospitalId, secret = randomBytes(32)) {
  const year = thisYear();
  const answer = await requestPass(account, hospitalId, secret, year);
  assert.ok([200, 201].includes(answer.status), answer.text);
  const { public_key } = await loggedKey(hospitalId, year);
  assert.equal(answer.json.public_key, public_key, 'the key is that of the log');
  const bytes = await finalize(answer.json, secret, hospitalId, year, public_key);
  const { privateKey, publicKey } = reviewKey(secret, hospitalId, year);
  return { secret, hospitalId, year, pass: base64url(bytes), publicKey: base64url(publicKey), privateKey };
}

/** A fresh insider's pass, for tests that need no account. */
export const freshPass = async (hospitalId) => pass(await insider(hospitalId));

const ASPECTS = ['treatment', 'explanation', 'kindness', 'facilities', 'cost', 'honesty'];

export const GOOD_STARS = { treatment: 4, explanation: 3, kindness: 5, facilities: 2, cost: 3, honesty: 4 };

/** `fields` signed as `action`, in base64url. */
export function signature({ privateKey, hospitalId, year }, action, revision, ...fields) {
  const message = N('jinmaek-review-v1', action, hospitalId, year, revision, ...fields);
  return base64url(sign(null, message, privateKey));
}

const starDigits = (stars) => ASPECTS.map((aspect) => stars[aspect]).join('');

/** The body of a new review, signed. */
export function newReview(own, { title = '근무 환경을 적습니다', body = '솔직하게 적은 후기입니다. 설명이 자세하고 바쁩니다.', stars = GOOD_STARS } = {}) {
  const { hospitalId, year, pass, publicKey } = own;
  const signed = signature(own, 'publish', 1, title, body, starDigits(stars));
  return { hospital_id: hospitalId, year, revision: 1, title, body, stars, public_key: publicKey, pass, signature: signed };
}

/** Sends a new review without any session. */
export const publish = (own, draft) =>
  call('POST', `/api/review/hospitals/${own.hospitalId}/reviews`, { json: newReview(own, draft) });

/** The body of a later revision, signed. */
export function edition(own, revision, { title, body, stars = GOOD_STARS }) {
  return { revision, title, body, stars, signature: signature(own, 'publish', revision, title, body, starDigits(stars)) };
}

/** The body of a withdrawal, signed. */
export const withdrawal = (own, revision) => ({ revision, signature: signature(own, 'withdraw', revision) });

/** The headers with which a key's owner asks what became of its review. */
export const asOwner = (own) => ({ 'review-signature': signature(own, 'read', 0) });

/** The body of an appeal, signed. */
export const appeal = (own, revision, statement) =>
  ({ revision, statement, signature: signature(own, 'appeal', revision, statement) });

/** Runs the batch that publishes what waits. */
export async function runBatch() {
  const { operatorToken } = await site();
  const answer = await call('POST', '/api/review/publications', { token: operatorToken });
  assert.ok(answer.status < 300, answer.text);
  return answer;
}
