//! Generations of files on disk, of which one is live.
//!
//! ```text
//! generations/12/…     whole, and never changed once it is live
//! live -> generations/12     what the programs read
//! read -> generations/11     what they last read without complaint: where to go back to
//! state/  tls/               what outlives generations
//! ```
//!
//! A generation with a higher number than the live one is a candidate, or was given up: nobody
//! reads it. So one rename of a link makes it live, and a process that is killed leaves nothing
//! behind that the next one could mistake. Numbers, not times: a wrong clock harms nothing.
//!
//! All of this waits for the disk: never call it on the event loop. One process uses a folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};

use edge::Tree;

use crate::steps::Steps;

/// How many generations are kept, the live one among them.
pub const KEPT: usize = 3;

const LIVE: &str = "live";
const READ: &str = "read";
const FOLDER: &str = "generations";
const FILE_MODE: u32 = 0o644;
const FOLDER_MODE: u32 = 0o755;
const SECRET_MODE: u32 = 0o700;

/// Why files could not be written or read. The live generation is what it was.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// There is no room.
    #[error("The disk is full at {}.", path.display())]
    Full {
        /// Where.
        path: PathBuf,
    },
    /// Anything else.
    #[error("{}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

type Result<T> = std::result::Result<T, DiskError>;

/// The bytes of a generation by path, such as `nginx/nginx.conf`.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The folder of an agent.
#[derive(Debug)]
pub struct Generations {
    base: PathBuf,
    steps: Steps,
}

/// A generation that is not live yet.
#[derive(Debug)]
pub struct Candidate {
    number: u64,
    path: PathBuf,
}

impl Candidate {
    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl Generations {
    /// Opens a folder, makes what it lacks, and removes what a killed process left behind.
    ///
    /// # Errors
    /// When the disk does not allow it.
    pub fn open(base: &Path, steps: Steps) -> Result<Self> {
        let this = Self {
            base: base.to_owned(),
            steps,
        };
        for (folder, mode) in [
            ("", FOLDER_MODE),
            (FOLDER, FOLDER_MODE),
            ("state", FOLDER_MODE),
            ("state/nginx", FOLDER_MODE),
            ("tls", SECRET_MODE),
        ] {
            make_folder(&base.join(folder), mode)?;
        }
        this.recover()?;
        Ok(this)
    }

    /// The number of the live generation; none before the first.
    ///
    /// # Errors
    /// When the link cannot be read.
    pub fn live(&self) -> Result<Option<u64>> {
        self.linked(LIVE)
    }

    /// The number of the generation that the programs last read without complaint.
    ///
    /// # Errors
    /// When the link cannot be read.
    pub fn read(&self) -> Result<Option<u64>> {
        self.linked(READ)
    }

    /// What is live, as it is on the disk now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn files(&self) -> Result<Files> {
        match self.live()? {
            Some(number) => files_of(&self.generation(number)),
            None => Ok(Files::new()),
        }
    }

    /// Writes a candidate. What is the same in the live generation is the same file on disk.
    ///
    /// # Errors
    /// When it cannot be written as a whole; then nothing of it is left.
    pub fn write(&self, tree: &Tree) -> Result<Candidate> {
        let live = self.live()?;
        self.discard_above(live)?;
        let number = live.map_or(1, |live| live.saturating_add(1));
        let candidate = Candidate {
            number,
            path: self.generation(number),
        };
        let before = live.map(|live| self.generation(live));
        let written = self.fill(&candidate.path, tree, before.as_deref());
        if written.is_err() {
            // What failed is told; whether this fails too is seen at the next opening.
            let _ = fs::remove_dir_all(&candidate.path);
        }
        written.map(|()| candidate)
    }

    /// Makes a candidate live.
    ///
    /// # Errors
    /// When the link cannot be moved; then it is where it was.
    pub fn install(&self, candidate: &Candidate) -> Result<()> {
        self.point(LIVE, candidate.number)?;
        self.steps.done("live");
        Ok(())
    }

    /// Removes a candidate.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn discard(&self, candidate: Candidate) -> Result<()> {
        remove(&candidate.path)?;
        self.steps.done("discarded");
        Ok(())
    }

    /// Remembers that the programs have read what is live, and removes the oldest generations.
    ///
    /// # Errors
    /// When the disk does not allow it.
    pub fn confirm(&self) -> Result<()> {
        let Some(live) = self.live()? else {
            return Ok(());
        };
        if self.read()? != Some(live) {
            self.point(READ, live)?;
            self.steps.done("confirmed");
        }
        self.prune(live)
    }

    /// Goes back to what the programs last read without complaint, and gives up what is newer.
    /// Without such a generation nothing is live afterwards.
    ///
    /// # Errors
    /// When the disk does not allow it.
    pub fn back(&self) -> Result<Option<u64>> {
        let read = self.read()?;
        match read {
            Some(read) => self.point(LIVE, read)?,
            None => {
                let link = self.base.join(LIVE);
                remove(&link)?;
                sync(&self.base)?;
            }
        }
        self.steps.done("back");
        self.discard_above(read)?;
        Ok(read)
    }

    fn generation(&self, number: u64) -> PathBuf {
        self.base.join(FOLDER).join(number.to_string())
    }

    /// Where a link leads: to a generation that is there, or it counts for nothing.
    fn linked(&self, name: &str) -> Result<Option<u64>> {
        let link = self.base.join(name);
        let target = match fs::read_link(&link) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(told(&link)(error)),
        };
        let number = target
            .strip_prefix(FOLDER)
            .ok()
            .and_then(|name| number_of(name.as_os_str()));
        Ok(number.filter(|number| self.generation(*number).is_dir()))
    }

    /// Moves a link in one step.
    fn point(&self, name: &str, number: u64) -> Result<()> {
        let (link, next) = (self.base.join(name), self.next(name));
        remove(&next)?;
        let target = Path::new(FOLDER).join(number.to_string());
        std::os::unix::fs::symlink(target, &next).map_err(told(&next))?;
        self.steps.done("a link");
        let moved = fs::rename(&next, &link).map_err(told(&link));
        if moved.is_err() {
            let _ = fs::remove_file(&next);
        }
        moved?;
        sync(&self.base)
    }

    fn next(&self, name: &str) -> PathBuf {
        self.base.join(format!("{name}.next"))
    }

    /// Removes what a killed process left behind.
    fn recover(&self) -> Result<()> {
        for name in [LIVE, READ] {
            remove(&self.next(name))?;
            let link = self.base.join(name);
            let is_link = fs::symlink_metadata(&link).is_ok_and(|link| link.is_symlink());
            if is_link && self.linked(name)?.is_none() {
                remove(&link)?;
            }
        }
        self.discard_above(self.live()?)
    }

    /// Removes every generation with a higher number, and what has none.
    fn discard_above(&self, number: Option<u64>) -> Result<()> {
        let folder = self.base.join(FOLDER);
        for entry in fs::read_dir(&folder).map_err(told(&folder))? {
            let entry = entry.map_err(told(&folder))?;
            let kept = number_of(&entry.file_name()).is_some_and(|found| Some(found) <= number);
            if !kept {
                remove(&entry.path())?;
                self.steps.done("a generation removed");
            }
        }
        Ok(())
    }

    /// Removes the oldest, but never where to go back to.
    fn prune(&self, live: u64) -> Result<()> {
        let folder = self.base.join(FOLDER);
        let entries = fs::read_dir(&folder).map_err(told(&folder))?;
        let found: BTreeSet<u64> = entries
            .flatten()
            .filter_map(|entry| number_of(&entry.file_name()))
            .filter(|number| *number <= live)
            .collect();
        for number in found.into_iter().rev().skip(KEPT) {
            remove(&self.generation(number))?;
            self.steps.done("an old generation removed");
        }
        Ok(())
    }

    /// Writes every file of a tree, and has all of it on the disk before it returns.
    fn fill(&self, folder: &Path, tree: &Tree, before: Option<&Path>) -> Result<()> {
        make_folder(folder, FOLDER_MODE)?;
        let mut folders = BTreeSet::from([folder.to_owned()]);
        for (path, file) in tree.files() {
            let to = folder.join(inner(path)?);
            for parent in to
                .ancestors()
                .skip(1)
                .take_while(|parent| *parent != folder)
            {
                folders.insert(parent.to_owned());
            }
            if let Some(parent) = to.parent() {
                make_folder_in(folder, parent)?;
            }
            let same = before.map(|before| before.join(path));
            let linked = same.is_some_and(|same| link_same(&same, &to, file.text.as_bytes()));
            if !linked {
                write_file(&to, file.text.as_bytes())?;
            }
            self.steps.done("a file");
        }
        for folder in folders.iter().rev() {
            sync(folder)?;
            self.steps.done("a folder");
        }
        sync(&self.base.join(FOLDER))?;
        self.steps.done("a candidate");
        Ok(())
    }
}

/// A path that stays within the tree.
fn inner(path: &str) -> Result<&Path> {
    let path = Path::new(path);
    let plain = |part| matches!(part, Component::Normal(_));
    if path.components().all(plain) && path.components().next().is_some() {
        Ok(path)
    } else {
        Err(told(path)(io::ErrorKind::InvalidInput.into()))
    }
}

/// Gives a file that holds these bytes a second name; whether it could.
fn link_same(same: &Path, to: &Path, bytes: &[u8]) -> bool {
    let plain = fs::symlink_metadata(same)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o7777 == FILE_MODE);
    plain && fs::read(same).is_ok_and(|found| found == bytes) && fs::hard_link(same, to).is_ok()
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = fs::File::create_new(path)?;
        io::Write::write_all(&mut file, bytes)?;
        // Whatever the process masks.
        file.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
        file.sync_all()
    };
    write().map_err(told(path))
}

/// Makes a folder, with exactly these rights when it is new.
fn make_folder(path: &Path, mode: u32) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let make = || {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(mode).create(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    };
    make().map_err(told(path))
}

/// Makes a folder and those between it and `root`.
fn make_folder_in(root: &Path, path: &Path) -> Result<()> {
    let mut missing: Vec<&Path> = path.ancestors().take_while(|part| *part != root).collect();
    missing.reverse();
    missing
        .into_iter()
        .try_for_each(|part| make_folder(part, FOLDER_MODE))
}

/// Has what a folder lists on the disk.
fn sync(folder: &Path) -> Result<()> {
    let sync = || fs::File::open(folder)?.sync_all();
    sync().map_err(told(folder))
}

/// Removes whatever is there.
fn remove(path: &Path) -> Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(told(path)(error)),
    };
    let removed = if found.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.map_err(told(path))
}

/// The bytes of every file below a folder. What is no plain file counts as one without bytes, which
/// no file of ours is.
fn files_of(root: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(told(&folder))? {
            let entry = entry.map_err(told(&folder))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(told(&path))?;
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = match kind.is_file() {
                true => fs::read(&path).map_err(told(&path))?,
                false => Vec::new(),
            };
            let name = path.strip_prefix(root).unwrap_or(&path);
            files.insert(name.to_string_lossy().into_owned(), bytes);
        }
    }
    Ok(files)
}

fn number_of(name: &std::ffi::OsStr) -> Option<u64> {
    let name = name.to_str()?;
    let number: u64 = name.parse().ok()?;
    // No second spelling, such as 012.
    (number.to_string() == name).then_some(number)
}

fn told(path: &Path) -> impl FnOnce(io::Error) -> DiskError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DiskError::Full { path },
        _ => DiskError::Io { path, source },
    }
}
