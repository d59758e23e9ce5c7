//! The finished site in `target/site`: files under their names on the web, their compressed
//! forms, and `manifest.json`, from which the server's build embeds them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rayon::prelude::*;
use serde::Serialize;

use crate::assets::{self, Asset, Place};
use crate::compress::{Cache, Encoding, hash, write_whole};
use crate::lints::Lints;
use crate::server::Mode;
use crate::setup::Consent;
use crate::wasm::{OUTPUT_NAME, Program};
use crate::workspace::Workspace;
use crate::{css, program, wasm};

/// Browsers and robots ask for these at the root, whatever a page says.
const AT_ROOT: [&str; 2] = ["favicon.ico", "robots.txt"];

/// What the server's build reads.
#[derive(Serialize)]
struct Manifest {
    files: Vec<Entry>,
    /// From a name without hash to the path on the web.
    names: BTreeMap<String, String>,
    /// From a page's name to the paths of the program's parts that it needs beside the first one.
    parts: BTreeMap<String, Vec<String>>,
}

#[derive(Serialize)]
struct Entry {
    /// The path on the web and, below the site's folder, on disk.
    path: String,
    #[serde(rename = "type")]
    media_type: &'static str,
    /// Half of the content's SHA-256 in hexadecimal: changes when the content does.
    hash: String,
    /// Whether a browser may keep it for ever.
    immutable: bool,
    /// Content-Encoding words; the file lies beside this one with `.br` and `.gz` added.
    encodings: Vec<&'static str>,
}

/// A site that was built.
pub struct Site {
    mode: Mode,
    program: Program,
    /// Where it lies.
    pub folder: PathBuf,
}

impl Site {
    /// Builds the site. An unchanged site keeps its files as they are, so that the server is not
    /// built again.
    ///
    /// # Errors
    /// When a step fails, or a file cannot be written.
    pub fn build(
        workspace: &Workspace,
        mode: Mode,
        consent: Consent,
        lints: &Lints,
    ) -> anyhow::Result<Self> {
        let program = wasm::build(workspace, mode, consent, lints)?;
        let folder = workspace.site(mode);
        let site = Self {
            mode,
            program,
            folder,
        };
        site.restyle(workspace)?;
        Ok(site)
    }

    /// Builds the style sheet and puts the site together around the program as it is.
    ///
    /// # Errors
    /// When Tailwind fails, or a file cannot be written.
    pub fn restyle(&self, workspace: &Workspace) -> anyhow::Result<()> {
        let found = self.assets(workspace)?;
        let cache = match self.mode {
            Mode::Release => Some(Cache::open(workspace.cache().join("compressed"))?),
            Mode::Dev => None,
        };
        let fresh = self.folder.with_extension("new");
        assets::empty_folder(&fresh)?;
        let mut manifest = Manifest::new(&self.program.parts, &found);
        let manifest = manifest.write(&fresh, &found, cache.as_ref())?;
        if std::fs::read(self.folder.join("manifest.json")).is_ok_and(|old| old == manifest) {
            std::fs::remove_dir_all(&fresh)?;
            return Ok(());
        }
        replace(&fresh, &self.folder)?;
        program::say(&format!("the site is in {}", self.folder.display()));
        Ok(())
    }

    /// Puts a copy where a development build of the server reads its site.
    ///
    /// # Errors
    /// When a file cannot be copied.
    pub fn copy_for_development(&self, workspace: &Workspace) -> anyhow::Result<()> {
        let target = workspace.site(Mode::Dev);
        let copy = target.with_extension("new");
        assets::empty_folder(&copy)?;
        for file in assets::files_below(&self.folder)? {
            let bytes = std::fs::read(&file)
                .with_context(|| format!("{} cannot be read", file.display()))?;
            write_whole(&copy.join(file.strip_prefix(&self.folder)?), &bytes)?;
        }
        replace(&copy, &target)
    }

    fn assets(&self, workspace: &Workspace) -> anyhow::Result<Vec<Asset>> {
        let sheet = css::build(workspace, self.mode)?;
        let sheet =
            std::fs::read(&sheet).with_context(|| format!("{} cannot be read", sheet.display()))?;
        let name = format!("{OUTPUT_NAME}.css");
        let mut found = program_files(&self.program.pkg)?;
        found.push(Asset::new(name, sheet, Place::Hashed)?);
        found.extend(public_files(&workspace.root().join("public"))?);
        Ok(found)
    }
}

/// Puts a finished folder in the place of another, so that a server that starts finds a whole site.
fn replace(fresh: &Path, folder: &Path) -> anyhow::Result<()> {
    assets::empty_folder(folder)?;
    std::fs::rename(fresh, folder)
        .with_context(|| format!("{} cannot be replaced", folder.display()))
}

/// The program: its script, its parts, and scripts that dependencies brought along. They say each
/// other's names, so they lie together.
fn program_files(pkg: &Path) -> anyhow::Result<Vec<Asset>> {
    let found = below(pkg, |name| (name, Place::Root))?;
    let mut whole = Vec::new();
    for file in &found {
        whole.extend_from_slice(file.name.as_bytes());
        whole.extend_from_slice(&file.bytes);
    }
    let mut folder = hash(&whole);
    folder.truncate(16);
    Ok(found
        .into_iter()
        .map(|file| Asset {
            place: Place::Together(folder.clone()),
            ..file
        })
        .collect())
}

fn public_files(public: &Path) -> anyhow::Result<Vec<Asset>> {
    if !public.exists() {
        return Ok(Vec::new());
    }
    below(public, |name| {
        let place = if AT_ROOT.contains(&name.as_str()) {
            Place::Root
        } else {
            Place::Hashed
        };
        (name, place)
    })
}

fn below(folder: &Path, place: impl Fn(String) -> (String, Place)) -> anyhow::Result<Vec<Asset>> {
    let mut found = Vec::new();
    for file in assets::files_below(folder)? {
        let relative = file.strip_prefix(folder)?;
        let name = relative
            .to_str()
            .with_context(|| format!("{} has a name that is not UTF-8", file.display()))?;
        let (name, place) = place(name.to_owned());
        let bytes =
            std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        found.push(Asset::new(name, bytes, place)?);
    }
    Ok(found)
}

impl Manifest {
    /// What lies where; no file yet.
    fn new(parts: &BTreeMap<String, Vec<String>>, found: &[Asset]) -> Self {
        let names: BTreeMap<String, String> = found
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

    /// Writes every file and the manifest, and returns the manifest's bytes.
    fn write(
        &mut self,
        site: &Path,
        found: &[Asset],
        cache: Option<&Cache>,
    ) -> anyhow::Result<Vec<u8>> {
        if let Some(cache) = cache {
            let compressible = found.par_iter().filter(|asset| asset.kind.compressible);
            compressible.try_for_each(|asset| cache.fill(&asset.bytes))?;
        }
        for asset in found {
            let path = asset.path();
            let disk = site.join(path.trim_start_matches('/'));
            write_whole(&disk, &asset.bytes)?;
            let mut encodings = Vec::new();
            if let Some(cache) = cache.filter(|_| asset.kind.compressible) {
                for encoding in Encoding::ALL {
                    if let Some(packed) = cache.get(&asset.bytes, encoding)? {
                        let mut name = disk.clone().into_os_string();
                        name.push(format!(".{}", encoding.word()));
                        write_whole(Path::new(&name), &packed)?;
                        encodings.push(encoding.http());
                    }
                }
            }
            self.files.push(Entry {
                path,
                media_type: asset.kind.media_type,
                hash: asset.hash(),
                immutable: asset.place != Place::Root,
                encodings,
            });
        }
        let bytes = serde_json::to_vec_pretty(self)?;
        write_whole(&site.join("manifest.json"), &bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_names_each_file_its_kind_and_its_encodings() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::open(folder.path().join("cache")).expect("a cache");
        let site = folder.path().join("site");
        let text = "body { color: black }\n".repeat(20);
        let asset = |name: &str, text: &str, place| {
            Asset::new(name.to_owned(), text.as_bytes().to_vec(), place).expect("a known kind")
        };
        let found = [
            asset("holdfast.css", &text, Place::Hashed),
            asset("robots.txt", "User-agent: *", Place::Root),
            asset("logo.png", "not compressed", Place::Hashed),
            asset("users.wasm", "\0asm", Place::Together("0123".to_owned())),
        ];
        let parts = BTreeMap::from([("Users".to_owned(), vec!["users.wasm".to_owned()])]);
        let bytes = Manifest::new(&parts, &found)
            .write(&site, &found, Some(&cache))
            .expect("written");
        insta::assert_snapshot!(String::from_utf8(bytes).expect("JSON"));
        let sheet = site.join(found[0].path().trim_start_matches('/'));
        assert_eq!(std::fs::read_to_string(&sheet).expect("the sheet"), text);
        assert!(sheet.with_extension("css.br").exists());
        assert!(sheet.with_extension("css.gz").exists());
    }
}
