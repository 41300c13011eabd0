// The running site, as every suite sees it.
//
// `cargo xtask test` starts one site for all suites and says where it is in JINMAEK_BASE and
// JINMAEK_OPERATOR_TOKEN. A file that is run by hand (`node --test api/auth.test.mjs`) starts a
// site of its own through `cargo xtask up`, which builds what is stale; JINMAEK_HOST=spin serves
// it on the real Spin.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { contract } from './contract.mjs';

// The first build compiles wasmtime.
const START_LIMIT_MS = 20 * 60_000;

const ROOT = fileURLToPath(new URL('..', import.meta.url));

// No answer of ours takes longer, even on a busy machine; the host's own limit is 30 s.
const ANSWER_LIMIT_MS = 40_000;

let running;

/**
 * The site: `base` is its origin without a slash at the end, `api('board')` the base of one
 * component's API, `operatorToken` opens the operator's routes, `log` is the file of its log where it
 * was started here, `stop()` ends it then (it also ends by itself with the process).
 */
export function site() {
  running ??= process.env.JINMAEK_BASE ? given() : start();
  return running;
}

function given() {
  return describe(process.env.JINMAEK_BASE, process.env.JINMAEK_OPERATOR_TOKEN, undefined, () => {});
}

function describe(base, operatorToken, log, stop) {
  return { base, operatorToken, log, stop, api: (component) => `${base}/api/${component}` };
}

async function start() {
  const folder = mkdtempSync(join(ROOT, 'target/site-'));
  // The site of a developer, or of another run, may hold the port of the admin listener.
  const started = await serve(folder, process.env.JINMAEK_HOST === 'spin' ? [] : ['--admin', 'off']);
  const stop = () => {
    started.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', stop);
  return { ...started, stop };
}

/**
 * Serves the site whose state is in `folder`, which several may share; `options` are the host's. Its
 * `stop()` gives when it has ended.
 */
export async function serve(folder, options = []) {
  const port = await freePort();
  const host = process.env.JINMAEK_HOST ?? 'shim';
  const log = join(folder, `log-${port}`);
  const up = ['--quiet', 'xtask', 'up', '--listen', `127.0.0.1:${port}`, '--host', host, '--state-dir', folder, '--', ...options];
  const written = openSync(log, 'a');
  const server = spawn('cargo', up, { cwd: ROOT, stdio: ['ignore', written, written] });
  const ended = new Promise((resolve) => server.once('close', resolve));
  const stop = () => {
    server.ref();
    server.kill('SIGTERM');
    return ended;
  };
  await ready(server, log);
  server.unref();
  return describe(`http://127.0.0.1:${port}`, readFileSync(join(folder, 'operator-token'), 'utf8').trim(), log, stop);
}

/** Has every call of this process go to a site that it serves. */
export function use(served) {
  running = Promise.resolve(served);
}

// `up` says where the site is only once the sample hospitals are in.
async function ready(server, log) {
  const deadline = Date.now() + START_LIMIT_MS;
  while (!readFileSync(log, 'utf8').includes('진맥 is at')) {
    assert.ok(server.exitCode === null && Date.now() < deadline, readFileSync(log, 'utf8'));
    await sleep(20);
  }
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/**
 * One request to an API, such as `call('POST', '/api/board/posts', { token, json })`.
 *
 * `json` is sent as JSON, `body` as it is; `token` as a bearer token. Every answer is held
 * against the component's OpenAPI document: an undocumented status, content type or body fails.
 * `base` is another site's, see `ownSite`.
 */
export async function call(method, path, { token, json, headers, body, base } = {}) {
  base ??= (await site()).base;
  const sent = new Headers(headers);
  if (token) sent.set('authorization', `Bearer ${token}`);
  if (json !== undefined && !sent.has('content-type')) sent.set('content-type', 'application/json');
  const response = await fetch(base + path, {
    method,
    headers: sent,
    body: json === undefined ? body : JSON.stringify(json),
    redirect: 'manual',
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  const answer = { status: response.status, headers: response.headers, text: await response.text() };
  const [pathname] = path.split('?');
  const component = pathname.match(/^\/api\/([^/]+)/)?.[1];
  if (component && method !== 'HEAD') (await contract(base, component)).check(method, pathname, answer);
  return { ...answer, json: parsed(answer) };
}

function parsed({ headers, text }) {
  return /[/+]json/.test(headers.get('content-type') ?? '') && text ? JSON.parse(text) : undefined;
}

/** A fresh account, signed in: `{ login, password, token }`. */
export async function signUp({ base } = {}) {
  const login = `t${randomBytes(8).toString('hex')}`;
  const password = randomBytes(12).toString('base64url');
  const created = await call('POST', '/api/auth/accounts', { json: { login, password }, base });
  assert.equal(created.status, 201, created.text);
  return { login, password, token: await signIn(login, password, { base }) };
}

/** An access token. */
export async function signIn(login, password, { base } = {}) {
  const answer = await call('POST', '/api/auth/sessions', { json: { login, password }, base });
  assert.equal(answer.status, 201, answer.text);
  return answer.json.access_token;
}

/**
 * A site of one's own, on the host that the suites run on: `{ base, folder, log, stop() }`. `variables`
 * are those of its environment; a `folder` that was used before makes a restart. It has no hospitals.
 */
export async function ownSite(t, { folder, variables = {} } = {}) {
  if (!folder) {
    folder = mkdtempSync(join(tmpdir(), 'jinmaek-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
  }
  const spin = process.env.JINMAEK_HOST === 'spin';
  const program = spin ? process.env.JINMAEK_SPIN ?? 'target/tools/spin' : 'target/release/runtime-shim';
  const base = `http://127.0.0.1:${await freePort()}`;
  const where = ['--from', 'spin.toml', '--listen', new URL(base).host, '--state-dir', folder];
  const log = join(folder, 'log');
  const output = openSync(log, 'a');
  const server = spawn(program, ['up', ...where, ...(spin ? [] : ['--admin', 'off'])], {
    cwd: ROOT,
    env: { ...process.env, ...variables },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const ended = once(server, 'exit');
  const stop = () => server.kill('SIGTERM') && ended;
  t.after(stop);
  while (!(await fetch(`${base}/.well-known/spin/health`).catch(() => null))?.ok) {
    assert.equal(server.exitCode, null, readFileSync(log, 'utf8'));
    await sleep(50);
  }
  return { base, folder, log, stop };
}
