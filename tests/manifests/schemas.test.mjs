// The manifests against the schemas of Kubernetes and of every resource definition they use.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build, overlays, runtimes } from './site.mjs';

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

test('a mistake is found', () => {
  const text = build('bare-metal', 'jinmaek');
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
