//! Limits on a ZIP container, checked before anything in it is kept.

use std::io::{Cursor, Read, Write};

use zip::ZipArchive;

use super::ImportError;

/// Entries of a container; the largest EPUB seen while planning had 600.
const MAX_ENTRIES: usize = 20_000;
/// Expanded size of one entry, in bytes.
pub const MAX_ENTRY_BYTES: u64 = 64 * 1024 * 1024;
/// Expanded size of all entries, in bytes.
const MAX_TOTAL_BYTES: u64 = 1024 * 1024 * 1024;
/// Expanded over compressed size. Markup reaches 20, deflate's maximum is 1,032.
const MAX_RATIO: u64 = 200;
/// Below this size, in bytes, a high ratio harms nobody.
const RATIO_APPLIES_FROM: u64 = 1024 * 1024;

/// Algorithms that hide fonts only (EPUB 3.3 OCF, section 4.4, and Adobe's older one).
const FONT_OBFUSCATION: [&str; 2] =
    ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"];

/// Refuses containers that are damaged, encrypted, or larger inside than they may be. Every entry
/// is expanded once into nothing, because the sizes a container declares can lie.
pub fn check(bytes: &[u8]) -> Result<(), ImportError> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error.to_string()))?;
    if archive.len() > MAX_ENTRIES {
        return Err(bomb(format!("it has more than {MAX_ENTRIES} entries")));
    }
    let mut total = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| damaged(&error.to_string()))?;
        total += entry.size();
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        check_sizes(&name, entry.size(), entry.compressed_size(), total)?;
    }
    let mut total = 0;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| damaged(&error.to_string()))?;
        let (name, compressed) =
            (String::from_utf8_lossy(entry.name_raw()).into_owned(), entry.compressed_size());
        let mut limited = entry.take(MAX_ENTRY_BYTES + 1);
        let size = std::io::copy(&mut limited, &mut std::io::sink())
            .map_err(|error| damaged(&format!("{name}: {error}")))?;
        total += size;
        check_sizes(&name, size, compressed, total)?;
    }
    check_encryption(&mut archive)
}

fn check_sizes(name: &str, size: u64, compressed: u64, total: u64) -> Result<(), ImportError> {
    if size > MAX_ENTRY_BYTES {
        return Err(bomb(format!("{name} expands to more than {} MB", MAX_ENTRY_BYTES >> 20)));
    }
    if size > RATIO_APPLIES_FROM && size / compressed.max(1) > MAX_RATIO {
        return Err(bomb(format!("{name} expands to more than {MAX_RATIO} times its size")));
    }
    if total > MAX_TOTAL_BYTES {
        return Err(bomb(format!("it expands to more than {} MB", MAX_TOTAL_BYTES >> 20)));
    }
    Ok(())
}

fn check_encryption(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Result<(), ImportError> {
    let Ok(mut entry) = archive.by_name("META-INF/encryption.xml") else {
        return Ok(());
    };
    let mut declaration = String::new();
    entry.read_to_string(&mut declaration).map_err(|error| damaged(&error.to_string()))?;
    let encrypted = declaration
        .split("EncryptionMethod")
        .skip(1)
        .filter_map(|method| method.split_once("Algorithm=")?.1.get(1..)?.split(['"', '\'']).next())
        .any(|algorithm| !FONT_OBFUSCATION.contains(&algorithm));
    if encrypted { Err(ImportError::Encrypted) } else { Ok(()) }
}

/// A buffer that refuses to grow past [`MAX_ENTRY_BYTES`].
#[derive(Default)]
pub struct CappedBuffer(Vec<u8>);

impl CappedBuffer {
    /// What was written.
    pub fn into_inner(self) -> Vec<u8> {
        self.0
    }
}

impl Write for CappedBuffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if (self.0.len() + bytes.len()) as u64 > MAX_ENTRY_BYTES {
            return Err(std::io::Error::other("the entry is larger than it may be"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn damaged(what: &str) -> ImportError {
    ImportError::Damaged(what.trim_end_matches('.').to_owned())
}

fn bomb(what: String) -> ImportError {
    ImportError::Bomb(what)
}

#[cfg(test)]
mod tests {
    use zip::write::SimpleFileOptions;

    use super::*;

    fn container(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn sizes_at_the_limits_pass_and_past_them_do_not() {
        assert!(check_sizes("a", MAX_ENTRY_BYTES, MAX_ENTRY_BYTES, MAX_TOTAL_BYTES).is_ok());
        assert!(check_sizes("a", MAX_ENTRY_BYTES + 1, MAX_ENTRY_BYTES, 0).is_err());
        assert!(check_sizes("a", 1, 1, MAX_TOTAL_BYTES + 1).is_err());
        assert!(check_sizes("a", RATIO_APPLIES_FROM, 1, 0).is_ok());
        assert!(check_sizes("a", RATIO_APPLIES_FROM + 1, 1, 0).is_err());
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = container(&[("chapter.xhtml", &vec![b' '; 8 << 20])]);
        let error = check(&bomb).unwrap_err();
        assert!(error.to_string().contains("chapter.xhtml"), "{error}");
    }

    #[test]
    fn a_cut_off_container_is_damaged() {
        let whole = container(&[("a.xhtml", b"text"), ("b.xhtml", b"more")]);
        assert!(check(&whole).is_ok());
        assert!(matches!(check(&whole[..whole.len() / 2]), Err(ImportError::Damaged(_))));
    }

    #[test]
    fn encrypted_text_is_refused_and_hidden_fonts_are_not() {
        let declaration = |algorithm: &str| {
            format!(
                "<encryption><EncryptedData><EncryptionMethod Algorithm=\"{algorithm}\"/></EncryptedData></encryption>"
            )
        };
        let drm = declaration("http://www.w3.org/2001/04/xmlenc#aes128-cbc");
        let fonts = declaration(FONT_OBFUSCATION[0]);
        let with = |text: &str| container(&[("META-INF/encryption.xml", text.as_bytes())]);
        assert!(matches!(check(&with(&drm)), Err(ImportError::Encrypted)));
        assert!(check(&with(&fonts)).is_ok());
    }
}
