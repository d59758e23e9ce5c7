//! System packages: detects missing ones and installs them from Debian with the user's consent.
//!
//! No service is started: a policy-rc.d denies it during the installation.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::program::{self, Cargo};

/// A program or library that a step requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// pkg-config, which finds the MariaDB client library.
    PkgConfig,
    /// The PostgreSQL client library.
    Libpq,
    /// The MariaDB client library.
    Libmariadb,
    /// A PostgreSQL server for tests.
    Postgres,
    /// A MariaDB server for tests.
    MariaDb,
    /// A browser for tests.
    Chromium,
    /// Python, for the proxmoxer client that tests the simulator.
    Python,
    /// Python's venv module, for that client's packages.
    PythonVenv,
    /// The web server of edge hosts.
    Nginx,
    /// The stream module of nginx, for TCP and UDP.
    NginxStream,
    /// The DNS and DHCP server of edge hosts, without its service.
    Dnsmasq,
    /// A name server that accepts dynamic updates, without its service.
    Bind,
    /// A DNS client.
    Dig,
    /// A DHCP client.
    Dhclient,
    /// An HTTP client.
    Curl,
    /// Creates network namespaces for tests.
    Iproute,
    /// Runs programs in namespaces.
    Unshare,
    /// Finds processes in namespaces.
    Procps,
    /// Checks the systemd units of edge hosts.
    Systemd,
    /// Reads and creates certificates.
    Openssl,
    /// An ACME test server.
    Pebble,
    /// Debian's second Rust compiler, for WebAssembly without rustup.
    RustcWeb,
    /// The Cargo of that compiler.
    CargoWeb,
    /// The source of that compiler's standard library.
    RustWebSrc,
    /// The Clippy of that compiler.
    RustWebClippy,
    /// The linker for WebAssembly.
    Lld,
}

/// Requirements of a server build.
pub const BUILD: &[Need] = &[Need::PkgConfig, Need::Libpq, Need::Libmariadb];

impl Need {
    /// The Debian package.
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

    /// The purpose that is shown in the prompt.
    fn purpose(self) -> &'static str {
        match self {
            Self::PkgConfig => "library lookup, to build",
            Self::Libpq => "PostgreSQL client library, to build",
            Self::Libmariadb => "MariaDB client library, to build",
            Self::Postgres => "PostgreSQL server, to test",
            Self::MariaDb => "MariaDB server, to test",
            Self::Chromium => "browser, to test",
            Self::Python => "Python, for a Proxmox client, to test",
            Self::PythonVenv => "Python virtual environments, to test",
            Self::Nginx => "web server of edge hosts, to test",
            Self::NginxStream => "nginx module for TCP and UDP, to test",
            Self::Dnsmasq => "DNS and DHCP server of edge hosts, to test",
            Self::Bind => "name server with dynamic updates, to test",
            Self::Dig => "DNS client, to test",
            Self::Dhclient => "DHCP client, to test",
            Self::Curl => "HTTP client, to test",
            Self::Iproute => "network configuration, to test",
            Self::Unshare => "namespaces, to test",
            Self::Procps => "process lookup, to test",
            Self::Systemd => "unit checks of edge hosts, to test",
            Self::Openssl => "certificate tool, to test",
            Self::Pebble => "ACME test CA, to test",
            Self::RustcWeb => "Rust compiler for WebAssembly, to build",
            Self::CargoWeb => "Cargo of that compiler, to build",
            Self::RustWebSrc => "Rust standard library source, to build",
            Self::RustWebClippy => "Rust linter, to test",
            Self::Lld => "WebAssembly linker, to build",
        }
    }

    /// Checks for the program or library itself, so that installations from other sources count
    /// too.
    fn is_met(self) -> bool {
        let pkg_config =
            |name: &str| program::succeeds(Command::new("pkg-config").args(["--exists", name]));
        match self {
            Self::PkgConfig => program::find("pkg-config").is_some(),
            Self::Libpq => program::succeeds(Command::new("pg_config").arg("--includedir")),
            Self::Libmariadb => pkg_config("libmariadb") || pkg_config("mysqlclient"),
            Self::Postgres => program::find("postgres").is_some() || debian_has_postgres(),
            Self::MariaDb => program::find("mariadbd").is_some(),
            Self::Chromium => program::find("chromium").is_some(),
            Self::Python => program::find("python3").is_some(),
            Self::PythonVenv => {
                let import = ["-c", "import ensurepip, venv"];
                program::succeeds(Command::new("python3").args(import))
            }
            Self::Nginx => program::find("nginx").is_some(),
            Self::NginxStream => nginx_has_stream(),
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

/// Returns whether Debian's PostgreSQL is installed. Its programs are not on PATH but in a
/// directory per version.
fn debian_has_postgres() -> bool {
    let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") else {
        return false;
    };
    versions
        .flatten()
        .any(|version| version.path().join("bin/postgres").exists())
}

/// Returns whether nginx has the stream module, built in or as Debian's dynamic module.
fn nginx_has_stream() -> bool {
    let module = Path::new("/usr/lib/nginx/modules/ngx_stream_module.so");
    let built_in = r"nginx -V 2>&1 | grep -qE -e '--with-stream( |$)'";
    module.exists() || program::succeeds(Command::new("sh").args(["-c", built_in]))
}

fn debian_has(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${db:Status-Status}", package]);
    program::output(&mut query).is_ok_and(|status| status == b"installed")
}

/// The user's consent to install system packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Given by an option or the environment.
    Granted,
    /// The user is asked.
    Ask,
}

impl Consent {
    /// Consent is given by `--yes` or `CI=true`.
    pub fn from_flag(yes: bool) -> Self {
        let ci = std::env::var("CI").is_ok_and(|value| value == "true");
        if yes || ci { Self::Granted } else { Self::Ask }
    }

    fn obtain(self, missing: &[Need]) -> anyhow::Result<()> {
        if self == Self::Granted {
            program::say(&format!("installing {}", packages(missing).join(" ")));
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            bail!("standard input is not a terminal; use --yes to install without confirmation");
        }
        eprint!(
            "These system packages are missing:\n{}\
             Install them with apt-get (no service is started)? [y/N] ",
            format_list(missing)
        );
        std::io::stderr().flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => bail!("installation declined"),
        }
    }
}

/// Ensures that all requirements are met and installs missing packages.
///
/// # Errors
/// If a missing package cannot be installed. The error lists the packages and how to install them.
pub fn ensure(needs: &[Need], consent: Consent) -> anyhow::Result<()> {
    let missing: Vec<Need> = needs
        .iter()
        .copied()
        .filter(|need| !need.is_met())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing, consent).with_context(|| missing_message(&missing))?;
    let left: Vec<Need> = missing.into_iter().filter(|need| !need.is_met()).collect();
    if !left.is_empty() {
        bail!(
            "{}: the packages are installed, but these are still missing",
            missing_message(&left)
        );
    }
    Ok(())
}

fn missing_message(missing: &[Need]) -> String {
    format!(
        "these are missing:\n{}On Debian and Ubuntu: sudo apt-get install --no-install-recommends \
            {}\nElsewhere: install the same from your system's packages. Then run the command \
            again.\nWhy xtask did not install them",
        format_list(missing),
        packages(missing).join(" ")
    )
}

fn format_list(needs: &[Need]) -> String {
    let line = |need: &Need| format!("  {:<16} {}\n", need.package(), need.purpose());
    needs.iter().map(line).collect()
}

fn packages(needs: &[Need]) -> Vec<&'static str> {
    needs.iter().map(|need| need.package()).collect()
}

/// The installation script. The trap removes the policy even if the installation is interrupted.
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
        bail!("apt-get is not available");
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
        bail!("apt-get failed ({status}); see its output above");
    }
    Ok(())
}

/// Ensures that a component of the Rust toolchain is installed: `cargo SUBCOMMAND --version` works.
///
/// # Errors
/// If the component is missing and rustup cannot add it.
pub fn component(name: &str, subcommand: &str) -> anyhow::Result<()> {
    let works = || program::succeeds(Cargo::Default.command().args([subcommand, "--version"]));
    if works() {
        return Ok(());
    }
    let added = program::run(Command::new("rustup").args(["component", "add", name]));
    if works() {
        return Ok(());
    }
    added.with_context(|| {
        format!("`cargo {subcommand}` is missing; install it with `rustup component add {name}`")
    })?;
    bail!("rustup added {name}, but `cargo {subcommand}` does not work")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_packages_are_listed_with_install_command() {
        insta::assert_snapshot!(missing_message(&[Need::Libpq, Need::Chromium]), @r"
        these are missing:
          libpq-dev        PostgreSQL client library, to build
          chromium         browser, to test
        On Debian and Ubuntu: sudo apt-get install --no-install-recommends libpq-dev chromium
        Elsewhere: install the same from your system's packages. Then run the command again.
        Why xtask did not install them
        ");
    }

    #[test]
    fn installation_script_is_valid_shell() {
        program::output(Command::new("sh").args(["-n", "-c", INSTALL])).expect("valid shell");
    }
}
