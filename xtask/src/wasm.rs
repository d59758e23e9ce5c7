//! The WebAssembly binary: compiles `frontend` and converts the result to one JavaScript file, the
//! .wasm file of all pages, and additional .wasm files for some pages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use wasm_bindgen_cli_support::Bindgen;

use crate::compress::{hash, write_atomic};
use crate::lints::Lints;
use crate::mode::Mode;
use crate::program::say;
use crate::setup::{self, Consent, Need};
use crate::toolchain::{TARGET, Toolchain};
use crate::workspace::Workspace;
use crate::{assets, shrink};

/// The name of the program's files. The root Cargo.toml repeats it for cargo-leptos, and
/// .cargo/config.toml for the compiler.
pub const OUTPUT_NAME: &str = "holdfast";

/// Version of the output format. Increase it when the same input produces different output.
const RECIPE: &str = "2";

/// The WebAssembly binary.
pub struct Program {
    /// The directory with the program's files.
    pub pkg: PathBuf,
    /// From a page's name to the files that the page needs in addition to the main one.
    pub parts: Parts,
}

/// From a page's name to file names.
pub type Parts = BTreeMap<String, Vec<String>>;

/// Builds the WebAssembly binary.
///
/// # Errors
/// If a compiler or tool is missing or fails.
pub fn build(
    workspace: &Workspace,
    mode: Mode,
    consent: Consent,
    lints: &Lints,
) -> anyhow::Result<Program> {
    let toolchain = Toolchain::find(mode, consent)?;
    let mut cargo = toolchain.cargo(workspace, "build");
    let folder = match mode {
        Mode::Release => {
            cargo.args(["--release", "--config", ".cargo/browser-release.toml"]);
            "release"
        }
        Mode::Dev => {
            cargo.args(["--config", ".cargo/browser-dev.toml"]);
            "debug"
        }
    };
    if lints.is_enabled() && toolchain == Toolchain::Debian {
        setup::ensure(&[Need::RustWebClippy], consent)?;
    }
    lints.build(&mut cargo, toolchain.clippy_driver())?;
    let compiled = toolchain
        .target_dir(workspace)
        .join(TARGET)
        .join(folder)
        .join("frontend.wasm");
    let input = std::fs::read(&compiled)
        .with_context(|| format!("{} cannot be read", compiled.display()))?;

    let out = workspace.cache().join(format!("wasm-{}", mode.as_str()));
    let (stamp, list, pkg) = (out.join("stamp"), out.join("parts.json"), out.join("pkg"));
    let tools = std::fs::read(workspace.style().join("package-lock.json"))?;
    let fingerprint = format!("{RECIPE} {} {}", hash(&input), hash(&tools));
    if std::fs::read_to_string(&stamp).is_ok_and(|stored| stored == fingerprint) {
        let parts = serde_json::from_slice(&std::fs::read(list)?)?;
        return Ok(Program { pkg, parts });
    }
    assets::empty_folder(&out)?;
    std::fs::create_dir(&pkg)?;
    let first = out.join("first.wasm");
    let parts = split(&input, &first, &pkg)?;
    bindgen(&first, &pkg)?;
    if mode == Mode::Release {
        shrink::all(workspace, &pkg)?;
    }
    write_atomic(&list, &serde_json::to_vec(&parts)?)?;
    write_atomic(&stamp, fingerprint.as_bytes())?;
    Ok(Program { pkg, parts })
}

/// Splits the code of individual pages from the program. The main program is written to `first`.
fn split(input: &[u8], first: &Path, pkg: &Path) -> anyhow::Result<Parts> {
    say("splitting the WebAssembly module by pages");
    let script = format!("./{OUTPUT_NAME}.js");
    let mut options = wasm_split_cli_support::Options::new(input);
    options.output_dir = pkg;
    options.main_out_path = first;
    options.link_name = "./parts.js";
    options.main_module = &script;
    let done = wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow::anyhow!("the WebAssembly module could not be split: {error:#}"))?;
    let files = |stems: Vec<String>| stems.iter().map(|stem| format!("{stem}.wasm")).collect();
    Ok(done
        .prefetch_map
        .into_iter()
        .map(|(page, stems)| (page, files(stems)))
        .collect())
}

fn bindgen(first: &Path, pkg: &Path) -> anyhow::Result<()> {
    say("wasm-bindgen");
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(first)
        .out_name(OUTPUT_NAME)
        .typescript(false)
        // The split parts import shared functions by these names.
        .keep_lld_exports(true)
        // The page passes the URL of the .wasm file.
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true);
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(pkg))
        .context("wasm-bindgen failed")?;
    let generated = pkg.join(format!("{OUTPUT_NAME}_bg.wasm"));
    std::fs::rename(generated, pkg.join(format!("{OUTPUT_NAME}.wasm")))?;
    Ok(())
}
