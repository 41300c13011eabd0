// Alerts that fire when they should, over metrics that there are.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { root } from './site.mjs';

const monitoring = join(root, 'k8s/spinkube/base/monitoring');
const { groups } = parse(readFileSync(join(monitoring, 'alerts.yaml'), 'utf8')).spec;
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(join(monitoring, 'dashboard.json'), 'utf8'));

const scratch = mkdtempSync(join(tmpdir(), 'jinmaek-alerts-'));
// Every JSON document is a YAML document.
writeFileSync(join(scratch, 'alerts.yaml'), JSON.stringify({ groups }));

function promtool(...args) {
  const run = spawnSync('promtool', args, { cwd: scratch, encoding: 'utf8' });
  assert.equal(run.status, 0, run.stdout + run.stderr);
  return run.stdout + run.stderr;
}

test('promtool takes the rules', () => {
  assert.match(promtool('check', 'rules', 'alerts.yaml'), new RegExp(`${rules.length} rules found`));
});

/** By alert: what is measured each minute (Prometheus' notation), when it is quiet and when it fires. */
const CASES = {
  CpuNearLimit: [{
    'container_cpu_usage_seconds_total{namespace="jinmaek", pod="auth-1", container="auth"}': '0+57x60',
    'container_cpu_usage_seconds_total{namespace="jinmaek", pod="auth-1", container="istio-proxy"}': '0+600x60',
    'container_cpu_usage_seconds_total{namespace="jinmaek", pod="board-1", container="board"}': '0+30x60',
    'kube_pod_container_resource_limits{namespace="jinmaek", pod="auth-1", container="auth", resource="cpu"}': '1x60',
    'kube_pod_container_resource_limits{namespace="jinmaek", pod="board-1", container="board", resource="cpu"}': '1x60',
  }, '8m', '20m'],
  MemoryNearLimit: [{
    'container_memory_working_set_bytes{namespace="jinmaek", pod="auth-1", container="auth"}': '500x10 950x50',
    'kube_pod_container_resource_limits{namespace="jinmaek", pod="auth-1", container="auth", resource="memory"}': '1000x60',
  }, '15m', '25m'],
  NoRequests: [{ 'http_requests_total{namespace="jinmaek", component="auth", status="2xx"}': '0+60x20 1200x60' }, '25m', '60m'],
  SlowAnswers: [{
    'http_request_duration_seconds_bucket{namespace="jinmaek", component="auth", le="0.1"}': '0+90x60',
    'http_request_duration_seconds_bucket{namespace="jinmaek", component="auth", le="2.5"}': '0+100x60',
    'http_request_duration_seconds_bucket{namespace="jinmaek", component="auth", le="+Inf"}': '0+100x60',
  }, '8m', '20m'],
  Errors: [{
    'http_requests_total{namespace="jinmaek", component="auth", status="2xx"}': '0+980x60',
    'http_requests_total{namespace="jinmaek", component="auth", status="5xx"}': '0x10 20+20x50',
    'http_requests_total{namespace="jinmaek", component="board", status="2xx"}': '0+1000x60',
    'http_requests_total{namespace="jinmaek", component="board", status="5xx"}': '0+5x60',
  }, '10m', '30m'],
  Traps: [{ 'guest_traps_total{namespace="jinmaek", component="auth"}': '0x20 10x40' }, '15m', '25m'],
  PodRestarts: [{ 'kube_pod_container_status_restarts_total{namespace="jinmaek", pod="auth-1"}': '0x20 1x5 2x5 4x30' }, '20m', '40m'],
  MigrationFailed: [{
    'kube_job_status_failed{namespace="jinmaek", job_name="auth-migration"}': '0x5 1x55',
    'kube_job_status_succeeded{namespace="jinmaek", job_name="auth-migration"}': '0x60',
    // One that failed at first, because its database was starting.
    'kube_job_status_failed{namespace="jinmaek", job_name="board-migration"}': '1x60',
    'kube_job_status_succeeded{namespace="jinmaek", job_name="board-migration"}': '1x60',
  }, '10m', '30m'],
  BackupMissed: [{ 'kube_cronjob_status_last_successful_time{namespace="jinmaek", cronjob="auth-backup"}': '0x1800' }, '25h', '27h'],
  RequestsRejected: [{ 'http_requests_rejected_total{namespace="jinmaek", component="auth"}': '0x10 0+120x50' }, '12m', '30m'],
  AutoscalerAtMaximum: [{
    'kube_horizontalpodautoscaler_status_current_replicas{namespace="jinmaek", horizontalpodautoscaler="auth"}': '3x10 10x50',
    'kube_horizontalpodautoscaler_spec_max_replicas{namespace="jinmaek", horizontalpodautoscaler="auth"}': '10x60',
  }, '20m', '30m'],
  VolumeFillsUp: [{
    'kubelet_volume_stats_used_bytes{namespace="jinmaek", persistentvolumeclaim="data-mysql-0"}': '80x10 90x50',
    'kubelet_volume_stats_capacity_bytes{namespace="jinmaek", persistentvolumeclaim="data-mysql-0"}': '100x60',
  }, '20m', '30m'],
  DatabaseDown: [{ 'kube_statefulset_status_replicas_ready{namespace="jinmaek", statefulset="mysql"}': '1x10 0x50' }, '11m', '15m'],
};

test('each alert fires when it should, and not before', () => {
  assert.deepEqual(Object.keys(CASES).sort(), rules.map(({ alert }) => alert).sort());
  const cases = Object.entries(CASES).map(([alert, [series, quiet, fires]]) => {
    // Of two things that are watched, one is well in some cases: then one alert is right.
    const expr = `count(ALERTS{alertname="${alert}", alertstate="firing"})`;
    return {
      name: alert,
      interval: '1m',
      input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
      promql_expr_test: [
        { expr, eval_time: quiet, exp_samples: [] },
        { expr, eval_time: fires, exp_samples: [{ labels: '{}', value: 1 }] },
      ],
    };
  });
  writeFileSync(join(scratch, 'cases.yaml'), JSON.stringify({ rule_files: ['alerts.yaml'], evaluation_interval: '1m', tests: cases }));
  promtool('test', 'rules', 'cases.yaml');
});

test('each alert says what to do', () => {
  for (const { alert, labels, annotations } of rules) {
    assert.ok(['page', 'ticket'].includes(labels.severity), alert);
    assert.ok(annotations.summary && annotations.action, alert);
  }
});

test('what is asked of the host is what it tells', () => {
  const source = readFileSync(join(root, 'runtime-shim/src/metrics.rs'), 'utf8');
  const told = new Set([...source.matchAll(/"([a-z]+_[a-z_]+)"/g)].map(([, name]) => name));
  const panels = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const expressions = [...rules.map(({ expr }) => expr), ...panels];
  const asked = new Set(expressions.flatMap((text) => [...text.matchAll(/\b((?:http|guest|outbound)_[a-z_]+)/g)].map(([, name]) => name)));
  assert.ok(asked.size > 5);
  for (const name of asked) assert.ok(told.has(name.replace(/_(bucket|sum|count)$/, '')), name);
  // Both show the four signals, errors and saturation.
  for (const name of ['container_cpu_usage_seconds_total', 'container_memory_working_set_bytes', 'http_requests_total',
    'http_request_duration_seconds_bucket', 'status="5xx"', 'http_requests_rejected_total']) {
    assert.ok(panels.some((text) => text.includes(name)), `the dashboard shows ${name}`);
    assert.ok(rules.some(({ expr }) => expr.includes(name)), `an alert watches ${name}`);
  }
});
