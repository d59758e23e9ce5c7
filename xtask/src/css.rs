//! Builds the style sheet with Tailwind from `style/tailwind.css` and the sources of the pages.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use crate::compress::{hash, write_atomic};
use crate::mode::Mode;
use crate::workspace::Workspace;
use crate::{assets, npm, program};

/// Builds the style sheet and returns its path.
///
/// # Errors
/// If Tailwind is missing or fails.
pub fn build(workspace: &Workspace, mode: Mode) -> anyhow::Result<PathBuf> {
    let folder = workspace.cache().join(format!("css-{}", mode.as_str()));
    let (stamp, output) = (folder.join("stamp"), folder.join("holdfast.css"));
    let fingerprint = inputs(workspace)?;
    if output.exists() && std::fs::read_to_string(&stamp).is_ok_and(|stored| stored == fingerprint)
    {
        return Ok(output);
    }
    npm::ensure(&workspace.style())?;
    assets::empty_folder(&folder)?;
    let mut tailwind = Command::new(npm::tool(&workspace.style(), "tailwindcss"));
    tailwind
        .current_dir(workspace.root())
        .args(["--input", "style/tailwind.css", "--output"])
        .arg(&output);
    if mode == Mode::Release {
        tailwind.arg("--minify");
    }
    program::run(&mut tailwind)?;
    write_atomic(&stamp, fingerprint.as_bytes())?;
    Ok(output)
}

/// Returns one hash over all files that Tailwind may read.
fn inputs(workspace: &Workspace) -> anyhow::Result<String> {
    let style = workspace.style();
    let mut files = assets::files_below(&workspace.root().join("app"))?;
    files.extend(assets::files_below(&style)?);
    let mut text = String::new();
    for file in files {
        let bytes =
            std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        text.push_str(&format!("{} {}\n", hash(&bytes), file.display()));
    }
    Ok(hash(text.as_bytes()))
}
