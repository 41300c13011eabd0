// What k8s/release does to a cluster, and what it does when the new image does not come up. The
// cluster is a script that notes what it is asked.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './site.mjs';

const OLD = 'registry.example.org/jinmaek@sha256:01d';
const NEW = 'registry.example.org/jinmaek@sha256:2e3';

const KUBECTL = `#!/usr/bin/env bash
echo "kubectl $*" >> "$CALLS"
case "$*" in
  kustomize*) for _ in 1 2 3 4; do printf 'spec:\\n  image: registry.example.org/jinmaek:0.1.0\\n---\\n'; done ;;
  *"get spinapp auth"*) printf %s "$BEFORE" ;;
  *"get deployment"*) printf %s "${NEW}" ;;
  apply*) for word; do [ -f "$word" ] && grep image: "$word" | sort -u >> "$CALLS"; done ;;
  *"rollout status deployment/$BROKEN "*) exit 1 ;;
  *"wait job"*) [ "$BROKEN" != migration ] || exit 1 ;;
esac
exit 0
`;
const CURL = `#!/usr/bin/env bash
echo "curl \${*: -1}" >> "$CALLS"
[ "$BROKEN" = site ] && exit 22
case "$*" in *internal*) printf 404 ;; esac
exit 0
`;

function release({ image = NEW, before = OLD, broken = '' } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'jinmaek-release-'));
  for (const [name, text] of [['kubectl', KUBECTL], ['curl', CURL]]) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }
  const calls = join(folder, 'calls');
  writeFileSync(calls, '');
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, CALLS: calls, BEFORE: before, BROKEN: broken };
  const run = spawnSync(join(root, 'k8s/release'), ['overlay', image, 'https://site'], { env, encoding: 'utf8' });
  return { status: run.status, said: run.stdout + run.stderr, calls: readFileSync(calls, 'utf8').trim().split('\n') };
}

const patched = (calls) => calls.filter((call) => call.includes('patch spinapp'));
const position = (calls, part) => {
  const found = calls.findIndex((call) => call.includes(part));
  assert.notEqual(found, -1, `${part} in ${calls.join('\n')}`);
  return found;
};

test('migrations come before what is served, and the site is asked', () => {
  const { status, said, calls } = release();
  assert.equal(status, 0, said);
  const steps = ['delete job', 'component!=app', 'rollout status statefulset/postgres', 'wait job', `image: ${NEW}`, 'rollout status deployment/review', 'curl https://site/board'];
  const order = steps.map((step) => position(calls, step));
  // The image is noted by each apply; the one that matters is the second.
  order[4] = calls.lastIndexOf(calls.find((call) => call.includes(`image: ${NEW}`)));
  assert.deepEqual(order, [...order].sort((a, b) => a - b), calls.join('\n'));
  position(calls, 'curl https://site/internal/migrate');
  assert.deepEqual(patched(calls), []);
});

for (const broken of ['board', 'site']) {
  test(`the components go back when ${broken} does not answer`, () => {
    const { status, said, calls } = release({ broken });
    assert.equal(status, 1, said);
    assert.equal(patched(calls).length, 4);
    for (const call of patched(calls)) assert.ok(call.includes(OLD), call);
  });
}

test('nothing is served when a migration fails', () => {
  const { status, calls } = release({ broken: 'migration' });
  assert.equal(status, 1);
  assert.equal(calls.filter((call) => call.startsWith('kubectl apply')).length, 1);
  assert.deepEqual(patched(calls), []);
});

test('there is nothing to go back to at first', () => {
  const { status, said, calls } = release({ broken: 'board', before: '' });
  assert.equal(status, 1);
  assert.match(said, /no version before/);
  assert.deepEqual(patched(calls), []);
});

test('a tag is refused, because it can come to mean another image', () => {
  const { status, said, calls } = release({ image: 'registry.example.org/jinmaek:1' });
  assert.equal(status, 2);
  assert.match(said, /digest/);
  assert.deepEqual(calls, ['']);
});
