//! npm packages: installed according to the lock file, once per lock file version.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::compress::hash;
use crate::program;

/// The minimum Node.js version of all tools.
const MIN_NODE: u32 = 20;

/// Runs `npm ci` in the directory unless the packages of its lock file are installed.
///
/// # Errors
/// If Node.js is missing or too old, or npm fails.
pub fn ensure(folder: &Path) -> anyhow::Result<()> {
    check_node()?;
    let lock = std::fs::read(folder.join("package-lock.json"))
        .with_context(|| format!("{} has no package-lock.json", folder.display()))?;
    let stamp = folder.join("node_modules").join(".installed");
    let fingerprint = hash(&lock);
    if std::fs::read_to_string(&stamp).is_ok_and(|stored| stored == fingerprint) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    // No package needs its install script, and Playwright's would download browsers.
    npm.args(["ci", "--ignore-scripts", "--no-progress"])
        .current_dir(folder);
    program::run(&mut npm)?;
    std::fs::write(stamp, fingerprint)?;
    Ok(())
}

/// The path of a program that npm installed in the directory.
pub fn tool(folder: &Path, name: &str) -> PathBuf {
    folder.join("node_modules").join(".bin").join(name)
}

fn check_node() -> anyhow::Result<()> {
    let how = format!(
        "Node.js {MIN_NODE} or newer with npm is needed (Tailwind, wasm-opt and the browser \
         tests run on it): https://nodejs.org/en/download, or `apt-get install nodejs npm` on \
         Debian 13 and later"
    );
    if program::find("npm").is_none() {
        bail!("npm is missing. {how}");
    }
    let version = program::output(Command::new("node").arg("--version")).context(how.clone())?;
    let version = String::from_utf8_lossy(&version);
    match major(&version) {
        Some(major) if major >= MIN_NODE => Ok(()),
        _ => bail!("`node --version` printed {}. {how}", version.trim()),
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
    fn node_version_is_parsed() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("v8.1.0"), Some(8));
        assert_eq!(major("twenty"), None);
    }
}
