// What a review key signs, byte for byte as docs/passes.md has it.

import { netstrings } from './netstring.js';

export const ASPECTS = ['treatment', 'explanation', 'kindness', 'facilities', 'cost', 'honesty'];

const VERSION = 'jinmaek-review-v1';

/** A text in the only form in which it is signed: NFC, LF, no white space at either end. */
export function normalised(text) {
  // Rust counts U+0085 as white space, JavaScript does not.
  return text.replace(/\r\n?/g, '\n').normalize('NFC').replace(/^[\s\u0085]+|[\s\u0085]+$/g, '');
}

/** Six digits in the order of the aspects. */
const digits = (stars) => ASPECTS.map((aspect) => stars[aspect]).join('');

export function publish({ hospitalId, year, revision, title, body, stars }) {
  return netstrings(VERSION, 'publish', hospitalId, year, revision, title, body, digits(stars));
}

export function withdraw({ hospitalId, year, revision }) {
  return netstrings(VERSION, 'withdraw', hospitalId, year, revision);
}

export function appeal({ hospitalId, year, revision, statement }) {
  return netstrings(VERSION, 'appeal', hospitalId, year, revision, statement);
}

/** The question what became of the review. */
export function read({ hospitalId, year }) {
  return netstrings(VERSION, 'read', hospitalId, year, 0);
}
