// The manifests as an operator applies them: with secrets that this run makes.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'smol-toml';
import { parseAllDocuments } from 'yaml';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A copy of k8s/, whose secrets are new: those of whoever works here are not read. */
export const folder = mkdtempSync(join(tmpdir(), 'jinmaek-k8s-'));
cpSync(join(root, 'k8s'), folder, { recursive: true, filter: (file) => !/secrets\/.*\.env$/.test(file) });
export const secrets = join(folder, 'spinkube/secrets');
execFileSync(join(secrets, 'generate'), { stdio: 'ignore' });

export const overlays = ['bare-metal', 'single-node'];
export const runtimes = ['jinmaek', 'containerd-shim-spin'];

/** What `kubectl apply -k` of this folder of k8s/ sends. */
export function render(path) {
  const limit = { maxBuffer: 16 * 1024 * 1024, encoding: 'utf8' };
  return execFileSync(process.env.JINMAEK_KUSTOMIZE, ['build', join(folder, path)], limit);
}

/** What `kubectl apply -k` of this overlay sends, with this runtime. */
export function build(overlay, runtime) {
  const file = join(folder, 'spinkube/overlays', overlay, 'kustomization.yaml');
  const before = readFileSync(file, 'utf8');
  // The one line that an operator changes.
  const chosen = before.replace(/^- \.\.\/\.\.\/runtimes\/.*$/m, `- ../../runtimes/${runtime}`);
  writeFileSync(file, chosen);
  try {
    return render(`spinkube/overlays/${overlay}`);
  } finally {
    writeFileSync(file, before);
  }
}

export function objects(text) {
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS();
  });
}

/** The application that the SpinApps are parts of. */
export const spin = parse(readFileSync(join(root, 'spin.toml'), 'utf8'));
