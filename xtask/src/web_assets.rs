//! Assembles the web assets in `target/web-assets`: files under their URL paths, their variants,
//! and `manifest.json`, from which the server's build embeds them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rayon::prelude::*;
use serde::Serialize;

use crate::assets::{self, Asset, Location};
use crate::compress::{Cache, Encoding, hash, write_atomic};
use crate::lints::Lints;
use crate::mode::Mode;
use crate::setup::Consent;
use crate::wasm::{OUTPUT_NAME, Program};
use crate::workspace::Workspace;
use crate::{css, program, wasm};

/// Files that browsers and crawlers request at the root.
const AT_ROOT: [&str; 2] = ["favicon.ico", "robots.txt"];

/// The input of the server's build script.
#[derive(Serialize)]
struct Manifest {
    files: Vec<Entry>,
    /// From a name without hash to the URL path.
    names: BTreeMap<String, String>,
    /// From a page's name to the URL paths of the program parts that the page needs in addition to
    /// the main one.
    parts: BTreeMap<String, Vec<String>>,
}

#[derive(Serialize)]
struct Entry {
    /// The URL path, and the path on disk below the web assets' directory.
    path: String,
    #[serde(rename = "type")]
    media_type: &'static str,
    /// The first half of the content's SHA-256 in hexadecimal.
    hash: String,
    /// Whether browsers may cache the file without revalidation.
    immutable: bool,
    /// Values of Content-Encoding. The compressed files have the same name with `.br` or `.gz`
    /// added.
    encodings: Vec<&'static str>,
}

/// Built web assets.
pub struct WebAssets {
    mode: Mode,
    program: Program,
    /// The directory of the web assets.
    pub folder: PathBuf,
}

impl WebAssets {
    /// Builds the web assets. The files of unchanged web assets are not rewritten, so that the
    /// server is not rebuilt.
    ///
    /// # Errors
    /// If a step fails or a file cannot be written.
    pub fn build(
        workspace: &Workspace,
        mode: Mode,
        consent: Consent,
        lints: &Lints,
    ) -> anyhow::Result<Self> {
        let program = wasm::build(workspace, mode, consent, lints)?;
        let folder = workspace.web_assets(mode);
        let web_assets = Self {
            mode,
            program,
            folder,
        };
        web_assets.restyle(workspace)?;
        Ok(web_assets)
    }

    /// Rebuilds the style sheet and assembles the web assets with the existing program.
    ///
    /// # Errors
    /// If Tailwind fails or a file cannot be written.
    pub fn restyle(&self, workspace: &Workspace) -> anyhow::Result<()> {
        let assets = self.assets(workspace)?;
        let cache = match self.mode {
            Mode::Release => Some(Cache::open(workspace.cache().join("compressed"))?),
            Mode::Dev => None,
        };
        let fresh = self.folder.with_extension("new");
        assets::empty_folder(&fresh)?;
        let mut manifest = Manifest::new(&self.program.parts, &assets);
        let manifest = manifest.write(&fresh, &assets, cache.as_ref())?;
        if std::fs::read(self.folder.join("manifest.json")).is_ok_and(|old| old == manifest) {
            std::fs::remove_dir_all(&fresh)?;
            return Ok(());
        }
        replace(&fresh, &self.folder)?;
        program::say(&format!("the web assets are in {}", self.folder.display()));
        Ok(())
    }

    /// Copies the web assets to the directory from which a development build of the server reads
    /// them.
    ///
    /// # Errors
    /// If a file cannot be copied.
    pub fn copy_for_development(&self, workspace: &Workspace) -> anyhow::Result<()> {
        let target = workspace.web_assets(Mode::Dev);
        let copy = target.with_extension("new");
        assets::empty_folder(&copy)?;
        for file in assets::files_below(&self.folder)? {
            let bytes = std::fs::read(&file)
                .with_context(|| format!("{} cannot be read", file.display()))?;
            write_atomic(&copy.join(file.strip_prefix(&self.folder)?), &bytes)?;
        }
        replace(&copy, &target)
    }

    fn assets(&self, workspace: &Workspace) -> anyhow::Result<Vec<Asset>> {
        let sheet = css::build(workspace, self.mode)?;
        let sheet =
            std::fs::read(&sheet).with_context(|| format!("{} cannot be read", sheet.display()))?;
        let name = format!("{OUTPUT_NAME}.css");
        let mut assets = program_files(&self.program.pkg)?;
        assets.push(Asset::new(name, sheet, Location::Hashed)?);
        assets.extend(public_files(&workspace.root().join("public"))?);
        Ok(assets)
    }
}

/// Replaces a directory with a finished one, so that a starting server finds complete web assets.
fn replace(fresh: &Path, folder: &Path) -> anyhow::Result<()> {
    assets::empty_folder(folder)?;
    std::fs::rename(fresh, folder)
        .with_context(|| format!("{} cannot be replaced", folder.display()))
}

/// The files of the program: its script, its parts and scripts of dependencies. They refer to each
/// other by name and therefore share a directory.
fn program_files(pkg: &Path) -> anyhow::Result<Vec<Asset>> {
    let assets = below(pkg, |name| (name, Location::Root))?;
    let mut whole = Vec::new();
    for file in &assets {
        whole.extend_from_slice(file.name.as_bytes());
        whole.extend_from_slice(&file.bytes);
    }
    let mut folder = hash(&whole);
    folder.truncate(16);
    Ok(assets
        .into_iter()
        .map(|file| Asset {
            location: Location::SharedFolder(folder.clone()),
            ..file
        })
        .collect())
}

fn public_files(public: &Path) -> anyhow::Result<Vec<Asset>> {
    if !public.exists() {
        return Ok(Vec::new());
    }
    below(public, |name| {
        let location = if AT_ROOT.contains(&name.as_str()) {
            Location::Root
        } else {
            Location::Hashed
        };
        (name, location)
    })
}

fn below(
    folder: &Path,
    location: impl Fn(String) -> (String, Location),
) -> anyhow::Result<Vec<Asset>> {
    let mut assets = Vec::new();
    for file in assets::files_below(folder)? {
        let relative = file.strip_prefix(folder)?;
        let name = relative
            .to_str()
            .with_context(|| format!("{} has a name that is not UTF-8", file.display()))?;
        let (name, location) = location(name.to_owned());
        let bytes =
            std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        assets.push(Asset::new(name, bytes, location)?);
    }
    Ok(assets)
}

impl Manifest {
    /// Creates the manifest with names and parts, without file entries.
    fn new(parts: &BTreeMap<String, Vec<String>>, assets: &[Asset]) -> Self {
        let names: BTreeMap<String, String> = assets
            .iter()
            .map(|asset| (asset.name.clone(), asset.path()))
            .collect();
        let paths = |(page, files): (&String, &Vec<String>)| {
            let paths = files.iter().filter_map(|file| names.get(file));
            (page.clone(), paths.cloned().collect())
        };
        Self {
            files: Vec::new(),
            parts: parts.iter().map(paths).collect(),
            names,
        }
    }

    /// Writes all files and the manifest, and returns the manifest's bytes.
    fn write(
        &mut self,
        web_assets: &Path,
        assets: &[Asset],
        cache: Option<&Cache>,
    ) -> anyhow::Result<Vec<u8>> {
        if let Some(cache) = cache {
            let compressible = assets.par_iter().filter(|asset| asset.kind.compressible);
            compressible.try_for_each(|asset| cache.fill(&asset.bytes))?;
        }
        for asset in assets {
            let path = asset.path();
            let disk = web_assets.join(path.trim_start_matches('/'));
            write_atomic(&disk, &asset.bytes)?;
            let mut encodings = Vec::new();
            if let Some(cache) = cache.filter(|_| asset.kind.compressible) {
                for encoding in Encoding::ALL {
                    if let Some(packed) = cache.get(&asset.bytes, encoding)? {
                        let mut name = disk.clone().into_os_string();
                        name.push(format!(".{}", encoding.extension()));
                        write_atomic(Path::new(&name), &packed)?;
                        encodings.push(encoding.http());
                    }
                }
            }
            self.files.push(Entry {
                path,
                media_type: asset.kind.media_type,
                hash: asset.hash(),
                immutable: asset.location != Location::Root,
                encodings,
            });
        }
        let bytes = serde_json::to_vec_pretty(self)?;
        write_atomic(&web_assets.join("manifest.json"), &bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifest_lists_files_media_types_and_encodings() {
        let folder = tempfile::tempdir().expect("a directory");
        let cache = Cache::open(folder.path().join("cache")).expect("a cache");
        let web_assets = folder.path().join("web-assets");
        let text = "body { color: black }\n".repeat(20);
        let asset = |name: &str, text: &str, location| {
            Asset::new(name.to_owned(), text.as_bytes().to_vec(), location).expect("a known kind")
        };
        let assets = [
            asset("holdfast.css", &text, Location::Hashed),
            asset("robots.txt", "User-agent: *", Location::Root),
            asset("logo.png", "not compressed", Location::Hashed),
            asset(
                "users.wasm",
                "\0asm",
                Location::SharedFolder("0123".to_owned()),
            ),
        ];
        let parts = BTreeMap::from([("Users".to_owned(), vec!["users.wasm".to_owned()])]);
        let bytes = Manifest::new(&parts, &assets)
            .write(&web_assets, &assets, Some(&cache))
            .expect("written");
        insta::assert_snapshot!(String::from_utf8(bytes).expect("JSON"));
        let sheet = web_assets.join(assets[0].path().trim_start_matches('/'));
        assert_eq!(std::fs::read_to_string(&sheet).expect("the sheet"), text);
        assert!(sheet.with_extension("css.br").exists());
        assert!(sheet.with_extension("css.gz").exists());
    }
}
