// Writes the schemas that the manifests are checked against: those of Kubernetes and of each
// resource definition in use, without descriptions, so that the repository holds a few hundred
// kilobytes instead of megabytes and a test needs no network.
//
//   node manifests/schemas/generate.mjs SWAGGER_JSON DEFINITIONS_YAML...
//
// README.md says where those files come from.

import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

/** Kinds of Kubernetes that the manifests use, or that a policy makes. */
const KINDS = [
  'v1 ConfigMap', 'v1 Namespace', 'v1 PersistentVolume', 'v1 PersistentVolumeClaim', 'v1 Secret', 'v1 Service',
  'v1 ServiceAccount', 'apps/v1 Deployment', 'apps/v1 StatefulSet', 'batch/v1 CronJob', 'batch/v1 Job',
  'autoscaling/v2 HorizontalPodAutoscaler', 'policy/v1 PodDisruptionBudget', 'networking.k8s.io/v1 NetworkPolicy',
  'node.k8s.io/v1 RuntimeClass', 'admissionregistration.k8s.io/v1beta1 MutatingAdmissionPolicy',
  'admissionregistration.k8s.io/v1beta1 MutatingAdmissionPolicyBinding',
];
/** Kinds of resource definitions, and the version in use. */
const CUSTOM = [
  'core.spinkube.dev/v1alpha1 SpinApp', 'core.spinkube.dev/v1alpha1 SpinAppExecutor', 'networking.istio.io/v1 Gateway',
  'networking.istio.io/v1 VirtualService', 'security.istio.io/v1 AuthorizationPolicy',
  'security.istio.io/v1 PeerAuthentication', 'metallb.io/v1beta1 IPAddressPool', 'metallb.io/v1beta1 L2Advertisement',
  'monitoring.coreos.com/v1 PodMonitor', 'monitoring.coreos.com/v1 PrometheusRule', 'runtime.spinkube.dev/v1alpha1 Shim',
];

const folder = dirname(fileURLToPath(import.meta.url));
const [swagger, ...definitions] = process.argv.slice(2);
const key = (group, version, kind) => `${group ? `${group}/` : ''}${version} ${kind}`;

function write(name, schema) {
  const [api, kind] = name.split(' ');
  // kubeconform's way to name them: of a group, the first part.
  const [group, version] = api.includes('/') ? api.split('/') : [undefined, api];
  const file = [kind, group?.split('.')[0], version].filter(Boolean).join('-').toLowerCase() + '.json';
  writeFileSync(join(folder, file), `${JSON.stringify(schema)}\n`);
}

/** Without what only people read, and closed: a field that no schema names is a mistake. */
function strict(schema) {
  if (Array.isArray(schema)) return schema.map(strict);
  if (schema === null || typeof schema !== 'object') return schema;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema['x-kubernetes-int-or-string'] || schema.format === 'int-or-string') return { type: ['string', 'integer'] };
  const kept = {};
  for (const [name, value] of Object.entries(schema)) {
    if (name === 'properties' || name === 'definitions') {
      kept[name] = Object.fromEntries(Object.entries(value).map(([field, type]) => [field, strict(type)]));
    } else if (name !== 'description' && name !== 'default' && name !== 'example' && name !== 'format' && !name.startsWith('x-kubernetes-')) {
      kept[name] = strict(value);
    }
  }
  if (kept.properties && !open && kept.additionalProperties === undefined) kept.additionalProperties = false;
  if (schema.nullable) { delete kept.nullable; if (kept.type) kept.type = [kept.type, 'null']; }
  return kept;
}

const api = JSON.parse(readFileSync(swagger, 'utf8'));
// Of Go's types these two are written otherwise than their schema says.
api.definitions['io.k8s.apimachinery.pkg.api.resource.Quantity'] = { type: ['string', 'number'] };
const references = (value) => [...JSON.stringify(value).matchAll(/"#\/definitions\/([^"]+)"/g)].map((match) => match[1]);
function closure(name) {
  const found = new Map();
  const pending = references(api.definitions[name]);
  while (pending.length > 0) {
    const next = pending.pop();
    if (found.has(next)) continue;
    found.set(next, api.definitions[next]);
    pending.push(...references(api.definitions[next]));
  }
  return Object.fromEntries([...found].sort(([a], [b]) => a.localeCompare(b)));
}
for (const wanted of KINDS) {
  const name = Object.keys(api.definitions).find((name) =>
    api.definitions[name]['x-kubernetes-group-version-kind']?.some(({ group, version, kind }) => key(group, version, kind) === wanted));
  if (!name) throw new Error(`${wanted} is not in ${swagger}`);
  const schema = strict({ ...api.definitions[name], definitions: closure(name) });
  schema.required = [...new Set([...(schema.required ?? []), 'apiVersion', 'kind', 'metadata'])];
  write(wanted, schema);
}

const missing = new Set(CUSTOM);
for (const file of definitions) {
  for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
    const definition = document.toJS({ maxAliasCount: 1000 });
    for (const version of definition?.spec?.versions ?? []) {
      const name = key(definition.spec.group, version.name, definition.spec.names.kind);
      if (!missing.delete(name)) continue;
      const schema = strict(version.schema.openAPIV3Schema);
      // Of these a definition says nothing, or nothing more, because every object has them.
      Object.assign(schema.properties, { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } });
      schema.required = [...new Set([...(schema.required ?? []), 'apiVersion', 'kind', 'metadata', 'spec'])];
      write(name, schema);
    }
  }
}
if (missing.size > 0) throw new Error(`no definition of ${[...missing].join(', ')}`);
