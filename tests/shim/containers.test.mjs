// Our shim under containerd itself: what a container of it serves, says and ends with.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  archive, Container, importLayout, inside, leavesLayersAlone, makeImage, start, startInside, stop,
} from './containerd.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SITE = 'shim.test/site:1';
/** Where the pods of a node share what root's compiled. */
const COMPILED = '/var/lib/jinmaek/compiled/0';
const FRONTEND = { SPIN_COMPONENTS_TO_RETAIN: 'frontend-static' };

/** The status of an answer; 000 where nobody listens. */
function status(url) {
  try {
    return inside('curl', '--silent', '--output', '/dev/null', '--write-out', '%{http_code}', url);
  } catch (error) {
    return error.stdout;
  }
}

before(async () => {
  await start();
  importLayout(process.env.JINMAEK_IMAGE, SITE);
});
after(stop);

/** Runs `check` while the container serves, then asks it to end. */
async function serving(image, options, check) {
  const container = new Container(image, options);
  try {
    await container.says('Serving http://');
    await check(container);
  } finally {
    if (container.process.exitCode === null) container.signal('SIGTERM');
    assert.equal(await container.end(), 0, container.log);
  }
}

test('the image serves one component on port 80, its metrics on 9464, and ends with 0', async () => {
  await serving(SITE, { env: FRONTEND }, async (container) => {
    assert.equal(status('http://127.0.0.1/.well-known/spin/health'), '200');
    assert.equal(status('http://127.0.0.1/signin'), '200');
    assert.equal(status('http://127.0.0.1/api/auth/openapi.json'), '404');
    assert.match(inside('curl', '--silent', 'http://127.0.0.1:9464/metrics'), /component="frontend-static"/);
    assert.equal(status('http://127.0.0.1:9464/ready'), '200');
    assert.match(container.log, /frontend-static: \/\.\.\./);
  });
});

test('with a read-only root, on another port', async () => {
  const env = { ...FRONTEND, SPIN_HTTP_LISTEN_ADDR: '0.0.0.0:8080' };
  const flags = ['--read-only'];
  await serving(SITE, { env, flags }, async () => assert.equal(status('http://127.0.0.1:8080/signin'), '200'));
});

test('its control group has the limits of the container', async () => {
  const limit = 96 * 1024 * 1024;
  await serving(SITE, { env: FRONTEND, flags: ['--memory-limit', String(limit)] }, async (container) => {
    assert.equal(container.memoryLimit(), limit);
    assert.equal(status('http://127.0.0.1/signin'), '200');
  });
});

test('what one container compiled another one loads, and neither has a way out of its root', async () => {
  for (const flags of [[], ['--read-only']]) {
    await serving(SITE, { env: FRONTEND, flags }, async (container) => {
      if (flags.length > 0) assert.doesNotMatch(container.log, /Compil|not kept/);
      // The compiled component itself, and no folder that leads further.
      const compiled = readdirSync(COMPILED).filter((name) => container.hasOpen(join(COMPILED, name)));
      assert.equal(compiled.length, 1);
      for (const folder of [COMPILED, join(COMPILED, '..'), '/']) assert.equal(container.hasOpen(folder), false, folder);
    });
  }
});

test('no path of an image leads to the node through what its container has open', async () => {
  const secret = mkdtempSync(join(tmpdir(), 'jinmaek-node-'));
  try {
    for (let number = 3; number < 24; number += 1) {
      const manifest = `${MANIFEST}files = [{ source = "way", destination = "/" }]\n`;
      const links = { way: `/proc/self/fd/${number}/../../../../../..${secret}` };
      const image = `shim.test/out:${number}`;
      makeImage(image, [archive({ 'spin.toml': manifest, 'pages.wasm': 'none' }, links)]);
      const container = new Container(image, { env: { SPIN_VARIABLE_KEY: 'x' } });
      assert.equal(await container.end(), 1, container.log);
      assert.match(container.log.trim().split('\n').at(-1), /files: /);
    }
  } finally {
    rmSync(secret, { recursive: true });
  }
});

test('SIGTERM: what is under way is finished, nothing new is taken', async () => {
  const container = new Container(SITE, { env: FRONTEND });
  await container.says('Serving http://');
  // A request whose body is sent in two parts, the second one after the signal.
  const client = startInside('node', '-e', `
    const socket = require('node:net').connect(80, '127.0.0.1');
    socket.write('POST /signin HTTP/1.1\\r\\nhost: x\\r\\ncontent-type: application/x-www-form-urlencoded\\r\\ncontent-length: 8\\r\\n\\r\\nlogi');
    socket.once('connect', () => console.log('begun'));
    process.stdin.once('data', () => socket.write('n=ab'));
    socket.on('data', (data) => { console.log(String(data).split('\\r\\n')[0]); process.exit(); });
    socket.on('close', () => { console.log('closed'); process.exit(); });`);
  const said = [];
  client.stdout.on('data', (data) => said.push(String(data)));
  const closed = new Promise((resolve) => client.once('close', resolve));
  while (said.length === 0) await new Promise((resolve) => client.stdout.once('data', resolve));
  container.signal('SIGTERM');
  await container.says('Finishing what is under way');
  assert.equal(status('http://127.0.0.1/signin'), '000');
  client.stdin.write('go');
  await closed;
  assert.match(said.join(''), /HTTP\/1\.1 \d{3}/);
  assert.equal(await container.end(), 0, container.log);
});

test('an image of `spin registry push` serves', { skip: !leavesLayersAlone() && 'containerd is older than 1.7.7' }, async () => {
  // The layers that Spin 4.1 writes: the locked application, the code, a file.
  const code = readFileSync(join(root, 'target/components/frontend-static.wasm'));
  const { createHash } = await import('node:crypto');
  const digest = (content) => `sha256:${createHash('sha256').update(content).digest('hex')}`;
  const locked = Buffer.from(JSON.stringify({
    spin_lock_version: 1,
    metadata: { name: 'pushed', version: '1.0.0', trigger: { type: 'http' }, triggers: { http: {} } },
    triggers: [{ id: 't', trigger_type: 'http', trigger_config: { component: 'pages', route: '/...', executor: null } }],
    components: [{
      id: 'pages',
      metadata: {},
      source: { content_type: 'application/wasm', digest: digest(code) },
      config: { auth_url: 'http://a', board_url: 'http://b', review_url: 'http://c' },
      files: [{ inline: 'aGk=', path: 'note.txt' }],
    }],
  }));
  makeImage('shim.test/pushed:1', [
    { type: 'application/vnd.wasm.content.layer.v1+wasm', content: code },
    { type: 'application/vnd.fermyon.spin.application.v1+config', content: locked },
  ]);
  await serving('shim.test/pushed:1', { flags: ['--read-only'] }, async (container) => {
    assert.equal(status('http://127.0.0.1/signin'), '200');
    assert.match(container.log, /pages: \/\.\.\./);
  });
});

const MANIFEST = `spin_manifest_version = 2
[application]
name = "needs"
[variables]
key = { required = true }
[[trigger.http]]
route = "/..."
component = "pages"
[component.pages]
source = "pages.wasm"
variables = { key = "{{ key }}" }
`;

test('a failed start says why in one line, in the log and as the termination message', async () => {
  makeImage('shim.test/other:1', [archive({ 'readme.txt': 'of something else' })]);
  makeImage('shim.test/needs:1', [archive({ 'spin.toml': MANIFEST, 'pages.wasm': 'none' })]);
  makeImage('shim.test/broken:1', [archive({ 'spin.toml': 'spin_manifest_version = "' })]);
  const cases = [
    ['shim.test/other:1', {}, /the image has no Spin application/],
    ['shim.test/broken:1', {}, /\/spin\.toml:1:/],
    ['shim.test/needs:1', {}, /required variables have no value: key \(set SPIN_VARIABLE_KEY\)/],
    ['shim.test/needs:1', { env: { SPIN_VARIABLE_KEY: 'x' } }, /component `pages`/],
    [SITE, { env: { SPIN_COMPONENTS_TO_RETAIN: 'nobody' } }, /component `nobody` is asked for/],
    [SITE, { env: { SPIN_COMPONENTS_TO_RETAIN: 'auth' } }, /secret variables are empty.*SPIN_VARIABLE_SESSION_SIGNING_KEY/],
    [SITE, { env: { ...FRONTEND, SPIN_HTTP_LISTEN_ADDR: 'everywhere' } }, /the container's environment: invalid value 'everywhere'/],
    [SITE, { args: ['sing'] }, /`sing`: the arguments are none, `up`, or `migrate`/],
  ];
  for (const [image, options, expected] of cases) {
    const container = new Container(image, options);
    assert.equal(await container.end(), 1, container.log);
    const reason = container.log.trim().split('\n').at(-1);
    assert.match(reason, expected);
    assert.equal(container.terminationMessage(), reason);
  }
});
