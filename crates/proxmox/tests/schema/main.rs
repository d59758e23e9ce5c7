//! Compares every call of the client with Proxmox's API schema: the path exists, parameters have
//! the documented names and types, and no required parameter is missing.
//!
//! The schema is not part of this project. It is read from `HOLDFAST_PVE_REFERENCE`, or else from
//! beside the project; without it, only the list of calls is checked.

#![cfg(test)]
#![allow(
    clippy::disallowed_methods,
    reason = "these guests belong to the tests"
)]

mod calls;
mod rules;
#[path = "../wire/server.rs"]
#[expect(dead_code, reason = "used only by other tests")]
mod server;

use std::{collections::BTreeSet, fs, path::Path};

use proxmox::{Client, ClientConfig, Credentials, Endpoint, Timeouts};
use test_servers::report;

use crate::{
    calls::Recorder,
    rules::Schema,
    server::{Server, response},
};

/// The minimum number of API methods, so that an empty recording fails the test.
const MIN_CALLS: usize = 58;
/// The minimum number of parameters, without those in paths.
const MIN_PARAMETERS: usize = 240;

/// Every response is `null`, which most calls cannot parse; only the requests matter.
async fn recorder() -> Recorder {
    let server = Server::responding(|_| response("200 OK", r#"{"data":null}"#)).await;
    let token = Credentials::Token {
        id: "root@pam!holdfast".to_owned(),
        secret: "8f9f5a64-5d4b-4c3f-a9a2-1f6b1f1f4d11".into(),
    };
    let connection = ClientConfig::new(Endpoint::new(&server.url), token);
    let client = Client::new(connection, Timeouts::default()).unwrap();
    Recorder::new(server, client)
}

/// The names of the client's methods, read from its source.
fn methods(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            methods(&path, into);
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let name = line.strip_prefix("    pub async fn ");
            let name = name.and_then(|rest| rest.split(['(', '<']).next());
            into.extend(name.map(str::to_owned));
        }
    }
}

#[tokio::test]
async fn every_client_method_is_checked() {
    let mut written = BTreeSet::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    methods(&source, &mut written);
    assert!(written.len() > 40, "{written:?}");
    let mut recorder = recorder().await;
    calls::record_all(&mut recorder).await;
    let record: BTreeSet<_> = recorder.calls.iter().map(|call| call.name.into()).collect();
    assert_eq!(record, written);
}

#[tokio::test]
async fn every_call_matches_the_schema() {
    let Some(schema) = Schema::read() else {
        return;
    };
    let mut recorder = recorder().await;
    calls::record_all(&mut recorder).await;
    calls::sign_in(&mut recorder).await;
    let described: BTreeSet<_> = recorder
        .calls
        .iter()
        .filter_map(|call| schema.name(call))
        .collect();
    let parameters: usize = recorder.calls.iter().map(|call| call.params.len()).sum();
    report(&format!(
        "schema: {parameters} parameters sent to {} calls compared",
        described.len()
    ));
    assert!(
        described.len() >= MIN_CALLS,
        "only {} calls are compared",
        described.len()
    );
    assert!(
        parameters >= MIN_PARAMETERS,
        "only {parameters} parameters are compared"
    );
    let mismatches: Vec<_> = recorder
        .calls
        .iter()
        .flat_map(|call| {
            let violations = schema.violations(call);
            violations
                .into_iter()
                .map(|message| format!("{}: {message}", call.name))
        })
        .collect();
    assert_eq!(mismatches, Vec::<String>::new());
}

/// Tests the comparison itself.
#[test]
fn invalid_calls_are_reported() {
    let Some(schema) = Schema::read() else {
        return;
    };
    let pairs = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<Vec<_>>()
    };
    let none: &[(&str, &str)] = &[];
    let vmid = ("vmid", "300");
    let template = ("ostemplate", "local:vztmpl/a.tar");
    for (method, path, params, message) in [
        ("GET", "/nope", none, "no such call"),
        ("PUT", "/nodes/pve1/lxc", none, "no such call"),
        ("POST", "/nodes/pve1/lxc", &[vmid], "ostemplate is missing"),
        (
            "POST",
            "/nodes/pve1/lxc",
            &[vmid, template, ("nope", "1")],
            "nope is not described",
        ),
        (
            "POST",
            "/nodes/pve1/lxc",
            &[vmid, template, ("onboot", "yes")],
            "onboot",
        ),
        (
            "POST",
            "/nodes/pve1/lxc",
            &[vmid, template, ("cores", "99999")],
            "cores",
        ),
        (
            "POST",
            "/nodes/pve1/lxc",
            &[vmid, template, ("cmode", "x")],
            "cmode",
        ),
        (
            "POST",
            "/nodes/pve1/lxc",
            &[vmid, template, ("net0", "name=eth0,nope=1")],
            "net0",
        ),
        ("GET", "/pools", &[("type", "lxc")], "type needs poolid"),
    ] {
        let call = calls::RecordedCall {
            name: "test",
            method: method.to_owned(),
            path: path.to_owned(),
            params: pairs(params),
        };
        let reported = schema.violations(&call);
        assert!(
            reported
                .iter()
                .any(|reported| reported.starts_with(message)),
            "{message}: {reported:?}"
        );
    }
}
