//! Content hashes and compressed variants of files.
//!
//! Compression at the highest quality is slow, so results are cached by content hash.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

/// Returns the SHA-256 in hexadecimal.
pub fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A compression method for HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Brotli at quality 11.
    Brotli,
    /// Gzip at level 9, for the few clients without brotli.
    Gzip,
}

impl Encoding {
    /// All encodings in the server's order of preference.
    pub const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// The file extension.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gz",
        }
    }

    /// The value of the Content-Encoding header.
    pub fn http(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    fn compress(self, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Brotli => {
                let params = brotli::enc::BrotliEncoderParams {
                    quality: 11,
                    lgwin: 24,
                    size_hint: bytes.len(),
                    ..Default::default()
                };
                let mut out = Vec::new();
                brotli::BrotliCompress(&mut &*bytes, &mut out, &params)?;
                Ok(out)
            }
            Self::Gzip => {
                // Without file name and time stamp the output depends only on the input.
                let mut encoder =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
                encoder.write_all(bytes)?;
                encoder.finish()
            }
        }
    }
}

/// A cache of compressed files from earlier builds.
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens the cache directory and creates it if necessary.
    ///
    /// # Errors
    /// If the directory cannot be created.
    pub fn open(folder: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be created", folder.display()))?;
        Ok(Self { folder })
    }

    /// Adds the missing compressed variants of a file to the cache.
    ///
    /// # Errors
    /// If the cache cannot be read or written.
    pub fn fill(&self, bytes: &[u8]) -> anyhow::Result<()> {
        let mut encodings = Encoding::ALL.into_iter();
        encodings.try_for_each(|encoding| self.get(bytes, encoding).map(drop))
    }

    /// Returns the compressed content, or `None` if compression does not reduce the size.
    ///
    /// # Errors
    /// If the cache cannot be read or written.
    pub fn get(&self, bytes: &[u8], encoding: Encoding) -> anyhow::Result<Option<Vec<u8>>> {
        let path = self
            .folder
            .join(format!("{}.{}", hash(bytes), encoding.extension()));
        let packed = match std::fs::read(&path) {
            Ok(packed) => packed,
            Err(_) => {
                let packed = encoding.compress(bytes)?;
                write_atomic(&path, &packed)?;
                packed
            }
        };
        Ok((packed.len() < bytes.len()).then_some(packed))
    }
}

/// Writes a file atomically.
///
/// # Errors
/// On an I/O error.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn compressed_content_decompresses_to_the_original() {
        let folder = tempfile::tempdir().expect("a directory");
        let cache = Cache::open(folder.path().join("packed")).expect("a cache");
        let text = "to be, or not to be; ".repeat(50);
        for _ in 0..2 {
            let gzip = cache
                .get(text.as_bytes(), Encoding::Gzip)
                .expect("gzip")
                .expect("smaller");
            let mut back = String::new();
            flate2::read::GzDecoder::new(&*gzip)
                .read_to_string(&mut back)
                .expect("unpacks");
            assert_eq!(back, text);
            let br = cache
                .get(text.as_bytes(), Encoding::Brotli)
                .expect("br")
                .expect("smaller");
            let mut back = Vec::new();
            brotli::BrotliDecompress(&mut &*br, &mut back).expect("unpacks");
            assert_eq!(back, text.as_bytes());
        }
    }

    #[test]
    fn incompressible_content_has_no_compressed_variant() {
        let folder = tempfile::tempdir().expect("a directory");
        let cache = Cache::open(folder.path().to_owned()).expect("a cache");
        assert_eq!(cache.get(b"x", Encoding::Gzip).expect("gzip"), None);
    }
}
