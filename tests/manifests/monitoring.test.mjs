// Alerts that fire when they should, over metrics that there are.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
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
  NoRequests: [{ 'http_requests_total{namespace="jinmaek", component="auth", status="200"}': '0+60x20 1200x60' }, '25m', '60m'],
  SlowAnswers: [{
    'http_request_duration_seconds_bucket{namespace="jinmaek", component="auth", le="0.1"}': '0+90x60',
    'http_request_duration_seconds_bucket{namespace="jinmaek", component="auth", le="2.5"}': '0+100x60',
    'http_request_duration_seconds_bucket{namespace="jinmaek", component="auth", le="+Inf"}': '0+100x60',
  }, '8m', '20m'],
  Errors: [{
    'http_requests_total{namespace="jinmaek", component="auth", status="200"}': '0+980x60',
    'http_requests_total{namespace="jinmaek", component="auth", status="503"}': '0x10 20+20x50',
    'http_requests_total{namespace="jinmaek", component="board", status="200"}': '0+1000x60',
    'http_requests_total{namespace="jinmaek", component="board", status="503"}': '0+5x60',
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

/** What the host tells, as its own test holds it: a map of labels for each series, with its `name`. */
const told = readFileSync(join(root, 'runtime-shim/tests/metrics.txt'), 'utf8').trim().split('\n').map((line) => {
  const [, name, labels = ''] = line.match(/^(\w+)(?:\{(.*)\})?$/);
  return { name, ...Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => [label, value])) };
});

// What the scraper of a cluster adds to each series.
const SCRAPED = { namespace: 'jinmaek', pod: 'board-1' };

const MATCHES = {
  '=': (value, wanted) => value === wanted,
  '!=': (value, wanted) => value !== wanted,
  '=~': (value, wanted) => new RegExp(`^(?:${wanted})$`).test(value),
  '!~': (value, wanted) => !new RegExp(`^(?:${wanted})$`).test(value),
};

/** What an expression asks of the host: `[{ name, matchers }]`. The rest is for kubelet and kube-state-metrics. */
function asked(expression) {
  return [...expression.matchAll(/\b((?:http|guest|outbound|database|process|runtime)_[a-z_]+)(?:\{([^}]*)\})?/g)].map(([, name, matchers = '']) => ({
    name,
    matchers: [...matchers.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(([, label, operator, value]) => ({ label, operator, value })),
  }));
}

const panels = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
const expressions = [...rules.map(({ expr }) => expr), ...panels];

/** What an expression asks in vain. */
function unanswered(expression) {
  const selectors = asked(expression);
  const series = (name) => told.filter((one) => one.name === name).map((one) => ({ ...one, ...SCRAPED }));
  const fits = (one) => ({ label, operator, value }) => label in one && MATCHES[operator](one[label], value);
  const nothing = selectors.filter(({ name, matchers }) => !series(name).some((one) => matchers.every(fits(one))));
  const groups = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels]) => labels.split(/,\s*/));
  const known = selectors.flatMap(({ name }) => series(name).flatMap((one) => Object.keys(one)));
  return [...nothing.map(({ name }) => name), ...(selectors.length ? groups.filter((label) => !known.includes(label)) : [])];
}

test('what is asked of the host is what it tells, with labels and values that it has', () => {
  assert.ok(new Set(expressions.flatMap((text) => asked(text).map(({ name }) => name))).size > 5);
  for (const expression of expressions) assert.deepEqual(unanswered(expression), [], expression);
  // The check itself finds a name, a value and a label that the host does not have.
  assert.deepEqual(unanswered('sum by (component) (rate(http_requests_totl[5m]))'), ['http_requests_totl', 'component']);
  assert.deepEqual(unanswered('rate(http_requests_total{status="5xx"}[5m])'), ['http_requests_total']);
  assert.deepEqual(unanswered('sum by (method) (rate(http_requests_total[5m]))'), ['method']);
});

test('alerts and the dashboard both show the four signals, errors and saturation', () => {
  for (const name of ['container_cpu_usage_seconds_total', 'container_memory_working_set_bytes', 'http_requests_total',
    'http_request_duration_seconds_bucket', 'status=~"5.."', 'http_requests_rejected_total']) {
    assert.ok(panels.some((text) => text.includes(name)), `the dashboard shows ${name}`);
    assert.ok(rules.some(({ expr }) => expr.includes(name)), `an alert watches ${name}`);
  }
});

test('a Prometheus on a laptop takes the rules of the cluster, as docs/performance.md says', () => {
  const [command] = readFileSync(join(root, 'docs/performance.md'), 'utf8').match(/^sed .*rules\.yaml$/m);
  for (const folder of ['k8s', 'loadtest/prometheus.yaml']) cpSync(join(root, folder), join(scratch, folder), { recursive: true });
  mkdirSync(join(scratch, 'target'));
  const run = spawnSync('bash', ['-c', command], { cwd: scratch, encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  assert.match(promtool('check', 'config', 'loadtest/prometheus.yaml'), new RegExp(`${rules.length} rules found`));
});
