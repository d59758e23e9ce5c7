//! Files about Proxmox VE that are not part of this project: its description of its API, and
//! recordings of a real cluster. A test that has none of them says so and checks nothing.

use std::{env, fs, io::ErrorKind, path::PathBuf};

use crate::not_checked;

/// The variable that names the folder with these files.
const FOLDER: &str = "HOLDFAST_PVE_REFERENCE";
/// Where they are otherwise: in a folder beside the project's.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference");

/// The text of a file. One that is missing is reported as not checked.
///
/// # Panics
/// When there is a file that cannot be read.
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
