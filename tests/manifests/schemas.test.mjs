// The manifests against the schemas of Kubernetes and of every resource definition they use.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build, objects, overlays, render, runtimes } from './site.mjs';

const schemas = fileURLToPath(new URL('./schemas', import.meta.url));

/** kubeconform's verdict. A kind without a schema is an error: nothing else is looked up. */
function validate(text) {
  const location = `${schemas}/{{.ResourceKind}}{{.KindSuffix}}.json`;
  const run = spawnSync(process.env.JINMAEK_KUBECONFORM, ['-strict', '-summary', '-schema-location', location], { input: text, encoding: 'utf8' });
  return { ok: run.status === 0, said: run.stdout + run.stderr };
}

for (const overlay of overlays) {
  for (const runtime of runtimes) {
    test(`${overlay} on ${runtime} keeps to the schemas`, () => {
      const { ok, said } = validate(build(overlay, runtime));
      assert.ok(ok, said);
      assert.match(said, /Invalid: 0, Errors: 0, Skipped: 0/);
      assert.ok(Number(/(\d+) resources/.exec(said)[1]) > 80, said);
    });
  }
}

test('what puts the shim on nodes keeps to the schemas, and is what the runtime class asks for', () => {
  const text = render('shim');
  const { ok, said } = validate(text);
  assert.ok(ok, said);
  const { handler, scheduling } = objects(build('bare-metal', 'jinmaek')).find(({ kind }) => kind === 'RuntimeClass');
  const [shim] = objects(text);
  assert.equal(shim.spec.runtimeClass.handler, handler);
  // runtime-class-manager names the runtime after the program.
  assert.ok(shim.spec.fetchStrategy.platforms.every(({ location }) => location.includes(`/containerd-shim-${handler}-`)));
  assert.deepEqual(shim.spec.nodeSelector, scheduling.nodeSelector);
});

test('a mistake is found', () => {
  const text = build('bare-metal', 'jinmaek');
  assert.ok(validate(text).ok, 'what is to be changed is right to begin with');
  for (const [right, wrong] of [
    ['periodSeconds: 15', 'periodSecond: 15'],
    ['enableAutoscaling: true', 'enableAutoscaling: "yes"'],
    ['credentialName: jinmaek-tls', 'credentialname: jinmaek-tls'],
    ['kind: PodMonitor', 'kind: PodMonitors'],
    ['mode: STRICT', 'mode: STRONG'],
  ]) {
    assert.ok(text.includes(right), right);
    assert.ok(!validate(text.replace(right, wrong)).ok, wrong);
  }
});
