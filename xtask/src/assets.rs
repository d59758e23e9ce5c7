//! Files of the site: what kind each is, and the name that it has on the web.
//!
//! Also the two things that several steps do with folders.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use walkdir::WalkDir;

use crate::compress::hash;

/// Where a file lies on the web, which decides how long it may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Under /pkg/ with its content's hash in its name: never changes.
    Hashed,
    /// Under its own name in this folder of /pkg/, because the files there say each other's names.
    /// The folder's name is the hash of all of them: never changes either.
    Together(String),
    /// At the root, where browsers and robots look for it.
    Root,
}

/// A file of the site.
#[derive(Debug)]
pub struct Asset {
    /// The name without a hash, such as `holdfast.js` or `fonts/mono.woff2`.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Where it lies.
    pub place: Place,
    /// What it is.
    pub kind: Kind,
}

impl Asset {
    /// Takes a file into the site.
    ///
    /// # Errors
    /// When the kind of the file is not known by its extension.
    pub fn new(name: String, bytes: Vec<u8>, place: Place) -> anyhow::Result<Self> {
        let kind = Kind::of(&name)?;
        Ok(Self {
            name,
            bytes,
            place,
            kind,
        })
    }

    /// The first half of the content's SHA-256: for the name, and as the entity tag.
    pub fn hash(&self) -> String {
        let mut hash = hash(&self.bytes);
        hash.truncate(16);
        hash
    }

    /// The path on the web.
    pub fn path(&self) -> String {
        match &self.place {
            Place::Root => format!("/{}", self.name),
            Place::Together(folder) => format!("/pkg/{folder}/{}", self.name),
            Place::Hashed => match self.name.rsplit_once('.') {
                Some((stem, extension)) => format!("/pkg/{stem}.{}.{extension}", self.hash()),
                None => format!("/pkg/{}.{}", self.name, self.hash()),
            },
        }
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Its media type.
    pub media_type: &'static str,
    /// Whether compressing it is worth the time.
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

/// Every file below a folder in a fixed order, without hidden ones and what npm installed.
///
/// # Errors
/// When a folder cannot be read.
pub fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let wanted = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(name.starts_with('.') || name == "node_modules")
    };
    let mut files = Vec::new();
    for entry in WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(wanted)
    {
        let entry = entry.with_context(|| format!("{} cannot be read", folder.display()))?;
        if entry.file_type().is_file() {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

/// Makes the folder, or empties it.
///
/// # Errors
/// When the disk refuses.
pub fn empty_folder(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(name: &str, place: Place) -> Asset {
        Asset::new(name.to_owned(), b"content".to_vec(), place).expect("a known kind")
    }

    #[test]
    fn a_hashed_name_keeps_its_folder_and_extension() {
        assert_eq!(
            asset("fonts/mono.v2.woff2", Place::Hashed).path(),
            "/pkg/fonts/mono.v2.ed7002b439e9ac84.woff2"
        );
        assert_eq!(asset("robots.txt", Place::Root).path(), "/robots.txt");
        assert_eq!(
            asset("snippets/a/b.js", Place::Together("ed70".to_owned())).path(),
            "/pkg/ed70/snippets/a/b.js"
        );
    }

    #[test]
    fn another_content_has_another_name() {
        let one = asset("a.css", Place::Hashed);
        let other = Asset::new("a.css".to_owned(), b"x".to_vec(), Place::Hashed).expect("css");
        assert_ne!(one.path(), other.path());
    }

    #[test]
    fn an_unknown_kind_is_refused() {
        Asset::new("a.exe".to_owned(), Vec::new(), Place::Hashed).expect_err("no media type");
        Asset::new("LICENSE".to_owned(), Vec::new(), Place::Hashed).expect_err("no extension");
    }
}
