//! The real program, started in an empty directory.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    thread::JoinHandle,
    time::Duration,
};

use reqwest::{Client, StatusCode, header, redirect::Policy};

use crate::support::wait_for;

/// A running program, killed when dropped.
pub struct Program {
    child: Child,
    lines: Receiver<String>,
    log: Option<JoinHandle<String>>,
}

/// The command without this process's environment.
pub fn holdfastd(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfastd"));
    command.current_dir(folder).env_clear();
    command
}

fn serve(folder: &Path, environment: &[(&str, &str)]) -> Command {
    let mut command = holdfastd(folder);
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("HOLDFAST_DEMO", "small")
        .envs(environment.iter().copied());
    command
}

/// The server on a terminal (script(1)).
fn at_terminal(folder: &Path) -> Command {
    let serve = serve(folder, &[]);
    let arguments = std::iter::once(serve.get_program()).chain(serve.get_args());
    let arguments: Vec<_> = arguments
        .map(|argument| argument.to_str().unwrap())
        .collect();
    let mut script = Command::new("script");
    script
        .current_dir(folder)
        .env_clear()
        .envs(
            serve
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .args([
            "--quiet",
            "--flush",
            "--command",
            &format!("exec {}", arguments.join(" ")),
        ])
        .arg("/dev/null")
        .stdin(Stdio::null());
    script
}

impl Program {
    /// Starts the server on a free port, by default with the small demo, which is complete before
    /// the first page is served.
    pub fn serve(folder: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start(serve(folder, environment))
    }

    /// Like [`Program::serve`], with the log captured for [`Program::log`].
    pub fn serve_with_log(folder: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = serve(folder, environment);
        command.stderr(Stdio::piped());
        Self::start(command)
    }

    /// Starts a command and captures its standard output.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let log = child.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut log = String::new();
                stderr.read_to_string(&mut log).unwrap();
                log
            })
        });
        let out = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = sync_channel(1024);
        std::thread::spawn(move || {
            out.lines()
                .map_while(Result::ok)
                .try_for_each(|line| send.send(line))
        });
        Self { child, lines, log }
    }

    /// Waits for the next line with this prefix; returns the rest of the line.
    pub fn line_after(&self, prefix: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(120)).unwrap();
            if let Some(rest) = line.strip_prefix(prefix) {
                return rest.to_owned();
            }
        }
    }

    /// The captured log of a program that has ended.
    pub fn log(&mut self) -> String {
        self.log.take().unwrap().join().unwrap()
    }

    /// The unread lines of a program that has ended.
    pub fn remaining_lines(&self) -> Vec<String> {
        self.lines.iter().collect()
    }

    /// Anonymous resident memory, in KiB.
    pub fn anonymous_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        line.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM and waits for the exit.
    pub async fn terminate(&mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        wait_for("the exit", async || self.child.try_wait().unwrap()).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(Policy::none()).build().unwrap()
}

/// Signs in by form; returns the cookie if the password was correct.
pub async fn sign_in(url: &str, name: &str, password: &str) -> Option<String> {
    let response = client()
        .post(format!("{url}/sign-in"))
        .form(&[
            ("name", name),
            ("password", password),
            ("next", "/containers"),
        ])
        .send()
        .await
        .unwrap();
    let set = response
        .headers()
        .get(header::SET_COOKIE)?
        .to_str()
        .unwrap()
        .to_owned();
    Some(set.split(';').next().unwrap().to_owned())
}

#[tokio::test]
async fn later_start_of_the_demo_prints_a_link_to_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Program::serve(folder.path(), &[]);
    first.line_after("Password: ");
    assert!(first.terminate().await.success());
    let mut second = Program::start(at_terminal(folder.path()));
    assert!(
        second
            .line_after("Sign-in link: ")
            .contains("/sign-in/link?token=")
    );
    // script(1) ends with the status of the signal that it was sent.
    let _ = second.terminate().await;
}

#[tokio::test]
async fn first_start_prints_a_valid_password_and_the_second_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::serve(folder.path(), &[]);
    let url = program.line_after("Holdfast is at ");
    assert!(url.starts_with("http://localhost:"), "{url}");
    assert_eq!(program.line_after("Administrator: "), "admin");
    let password = program.line_after("Password: ");

    assert_eq!(sign_in(&url, "admin", "wrong password").await, None);
    let cookie = sign_in(&url, "admin", &password).await.unwrap();
    let ask = async |path: &str| {
        let request = client()
            .get(format!("{url}{path}"))
            .header(header::COOKIE, &cookie);
        let response = request.send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    };
    wait_for("the containers of the demo", async || {
        let (status, page) = ask("/containers").await;
        assert_eq!(status, StatusCode::OK);
        page.contains("wiki").then_some(())
    })
    .await;
    assert_eq!(ask("/readyz").await.0, StatusCode::OK);
    let address_url = url.replace("localhost", "127.0.0.1");
    let redirect = client()
        .get(format!("{address_url}/containers"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        redirect.headers()[header::LOCATION],
        format!("{url}/containers")
    );

    assert!(program.terminate().await.success());
    let data = folder.path().join("data");
    assert!(data.join("holdfast.db").is_file() && data.join("key").is_file());

    let mut program = Program::serve(folder.path(), &[]);
    let url = program.line_after("Holdfast is at ");
    assert!(sign_in(&url, "admin", &password).await.is_some());
    assert!(program.terminate().await.success());
    // Neither the password again, nor a link, which later starts print only on a terminal.
    assert_eq!(program.remaining_lines(), Vec::<String>::new());

    let environment = [("HOLDFAST_DEMO", "false")];
    let mut program = Program::serve(folder.path(), &environment);
    program.line_after("Holdfast is at ");
    assert!(program.terminate().await.success());
    assert_eq!(program.remaining_lines(), Vec::<String>::new());
}

pub fn run(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = holdfastd(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Fails if the program closed its input without reading it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub fn to_text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

#[test]
fn user_commands_need_no_password_argument() {
    let folder = tempfile::tempdir().unwrap();
    let add = [
        "user",
        "add",
        "ann",
        "--mail",
        "ann@example.org",
        "--role",
        "administrator",
    ];
    let created = run(folder.path(), &add, "");
    assert!(created.status.success(), "{}", to_text(&created.stderr));
    assert!(
        to_text(&created.stdout).starts_with("Password: "),
        "{}",
        to_text(&created.stdout)
    );

    let duplicate = run(folder.path(), &add, "");
    assert_eq!(duplicate.status.code(), Some(6));
    assert_eq!(
        to_text(&duplicate.stderr),
        "holdfastd: user add: Another user has this name.\n"
    );

    let set = ["user", "password", "ann", "--password-stdin"];
    let set = run(folder.path(), &set, "correct horse battery\n");
    assert!(set.status.success(), "{}", to_text(&set.stderr));
    assert_eq!(
        to_text(&set.stdout),
        "",
        "a provided password is not printed"
    );

    let short = run(
        folder.path(),
        &["user", "password", "ann", "--password-stdin"],
        "short\n",
    );
    assert_eq!(short.status.code(), Some(2));
    assert!(
        to_text(&short.stderr).starts_with("holdfastd: password: "),
        "{}",
        to_text(&short.stderr)
    );
    let unknown = run(folder.path(), &["user", "password", "bob"], "");
    assert_eq!(unknown.status.code(), Some(6));
    assert!(to_text(&unknown.stderr).starts_with("holdfastd: user password: "));
}

#[test]
fn errors_are_one_line_with_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.toml"), "listn = 'x'").unwrap();
    let check = run(
        folder.path(),
        &["config", "check", "--config", "bad.toml"],
        "",
    );
    assert_eq!(check.status.code(), Some(3));
    assert_eq!(
        to_text(&check.stderr),
        "holdfastd: configuration: `listn` in bad.toml is not a setting; did you mean listen?\n"
    );
    let good = run(folder.path(), &["config", "check"], "");
    assert!(good.status.success());
    assert!(
        to_text(&good.stdout)
            .starts_with("Listens on 127.0.0.1:3000; public URL http://localhost:3000.")
    );
    assert!(
        !folder.path().join("data").exists(),
        "the check must not write files"
    );

    let version = run(folder.path(), &["--version"], "");
    assert_eq!(
        to_text(&version.stdout),
        format!("holdfastd {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(run(folder.path(), &["srve"], "").status.code(), Some(2));

    let occupied = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = occupied.local_addr().unwrap().to_string();
    let serve = run(folder.path(), &["serve", "--listen", &address], "");
    assert_eq!(serve.status.code(), Some(5));
    assert!(to_text(&serve.stderr).starts_with(&format!("holdfastd: listen: {address}: ")));

    let database = [("DATABASE_URL", "sqlite:/nowhere/at/all.db")];
    let mut command = holdfastd(folder.path());
    let output = command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .envs(database)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", to_text(&output.stderr));
}
