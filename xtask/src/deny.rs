//! Checks licenses, banned crates and sources against deny.toml.
//!
//! cargo-deny reads the same file and checks more, but takes longer to compile than the rest of the
//! workspace. This module implements the rules that deny.toml uses, based on `cargo metadata`. An
//! unknown key in the file is an error, so that no rule is silently ignored. Advisories need a
//! database from the network and are checked by cargo-deny if it is installed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::program::{self, Cargo, say};
use crate::report::Report;
use crate::workspace::Workspace;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Rules {
    graph: Graph,
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Graph {
    targets: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Bans {
    multiple_versions: Allow,
    wildcards: Deny,
    allow_wildcard_paths: bool,
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    #[expect(
        dead_code,
        reason = "parsing is the check: `deny` is the only supported value"
    )]
    unknown_registry: Deny,
    #[expect(
        dead_code,
        reason = "parsing is the check: `deny` is the only supported value"
    )]
    unknown_git: Deny,
    allow_registry: Vec<String>,
}

/// The only supported value of these rules.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Deny {
    Deny,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Allow {
    Allow,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    req: String,
    path: Option<String>,
}

/// Checks licenses, bans and sources offline, and advisories if cargo-deny is available.
///
/// # Errors
/// Contains one line per violation.
pub fn check(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let rules = std::fs::read_to_string(workspace.root().join("deny.toml"))
        .context("deny.toml cannot be read")?;
    let rules: Rules = toml::from_str(&rules).context("deny.toml cannot be parsed")?;
    let mut cargo = Cargo::Default.command();
    cargo
        .current_dir(workspace.root())
        .args(["metadata", "--locked", "--format-version", "1"]);
    for target in &rules.graph.targets {
        cargo.args(["--filter-platform", target]);
    }
    let metadata: Metadata = serde_json::from_slice(&program::output(&mut cargo)?)?;
    let violations = violations(&rules, &metadata.packages);
    if !violations.is_empty() {
        bail!("deny.toml forbids:\n  {}", violations.join("\n  "));
    }
    say(&format!(
        "{} packages comply with deny.toml",
        metadata.packages.len()
    ));
    advisories(workspace, report)
}

fn advisories(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let cargo_deny = |args: &[&str]| {
        let mut cargo = Cargo::Default.command();
        cargo.current_dir(workspace.root()).arg("deny").args(args);
        cargo
    };
    let unchecked = if !program::succeeds(&mut cargo_deny(&["--version"])) {
        "cargo-deny is not installed (`cargo install --locked cargo-deny`)"
    } else if !program::succeeds(&mut cargo_deny(&["fetch", "db"])) {
        "the advisory database is unreachable"
    } else {
        return program::run(&mut cargo_deny(&["check", "--disable-fetch", "advisories"]));
    };
    report
        .unchecked
        .insert(format!("security advisories ({unchecked})"));
    Ok(())
}

fn violations(rules: &Rules, packages: &[Package]) -> Vec<String> {
    let Bans {
        multiple_versions: Allow::Allow,
        wildcards: Deny::Deny,
        ..
    } = &rules.bans;
    let bans: BTreeMap<&str, &str> = rules
        .bans
        .deny
        .iter()
        .map(|ban| (ban.name.as_str(), ban.reason.as_str()))
        .collect();
    let mut violations = Vec::new();
    for package in packages {
        let mut report =
            |what: String| violations.push(format!("{} {}: {what}", package.name, package.version));
        if let Err(what) = check_license(&rules.licenses, package.license.as_deref()) {
            report(what);
        }
        if let Some(reason) = bans.get(package.name.as_str()) {
            report(format!("is banned: {reason}"));
        }
        match &package.source {
            Some(source) if !is_allowed_source(&rules.sources, source) => {
                report(format!("comes from {source}"));
            }
            Some(_) => {}
            // A package of this workspace, whose version requirements are checked too.
            None => package
                .dependencies
                .iter()
                .filter(|dependency| dependency.req == "*")
                .filter(|dependency| {
                    !(rules.bans.allow_wildcard_paths && dependency.path.is_some())
                })
                .for_each(|dependency| {
                    report(format!("accepts any version of {}", dependency.name))
                }),
        }
    }
    violations
}

fn check_license(rules: &Licenses, license: Option<&str>) -> Result<(), String> {
    let license = license.ok_or("declares no license")?;
    let expression = spdx::Expression::parse_mode(license, spdx::ParseMode::LAX)
        .map_err(|error| format!("its license `{license}` cannot be parsed: {}", error.reason))?;
    if expression.evaluate(|license| rules.allow.contains(&license.to_string())) {
        Ok(())
    } else {
        Err(format!("its license `{license}` is not allowed"))
    }
}

fn is_allowed_source(rules: &Sources, source: &str) -> bool {
    let registry = source
        .strip_prefix("registry+")
        .or_else(|| source.strip_prefix("sparse+"));
    registry.is_some_and(|registry| {
        rules
            .allow_registry
            .iter()
            .any(|allowed| allowed == registry)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn rules() -> Rules {
        toml::from_str(include_str!("../../deny.toml")).expect("deny.toml is understood")
    }

    fn package(name: &str, license: &str, source: Option<&str>) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: Some(license.to_owned()),
            source: source.map(str::to_owned),
            dependencies: Vec::new(),
        }
    }

    fn refused(package: Package) -> String {
        violations(&rules(), &[package]).join("\n")
    }

    #[test]
    fn license_expression_is_checked_against_the_allow_list() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0-only OR MIT",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert_eq!(
                refused(package("good", good, Some(CRATES_IO))),
                "",
                "{good}"
            );
        }
        for bad in [
            "GPL-3.0-only",
            "AGPL-3.0-or-later",
            "MIT AND GPL-2.0-only",
            "Whatever",
        ] {
            assert!(
                refused(package("bad", bad, Some(CRATES_IO))).contains("license"),
                "{bad}"
            );
        }
        let unlicensed = Package {
            license: None,
            ..package("none", "MIT", Some(CRATES_IO))
        };
        assert_eq!(refused(unlicensed), "none 1.0.0: declares no license");
    }

    #[test]
    fn only_the_public_registry_is_allowed_as_source() {
        let git = package("forked", "MIT", Some("git+https://example.org/forked#0123"));
        assert!(refused(git).contains("comes from git+https://example.org/forked"));
        let other = package("other", "MIT", Some("registry+https://example.org/index"));
        assert!(refused(other).contains("comes from"));
    }

    #[test]
    fn banned_crate_is_reported_with_the_reason() {
        let banned = refused(package("mysqlclient-src", "MIT", Some(CRATES_IO)));
        assert!(
            banned.contains("is banned") && banned.contains("GPL"),
            "{banned}"
        );
    }

    #[test]
    fn wildcard_versions_are_rejected_in_workspace_packages() {
        let violations_of = |req: &str, path: Option<&str>| {
            let dependency = Dependency {
                name: "serde".to_owned(),
                req: req.to_owned(),
                path: path.map(str::to_owned),
            };
            refused(Package {
                dependencies: vec![dependency],
                ..package("ours", "Apache-2.0", None)
            })
        };
        assert_eq!(violations_of("^1", None), "");
        assert_eq!(violations_of("*", Some("/somewhere")), "");
        assert!(violations_of("*", None).contains("any version of serde"));
    }

    #[test]
    fn unknown_rule_is_rejected() {
        let more = format!(
            "{}\n[advisories]\nyanked = \"deny\"\n",
            include_str!("../../deny.toml")
        );
        assert!(toml::from_str::<Rules>(&more).is_err());
    }
}
