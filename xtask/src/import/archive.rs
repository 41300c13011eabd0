//! The ZIP in which HIRA publishes its workbooks.

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;
use unicode_normalization::UnicodeNormalization;
use zip::ZipArchive;

/// The workbook of hospitals, beside those of pharmacies, beds and the like.
const NAME: &str = "병원정보서비스";

/// Ten times the national file: what unpacks to more is not it.
const MAX_BYTES: u64 = 256 << 20;

/// The workbook of hospitals, as a file that vanishes with the value.
pub(super) fn extract(path: &Path) -> Result<NamedTempFile> {
    let mut archive = ZipArchive::new(File::open(path)?).context("is not a ZIP archive")?;
    let index = (0..archive.len()).find(|index| is_hospitals(&mut archive, *index));
    let Some(index) = index else {
        bail!("has no workbook whose name contains {NAME}; unpack it and name the file");
    };
    let mut entry = archive.by_index(index)?;
    if entry.size() > MAX_BYTES {
        bail!("unpacks to {} bytes, more than the {MAX_BYTES} that are read", entry.size());
    }
    let mut file = NamedTempFile::new()?;
    io::copy(&mut io::Read::take(&mut entry, MAX_BYTES), &mut file)?;
    Ok(file)
}

fn is_hospitals(archive: &mut ZipArchive<File>, index: usize) -> bool {
    let Ok(entry) = archive.by_index_raw(index) else { return false };
    // Windows writes names in cp949 without saying so, macOS decomposes their Hangul.
    let raw = entry.name_raw();
    let name = match std::str::from_utf8(raw) {
        Ok(name) => name.nfc().collect::<String>(),
        Err(_) => encoding_rs::EUC_KR.decode(raw).0.into_owned(),
    };
    name.contains(NAME) && name.ends_with(".xlsx")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::extract;

    fn archive(names: &[&str]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut zip = ZipWriter::new(file.reopen().unwrap());
        for name in names {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        file
    }

    #[test]
    fn the_workbook_of_hospitals_is_found_by_its_name() {
        let name = "전국/1.병원정보서비스(2026.9.).xlsx";
        let file = archive(&["전국/2.약국정보서비스(2026.9.).xlsx", name]);
        let mut text = String::new();
        extract(file.path()).unwrap().reopen().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, name);
    }

    #[test]
    fn an_archive_without_it_says_so() {
        let error = extract(archive(&["a.xlsx"]).path()).unwrap_err();
        assert!(error.to_string().contains("병원정보서비스"));
    }
}
