// The public log of the keys that passes are made with. Only grows: what this browser saw once
// has to stay in it, so nobody can be given a key of their own for a while.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { netstrings } from './netstring.js';

/** What stands before the first entry. */
export const START = { index: 0, hash: '0'.repeat(64) };

/** A log that never ends would keep the browser here for ever. All hospitals of Korea are 800 pages. */
const MAX_PAGES = 8_000;

/** The log contradicts itself, or what this browser saw of it before. */
export class KeyLogError extends Error {}

export function entryHash({ index, hospital_id, year, public_key, previous }) {
  return bytesToHex(sha256(netstrings('jinmaek-pass-key-v1', index, hospital_id, year, public_key, previous)));
}

/** Follows the chain from `head` over `entries` and answers its new head. Throws a `KeyLogError`. */
export function follow(head, entries) {
  return entries.reduce((before, entry) => {
    if (entry.index !== before.index + 1) throw new KeyLogError(`entry ${entry.index} follows ${before.index}`);
    if (entry.previous !== before.hash) throw new KeyLogError(`entry ${entry.index} has another predecessor`);
    if (entry.hash !== entryHash(entry)) throw new KeyLogError(`entry ${entry.index} has another hash`);
    return { index: entry.index, hash: entry.hash };
  }, head);
}

/**
 * Reads the whole log, which a browser does once a year, and checks its chain. `page(cursor)`
 * answers a page of it; `seen` is the head that this browser saw before, which has to be in it.
 * Answers `{ entries, head }`. Throws a `KeyLogError`.
 */
export async function readLog(page, seen = START) {
  const entries = [];
  let head = START;
  let cursor = '';
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { items, next_cursor: next } = await page(cursor);
    head = follow(head, items);
    entries.push(...items);
    if (!next) {
      requireSeen(entries, seen);
      return { entries, head };
    }
    cursor = next;
  }
  throw new KeyLogError(`more than ${MAX_PAGES} pages`);
}

function requireSeen(entries, seen) {
  if (seen.index !== START.index && entries[seen.index - 1]?.hash !== seen.hash) {
    throw new KeyLogError(`entry ${seen.index} is not what it was`);
  }
}

/** The entry of a hospital and year, of which there is one. Throws a `KeyLogError`. */
export function entryOf(entries, hospitalId, year) {
  const found = entries.filter((entry) => entry.hospital_id === hospitalId && entry.year === year);
  if (found.length !== 1) throw new KeyLogError(`${found.length} keys for this hospital and year`);
  return found[0];
}
