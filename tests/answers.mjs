// What an answer has to be, in one line.

import assert from 'node:assert/strict';

/** A problem of this status and code; `fields` are pairs of a field and its code, in their order. */
export function assertProblem(answer, status, code, fields) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json.code, code, answer.text);
  if (fields) assert.deepEqual(answer.json.errors.map(({ field, code }) => [field, code]), fields);
}

/** 422 for these fields, such as `['code', 'wrong']`. */
export const assertInvalid = (answer, ...fields) => assertProblem(answer, 422, 'invalid', fields);
