//! Embeds what is in `assets/` and the bundled scripts: each file under a name that holds a hash
//! of its content, so that a browser may keep it for ever, compressed once here and never while
//! serving. So is the head of every page, four fifths of it, as the first part of a stream that
//! `src/compression.rs` goes on with.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Where `cargo xtask build` puts the bundles of `scripts/`.
const SCRIPTS: &str = "../../target/scripts";

/// 64 KiB reach back over the whole of nearly every page, and are cheap to set up.
const BROTLI_WINDOW_BITS: i32 = 16;

const LANGUAGES: [&str; 2] = ["ko", "en"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=assets");
    println!("cargo::rerun-if-changed={SCRIPTS}");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut code = String::new();

    let style = without_comments(&read("assets", "style.css")?)?;
    let hash = STANDARD.encode(Sha256::digest(&style));
    writeln!(code, "pub(crate) const STYLE_HASH: &str = \"sha256-{hash}\";")?;

    let mut icon = String::new();
    let script = "text/javascript; charset=utf-8";
    let files = [
        ("WRITING_SCRIPT", SCRIPTS, "writing", "js", script),
        ("PASSES_SCRIPT", SCRIPTS, "passes", "js", script),
        ("ICON", "assets", "icon", "svg", "image/svg+xml"),
    ];
    for (constant, folder, name, extension, content_type) in files {
        let content = read(folder, &format!("{name}.{extension}"))?;
        let hash = &URL_SAFE_NO_PAD.encode(Sha256::digest(&content))[..10];
        let path = format!("/assets/{name}.{hash}.{extension}");
        if name == "icon" {
            icon.clone_from(&path);
        }
        let stem = out.join(name);
        for (ending, bytes) in [
            ("raw", content.clone().into_bytes()),
            ("br", brotli(&content)?),
            ("gz", gzip(&content)?),
        ] {
            fs::write(stem.with_extension(ending), bytes)?;
        }
        let include = |ending| include("bytes", &format!("{name}.{ending}"));
        writeln!(
            code,
            "pub(crate) const {constant}: &Asset = &Asset {{ path: {path:?}, content_type: {content_type:?}, \
             identity: {}, brotli: {}, gzip: {} }};",
            include("raw"),
            include("br"),
            include("gz"),
        )?;
    }
    fs::write(out.join("assets.rs"), code)?;
    let head = read("assets", "head.html")?.replace("{style}", &style).replace("{icon}", &icon);
    write_heads(&out, &head)?;
    Ok(())
}

/// The head in each language, as it is and as the first part of either kind of stream.
fn write_heads(out: &Path, head: &str) -> Result<(), Box<dyn Error>> {
    let mut code = format!("pub(crate) const BROTLI_WINDOW_BITS: i32 = {BROTLI_WINDOW_BITS};\n");
    for language in LANGUAGES {
        let html = head.replace("{language}", language);
        let stem = out.join(format!("head-{language}"));
        fs::write(stem.with_extension("br"), brotli_part(&html)?)?;
        fs::write(stem.with_extension("deflate"), deflate_part(&html)?)?;
        fs::write(stem.with_extension("html"), html)?;
        writeln!(
            code,
            "pub(crate) static {}: Head = Head {{ html: {}, brotli: {}, deflate: {} }};",
            language.to_uppercase(),
            include("str", &format!("head-{language}.html")),
            include("bytes", &format!("head-{language}.br")),
            include("bytes", &format!("head-{language}.deflate")),
        )?;
    }
    fs::write(out.join("heads.rs"), code)?;
    Ok(())
}

/// By a path that is found where it is compiled, so that a target folder can be moved.
fn include(kind: &str, name: &str) -> String {
    format!("include_{kind}!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))")
}

fn read(folder: &str, name: &str) -> Result<String, String> {
    let path = Path::new(folder).join(name);
    let hint = if folder == SCRIPTS { " (cargo xtask build bundles the scripts)" } else { "" };
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}{hint}", path.display()))
}

/// The style sheet is part of every page, so its comments and indentation stay here.
fn without_comments(css: &str) -> Result<String, &'static str> {
    let mut rest = css;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").ok_or("a comment of style.css has no end")?.1;
    }
    kept.push_str(rest);
    Ok(kept.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n"))
}

fn brotli(content: &str) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    brotli::BrotliCompress(&mut content.as_bytes(), &mut out, &params)?;
    Ok(out)
}

/// A stream's header and first meta-block, without its end (RFC 7932, section 9).
fn brotli_part(content: &str) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: BROTLI_WINDOW_BITS,
        bare_stream: true,
        appendable: true,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut content.as_bytes(), &mut out, &params)?;
    Ok(out)
}

/// Blocks up to a byte's boundary, without a last one (RFC 1951, section 3.2.4).
fn deflate_part(content: &str) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content.as_bytes())?;
    encoder.flush()?;
    Ok(encoder.get_ref().clone())
}

fn gzip(content: &str) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content.as_bytes())?;
    encoder.finish()
}
