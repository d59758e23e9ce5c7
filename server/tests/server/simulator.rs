//! The standalone simulator, started as a program.

use std::path::Path;

use reqwest::{Client, tls::TlsInfo};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::process::{Program, holdfastd, run, to_text};

const PASSWORD: &str = "quite secret";

/// Starts the simulator on a free port, with its password in a file.
fn start(folder: &Path, more: &[&str]) -> Program {
    std::fs::write(folder.join("password"), format!("{PASSWORD}\n")).unwrap();
    let mut command = holdfastd(folder);
    command
        .args(["proxmox-sim", "--listen", "127.0.0.1:0"])
        .args(["--root-password-file", "password"])
        .args(more);
    Program::start(command)
}

/// A client that does not verify the certificate but records it.
fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .tls_info(true)
        .build()
        .unwrap()
}

/// Requests a path with a ticket.
async fn get_with_ticket(url: &str, path: &str) -> Value {
    let form = [("username", "root@pam"), ("password", PASSWORD)];
    let api = format!("{url}/api2/json");
    let response = client().post(format!("{api}/access/ticket")).form(&form);
    let signed_in: Value = response.send().await.unwrap().json().await.unwrap();
    let ticket = signed_in["data"]["ticket"].as_str().unwrap();
    let request = client()
        .get(format!("{api}{path}"))
        .header("Cookie", format!("PVEAuthCookie={ticket}"));
    let response: Value = request.send().await.unwrap().json().await.unwrap();
    response["data"].clone()
}

#[tokio::test]
async fn simulator_prints_its_url_and_accepts_the_password_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let more = ["--control", "127.0.0.1:0", "--state-file", "state.json"];
    let mut program = start(folder.path(), &more);
    let url = program.line_after("Simulated Proxmox VE at ");
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let fingerprint = program.line_after("Fingerprint: ");
    program.line_after("Sign in as root@pam with the password in password");
    let control = program.line_after("Control: ");

    let response = client().get(&url).send().await.unwrap();
    let info = response.extensions().get::<TlsInfo>().unwrap();
    let digest = Sha256::digest(info.peer_certificate().unwrap());
    let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(pairs.join(":"), fingerprint);

    let nodes = get_with_ticket(&url, "/nodes").await;
    assert_eq!(nodes.as_array().unwrap().len(), 2);
    let containers = get_with_ticket(&url, "/nodes/pve2/lxc").await;
    let stopped = containers.as_array().unwrap().iter();
    let mut stopped = stopped.filter(|container| container["status"] == "stopped");
    assert_eq!(stopped.next().unwrap()["name"], "build-runner");

    let change = json!({ "rename": { "vmid": 100, "hostname": "renamed" } });
    let changed = client()
        .post(format!("{control}/changes"))
        .json(&change)
        .send()
        .await
        .unwrap();
    assert!(changed.status().is_success());
    assert!(program.terminate().await.success());
    let state = folder.path().join("state.json");
    assert!(std::fs::read_to_string(state).unwrap().contains("renamed"));
}

#[tokio::test]
async fn recorded_scenario_runs_without_tls() {
    let folder = tempfile::tempdir().unwrap();
    let program = start(folder.path(), &["--scenario", "recorded", "--plain"]);
    let url = program.line_after("Simulated Proxmox VE at ");
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let all = get_with_ticket(&url, "/nodes/pve1/lxc").await;
    assert_eq!(all[0]["name"], "ct100");
    program.kill();
}

#[test]
fn invalid_arguments_are_reported_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
    std::fs::write(folder.path().join("empty"), "\n").unwrap();
    let occupied = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let occupied = occupied.local_addr().unwrap().to_string();
    let cases: [(&[&str], i32, String); 4] = [
        (
            &["--root-password-file", "nowhere"],
            3,
            "the password of root@pam cannot be read from nowhere: No such file".into(),
        ),
        (
            &["--root-password-file", "empty"],
            3,
            "empty is empty; its first line must be the password of root@pam".into(),
        ),
        (
            &["--root-password-file", "password", "--control", "0.0.0.0:0"],
            2,
            "0.0.0.0:0 can be reached from other machines".into(),
        ),
        (
            &["--root-password-file", "password", "--control", &occupied],
            5,
            format!("could not listen on {occupied}: "),
        ),
    ];
    for (more, code, message) in cases {
        let mut arguments = vec!["proxmox-sim", "--listen", "127.0.0.1:0"];
        arguments.extend(more);
        let refused = run(folder.path(), &arguments, "");
        let output = to_text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(code), "{output}");
        let prefix = format!("holdfastd: proxmox-sim: {message}");
        assert!(output.starts_with(&prefix), "{output}");
        assert_eq!(output.lines().count(), 1, "{output}");
        assert_eq!(to_text(&refused.stdout), "");
    }
    let missing = run(folder.path(), &["proxmox-sim"], "");
    assert_eq!(missing.status.code(), Some(2));
    assert!(to_text(&missing.stderr).contains("--root-password-file"));
}
