//! Single web assets: their media types and URL paths.
//!
//! Also contains two directory operations that several steps share.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use walkdir::WalkDir;

use crate::compress::hash;

/// The location of a file in the URL space, which determines its caching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Under /pkg/ with its content hash in the name. Immutable.
    Hashed,
    /// Under its own name in this directory of /pkg/, because these files refer to each other by
    /// name. The directory's name is the hash of all its files. Immutable.
    SharedFolder(String),
    /// At the root, where browsers and crawlers request it.
    Root,
}

/// A web asset.
#[derive(Debug)]
pub struct Asset {
    /// The name without a hash, such as `holdfast.js` or `fonts/mono.woff2`.
    pub name: String,
    /// The content.
    pub bytes: Vec<u8>,
    /// The location in the URL space.
    pub location: Location,
    /// The kind of file.
    pub kind: Kind,
}

impl Asset {
    /// Creates an asset and determines its kind from the file extension.
    ///
    /// # Errors
    /// If the file extension is unknown.
    pub fn new(name: String, bytes: Vec<u8>, location: Location) -> anyhow::Result<Self> {
        let kind = Kind::of(&name)?;
        Ok(Self {
            name,
            bytes,
            location,
            kind,
        })
    }

    /// The first half of the content's SHA-256 in hexadecimal, used in the name and as entity tag.
    pub fn hash(&self) -> String {
        let mut hash = hash(&self.bytes);
        hash.truncate(16);
        hash
    }

    /// The URL path.
    pub fn path(&self) -> String {
        match &self.location {
            Location::Root => format!("/{}", self.name),
            Location::SharedFolder(folder) => format!("/pkg/{folder}/{}", self.name),
            Location::Hashed => match self.name.rsplit_once('.') {
                Some((stem, extension)) => format!("/pkg/{stem}.{}.{extension}", self.hash()),
                None => format!("/pkg/{}.{}", self.name, self.hash()),
            },
        }
    }
}

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The media type.
    pub media_type: &'static str,
    /// Whether the file is served compressed.
    pub compressible: bool,
}

impl Kind {
    fn of(name: &str) -> anyhow::Result<Self> {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let (media_type, compressible) = match extension {
            "js" | "mjs" => ("text/javascript", true),
            "wasm" => ("application/wasm", true),
            "css" => ("text/css", true),
            "svg" => ("image/svg+xml", true),
            "ico" => ("image/x-icon", true),
            "txt" => ("text/plain; charset=utf-8", true),
            "json" => ("application/json", true),
            "webmanifest" => ("application/manifest+json", true),
            "png" => ("image/png", false),
            "jpg" | "jpeg" => ("image/jpeg", false),
            "webp" => ("image/webp", false),
            "avif" => ("image/avif", false),
            "woff2" => ("font/woff2", false),
            _ => bail!("{name}: files of this kind have no media type yet; add it in xtask"),
        };
        Ok(Self {
            media_type,
            compressible,
        })
    }
}

/// Lists all files below a directory in a fixed order, without hidden files and `node_modules`.
///
/// # Errors
/// If a directory cannot be read.
pub fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let is_included = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(name.starts_with('.') || name == "node_modules")
    };
    let mut files = Vec::new();
    for entry in WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(is_included)
    {
        let entry = entry.with_context(|| format!("{} cannot be read", folder.display()))?;
        if entry.file_type().is_file() {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

/// Creates the directory, or empties an existing one.
///
/// # Errors
/// On an I/O error.
pub fn empty_folder(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{} cannot be created", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(name: &str, location: Location) -> Asset {
        Asset::new(name.to_owned(), b"content".to_vec(), location).expect("a known kind")
    }

    #[test]
    fn hashed_name_keeps_folder_and_extension() {
        assert_eq!(
            asset("fonts/mono.v2.woff2", Location::Hashed).path(),
            "/pkg/fonts/mono.v2.ed7002b439e9ac84.woff2"
        );
        assert_eq!(asset("robots.txt", Location::Root).path(), "/robots.txt");
        assert_eq!(
            asset("snippets/a/b.js", Location::SharedFolder("ed70".to_owned())).path(),
            "/pkg/ed70/snippets/a/b.js"
        );
    }

    #[test]
    fn different_content_has_different_path() {
        let first = asset("a.css", Location::Hashed);
        let second = Asset::new("a.css".to_owned(), b"x".to_vec(), Location::Hashed).expect("css");
        assert_ne!(first.path(), second.path());
    }

    #[test]
    fn unknown_file_extension_is_rejected() {
        Asset::new("a.exe".to_owned(), Vec::new(), Location::Hashed).expect_err("no media type");
        Asset::new("LICENSE".to_owned(), Vec::new(), Location::Hashed).expect_err("no extension");
    }
}
