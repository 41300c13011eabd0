//! An image in the OCI image layout: <https://github.com/opencontainers/image-spec>.
//!
//! Nothing in it depends on when, where or by whom it is written, so that the same files of the same
//! commit are the same digest.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The commit that an image is of.
pub(super) struct Revision {
    pub(super) commit: String,
    /// RFC 3339, UTC.
    pub(super) time: String,
    pub(super) version: String,
}

/// Every blob of the image, the manifest last.
pub(super) struct Layout {
    blobs: Vec<Blob>,
}

struct Blob {
    media_type: &'static str,
    content: Vec<u8>,
}

impl Layout {
    pub(super) fn new(files: &[(String, PathBuf)], revision: &Revision) -> Result<Self> {
        let archive = archive(files)?;
        let layer = Blob { media_type: LAYER, content: compress(&archive)? };
        let config = Blob::json(
            CONFIG,
            &json!({
                "created": revision.time,
                // Not the machine's: a component runs on any.
                "architecture": "wasm",
                "os": "wasip1",
                "config": { "Entrypoint": ["/"], "WorkingDir": "/" },
                "rootfs": { "type": "layers", "diff_ids": [digest(&archive)] },
            }),
        )?;
        let manifest = Blob::json(
            MANIFEST,
            &json!({
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": config.descriptor(),
                "layers": [layer.descriptor()],
                "annotations": {
                    "org.opencontainers.image.created": revision.time,
                    "org.opencontainers.image.revision": revision.commit,
                    "org.opencontainers.image.version": revision.version,
                    "org.opencontainers.image.licenses": "Apache-2.0",
                },
            }),
        )?;
        Ok(Self { blobs: vec![layer, config, manifest] })
    }

    /// Writes the folder anew. The digest is that of the manifest, by which an image is known.
    pub(super) fn write(&self, folder: &Path) -> Result<String> {
        let manifest = self.blobs.last().context("an image has a manifest")?;
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
        }
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).with_context(|| format!("making {}", blobs.display()))?;
        for blob in &self.blobs {
            fs::write(blobs.join(hexadecimal(&blob.content)), &blob.content)?;
        }
        fs::write(folder.join("oci-layout"), json!({ "imageLayoutVersion": "1.0.0" }).to_string())?;
        let index = json!({
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [manifest.descriptor()],
        });
        fs::write(folder.join("index.json"), index.to_string())?;
        Ok(digest(&manifest.content))
    }
}

impl Blob {
    fn json(media_type: &'static str, value: &Value) -> Result<Self> {
        Ok(Self { media_type, content: serde_json::to_vec(value)? })
    }

    fn descriptor(&self) -> Value {
        json!({
            "mediaType": self.media_type,
            "digest": digest(&self.content),
            "size": self.content.len(),
        })
    }
}

/// In the order of their names, all of the same user and time, with their folders.
fn archive(files: &[(String, PathBuf)]) -> Result<Vec<u8>> {
    let mut files: Vec<_> = files.iter().collect();
    files.sort();
    let mut tar = tar::Builder::new(Vec::new());
    let mut folders = Vec::new();
    for (name, source) in files {
        let parents = Path::new(name).ancestors().skip(1).filter(|path| *path != Path::new(""));
        for folder in parents.collect::<Vec<_>>().into_iter().rev() {
            if !folders.contains(&folder) {
                folders.push(folder);
                tar.append_data(&mut header(tar::EntryType::Directory, 0o755, 0), folder, &[][..])?;
            }
        }
        let content = fs::read(source).with_context(|| format!("reading {}", source.display()))?;
        let mut header = header(tar::EntryType::Regular, 0o644, content.len() as u64);
        tar.append_data(&mut header, name, content.as_slice())?;
    }
    Ok(tar.into_inner()?)
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// Without a time or a name of a file, which gzip would write down.
fn compress(content: &[u8]) -> Result<Vec<u8>> {
    let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    gzip.write_all(content)?;
    Ok(gzip.finish()?)
}

/// The SHA-256 of it.
pub(crate) fn hexadecimal(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(content: &[u8]) -> String {
    format!("sha256:{}", hexadecimal(content))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::time::{Duration, SystemTime};

    use super::*;

    type Failure = Result<(), Box<dyn std::error::Error>>;

    fn revision(commit: &str) -> Revision {
        Revision {
            commit: commit.to_owned(),
            time: "2026-01-01T00:00:00Z".to_owned(),
            version: "0.1.0".to_owned(),
        }
    }

    fn checkout(age: Duration) -> Result<(tempfile::TempDir, Vec<(String, PathBuf)>)> {
        let folder = tempfile::tempdir()?;
        let mut files = Vec::new();
        for name in ["target/components/b.wasm", "spin.toml", "target/components/a.wasm"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().context("a folder")?)?;
            fs::write(&path, name)?;
            File::options().write(true).open(&path)?.set_modified(SystemTime::now() - age)?;
            files.push((name.to_owned(), path));
        }
        Ok((folder, files))
    }

    #[test]
    fn the_same_commit_is_the_same_digest() -> Failure {
        let (_here, files) = checkout(Duration::ZERO)?;
        let (_there, mut others) = checkout(Duration::from_secs(1_000_000))?;
        others.reverse();
        let output = tempfile::tempdir()?;
        let write = |files: &[_], commit| {
            Layout::new(files, &revision(commit))?.write(&output.path().join("image"))
        };
        let first = write(&files, "c1")?;
        assert_eq!(first, write(&others, "c1")?);
        assert_ne!(first, write(&files, "c2")?);
        fs::write(&others[0].1, "other code")?;
        assert_ne!(first, write(&others, "c1")?);
        Ok(())
    }

    #[test]
    fn every_blob_is_what_its_descriptor_says() -> Failure {
        let (_here, files) = checkout(Duration::ZERO)?;
        let output = tempfile::tempdir()?;
        let folder = output.path().join("image");
        fs::create_dir(&folder)?;
        fs::write(folder.join("of-an-older-image"), "")?;
        let digest = Layout::new(&files, &revision("c"))?.write(&folder)?;
        assert!(!folder.join("of-an-older-image").exists());
        let json = |path: &str| -> Result<Value> {
            Ok(serde_json::from_slice(&fs::read(folder.join(path))?)?)
        };
        let blob = |descriptor: &Value| -> Result<Vec<u8>> {
            let name = descriptor["digest"]
                .as_str()
                .and_then(|digest| digest.strip_prefix("sha256:"))
                .context("a digest")?;
            let content = fs::read(folder.join("blobs/sha256").join(name))?;
            assert_eq!(hexadecimal(&content), name);
            assert_eq!(descriptor["size"].as_u64(), Some(content.len() as u64));
            Ok(content)
        };
        assert_eq!(json("oci-layout")?["imageLayoutVersion"], "1.0.0");
        let index = json("index.json")?;
        assert_eq!(index["manifests"][0]["digest"], digest.as_str());
        let manifest: Value = serde_json::from_slice(&blob(&index["manifests"][0])?)?;
        assert_eq!(manifest["annotations"]["org.opencontainers.image.revision"], "c");
        let config: Value = serde_json::from_slice(&blob(&manifest["config"])?)?;
        let mut archive = Vec::new();
        flate2::read::GzDecoder::new(blob(&manifest["layers"][0])?.as_slice())
            .read_to_end(&mut archive)?;
        assert_eq!(config["rootfs"]["diff_ids"][0], super::digest(&archive).as_str());
        let mut names = Vec::new();
        for entry in tar::Archive::new(archive.as_slice()).entries()? {
            names.push(entry?.path()?.display().to_string());
        }
        let expected = [
            "spin.toml",
            "target",
            "target/components",
            "target/components/a.wasm",
            "target/components/b.wasm",
        ];
        assert_eq!(names, expected);
        Ok(())
    }
}
