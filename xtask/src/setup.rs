//! What the machine must have: looked for by use, installed from Debian's packages with consent.
//!
//! Nothing here starts a service: while packages are installed, a policy-rc.d forbids it.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::program::{self, Cargo};

/// Something that a step cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Finds the MariaDB client library.
    PkgConfig,
    /// PostgreSQL's client library.
    Libpq,
    /// MariaDB's client library.
    Libmariadb,
    /// A PostgreSQL server for the tests.
    Postgres,
    /// A MariaDB server for the tests.
    MariaDb,
    /// A browser for the tests.
    Chromium,
    /// Python, whose best-known client of Proxmox is a test of the simulator.
    Python,
    /// What keeps that client's packages apart from the system's.
    PythonVenv,
    /// The web server of edge hosts.
    Nginx,
    /// What passes TCP and UDP on in it.
    NginxStream,
    /// The server of names and addresses of edge hosts, without its service.
    Dnsmasq,
    /// A name server that takes updates, without its service.
    Bind,
    /// Asks it for names.
    Dig,
    /// Asks it for addresses.
    Dhclient,
    /// Asks the web server.
    Curl,
    /// Makes networks for tests.
    Iproute,
    /// Keeps them apart from this machine's.
    Unshare,
    /// Finds what runs in them.
    Procps,
    /// Reads the units of edge hosts.
    Systemd,
    /// Reads their certificates.
    Openssl,
    /// An authority that gives certificates.
    Pebble,
    /// Debian's second Rust compiler, the way to WebAssembly where rustup has none.
    RustcWeb,
    /// The Cargo that belongs to it.
    CargoWeb,
    /// The standard library's source that belongs to it.
    RustWebSrc,
    /// The linter that belongs to it.
    RustWebClippy,
    /// The linker for WebAssembly.
    Lld,
}

/// What a build of the server needs.
pub const BUILD: &[Need] = &[Need::PkgConfig, Need::Libpq, Need::Libmariadb];

impl Need {
    /// Debian's package.
    fn package(self) -> &'static str {
        match self {
            Self::PkgConfig => "pkg-config",
            Self::Libpq => "libpq-dev",
            Self::Libmariadb => "libmariadb-dev",
            Self::Postgres => "postgresql",
            Self::MariaDb => "mariadb-server",
            Self::Chromium => "chromium",
            Self::Python => "python3",
            Self::PythonVenv => "python3-venv",
            Self::Nginx => "nginx",
            Self::NginxStream => "libnginx-mod-stream",
            Self::Dnsmasq => "dnsmasq-base",
            Self::Bind => "bind9",
            Self::Dig => "bind9-dnsutils",
            Self::Dhclient => "isc-dhcp-client",
            Self::Curl => "curl",
            Self::Iproute => "iproute2",
            Self::Unshare => "util-linux",
            Self::Procps => "procps",
            Self::Systemd => "systemd",
            Self::Openssl => "openssl",
            Self::Pebble => "pebble",
            Self::RustcWeb => "rustc-web",
            Self::CargoWeb => "cargo-web",
            Self::RustWebSrc => "rust-web-src",
            Self::RustWebClippy => "rust-web-clippy",
            Self::Lld => "lld-19",
        }
    }

    /// What it is for, as the person who is asked reads it.
    fn purpose(self) -> &'static str {
        match self {
            Self::PkgConfig => "finds libraries, to build",
            Self::Libpq => "PostgreSQL's client library, to build",
            Self::Libmariadb => "MariaDB's client library, to build",
            Self::Postgres => "a PostgreSQL server, to test",
            Self::MariaDb => "a MariaDB server, to test",
            Self::Chromium => "a browser, to test",
            Self::Python => "a client of the simulated Proxmox, to test",
            Self::PythonVenv => "a folder for that client's packages, to test",
            Self::Nginx => "the web server of edge hosts, to test",
            Self::NginxStream => "its part for TCP and UDP, to test",
            Self::Dnsmasq => "the name server of edge hosts, to test",
            Self::Bind => "a name server that takes updates, to test",
            Self::Dig => "asks for names, to test",
            Self::Dhclient => "asks for addresses, to test",
            Self::Curl => "asks for pages, to test",
            Self::Iproute => "makes networks, to test",
            Self::Unshare => "keeps them apart from this machine's, to test",
            Self::Procps => "finds what runs in them, to test",
            Self::Systemd => "checks the units of edge hosts, to test",
            Self::Openssl => "reads their certificates, to test",
            Self::Pebble => "an authority that gives certificates, to test",
            Self::RustcWeb => "a Rust compiler for WebAssembly, to build",
            Self::CargoWeb => "its Cargo, to build",
            Self::RustWebSrc => "its standard library, to build",
            Self::RustWebClippy => "its linter, to test",
            Self::Lld => "a linker for WebAssembly, to build",
        }
    }

    /// Looks for the thing itself, so that another system's way to install it counts too.
    fn is_met(self) -> bool {
        let pkg_config =
            |name: &str| program::succeeds(Command::new("pkg-config").args(["--exists", name]));
        match self {
            Self::PkgConfig => program::find("pkg-config").is_some(),
            Self::Libpq => program::succeeds(Command::new("pg_config").arg("--includedir")),
            Self::Libmariadb => pkg_config("libmariadb") || pkg_config("mysqlclient"),
            Self::Postgres => program::find("postgres").is_some() || postgres_of_debian(),
            Self::MariaDb => program::find("mariadbd").is_some(),
            Self::Chromium => program::find("chromium").is_some(),
            Self::Python => program::find("python3").is_some(),
            Self::PythonVenv => {
                let import = ["-c", "import ensurepip, venv"];
                program::succeeds(Command::new("python3").args(import))
            }
            Self::Nginx => program::find("nginx").is_some(),
            Self::NginxStream => nginx_streams(),
            Self::Dnsmasq => program::find("dnsmasq").is_some(),
            Self::Bind => program::find("named").is_some(),
            Self::Dig => program::find("dig").is_some(),
            Self::Dhclient => program::find("dhclient").is_some(),
            Self::Curl => program::find("curl").is_some(),
            Self::Iproute => program::find("ip").is_some(),
            Self::Unshare => ["unshare", "nsenter"]
                .iter()
                .all(|name| program::find(name).is_some()),
            Self::Procps => ["pgrep", "sysctl"]
                .iter()
                .all(|name| program::find(name).is_some()),
            Self::Systemd => program::find("systemd-analyze").is_some(),
            Self::Openssl => program::find("openssl").is_some(),
            Self::Pebble => ["pebble", "pebble-challtestsrv"]
                .iter()
                .all(|name| program::find(name).is_some()),
            Self::RustcWeb | Self::CargoWeb | Self::RustWebSrc | Self::RustWebClippy => {
                debian_has(self.package())
            }
            Self::Lld => program::find("wasm-ld-19").is_some(),
        }
    }
}

/// Debian keeps the server's programs out of PATH, in a folder per version.
fn postgres_of_debian() -> bool {
    let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") else {
        return false;
    };
    versions
        .flatten()
        .any(|version| version.path().join("bin/postgres").exists())
}

/// Whether nginx passes on TCP and UDP: by itself, or by a module in Debian's place for it.
fn nginx_streams() -> bool {
    let module = Path::new("/usr/lib/nginx/modules/ngx_stream_module.so");
    let built_in = r"nginx -V 2>&1 | grep -qE -e '--with-stream( |$)'";
    module.exists() || program::succeeds(Command::new("sh").args(["-c", built_in]))
}

fn debian_has(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${db:Status-Status}", package]);
    program::output(&mut query).is_ok_and(|status| status == b"installed")
}

/// Whether system packages may be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Said beforehand.
    Given,
    /// To be asked for.
    Ask,
}

impl Consent {
    /// `--yes`, or CI=true.
    pub fn from_flag(yes: bool) -> Self {
        let ci = std::env::var("CI").is_ok_and(|value| value == "true");
        if yes || ci { Self::Given } else { Self::Ask }
    }

    fn obtain(self, missing: &[Need]) -> anyhow::Result<()> {
        if self == Self::Given {
            program::say(&format!("installing {}", packages(missing).join(" ")));
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            bail!("nobody is there to be asked; --yes installs it without a question");
        }
        eprint!(
            "These system packages are missing:\n{}\
             Install them with apt-get (no service is started)? [y/N] ",
            listed(missing)
        );
        std::io::stderr().flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => bail!("not installed, as you wished"),
        }
    }
}

/// Makes sure that every need is met, installing what is missing.
///
/// # Errors
/// When something is missing and cannot be installed here; the error says what and how to get it.
pub fn ensure(needs: &[Need], consent: Consent) -> anyhow::Result<()> {
    let missing: Vec<Need> = needs
        .iter()
        .copied()
        .filter(|need| !need.is_met())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing, consent).with_context(|| lacking(&missing))?;
    let left: Vec<Need> = missing.into_iter().filter(|need| !need.is_met()).collect();
    if !left.is_empty() {
        bail!(
            "{}: the packages are installed, yet these are not found",
            lacking(&left)
        );
    }
    Ok(())
}

fn lacking(missing: &[Need]) -> String {
    format!(
        "this is missing:\n{}\
         On Debian and Ubuntu: sudo apt-get install --no-install-recommends {}\n\
         Elsewhere: the same from your system's packages. Then run this again.\n\
         Why xtask did not install it",
        listed(missing),
        packages(missing).join(" ")
    )
}

fn listed(needs: &[Need]) -> String {
    let line = |need: &Need| format!("  {:<16} {}\n", need.package(), need.purpose());
    needs.iter().map(line).collect()
}

fn packages(needs: &[Need]) -> Vec<&'static str> {
    needs.iter().map(|need| need.package()).collect()
}

/// The trap takes the policy away even when the installation is interrupted.
const INSTALL: &str = r#"set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 130' INT TERM HUP
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends "$@"
"#;

fn install(missing: &[Need], consent: Consent) -> anyhow::Result<()> {
    if program::find("apt-get").is_none() {
        bail!("there is no apt-get here");
    }
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("sh")
    } else if program::find("sudo").is_some() {
        let mut sudo = Command::new("sudo");
        sudo.arg("sh");
        sudo
    } else {
        bail!("you are not root, and there is no sudo");
    };
    consent.obtain(missing)?;
    command
        .args(["-c", INSTALL, "install"])
        .args(packages(missing));
    let status = command.status().context("apt-get could not start")?;
    if !status.success() {
        bail!("apt-get failed ({status}); its own words are above");
    }
    Ok(())
}

/// Makes sure that a component of the Rust toolchain is there: `cargo WORD --version` works.
///
/// # Errors
/// When it is missing and rustup cannot add it.
pub fn component(name: &str, word: &str) -> anyhow::Result<()> {
    let works = || program::succeeds(Cargo::Default.command().args([word, "--version"]));
    if works() {
        return Ok(());
    }
    let added = program::run(Command::new("rustup").args(["component", "add", name]));
    if works() {
        return Ok(());
    }
    added.with_context(|| {
        format!("`cargo {word}` is missing; `rustup component add {name}` brings it")
    })?;
    bail!("rustup added {name}, yet `cargo {word}` does not work")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_with_the_way_to_get_it() {
        insta::assert_snapshot!(lacking(&[Need::Libpq, Need::Chromium]), @r"
        this is missing:
          libpq-dev        PostgreSQL's client library, to build
          chromium         a browser, to test
        On Debian and Ubuntu: sudo apt-get install --no-install-recommends libpq-dev chromium
        Elsewhere: the same from your system's packages. Then run this again.
        Why xtask did not install it
        ");
    }

    #[test]
    fn the_installation_script_is_valid_shell() {
        program::output(Command::new("sh").args(["-n", "-c", INSTALL])).expect("valid shell");
    }
}
