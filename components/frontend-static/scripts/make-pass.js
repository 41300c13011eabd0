// Makes the pass of a proof, once a year, and keeps it on this device.

import { asInsider, asNobody, succeeded } from './api.js';
import { entryOf, readLog } from './key-log.js';
import { passRequest } from './pass.js';
import { newSecret } from './secret.js';
import * as storage from './storage.js';

/** As many entries as the API gives at once. */
const PAGE = 100;

/**
 * Asks for the pass of `{ hospitalId, hospitalName, year }` unless this device has it. Answers
 * `ready`, `elsewhere` (made with another device's secret), `key-log` (the log of keys does not
 * hold what it should), `no-storage` or `failed`.
 */
export async function makePass(workplace) {
  if (!storage.isAvailable()) return 'no-storage';
  const { hospitalId, year } = workplace;
  if (storage.passFor(hospitalId, year)?.pass) return 'ready';
  const known = storage.secret();
  const secret = known ?? newSecret();
  // Kept before it is used: without it nobody could make anything of the answer.
  if (!known) storage.keepSecret(secret);
  const request = passRequest(secret, hospitalId, year);
  const json = { hospital_id: hospitalId, year, blinded_element: request.blindedElement };
  const answer = await asInsider('POST', '/api/auth/passes', json);
  if (answer.body?.code === 'pass_already_issued') {
    if (!known) storage.forget();
    return 'elsewhere';
  }
  if (!succeeded(answer)) return 'failed';
  return finish(workplace, request, answer.body);
}

/** Only a pass that the key of the public log made is kept. */
async function finish(workplace, request, answer) {
  try {
    const { entries, head } = await readLog(page, storage.logHead());
    const entry = entryOf(entries, workplace.hospitalId, workplace.year);
    storage.keepLogHead(head);
    storage.keepPass({ ...workplace, pass: request.finalise(answer, entry.public_key) });
    return 'ready';
  } catch (error) {
    return error instanceof Unreachable ? 'failed' : 'key-log';
  }
}

class Unreachable extends Error {}

async function page(cursor) {
  const query = new URLSearchParams({ limit: PAGE, ...(cursor && { cursor }) });
  const answer = await asNobody('GET', `/api/auth/passes/keys?${query}`);
  if (!succeeded(answer)) throw new Unreachable();
  return answer.body;
}
