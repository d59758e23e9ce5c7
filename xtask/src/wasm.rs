//! The browser's program: finds or makes the WebAssembly target, compiles `frontend`, and turns
//! the result into one JavaScript file, the .wasm file that every page needs, and those that only
//! some pages need.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::compress::{hash, write_whole};
use crate::program::{self, Cargo, say};
use crate::server::Mode;
use crate::setup::{self, Consent, Need};
use crate::workspace::Workspace;
use crate::{assets, npm};

const TARGET: &str = "wasm32-unknown-unknown";

/// The name under which the browser asks for the program; the root Cargo.toml has it for
/// cargo-leptos, and .cargo/config.toml for the compiler.
pub const OUTPUT_NAME: &str = "holdfast";

/// Bump when this module makes something else from the same input.
const RECIPE: &str = "2";

/// How WebAssembly is compiled here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolchain {
    /// The usual compiler has the target.
    Installed,
    /// Debian's second compiler, with the standard library compiled along.
    Debian,
}

impl Toolchain {
    /// Looks for the target, then asks rustup for it, then takes Debian's compiler.
    ///
    /// # Errors
    /// When none of the three works; the error says how to get either.
    pub fn find(consent: Consent) -> anyhow::Result<Self> {
        if target_is_installed() {
            say("WebAssembly: the compiler has the target");
            return Ok(Self::Installed);
        }
        let rustup = program::find("rustup")
            .is_some()
            .then(|| program::run(Command::new("rustup").args(["target", "add", TARGET])));
        if target_is_installed() {
            say("WebAssembly: rustup added the target");
            return Ok(Self::Installed);
        }
        say(match rustup {
            Some(_) => {
                "WebAssembly: rustup could not add the target, so Debian's compiler is taken"
            }
            None => "WebAssembly: there is no rustup, so Debian's compiler is taken",
        });
        let needs = [Need::RustcWeb, Need::CargoWeb, Need::RustWebSrc, Need::Lld];
        setup::ensure(&needs, consent).with_context(|| {
            format!(
                "no compiler for WebAssembly: either `rustup target add {TARGET}` (where it can \
                 download), or Debian's packages"
            )
        })?;
        Ok(Self::Debian)
    }

    /// A Cargo command for the browser's half: `cargo build` or `cargo clippy` of `frontend`.
    pub fn cargo(self, workspace: &Workspace, verb: &str) -> Command {
        let mut command = match self {
            Self::Installed => Cargo::Default.command(),
            Self::Debian => Cargo::Debian.command(),
        };
        command.args([verb, "--package", "frontend", "--lib", "--target", TARGET]);
        if self == Self::Debian {
            // build-std is for nightly compilers; Debian ships the library's source for just this.
            command
                .args(["-Zbuild-std=std,panic_abort", "--target-dir"])
                .arg(workspace.target_of_debian())
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld-19");
        }
        command.current_dir(workspace.root());
        command
    }

    fn target_dir(self, workspace: &Workspace) -> PathBuf {
        match self {
            Self::Installed => workspace.target().to_owned(),
            Self::Debian => workspace.target_of_debian(),
        }
    }
}

fn target_is_installed() -> bool {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    let Ok(path) = program::output(&mut rustc) else {
        return false;
    };
    Path::new(String::from_utf8_lossy(&path).trim()).is_dir()
}

/// The browser's program.
pub struct Program {
    /// The folder with its files.
    pub pkg: PathBuf,
    /// From a page's name to the files that it needs beside the first one.
    pub parts: Parts,
}

/// From a page's name to names of files.
pub type Parts = BTreeMap<String, Vec<String>>;

/// Builds the browser's program.
///
/// # Errors
/// When a compiler or tool is missing or fails.
pub fn build(workspace: &Workspace, mode: Mode, consent: Consent) -> anyhow::Result<Program> {
    let toolchain = Toolchain::find(consent)?;
    let (profile, folder) = match mode {
        Mode::Release => ("wasm-release", "wasm-release"),
        Mode::Dev => ("dev", "debug"),
    };
    program::run(
        toolchain
            .cargo(workspace, "build")
            .args(["--profile", profile]),
    )?;
    let compiled = toolchain
        .target_dir(workspace)
        .join(TARGET)
        .join(folder)
        .join("frontend.wasm");
    let input = std::fs::read(&compiled)
        .with_context(|| format!("{} cannot be read", compiled.display()))?;

    let out = workspace.cache().join(format!("wasm-{}", mode.word()));
    let (stamp, list, pkg) = (out.join("stamp"), out.join("parts.json"), out.join("pkg"));
    let tools = std::fs::read(workspace.style().join("package-lock.json"))?;
    let made_from = format!("{RECIPE} {} {}", hash(&input), hash(&tools));
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == made_from) {
        let parts = serde_json::from_slice(&std::fs::read(list)?)?;
        return Ok(Program { pkg, parts });
    }
    assets::empty_folder(&out)?;
    std::fs::create_dir(&pkg)?;
    let first = out.join("first.wasm");
    let parts = split(&input, &first, &pkg)?;
    bindgen(&first, &pkg)?;
    if mode == Mode::Release {
        optimise(workspace, &pkg)?;
    }
    write_whole(&list, &serde_json::to_vec(&parts)?)?;
    write_whole(&stamp, made_from.as_bytes())?;
    Ok(Program { pkg, parts })
}

/// Takes what only some pages need out of the program: `first` gets what remains.
fn split(input: &[u8], first: &Path, pkg: &Path) -> anyhow::Result<Parts> {
    say("splitting the program by pages");
    let script = format!("./{OUTPUT_NAME}.js");
    let mut options = wasm_split_cli_support::Options::new(input);
    options.output_dir = pkg;
    options.main_out_path = first;
    options.link_name = "./parts.js";
    options.main_module = &script;
    let done = wasm_split_cli_support::transform(options)
        .map_err(|error| anyhow::anyhow!("the program could not be split: {error:#}"))?;
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
        // The other parts find what they share by these names.
        .keep_lld_exports(true)
        // The page says where the .wasm lies.
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true);
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(pkg))
        .context("wasm-bindgen failed")?;
    let made = pkg.join(format!("{OUTPUT_NAME}_bg.wasm"));
    std::fs::rename(made, pkg.join(format!("{OUTPUT_NAME}.wasm")))?;
    Ok(())
}

/// What today's compiler puts into a module; wasm-opt refuses what it was not told of.
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

/// Makes every part smaller.
fn optimise(workspace: &Workspace, pkg: &Path) -> anyhow::Result<()> {
    npm::ensure(&workspace.style())?;
    let (mut before, mut after) = (0, 0);
    for part in assets::files_below(pkg)? {
        if part.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        let small = part.with_extension("small");
        let mut command = Command::new(npm::tool(&workspace.style(), "wasm-opt"));
        command.arg("-Oz").args(FEATURES).arg(&part);
        program::output(command.arg("-o").arg(&small))?;
        let length = std::fs::metadata(&small)?.len();
        if length == 0 {
            bail!("wasm-opt made an empty file of {}", part.display());
        }
        before += std::fs::metadata(&part)?.len();
        after += length;
        std::fs::rename(small, part)?;
    }
    say(&format!("wasm-opt: {before} bytes, now {after}"));
    Ok(())
}
