// What must hold of everything that is applied to a cluster, and no schema says.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { build, objects, overlays, root, runtimes, spin } from './site.mjs';

const MESH = 'cluster.local/ns/jinmaek/sa/';
const GATEWAY = /^cluster.local.ns.istio-system.sa.istio-ingressgateway(-service-account)?$/;

/** The template of the pods that an object makes itself. */
function template(object) {
  if (object.kind === 'CronJob') return object.spec.jobTemplate.spec.template;
  return ['StatefulSet', 'Job', 'Deployment', 'DaemonSet'].includes(object.kind) ? object.spec.template : undefined;
}

class Site {
  constructor(text) {
    this.all = objects(text);
    /** Workloads with the labels of their pods, those that the operator makes included. */
    this.workloads = this.all.flatMap((object) => {
      const { name } = object.metadata;
      if (object.kind === 'SpinApp') {
        const labels = { ...object.spec.podLabels, 'core.spinkube.dev/app-name': name };
        return [{ name, labels, ports: { 'http-app': 80 }, account: object.spec.serviceAccountName }];
      }
      const pod = template(object);
      if (!pod) return [];
      const ports = pod.spec.containers.flatMap((container) => container.ports ?? []);
      return [{
        name,
        labels: pod.metadata.labels,
        ports: Object.fromEntries(ports.map((port) => [port.name, port.containerPort])),
        account: pod.spec.serviceAccountName,
      }];
    });
  }

  of(kind) {
    return this.all.filter((object) => object.kind === kind);
  }

  find(kind, name) {
    return this.of(kind).find((object) => object.metadata.name === name);
  }

  selected(selector = {}) {
    return this.workloads.filter(({ labels }) => matches(selector, labels));
  }

  pods() {
    return this.all.filter(template).map((object) => ({ name: object.metadata.name, spec: template(object).spec }));
  }
}

function matches(selector, labels) {
  const exact = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return exact && (selector.matchExpressions ?? []).every(({ key, operator, values }) => {
    assert.equal(operator, 'In', 'this test knows no other operator');
    return values.includes(labels[key]);
  });
}

for (const overlay of overlays) {
  for (const runtime of runtimes) {
    describe(`${overlay} on ${runtime}`, () => check(new Site(build(overlay, runtime)), overlay, runtime));
  }
}

function check(site, overlay, runtime) {
  test('every image has a version, which is not latest', () => {
    const images = [
      ...site.of('SpinApp').map((app) => app.spec.image),
      ...site.pods().flatMap(({ spec }) => [...(spec.initContainers ?? []), ...spec.containers].map(({ image }) => image)),
    ];
    assert.ok(images.length > 10);
    for (const image of images) {
      assert.match(image, /^[a-z0-9.-]+\.[a-z]+\/[a-z0-9/-]+(:(?!latest$)[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$/);
    }
  });

  test('every container says what it needs and what it may take', () => {
    const containers = site.pods().flatMap(({ name, spec }) => spec.containers.map((container) => [name, container.resources]));
    for (const [name, resources] of [...containers, ...site.of('SpinApp').map((app) => [app.metadata.name, app.spec.resources])]) {
      for (const what of ['requests', 'limits']) {
        assert.ok(resources?.[what]?.cpu && resources[what].memory, `${name}: ${what} of cpu and memory`);
      }
    }
  });

  test('every secret comes from a Secret, which is there and has the key', () => {
    const used = (name, { valueFrom }) => {
      const { secretKeyRef, configMapKeyRef } = valueFrom ?? {};
      for (const [kind, reference] of [['Secret', secretKeyRef], ['ConfigMap', configMapKeyRef]]) {
        if (!reference) continue;
        const source = site.find(kind, reference.name);
        assert.ok(source, `${name}: there is no ${kind} ${reference.name}`);
        assert.ok(reference.key in source.data, `${name}: ${reference.name} has no key ${reference.key}`);
      }
    };
    for (const { name, spec } of site.pods()) {
      for (const variable of spec.containers.flatMap(({ env = [] }) => env)) {
        used(name, variable);
        assert.ok(!/PASSWORD|PWD|SECRET|TOKEN|KEY|SEED|URL/.test(variable.name) || variable.valueFrom, `${name}: ${variable.name} is written out`);
      }
    }
    for (const app of site.of('SpinApp')) {
      for (const variable of app.spec.variables) {
        used(app.metadata.name, variable);
        const secret = spin.variables[variable.name]?.secret || variable.name.endsWith('_database_url');
        assert.ok(!secret || variable.valueFrom?.secretKeyRef, `${app.metadata.name}: ${variable.name} is written out`);
      }
    }
  });

  test('volumes name what is there', () => {
    for (const { name, spec } of site.pods()) {
      for (const { configMap, secret, persistentVolumeClaim } of spec.volumes ?? []) {
        if (configMap) assert.ok(site.find('ConfigMap', configMap.name), `${name}: ConfigMap ${configMap.name}`);
        if (secret) assert.ok(site.find('Secret', secret.secretName), `${name}: Secret ${secret.secretName}`);
        const claim = persistentVolumeClaim?.claimName;
        if (claim) assert.ok(site.find('PersistentVolumeClaim', claim), `${name}: claim ${claim}`);
      }
    }
  });

  test('a SpinApp is one component of spin.toml, with every variable that it uses', () => {
    assert.deepEqual(site.of('SpinApp').flatMap((app) => app.spec.components).sort(), Object.keys(spin.component).sort());
    for (const { metadata, spec } of site.of('SpinApp')) {
      const [id] = spec.components;
      assert.equal(metadata.name, id, 'routes and policies know it by this name');
      assert.ok(site.find('SpinAppExecutor', spec.executor), `executor ${spec.executor}`);
      const set = spec.variables.map(({ name }) => name);
      for (const name of set) assert.ok(spin.variables[name], `${id}: spin.toml declares no ${name}`);
      const { variables, allowed_outbound_hosts: hosts = [] } = spin.component[id];
      const used = [...Object.values(variables ?? {}), ...hosts].flatMap((text) => [...text.matchAll(/\{\{ *(\w+) *\}\}/g)]).map(([, name]) => name);
      for (const name of used) {
        const { default: value, secret } = spin.variables[name];
        // A default is for one machine: a secret has none, and neither has where another part is.
        const needed = secret || value === undefined || /_url$/.test(name);
        assert.ok(!needed || set.includes(name), `${id} uses ${name}`);
      }
    }
  });

  test('the runtime is chosen by one value', () => {
    const expected = runtime === 'jinmaek' ? 'jinmaek' : 'wasmtime-spin-v2';
    assert.equal(site.find('SpinAppExecutor', 'spin').spec.deploymentConfig.runtimeClassName, expected);
    // `restricted` needs what the policy adds, which Spin's shim cannot live with.
    const restricted = overlay === 'bare-metal' && runtime === 'jinmaek';
    const level = site.of('Namespace')[0].metadata.labels['pod-security.kubernetes.io/enforce'];
    assert.equal(level, restricted ? 'restricted' : 'baseline');
    const defaults = site.find('ConfigMap', 'spinapp-defaults');
    if (defaults) assert.equal('run-as-user' in defaults.data, runtime === 'jinmaek');
  });

  test('pods of ours keep to the restricted level of Pod Security', () => {
    for (const { name, spec } of site.pods()) {
      assert.equal(spec.securityContext.runAsNonRoot, true, name);
      assert.equal(spec.securityContext.seccompProfile.type, 'RuntimeDefault', name);
      assert.equal(spec.automountServiceAccountToken, false, name);
      assert.ok(!spec.hostNetwork && !spec.hostPID && !spec.hostIPC, name);
      for (const { securityContext } of spec.containers) {
        assert.equal(securityContext.allowPrivilegeEscalation, false, name);
        assert.equal(securityContext.readOnlyRootFilesystem, true, name);
        assert.deepEqual(securityContext.capabilities, { drop: ['ALL'] }, name);
      }
    }
  });

  test('whatever serves is probed', () => {
    for (const { metadata, spec } of site.of('SpinApp')) {
      const { liveness, readiness } = spec.checks;
      for (const check of [liveness, readiness]) {
        assert.deepEqual(check.httpGet, { path: '/.well-known/spin/health', httpHeaders: [] }, metadata.name);
      }
      assert.ok(liveness.initialDelaySeconds > 0);
      assert.deepEqual([liveness.periodSeconds, liveness.timeoutSeconds, liveness.failureThreshold], [15, 1, 3]);
    }
    for (const { spec } of site.of('StatefulSet')) {
      const [container] = spec.template.spec.containers;
      assert.ok(container.startupProbe && container.livenessProbe && container.readinessProbe);
    }
  });

  test('every Service has a backend, and every selector selects', () => {
    for (const { metadata, spec } of site.of('Service')) {
      const behind = site.selected({ matchLabels: spec.selector });
      assert.equal(behind.length, 1, `Service ${metadata.name}`);
      for (const { targetPort } of spec.ports) assert.ok(targetPort in behind[0].ports, `Service ${metadata.name}: port ${targetPort}`);
    }
    for (const kind of ['PodDisruptionBudget', 'PodMonitor', 'AuthorizationPolicy']) {
      for (const { metadata, spec } of site.of(kind)) {
        assert.ok(site.selected(spec.selector).length > 0, `${kind} ${metadata.name} selects nothing`);
      }
    }
    for (const { metadata, spec } of site.of('NetworkPolicy')) {
      assert.ok(site.selected(spec.podSelector).length > 0, `NetworkPolicy ${metadata.name} selects nothing`);
    }
    for (const { account } of site.workloads) assert.ok(site.find('ServiceAccount', account), `ServiceAccount ${account}`);
  });

  test('each component has its autoscaler and its disruption budget', () => {
    for (const { metadata: { name }, spec } of site.of('SpinApp')) {
      assert.ok(spec.enableAutoscaling && spec.replicas === undefined, name);
      const { scaleTargetRef, minReplicas, maxReplicas, metrics } = site.find('HorizontalPodAutoscaler', name).spec;
      assert.deepEqual(scaleTargetRef, { apiVersion: 'apps/v1', kind: 'Deployment', name });
      assert.deepEqual([minReplicas, maxReplicas], overlay === 'bare-metal' ? [3, 10] : [1, 3]);
      assert.equal(metrics[0].containerResource.container, name, 'the operator names the container so');
      assert.equal(metrics[0].containerResource.target.averageUtilization, 50);
      assert.ok(site.find('PodDisruptionBudget', name));
    }
  });

  test('the gateway leads to the components, and nowhere else', () => {
    const [{ spec }] = site.of('VirtualService');
    const route = (path, method) => spec.http.find(({ match }) => match.some(({ uri, method: only }) =>
      path.startsWith(uri.prefix) && (!only || new RegExp(`^(${only.regex})$`).test(method))));
    const host = (path, method = 'GET') => route(path, method).route?.[0].destination.host.split('.')[0];
    for (const { route: path, component } of spin.trigger.http) {
      const sample = path.replace('/...', '/x');
      if (sample.startsWith('/internal')) continue;
      for (const method of ['GET', 'POST']) assert.equal(host(sample, method), component, `${method} ${sample}`);
    }
    for (const path of ['/internal', '/internal/migrate', '/internal/auth/passes']) {
      for (const method of ['GET', 'POST']) assert.deepEqual(route(path, method).directResponse, { status: 404 }, path);
    }
    for (const { name, route: to, match, retries, timeout } of spec.http) {
      if (!to) continue;
      assert.ok(timeout, `${name} has a timeout`);
      const read = match.every(({ method }) => method?.regex === 'GET|HEAD');
      const safe = ['connect-failure', 'refused-stream', ...(read ? ['reset'] : [])];
      for (const reason of retries.retryOn.split(',')) assert.ok(safe.includes(reason), `${name} retries on ${reason}`);
      assert.ok(site.find('SpinApp', to[0].destination.host.split('.')[0]), name);
    }
    const servers = site.of('Gateway')[0].spec.servers;
    if (overlay === 'bare-metal') {
      for (const { tls, hosts } of servers) {
        assert.ok(tls.httpsRedirect || tls.credentialName, 'nothing is served without TLS');
        assert.deepEqual(hosts, spec.hosts);
      }
    }
  });

  test('by address, each may reach what it needs and nothing else', () => {
    const policies = site.of('NetworkPolicy');
    const deny = site.find('NetworkPolicy', 'default-deny').spec;
    assert.deepEqual(deny, { podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    const allowed = new Set();
    const peers = (side, from, to) => policies.some(({ spec }) => matches(spec.podSelector, (side === 'egress' ? from : to).labels)
      && (spec[side] ?? []).some(({ from: sources, to: targets, ports }) => (sources ?? targets).some(({ podSelector, namespaceSelector, ipBlock }) =>
        !namespaceSelector && !ipBlock && matches(podSelector, (side === 'egress' ? to : from).labels))
        && ports.every(({ port }) => Object.values(to.ports).includes(port))));
    for (const from of site.workloads) {
      for (const to of site.workloads) {
        if (peers('egress', from, to) && peers('ingress', from, to)) allowed.add(`${from.name} → ${to.name}`);
      }
    }
    const databases = [['auth', 'mysql'], ['board', 'mariadb'], ['review', 'postgres']];
    assert.deepEqual([...allowed].sort(), [
      'board → auth', 'frontend-static → auth', 'frontend-static → board', 'frontend-static → review', 'review → auth',
      ...databases.flatMap(([component, server]) =>
        ['', '-backup', '-migration', '-restore'].map((suffix) => `${component}${suffix} → ${server}`)),
    ].sort());
  });

  test('by identity, the same; and only review may redeem a pass', () => {
    assert.equal(site.of('PeerAuthentication')[0].spec.mtls.mode, 'STRICT');
    assert.deepEqual(site.find('AuthorizationPolicy', 'nobody').spec, {});
    const accounts = (name) => site.find('AuthorizationPolicy', name).spec.rules.flatMap(({ from, to }) =>
      from[0].source.principals.map((principal) => ({ principal, ...to[0].operation })));
    for (const [component, server, port] of [['auth', 'mysql', '3306'], ['board', 'mariadb', '3306'], ['review', 'postgres', '5432']]) {
      assert.deepEqual(accounts(server), ['', '-migration', '-backup'].map((suffix) =>
        ({ principal: `${MESH}${component}${suffix}`, ports: [port] })));
    }
    for (const { metadata: { name } } of site.of('SpinApp')) {
      for (const { principal, paths, notPaths } of accounts(name)) {
        if (GATEWAY.test(principal)) assert.deepEqual(notPaths, ['/internal', '/internal/*']);
        else {
          assert.ok(site.find('ServiceAccount', principal.replace(MESH, '')), principal);
          if (paths.some((path) => path.startsWith('/internal'))) assert.deepEqual([name, principal], ['auth', `${MESH}review`]);
        }
      }
    }
  });

  test('every database is backed up onto a volume of its own, and can be put back', () => {
    const volumes = site.of('CronJob').filter(({ metadata }) => metadata.name.endsWith('-backup')).map((backup) => {
      const restore = site.find('CronJob', backup.metadata.name.replace('-backup', '-restore'));
      assert.equal(restore.spec.suspend, true, 'a restore never runs by itself');
      const [from, to] = [backup, restore].map((object) => template(object).spec.volumes.find(({ name }) => name === 'backups').persistentVolumeClaim.claimName);
      assert.equal(from, to);
      return from;
    });
    assert.equal(new Set(volumes).size, site.of('StatefulSet').length);
  });

  if (overlay !== 'bare-metal') return;

  test('what differs from site to site is in settings.env', () => {
    assert.equal(site.find('ConfigMap', 'settings'), undefined, 'it is not applied');
    const settings = readFileSync(join(root, 'k8s/spinkube/overlays/bare-metal/settings.env'), 'utf8');
    const value = (name) => new RegExp(`^${name}=(.*)$`, 'm').exec(settings)[1];
    assert.deepEqual(site.of('VirtualService')[0].spec.hosts, [value('host')]);
    for (const volume of site.of('PersistentVolume')) assert.equal(volume.spec.nfs.server, value('nfs-server'));
    assert.deepEqual(site.of('IPAddressPool')[0].spec.addresses, [value('addresses')]);
  });

  test('every claim has its own volume', () => {
    const claims = [
      ...site.of('PersistentVolumeClaim').map(({ metadata }) => metadata.name),
      ...site.of('StatefulSet').flatMap(({ metadata, spec }) => spec.volumeClaimTemplates.map((claim) => `${claim.metadata.name}-${metadata.name}-0`)),
    ];
    assert.deepEqual(site.of('PersistentVolume').map(({ spec }) => spec.claimRef.name).sort(), claims.sort());
  });

  test('the admission policy is about Deployments of this namespace', () => {
    const binding = site.of('MutatingAdmissionPolicyBinding')[0].spec;
    assert.ok(site.find('MutatingAdmissionPolicy', binding.policyName));
    assert.deepEqual(binding.matchResources.namespaceSelector.matchLabels, { 'kubernetes.io/metadata.name': 'jinmaek' });
    assert.ok(site.find('ConfigMap', binding.paramRef.name));
    assert.equal(binding.paramRef.parameterNotFoundAction, 'Deny');
  });
}

test('the repository holds no secret of a cluster', () => {
  const files = execFileSync('git', ['ls-files', 'k8s'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
  assert.ok(files.length > 20);
  for (const file of files) {
    assert.ok(!/secrets\/.*\.env$/.test(file), file);
    if (/\.ya?ml$/.test(file)) assert.doesNotMatch(readFileSync(join(root, file), 'utf8'), /^kind: Secret$/m, file);
  }
});
