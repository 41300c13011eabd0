// What the suites of the review API have in common: how a review is asked for, and what the reviews
// of a hospital have to add up to.

import assert from 'node:assert/strict';
import { asOwner, insider, pass } from './insiders.mjs';
import { call } from './site.mjs';

export const HOSPITALS = '/api/review/hospitals';
export const MODERATION = '/api/review/moderation';
export const ASPECTS = ['treatment', 'explanation', 'kindness', 'facilities', 'cost', 'honesty'];

/** The id of no review, report or anything else. */
export const NOBODY = '4fe0780a-a580-4309-921f-6c88500f2f8b';

/** As many passes a hospital needs before its reviews are published. */
export const CROWD = 5;

// A sign-up hashes a password in 19 MiB.
const SIGN_UPS_AT_ONCE = 5;

export const hospital = (number) => `SYN-${String(number).padStart(4, '0')}`;
export const reviewsOf = (id) => `${HOSPITALS}/${id}/reviews`;
export const stars = (...six) => Object.fromEntries(ASPECTS.map((aspect, index) => [aspect, six[index] ?? six[0]]));
export const query = (parameters) => `${HOSPITALS}?${new URLSearchParams(parameters)}`;

/** A call that is answered with `status`, and names these fields, or this code, where it refuses. */
export async function expect(status, method, path, options, field) {
  const answer = await call(method, path, options);
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
  if (field) assert.deepEqual(answer.json.errors.map((error) => error.field), [field].flat(), answer.text);
  return answer;
}

/** A call that is refused with this problem. */
export async function refuse(status, code, method, path, options) {
  const { json } = await expect(status, method, path, options);
  assert.equal(json.code, code, JSON.stringify(json));
}

export const read = async (path, token) => (await expect(200, 'GET', path, { token })).json;

export async function everyItem(path, limit, token) {
  const items = [];
  let cursor = '';
  do {
    const page = await read(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor}`, token);
    assert.ok(page.items.length <= limit);
    items.push(...page.items);
    cursor = page.next_cursor === null ? null : `&cursor=${page.next_cursor}`;
  } while (cursor !== null);
  return items;
}

/** Passes of so many fresh insiders of one hospital. */
export async function passes(hospitalId, count) {
  const made = [];
  while (made.length < count) {
    const some = Array.from({ length: Math.min(SIGN_UPS_AT_ONCE, count - made.length) }, () => insider(hospitalId));
    for (const account of await Promise.all(some)) made.push({ ...(await pass(account)), account });
  }
  return made;
}

/** The address of a review that is there. */
export const pathOf = (hospitalId, review) => `${reviewsOf(hospitalId)}/${review.id}`;

/** What became of a key's review, as its owner sees it. */
export const own = async (key) => (await expect(200, 'GET', `/api/review/keys/${key.publicKey}`, { headers: asOwner(key) })).json;

// One decimal, halves up, in whole numbers.
const mean = (sum, count) => Math.floor((sum * 20 + count) / (count * 2)) / 10;

/** What a hospital's reviews say, worked out from the reviews themselves. */
export function ratingOf(reviews) {
  const count = reviews.length;
  const total = (review) => ASPECTS.reduce((sum, aspect) => sum + review.stars[aspect], 0);
  const average = (sum, of) => (count < 5 ? null : mean(sum, of));
  const distribution = { 1: 0, 2: 0, 3: 0, 4: 0, 5: 0 };
  for (const review of reviews) distribution[Math.round(total(review) / 6)]++;
  const aspect = (name) => ({ average: average(reviews.reduce((sum, review) => sum + review.stars[name], 0), count), count });
  return {
    review_count: count,
    average: average(reviews.reduce((sum, review) => sum + total(review), 0), count * 6),
    aspects: Object.fromEntries(ASPECTS.map((name) => [name, aspect(name)])),
    distribution,
  };
}

/** Fails unless all that is shown of a hospital's reviews is what the published ones say, which it gives. */
export async function assertExact(id) {
  const reviews = (await everyItem(reviewsOf(id), 100)).filter((review) => review.status === 'published');
  const { review_count, average, aspects, distribution, name } = await read(`${HOSPITALS}/${id}`);
  assert.deepEqual({ review_count, average, aspects, distribution }, ratingOf(reviews));
  const listed = (await read(query({ q: name.slice(0, 20), limit: 100 }))).items.find((item) => item.id === id);
  assert.deepEqual([listed.review_count, listed.average], [review_count, average]);
  return reviews;
}
