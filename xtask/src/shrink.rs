//! Reduces the size of the WebAssembly binary without changing its behavior: removes unreachable
//! exports and runs wasm-opt and terser on each file.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use rayon::prelude::*;

use crate::program::{self, say};
use crate::workspace::Workspace;
use crate::{assets, npm};

/// WebAssembly features that the current compiler uses. wasm-opt rejects features that are not
/// enabled.
const FEATURES: [&str; 8] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-call-indirect-overlong",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Shrinks all files in the directory in parallel, one per CPU.
///
/// # Errors
/// If a tool is missing or fails.
pub fn all(workspace: &Workspace, pkg: &Path) -> anyhow::Result<()> {
    npm::ensure(&workspace.style())?;
    let mut files = Vec::new();
    for file in assets::files_below(pkg)? {
        files.push((std::fs::metadata(&file)?.len(), file));
    }
    let before: u64 = files.iter().map(|(length, _)| length).sum();
    // The largest file starts first to reduce the total time.
    files.sort_unstable_by(|a, b| b.cmp(a));
    let lengths = files
        .into_par_iter()
        .with_max_len(1)
        .map(|(_, file)| shrink(workspace, &file));
    let after: u64 = lengths.sum::<anyhow::Result<u64>>()?;
    say(&format!("optimized: {before} bytes to {after}"));
    Ok(())
}

/// Shrinks a file and returns its length.
fn shrink(workspace: &Workspace, file: &Path) -> anyhow::Result<u64> {
    let small = file.with_extension("small");
    let mut command = match file.extension().and_then(|extension| extension.to_str()) {
        Some("wasm") => {
            unexport(file)?;
            let mut command = Command::new(npm::tool(&workspace.style(), "wasm-opt"));
            command.arg("-Oz").args(FEATURES).arg(file);
            command
        }
        Some("js") => {
            unexport_classes(file)?;
            let mut command = Command::new(npm::tool(&workspace.style(), "terser"));
            command
                .arg(file)
                .args(["--module", "--compress", "--mangle"]);
            command
        }
        _ => return Ok(std::fs::metadata(file)?.len()),
    };
    program::output(command.arg("--output").arg(&small))?;
    let length = std::fs::metadata(&small)?.len();
    if length == 0 {
        bail!("nothing was left of {}", file.display());
    }
    std::fs::rename(small, file)?;
    Ok(length)
}

/// Removes the exported methods of classes that the program never instantiates, such as the stream
/// classes that every program with server functions contains.
fn unexport(file: &Path) -> anyhow::Result<()> {
    let mut module = walrus::Module::from_file(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    let is_constructed = |class: &str| {
        let new = format!("__wbg_{class}_new");
        module
            .imports
            .iter()
            .any(|import| import.name.starts_with(&new))
    };
    let unused: Vec<String> = module
        .exports
        .iter()
        .filter_map(|export| export.name.strip_prefix("__wbg_")?.strip_suffix("_free"))
        .filter(|class| !is_constructed(class))
        .map(str::to_owned)
        .collect();
    let dead: Vec<_> = module
        .exports
        .iter()
        .filter(|export| {
            unused.iter().any(|class| {
                export.name == format!("__wbg_{class}_free")
                    || export.name.starts_with(&format!("{class}_"))
            })
        })
        .map(walrus::Export::id)
        .collect();
    if dead.is_empty() {
        return Ok(());
    }
    for export in dead {
        module.exports.delete(export);
    }
    module.emit_wasm_file(file)
}

/// Removes the exports of classes from the script, so that terser can drop unused ones.
fn unexport_classes(file: &Path) -> anyhow::Result<()> {
    let script = std::fs::read_to_string(file)?;
    std::fs::write(file, script.replace("\nexport class ", "\nclass "))?;
    Ok(())
}
