//! The simulator as proxmoxer sees it: a client that knows nothing of this project, over TLS with
//! the certificate checked. The script beside this file does the asking.

use std::path::{Path, PathBuf};
use std::process::Output;

use proxmox_sim::{Config, Person, Transport};
use tokio::process::Command;

const PASSWORD: &str = "quite secret";

/// Runs a program to its end. The words are for who misses what it needs.
async fn run(command: &mut Command, needs: &str) -> Output {
    let output = command.kill_on_drop(true).output().await;
    let output = output.unwrap_or_else(|error| panic!("{needs} ({error})"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{needs}\n{words}");
    output
}

fn beside(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/simulator/proxmoxer")
        .join(file)
}

/// The Python of a folder of its own, with proxmoxer in it.
async fn python(folder: &Path) -> PathBuf {
    let venv = folder.join("venv");
    let needs = "this test needs python3 with venv: the package python3-venv of Debian and Ubuntu";
    run(
        Command::new("python3").args(["-m", "venv"]).arg(&venv),
        needs,
    )
    .await;
    let python = venv.join("bin/python");
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ])
    .args([
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--requirement",
    ])
    .arg(beside("requirements.txt"));
    let needs = "this test needs the package proxmoxer from PyPI, which pip could not bring \
                 (pip itself comes with the package python3-venv)";
    run(&mut pip, needs).await;
    python
}

#[tokio::test]
async fn proxmoxer_signs_in_makes_and_deletes_containers_and_understands_refusals() {
    let folder = tempfile::tempdir().unwrap();
    let python = python(folder.path()).await;
    let mut config = Config::test();
    config.transport = Transport::Tls;
    config.scenario.people.push(Person {
        id: "root@pam".into(),
        password: PASSWORD.into(),
    });
    let sim = proxmox_sim::start(config).await.unwrap();
    let certificate = folder.path().join("simulator.pem");
    std::fs::write(&certificate, sim.handle().certificate().unwrap()).unwrap();

    let mut script = Command::new(python);
    script
        .arg(beside("journey.py"))
        .env("SIM_HOST", sim.addr().ip().to_string())
        .env("SIM_PORT", sim.addr().port().to_string())
        .env("SIM_CERTIFICATE", certificate)
        .env("SIM_PASSWORD", PASSWORD)
        // Another proxy's or system's certificates would stand in for ours.
        .env_remove("REQUESTS_CA_BUNDLE")
        .env_remove("CURL_CA_BUNDLE")
        .env("NO_PROXY", "127.0.0.1");
    let output = run(&mut script, "the journey failed").await;
    let steps = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        steps.lines().collect::<Vec<_>>(),
        [
            "signed in with a password",
            "made and deleted a container",
            "did the same with a token",
            "was refused with reasons",
            "did not trust a stranger",
        ]
    );
    assert_eq!(sim.handle().containers(), []);
}
