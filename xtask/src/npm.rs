//! Tools from npm: installed exactly as the lock file says, once per lock file.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::compress::hash;
use crate::program;

/// The oldest Node.js that all tools run on.
const OLDEST_NODE: u32 = 20;

/// Runs `npm ci` in the folder unless what its lock file names is installed already.
///
/// # Errors
/// When Node.js is missing or too old, or npm fails.
pub fn ensure(folder: &Path) -> anyhow::Result<()> {
    check_node()?;
    let lock = std::fs::read(folder.join("package-lock.json"))
        .with_context(|| format!("{} has no package-lock.json", folder.display()))?;
    let stamp = folder.join("node_modules").join(".installed");
    let wanted = hash(&lock);
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    // No package here needs its install script; Playwright's would download browsers.
    npm.args(["ci", "--ignore-scripts", "--no-progress"])
        .current_dir(folder);
    program::run(&mut npm)?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}

/// A program that npm put into the folder.
pub fn tool(folder: &Path, name: &str) -> PathBuf {
    folder.join("node_modules").join(".bin").join(name)
}

fn check_node() -> anyhow::Result<()> {
    let how = format!(
        "Node.js {OLDEST_NODE} or newer with npm is needed (Tailwind, wasm-opt and the browser \
         tests run on it): https://nodejs.org/en/download, or `apt-get install nodejs npm` on \
         Debian 13 and later"
    );
    if program::find("npm").is_none() {
        bail!("npm is missing. {how}");
    }
    let version = program::output(Command::new("node").arg("--version")).context(how.clone())?;
    let version = String::from_utf8_lossy(&version);
    match major(&version) {
        Some(major) if major >= OLDEST_NODE => Ok(()),
        _ => bail!("`node --version` says {}. {how}", version.trim()),
    }
}

fn major(version: &str) -> Option<u32> {
    version
        .trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_says_its_version_with_a_v() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("v8.1.0"), Some(8));
        assert_eq!(major("twenty"), None);
    }
}
