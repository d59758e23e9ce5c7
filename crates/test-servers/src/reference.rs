//! Reference files about Proxmox VE that are not part of this project: its API schema and
//! recordings of a real node. Tests without them report that nothing was checked.

use std::{env, fs, io::ErrorKind, path::PathBuf};

use crate::not_checked;

/// Environment variable with the directory of the files.
const FOLDER: &str = "HOLDFAST_PVE_REFERENCE";
/// Default directory, beside the project.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference");

/// Reads a file. A missing file is reported as not checked.
///
/// # Panics
/// If the file exists but cannot be read.
pub fn read(file: &str) -> Option<String> {
    let folder = env::var_os(FOLDER).map_or_else(|| PathBuf::from(BESIDE), PathBuf::from);
    match fs::read_to_string(folder.join(file)) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            not_checked(file, &format!("set {FOLDER}"));
            None
        }
        Err(error) => panic!("{file} in {}: {error}", folder.display()),
    }
}
