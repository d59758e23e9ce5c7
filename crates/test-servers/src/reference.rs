//! Files about Proxmox VE that are not part of this project: its description of its API, and
//! recordings of a real cluster. A test that has none of them says so and checks nothing.

use std::{env, fs, io::Write as _, path::PathBuf};

/// The variable that names the folder with these files.
const FOLDER: &str = "HOLDFAST_PVE_REFERENCE";
/// Where they are otherwise: beside the project.
const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference");

/// The text of a file. One that is missing is reported as not checked.
pub fn read(file: &str) -> Option<String> {
    let folder = env::var_os(FOLDER).map_or_else(|| PathBuf::from(BESIDE), PathBuf::from);
    let text = fs::read_to_string(folder.join(file)).ok();
    if text.is_none() {
        report(&format!("NOT CHECKED: {file} (set {FOLDER})"));
    }
    text
}

/// Prints a line that is shown even when the test passes: libtest captures what the macros print,
/// and nothing else.
pub fn report(line: &str) {
    // A test does not fail because its output is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}
