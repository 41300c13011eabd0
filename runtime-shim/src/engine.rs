//! The wasmtime engine, and components compiled for it, kept on disk.

use std::ffi::OsStr;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use tempfile::NamedTempFile;
use wasmtime::component::Component;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::composition::Source;
use crate::config::Compile;
use crate::drafts;
use crate::limits::Limits;
use crate::module;

/// How long a guest computes before others on its core get a turn. The clock
/// that counts it wakes up once per tick, so shorter would cost an idle host.
const TICK: Duration = Duration::from_millis(2);

/// Compiled components that are kept, those that were used last: a few megabytes each, and more
/// than several applications and their last versions have.
const KEPT: usize = 64;

/// Core modules, memories and tables of one component: what the Rust and
/// JavaScript toolchains produce, with room to spare.
const CORE_INSTANCES_PER_COMPONENT: u32 = 30;
const MEMORIES_PER_COMPONENT: u32 = 2;
const TABLES_PER_COMPONENT: u32 = 12;
/// How many components, adapters among them, one may be composed of.
const MOST_PARTS: u32 = 16;

/// To be counted up when what is done to a component before it is compiled changes, composing it
/// among that: what was kept of it then is of no more use.
const REVISION: u32 = 1;
/// A guest holds a stack while it runs or waits in a synchronous call. One that
/// waits asynchronously holds none, so requests need no stack each. Every stack
/// costs a system call when the host starts.
const STACKS_PER_COMPONENT: u32 = 2;

/// An engine whose instances come from a pool: making one costs no system call
/// that maps memory. `memory` is the largest memory any component may have, `parts` of how many
/// any is composed, each with an adapter.
pub(crate) fn engine(limits: &Limits, memory: u64, parts: usize) -> Result<Engine> {
    let instances = u32::try_from(limits.max_instances)?;
    let parts = u32::try_from(parts)?.saturating_mul(2).saturating_sub(1).min(MOST_PARTS);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances * CORE_INSTANCES_PER_COMPONENT * parts)
        .total_memories(instances * MEMORIES_PER_COMPONENT * parts)
        .total_tables(instances * TABLES_PER_COMPONENT * parts)
        .total_stacks(instances * STACKS_PER_COMPONENT)
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT * MOST_PARTS)
        .max_memories_per_component(MEMORIES_PER_COMPONENT * MOST_PARTS)
        .max_tables_per_component(TABLES_PER_COMPONENT * MOST_PARTS)
        .table_elements(usize::try_from(limits.table_elements)?)
        .max_memory_size(usize::try_from(memory)?);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_component_model_async(true)
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config)?;
    start_clock(engine.weak())?;
    Ok(engine)
}

fn start_clock(engine: wasmtime::EngineWeak) -> Result<()> {
    std::thread::Builder::new().name("clock".into()).spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    })?;
    Ok(())
}

/// Compiled components in a directory that only this user can write. What lies
/// there is native code that we run, so it is never taken from anywhere else.
pub(crate) struct Cache {
    directory: Option<PathBuf>,
    /// See [`Self::compile_apart`].
    compiler: Option<PathBuf>,
    /// The largest memory of an instance, in bytes.
    memory: u64,
}

impl Cache {
    /// Without a directory of our own (a read-only file system) every start compiles.
    pub(crate) fn open(directory: PathBuf, compiler: Option<PathBuf>, memory: u64) -> Self {
        let usable = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .map_err(anyhow::Error::from)
            .and_then(|()| private(&directory));
        let directory = match usable {
            Ok(()) => Some(directory),
            Err(error) => {
                tracing::warn!(
                    "compiled components are not kept: {}: {error:#}",
                    directory.display()
                );
                None
            }
        };
        Self { directory, compiler, memory }
    }

    /// Loads the component that `source` makes, composed and compiled now if it is new.
    pub(crate) fn load(&self, engine: &Engine, source: &Source) -> Result<Component> {
        let file = &source.file;
        let contents = source.read()?;
        let name = key(engine, &contents.digest());
        let composed = || contents.composed().with_context(|| file.display().to_string());
        let Some(directory) = &self.directory else {
            return compile(engine, file, &composed()?)
                .and_then(|native| crate::native_code::from_bytes(engine, &native));
        };
        let kept = directory.join(name);
        if kept.exists() {
            match private(&kept).and_then(|()| crate::native_code::from_file(engine, &kept)) {
                Ok(component) => {
                    mark_used(&kept);
                    return Ok(component);
                }
                Err(error) => {
                    tracing::warn!("compiling again, {} is unusable: {error:#}", kept.display())
                }
            }
        }
        let wasm = composed()?;
        if self.compile_apart(file, &wasm, directory, &kept).is_ok()
            && let Ok(component) = crate::native_code::from_file(engine, &kept)
        {
            return Ok(component);
        }
        let native = compile(engine, file, &wasm)?;
        let written = temporary(directory, &kept)
            .and_then(|temporary| std::fs::write(temporary.path(), &native).map(|()| temporary))
            .and_then(|temporary| temporary.persist(&kept).map_err(|error| error.error));
        forget_oldest(directory);
        let loaded = written
            .map_err(anyhow::Error::from)
            .and_then(|_| crate::native_code::from_file(engine, &kept));
        // Where shared memory is all that can be written to, nothing in it may be executed.
        loaded.or_else(|error| {
            tracing::warn!("the compiled component is not kept: {}: {error:#}", kept.display());
            let _ = std::fs::remove_file(&kept);
            crate::native_code::from_bytes(engine, &native)
        })
    }

    /// Where that fails, this process compiles and says why it cannot.
    fn compile_apart(&self, file: &Path, wasm: &[u8], directory: &Path, kept: &Path) -> Result<()> {
        let temporary = temporary(directory, kept)?;
        let mut compiler = Command::new(self.compiler.as_ref().context("there is no program")?);
        compiler.arg("compile").arg(file).arg("--to").arg(temporary.path());
        compiler.arg("--memory").arg(self.memory.to_string());
        let mut compiling = compiler.stdin(Stdio::piped()).spawn()?;
        // The very bytes that the name is made of: the file may change meanwhile.
        let sent = compiling.stdin.take().map(|mut stdin| stdin.write_all(wasm));
        let ended = compiling.wait()?;
        sent.transpose()?;
        ensure!(ended.success(), "{ended}");
        temporary.persist(kept)?;
        forget_oldest(directory);
        Ok(())
    }
}

/// Compiles what comes from stdin, in the process that is there for it alone: what a compiler
/// took, some 40 MiB, would stay with the allocator of one that serves.
pub fn compile_stdin(asked: &Compile) -> Result<()> {
    let mut wasm = Vec::new();
    std::io::stdin().lock().read_to_end(&mut wasm)?;
    let native = compile(&engine(&Limits::default(), asked.memory, 1)?, &asked.file, &wasm)?;
    Ok(std::fs::write(&asked.to, native)?)
}

/// Named like what it is to be, so that one that is left behind is forgotten as well.
fn temporary(directory: &Path, kept: &Path) -> std::io::Result<NamedTempFile> {
    let name = kept.file_name().unwrap_or_default();
    tempfile::Builder::new().prefix(name).suffix(".part").tempfile_in(directory)
}

/// What fails here leaves files for longer than need be, and nothing else.
fn mark_used(kept: &Path) {
    let _ = File::open(kept).and_then(|file| file.set_modified(SystemTime::now()));
}

/// Leaves [`KEPT`] of its own files, and all of others: somebody may have named a directory of theirs.
fn forget_oldest(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            is_key(&entry.file_name()).then_some(())?;
            Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
        })
        .collect();
    files.sort_unstable();
    let surplus = files.len().saturating_sub(KEPT);
    for (_, file) in &files[..surplus] {
        let _ = std::fs::remove_file(file);
    }
}

fn compile(engine: &Engine, file: &Path, wasm: &[u8]) -> Result<Vec<u8>> {
    eprintln!("Compiling {} …", file.display());
    let started = Instant::now();
    let failed =
        |error| anyhow::anyhow!("{}: not a WebAssembly component: {error:#}", file.display());
    let mut wasm = module::component(wasm).map_err(failed)?.into_owned();
    drafts::take_over(&mut wasm).map_err(failed)?;
    let native =
        engine.precompile_component(&wasm).map_err(|error| failed(anyhow::Error::from(error)))?;
    eprintln!("Compiled {} in {:.1} s", file.display(), started.elapsed().as_secs_f32());
    Ok(native)
}

/// The same content, engine settings and versions give the same name.
fn key(engine: &Engine, content: &str) -> String {
    let mut settings = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut settings);
    format!("{content}-{:016x}-{}-{REVISION}", settings.finish(), env!("CARGO_PKG_VERSION"))
}

/// Whether a file's name begins as a [`key`] does: with the SHA-256 of its content.
fn is_key(name: &OsStr) -> bool {
    let content = name.to_str().and_then(|name| name.split_once('-')).unwrap_or_default().0;
    content.len() == 64 && content.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Refuses what another user owns or could have written.
fn private(path: &Path) -> Result<()> {
    let metadata = std::fs::symlink_metadata(path)?;
    let own = metadata.uid() == rustix::process::geteuid().as_raw();
    let closed = metadata.permissions().mode() & 0o022 == 0;
    ensure!(own && closed && !metadata.is_symlink(), "another user can write it");
    Ok(())
}
