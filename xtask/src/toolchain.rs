//! The compiler for WebAssembly: finds or gets one, and says which it took.
//!
//! The smallest program has the standard library compiled along with it, for size and without
//! words for panics: a tenth less to download. That takes the library's source and flags which
//! compilers keep for their own builds, hence `RUSTC_BOOTSTRAP`. Where either is missing, the
//! compiled library that rustup has for the target serves, and where there is no rustup, Debian's
//! second compiler with its source.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::program::{self, Cargo, say};
use crate::server::Mode;
use crate::setup::{self, Consent, Need};
use crate::workspace::Workspace;

/// What the browser runs.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Compiles the standard library along, and makes a panic a plain end of the program.
const ALONG: [&str; 4] = [
    "-Zbuild-std=std,panic_abort",
    "-Zbuild-std-features=optimize_for_size",
    "--config",
    "target.wasm32-unknown-unknown.rustflags=['-Zunstable-options', '-Cpanic=immediate-abort']",
];

/// How WebAssembly is compiled here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolchain {
    /// The usual compiler, with the standard library compiled along.
    Along,
    /// The usual compiler and its compiled library.
    Installed,
    /// Debian's second compiler, with the standard library compiled along.
    Debian,
}

impl Toolchain {
    /// Looks for what suits the mode, asks rustup for it, then takes the next best.
    ///
    /// # Errors
    /// When there is none; the error says how to get one.
    pub fn find(mode: Mode, consent: Consent) -> anyhow::Result<Self> {
        // A developer waits less for the compiled library, and reads what a panic says.
        let wanted = match mode {
            Mode::Release => [Self::Along, Self::Installed],
            Mode::Dev => [Self::Installed, Self::Along],
        };
        for toolchain in wanted {
            if toolchain.is_there() || toolchain.can_be_added() {
                say(toolchain.words());
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
        say(Self::Debian.words());
        Ok(Self::Debian)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Along => "WebAssembly: the standard library is compiled along",
            Self::Installed => "WebAssembly: the compiler's own library for the target is taken",
            Self::Debian => "WebAssembly: Debian's compiler compiles the standard library along",
        }
    }

    fn is_there(self) -> bool {
        match self {
            Self::Along => {
                let source = "lib/rustlib/src/rust/library/Cargo.lock";
                printed("sysroot").is_some_and(|root| root.join(source).exists()) && takes_flags()
            }
            Self::Installed => printed("target-libdir").is_some_and(|folder| folder.is_dir()),
            Self::Debian => false,
        }
    }

    fn can_be_added(self) -> bool {
        let what = match self {
            Self::Along => ["component", "add", "rust-src"],
            Self::Installed => ["target", "add", TARGET],
            Self::Debian => return false,
        };
        program::find("rustup").is_some()
            && program::run(Command::new("rustup").args(what)).is_ok()
            && self.is_there()
    }

    /// A Cargo command for the browser's half: `cargo build` or `cargo clippy` of `frontend`.
    pub fn cargo(self, workspace: &Workspace, verb: &str) -> Command {
        let mut command = match self {
            Self::Along | Self::Installed => Cargo::Default.command(),
            Self::Debian => Cargo::Debian.command(),
        };
        command.args([verb, "--package", "frontend", "--lib", "--target", TARGET]);
        command.arg("--target-dir").arg(self.target_dir(workspace));
        if self != Self::Installed {
            command.args(ALONG).env("RUSTC_BOOTSTRAP", "1");
        }
        if self == Self::Debian {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld-19");
        }
        command.current_dir(workspace.root());
        command
    }

    /// Clippy's driver, where it does not lie beside the usual compiler.
    pub fn clippy_driver(self) -> Option<&'static Path> {
        (self == Self::Debian).then(|| Path::new("/usr/bin/clippy-driver"))
    }

    /// A folder of its own: two compilers must not share one, nor one with two sets of flags, and two
    /// builds that run at the same time would wait for each other.
    pub fn target_dir(self, workspace: &Workspace) -> PathBuf {
        match self {
            Self::Along => workspace.target().join("along"),
            Self::Installed => workspace.target().join("browser"),
            Self::Debian => workspace.target_of_debian(),
        }
    }
}

/// Whether this version of the compiler knows the flags.
fn takes_flags() -> bool {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["-Zunstable-options", "-Cpanic=immediate-abort"])
        .args(["--print", "cfg", "--target", TARGET])
        .env("RUSTC_BOOTSTRAP", "1");
    program::succeeds(&mut rustc)
}

/// A folder that the usual compiler names.
fn printed(what: &str) -> Option<PathBuf> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", what, "--target", TARGET]);
    let path = program::output(&mut rustc).ok()?;
    Some(Path::new(String::from_utf8_lossy(&path).trim()).to_owned())
}
