// What stays on this device. Everything but the secret can be had again from it.

import { base64urlnopad } from '@scure/base';
import { SECRET_BYTES } from './secret.js';

const SECRET = 'jinmaek-secret';
const PASSES = 'jinmaek-passes';
const LOG_HEAD = 'jinmaek-key-log';

function available() {
  try {
    return window.localStorage;
  } catch {
    return null; // Blocked by the browser's settings.
  }
}

const store = available();

export const isAvailable = () => store !== null;

function read(name) {
  try {
    return JSON.parse(store?.getItem(name) ?? 'null');
  } catch {
    return null;
  }
}

const write = (name, value) => store.setItem(name, JSON.stringify(value));

/** 32 bytes, or `null`. */
export function secret() {
  try {
    const bytes = base64urlnopad.decode(read(SECRET) ?? '');
    return bytes.length === SECRET_BYTES ? bytes : null;
  } catch {
    return null;
  }
}

/** Another secret makes other passes, so the old ones go. */
export function keepSecret(bytes) {
  const text = base64urlnopad.encode(bytes);
  if (read(SECRET) !== text) store.removeItem(PASSES);
  write(SECRET, text);
}

/** The secret and all that was made of it. */
export function forget() {
  for (const name of [SECRET, PASSES]) store.removeItem(name);
}

/** Each `{ hospitalId, hospitalName, year, pass }`. */
export function passes() {
  const list = read(PASSES);
  return Array.isArray(list) ? list : [];
}

export const passFor = (hospitalId, year) => passes().find((pass) => pass.hospitalId === hospitalId && pass.year === year);

export function keepPass(pass) {
  const others = passes().filter((other) => other.hospitalId !== pass.hospitalId || other.year !== pass.year);
  write(PASSES, [...others, pass]);
}

/** The last entry of the key log that this browser saw, `{ index, hash }`, or `undefined`. */
export const logHead = () => read(LOG_HEAD) ?? undefined;

export const keepLogHead = (head) => write(LOG_HEAD, head);
