// A containerd of its own with our shim, its images and its containers. As root, because namespaces
// and control groups are made.

import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_LIMIT_MS = 30_000;
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
export const LAYER = 'application/vnd.oci.image.layer.v1.tar';

const folder = mkdtempSync(join(tmpdir(), 'jinmaek-shim-'));
const socket = join(folder, 'containerd.sock');
const run = (program, ...args) => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const ctr = (...args) => run('ctr', '--address', socket, ...args);
const network = `jinmaek-${randomBytes(4).toString('hex')}`;
let daemon;

/** Starts it, with a network that only its containers and `inside` are in. */
export async function start() {
  const config = join(folder, 'config.toml');
  writeFileSync(config, [
    'version = 2',
    `root = "${join(folder, 'root')}"`,
    `state = "${join(folder, 'state')}"`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]',
    `grpc.address = "${socket}"`,
  ].join('\n'));
  const PATH = [dirname(process.env.JINMAEK_SHIM), process.env.PATH].join(delimiter);
  daemon = spawn('containerd', ['--config', config], { env: { ...process.env, PATH }, stdio: 'ignore' });
  run('ip', 'netns', 'add', network);
  run('ip', 'netns', 'exec', network, 'ip', 'link', 'set', 'lo', 'up');
  for (const begun = Date.now(); ; await sleep(100)) {
    try {
      return void ctr('version');
    } catch (error) {
      if (Date.now() - begun > START_LIMIT_MS) throw error;
    }
  }
}

export async function stop() {
  // What a failed test left.
  for (const id of ctr('tasks', 'list', '--quiet').split('\n').filter(Boolean)) {
    ctr('tasks', 'kill', '--signal', 'SIGKILL', id);
    while (ctr('tasks', 'list', '--quiet').includes(id)) await sleep(100);
  }
  daemon.kill();
  await new Promise((resolve) => daemon.once('exit', resolve));
  run('ip', 'netns', 'delete', network);
  rmSync(folder, { recursive: true, force: true });
}

/** 1.7.7 and newer leave layers alone that are no archives, as Spin's are not. */
export function leavesLayersAlone() {
  const [, major, minor, patch] = /v?(\d+)\.(\d+)\.(\d+)/.exec(run('containerd', '--version')).map(Number);
  return major > 1 || minor > 7 || (minor === 7 && patch >= 7);
}

/** The layout that `cargo xtask image` wrote, by a name. */
export function importLayout(layout, name) {
  const copy = mkdtempSync(join(folder, 'layout-'));
  run('cp', '-r', `${layout}/.`, copy);
  const index = JSON.parse(readFileSync(join(copy, 'index.json'), 'utf8'));
  index.manifests[0].annotations = { 'io.containerd.image.name': name };
  writeFileSync(join(copy, 'index.json'), JSON.stringify(index));
  importFolder(copy);
}

function importFolder(layout) {
  const archive = `${layout}.tar`;
  run('tar', '--create', '--file', archive, '--directory', layout, '.');
  ctr('images', 'import', archive);
}

/** An image of layers: { type, content }. Only those that make up a root file system count as its parts. */
export function makeImage(name, layers) {
  const layout = mkdtempSync(join(folder, 'layout-'));
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  const blob = (mediaType, content) => {
    const hash = createHash('sha256').update(content).digest('hex');
    writeFileSync(join(layout, 'blobs/sha256', hash), content);
    return { mediaType, digest: `sha256:${hash}`, size: content.length };
  };
  const json = (value) => Buffer.from(JSON.stringify(value));
  const isRoot = ({ mediaType }) => mediaType.startsWith('application/vnd.oci.image.layer.');
  const descriptors = layers.map(({ type, content }) => blob(type, content));
  const config = blob(CONFIG, json({
    architecture: 'wasm',
    os: 'wasip1',
    config: { Entrypoint: ['/'], WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: descriptors.filter(isRoot).map(({ digest }) => digest) },
  }));
  const manifest = blob(MANIFEST, json({ schemaVersion: 2, mediaType: MANIFEST, config, layers: descriptors }));
  const annotations = { 'io.containerd.image.name': name };
  writeFileSync(join(layout, 'index.json'), json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
  writeFileSync(join(layout, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
  importFolder(layout);
}

/** A layer with these files, { path: text }, and these links, { path: target }. */
export function archive(files, links = {}) {
  const root = mkdtempSync(join(folder, 'files-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  for (const [path, target] of Object.entries(links)) symlinkSync(target, join(root, path));
  const content = execFileSync('tar', ['--create', '--directory', root, '.'], { maxBuffer: 64 * 1024 * 1024 });
  return { type: LAYER, content };
}

/** A program in the containers' network. */
export const inside = (program, ...args) => run('ip', 'netns', 'exec', network, program, ...args);
export const startInside = (program, ...args) => spawn('ip', ['netns', 'exec', network, program, ...args]);

/** A container of our runtime: `env`, `args` after the image's root, `flags` of `ctr run`. */
export class Container {
  constructor(image, { env = {}, args = [], flags = [] } = {}) {
    this.id = `c${randomBytes(6).toString('hex')}`;
    this.message = join(folder, `${this.id}.message`);
    writeFileSync(this.message, '');
    const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    this.process = spawn('ctr', [
      '--address', socket, 'run', '--rm', '--runtime', 'io.containerd.jinmaek.v1',
      '--with-ns', `network:/var/run/netns/${network}`,
      '--mount', `type=bind,src=${this.message},dst=/dev/termination-log,options=rbind:rw`,
      ...variables, ...flags, image, this.id, ...(args.length > 0 ? ['/', ...args] : []),
    ]);
    this.log = '';
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (data) => { this.log += data; });
    }
    this.ended = new Promise((resolve) => this.process.once('close', resolve));
  }

  /** Once its log has this text. */
  async says(text, limit = START_LIMIT_MS) {
    for (const begun = Date.now(); !this.log.includes(text); await sleep(50)) {
      if (this.process.exitCode !== null || Date.now() - begun > limit) {
        throw new Error(`the container did not say "${text}", but: ${this.log}`);
      }
    }
  }

  signal(name) {
    ctr('task', 'kill', '--signal', name, this.id);
  }

  get pid() {
    return ctr('tasks', 'list').split('\n').map((line) => line.split(/\s+/)).find(([id]) => id === this.id)[1];
  }

  /** Whether its process has this file or folder open, by whatever path. */
  hasOpen(path) {
    const [wanted, folder] = [statSync(path), `/proc/${this.pid}/fd`];
    const opened = readdirSync(folder).map((number) => statSync(join(folder, number)));
    return opened.some(({ dev, ino }) => dev === wanted.dev && ino === wanted.ino);
  }

  /** Bytes of memory that the kernel lets it have. */
  memoryLimit() {
    const groups = readFileSync(`/proc/${this.pid}/cgroup`, 'utf8');
    const [, old] = /^\d+:memory:(.*)$/m.exec(groups) ?? [];
    if (old) return Number(readFileSync(`/sys/fs/cgroup/memory${old}/memory.limit_in_bytes`, 'utf8'));
    return Number(readFileSync(`/sys/fs/cgroup${/^0::(.*)$/m.exec(groups)[1]}/memory.max`, 'utf8'));
  }

  /** Its exit code. */
  async end() {
    return this.ended;
  }

  /** What the kubelet would show as the reason. */
  terminationMessage() {
    return existsSync(this.message) ? readFileSync(this.message, 'utf8') : '';
  }
}
