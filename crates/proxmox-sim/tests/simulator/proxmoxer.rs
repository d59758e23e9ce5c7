//! The simulator against proxmoxer, an independent client, over TLS with certificate verification.
//! The requests are in the Python script `journey.py`.

use std::path::{Path, PathBuf};
use std::process::Output;

use proxmox_sim::{Config, Transport, UserSpec};
use tokio::process::Command;

const PASSWORD: &str = "quite secret";

/// Runs a program until it exits. `needs` is the panic message if it fails.
async fn run(command: &mut Command, needs: &str) -> Output {
    let output = command.kill_on_drop(true).output().await;
    let output = output.unwrap_or_else(|error| panic!("{needs} ({error})"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{needs}\n{stderr}");
    output
}

fn script_path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/simulator/proxmoxer")
        .join(file)
}

/// Creates a virtual environment with proxmoxer and returns its Python interpreter.
async fn python(folder: &Path) -> PathBuf {
    let venv = folder.join("venv");
    let needs =
        "this test needs python3 with venv: install the Debian or Ubuntu package python3-venv";
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
    .arg(script_path("requirements.txt"));
    let needs = "this test needs the package proxmoxer from PyPI, which pip could not install \
                 (pip itself is in the package python3-venv)";
    run(&mut pip, needs).await;
    python
}

#[tokio::test]
async fn proxmoxer_authenticates_manages_containers_and_reports_errors() {
    let folder = tempfile::tempdir().unwrap();
    let python = python(folder.path()).await;
    let mut config = Config::test();
    config.transport = Transport::Tls;
    config.scenario.users.push(UserSpec {
        id: "root@pam".into(),
        password: PASSWORD.into(),
    });
    let sim = proxmox_sim::start(config).await.unwrap();
    let certificate = folder.path().join("simulator.pem");
    std::fs::write(&certificate, sim.handle().certificate().unwrap()).unwrap();

    let mut script = Command::new(python);
    script
        .arg(script_path("journey.py"))
        .env("SIM_HOST", sim.address().ip().to_string())
        .env("SIM_PORT", sim.address().port().to_string())
        .env("SIM_CERTIFICATE", certificate)
        .env("SIM_PASSWORD", PASSWORD)
        // These variables would override the simulator's certificate.
        .env_remove("REQUESTS_CA_BUNDLE")
        .env_remove("CURL_CA_BUNDLE")
        .env("NO_PROXY", "127.0.0.1");
    let output = run(&mut script, "journey.py failed").await;
    let steps = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        steps.lines().collect::<Vec<_>>(),
        [
            "signed in with a password",
            "created and deleted a container",
            "created and deleted a container with a token",
            "received parameter errors",
            "rejected an untrusted certificate",
        ]
    );
    assert_eq!(sim.handle().containers(), []);
}
