//! Selects the compiler for WebAssembly, installs it if necessary and prints the choice.
//!
//! Building the standard library from source, optimized for size and without panic messages,
//! reduces the download by a tenth. This requires the library's source and unstable flags, hence
//! `RUSTC_BOOTSTRAP`. If either is missing, rustup's precompiled library for the target is used,
//! and without rustup Debian's second compiler with its source.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::mode::Mode;
use crate::program::{self, Cargo, say};
use crate::setup::{self, Consent, Need};
use crate::workspace::Workspace;

/// The target of the WebAssembly binary.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Builds the standard library from source and aborts on panic without a message.
const BUILD_STD: [&str; 4] = [
    "-Zbuild-std=std,panic_abort",
    "-Zbuild-std-features=optimize_for_size",
    "--config",
    "target.wasm32-unknown-unknown.rustflags=['-Zunstable-options', '-Cpanic=immediate-abort']",
];

/// A way to compile WebAssembly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolchain {
    /// The default compiler with the standard library built from source.
    BuildStd,
    /// The default compiler with its precompiled library.
    Installed,
    /// Debian's second compiler with the standard library built from source.
    Debian,
}

impl Toolchain {
    /// Selects the preferred toolchain of the mode. Installs it with rustup if possible, otherwise
    /// selects the next one.
    ///
    /// # Errors
    /// If no toolchain is available. The error describes how to install one.
    pub fn find(mode: Mode, consent: Consent) -> anyhow::Result<Self> {
        // In development the precompiled library saves build time and keeps panic messages.
        let candidates = match mode {
            Mode::Release => [Self::BuildStd, Self::Installed],
            Mode::Dev => [Self::Installed, Self::BuildStd],
        };
        for toolchain in candidates {
            if toolchain.is_available() || toolchain.install() {
                say(toolchain.message());
                return Ok(toolchain);
            }
        }
        let needs = [Need::RustcWeb, Need::CargoWeb, Need::RustWebSrc, Need::Lld];
        setup::ensure(&needs, consent).with_context(|| {
            format!(
                "no compiler for WebAssembly: either `rustup component add rust-src` or `rustup \
                 target add {TARGET}` (where rustup can download), or Debian's packages"
            )
        })?;
        say(Self::Debian.message());
        Ok(Self::Debian)
    }

    fn message(self) -> &'static str {
        match self {
            Self::BuildStd => "WebAssembly: building the standard library from source",
            Self::Installed => "WebAssembly: using the installed standard library of the target",
            Self::Debian => {
                "WebAssembly: building the standard library from source with Debian's compiler"
            }
        }
    }

    fn is_available(self) -> bool {
        match self {
            Self::BuildStd => {
                let source = "lib/rustlib/src/rust/library/Cargo.lock";
                rustc_print("sysroot").is_some_and(|root| root.join(source).exists())
                    && supports_flags()
            }
            Self::Installed => rustc_print("target-libdir").is_some_and(|folder| folder.is_dir()),
            Self::Debian => false,
        }
    }

    fn install(self) -> bool {
        let what = match self {
            Self::BuildStd => ["component", "add", "rust-src"],
            Self::Installed => ["target", "add", TARGET],
            Self::Debian => return false,
        };
        program::find("rustup").is_some()
            && program::run(Command::new("rustup").args(what)).is_ok()
            && self.is_available()
    }

    /// Returns the Cargo command with this verb for the package `frontend`.
    pub fn cargo(self, workspace: &Workspace, verb: &str) -> Command {
        let mut command = match self {
            Self::BuildStd | Self::Installed => Cargo::Default.command(),
            Self::Debian => Cargo::Debian.command(),
        };
        command.args([verb, "--package", "frontend", "--lib", "--target", TARGET]);
        command.arg("--target-dir").arg(self.target_dir(workspace));
        if self != Self::Installed {
            command.args(BUILD_STD).env("RUSTC_BOOTSTRAP", "1");
        }
        if self == Self::Debian {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld-19");
        }
        command.current_dir(workspace.root());
        command
    }

    /// The Clippy driver, if it is not the default compiler's.
    pub fn clippy_driver(self) -> Option<&'static Path> {
        (self == Self::Debian).then(|| Path::new("/usr/bin/clippy-driver"))
    }

    /// A separate target directory per toolchain: different compilers or flags must not share one,
    /// and concurrent builds in one directory would block each other.
    pub fn target_dir(self, workspace: &Workspace) -> PathBuf {
        match self {
            Self::BuildStd => workspace.target().join("along"),
            Self::Installed => workspace.target().join("browser"),
            Self::Debian => workspace.target_of_debian(),
        }
    }
}

/// Returns whether the compiler supports the flags.
fn supports_flags() -> bool {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["-Zunstable-options", "-Cpanic=immediate-abort"])
        .args(["--print", "cfg", "--target", TARGET])
        .env("RUSTC_BOOTSTRAP", "1");
    program::succeeds(&mut rustc)
}

/// Returns the path that `rustc --print` reports.
fn rustc_print(what: &str) -> Option<PathBuf> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", what, "--target", TARGET]);
    let path = program::output(&mut rustc).ok()?;
    Some(Path::new(String::from_utf8_lossy(&path).trim()).to_owned())
}
