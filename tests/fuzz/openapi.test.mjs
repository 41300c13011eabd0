// schemathesis makes up requests from each OpenAPI document, sound ones and broken ones, and
// holds every answer against it: no 5xx, nothing undocumented, nothing accepted that the
// document refuses.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { moderator } from '../insiders.mjs';
import { signUp, site } from '../site.mjs';

// Requests per operation and phase. More find little more, and take longer than CI has.
const EXAMPLES = 40;

for (const component of ['auth', 'board']) {
  test(`${component} keeps to its contract`, async () => {
    const { token } = await signUp();
    await fuzz(component, token);
  });
}

test('auth keeps to its contract with a moderator', async () => {
  const { token } = await moderator();
  await fuzz('auth', token, '--include-path-regex', '/moderation/');
});

test('auth keeps to its contract with an operator', async () => {
  const { operatorToken } = await site();
  await fuzz('auth', operatorToken, '--include-path-regex', '/moderators/|/mail-domains/');
});

test('review keeps to its contract with an insider', async () => {
  const { token } = await signUp();
  await fuzz('review', token, '--exclude-tag', 'statements');
});

test('review keeps to its contract with a key instead of a session', () =>
  fuzz('review', undefined, '--include-tag', 'statements'));

test('review keeps to its contract with a moderator', async () => {
  const { token } = await moderator();
  await fuzz('review', token, '--include-tag', 'moderation');
});

test('review keeps to its contract with an operator', async () => {
  const { operatorToken } = await site();
  await fuzz('review', operatorToken, '--include-tag', 'operator');
});

async function fuzz(component, token, ...options) {
  const { base, api } = await site();
  const program = process.env.JINMAEK_SCHEMATHESIS ?? 'schemathesis';
  const { code, output } = await run(program, [
    '--config-file', new URL('schemathesis.toml', import.meta.url).pathname,
    'run', `${api(component)}/openapi.json`, '--url', base,
    ...(token ? ['--header', `Authorization: Bearer ${token}`] : []),
    '--max-examples', `${EXAMPLES}`,
    // The same requests on every run, so that a failure can be looked at.
    '--seed', '1', '--generation-database', 'none',
    '--no-color', ...options,
  ]);
  assert.equal(code, 0, output);
}

function run(program, args) {
  return new Promise((resolve, reject) => {
    // It keeps what it found in the folder it is run in.
    const cwd = new URL('../../target/', import.meta.url);
    const env = { ...process.env, SCHEMATHESIS_HOOKS: new URL('hooks.py', import.meta.url).pathname };
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }).once('error', reject);
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('close', (code) => resolve({ code, output }));
  });
}
