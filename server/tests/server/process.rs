//! The real program, in an empty folder, as a person starts it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread::JoinHandle,
    time::Duration,
};

use reqwest::{Client, StatusCode, header, redirect::Policy};

use crate::support::until;

/// A program that runs, killed when it goes out of scope.
pub struct Program {
    child: Child,
    lines: Receiver<String>,
    log: Option<JoinHandle<String>>,
}

/// The program without anything from our own environment.
pub fn holdfast(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command.current_dir(folder).env_clear();
    command
}

fn serve(folder: &Path, environment: &[(&str, &str)]) -> Command {
    let mut command = holdfast(folder);
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("HOLDFAST_DEMO", "small")
        .envs(environment.iter().copied());
    command
}

/// The server at a terminal (script(1)).
fn at_terminal(folder: &Path) -> Command {
    let serve = serve(folder, &[]);
    let words = std::iter::once(serve.get_program()).chain(serve.get_args());
    let words: Vec<_> = words.map(|word| word.to_str().unwrap()).collect();
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
            &format!("exec {}", words.join(" ")),
        ])
        .arg("/dev/null")
        .stdin(Stdio::null());
    script
}

impl Program {
    /// Starts the server on a free port, with the small demo where nothing else is said: it is complete
    /// before the first page.
    pub fn serve(folder: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start(serve(folder, environment))
    }

    /// The same, with its log kept for [`Program::log`].
    pub fn serve_with_log(folder: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = serve(folder, environment);
        command.stderr(Stdio::piped());
        Self::start(command)
    }

    /// Starts any command and reads what it says.
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
        let (send, lines) = channel();
        std::thread::spawn(move || {
            out.lines()
                .map_while(Result::ok)
                .try_for_each(|line| send.send(line))
        });
        Self { child, lines, log }
    }

    /// The next line that begins so; the part behind it.
    pub fn says(&self, beginning: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(120)).unwrap();
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
    }

    /// The log of a program that has ended.
    pub fn log(&mut self) -> String {
        self.log.take().unwrap().join().unwrap()
    }

    /// The lines that are left when it has ended.
    fn last_lines(&self) -> Vec<String> {
        self.lines.iter().collect()
    }

    /// How much memory it has that is not a file's, in KiB.
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

    /// Asks it to end, and waits until it has.
    pub async fn terminate(&mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        until("the end", async || self.child.try_wait().unwrap()).await
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

/// Signs in by the form; the cookie, when the password was right.
pub async fn sign_in(url: &str, name: &str, password: &str) -> Option<String> {
    let answer = client()
        .post(format!("{url}/sign-in"))
        .form(&[
            ("name", name),
            ("password", password),
            ("next", "/containers"),
        ])
        .send()
        .await
        .unwrap();
    let set = answer
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
    first.says("Password: ");
    assert!(first.terminate().await.success());
    let mut second = Program::start(at_terminal(folder.path()));
    assert!(
        second
            .says("Sign-in link: ")
            .contains("/sign-in/link?token=")
    );
    // script(1) ends with the status of the signal that it was sent.
    let _ = second.terminate().await;
}

#[tokio::test]
async fn the_first_start_tells_a_password_that_works_and_the_second_tells_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::serve(folder.path(), &[]);
    let url = program.says("Holdfast is at ");
    assert!(url.starts_with("http://localhost:"), "{url}");
    assert_eq!(program.says("Administrator: "), "admin");
    let password = program.says("Password: ");

    assert_eq!(sign_in(&url, "admin", "wrong password").await, None);
    let cookie = sign_in(&url, "admin", &password).await.unwrap();
    let ask = async |path: &str| {
        let request = client()
            .get(format!("{url}{path}"))
            .header(header::COOKIE, &cookie);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    until("the containers of the demo", async || {
        let (status, page) = ask("/containers").await;
        assert_eq!(status, StatusCode::OK);
        page.contains("wiki").then_some(())
    })
    .await;
    assert_eq!(ask("/readyz").await.0, StatusCode::OK);
    let by_address = url.replace("localhost", "127.0.0.1");
    let redirect = client()
        .get(format!("{by_address}/containers"))
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
    let url = program.says("Holdfast is at ");
    assert!(sign_in(&url, "admin", &password).await.is_some());
    assert!(program.terminate().await.success());
    // Neither the password again, nor a link, which later is for a terminal only.
    assert_eq!(program.last_lines(), Vec::<String>::new());

    let environment = [("HOLDFAST_DEMO", "false")];
    let mut program = Program::serve(folder.path(), &environment);
    program.says("Holdfast is at ");
    assert!(program.terminate().await.success());
    assert_eq!(program.last_lines(), Vec::<String>::new());
}

pub fn run(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = holdfast(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input has closed it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub fn told(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

#[test]
fn accounts_are_made_without_a_password_on_the_command_line() {
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
    let made = run(folder.path(), &add, "");
    assert!(made.status.success(), "{}", told(&made.stderr));
    assert!(
        told(&made.stdout).starts_with("Password: "),
        "{}",
        told(&made.stdout)
    );

    let again = run(folder.path(), &add, "");
    assert_eq!(again.status.code(), Some(6));
    assert_eq!(
        told(&again.stderr),
        "holdfast: user add: Somebody has this name already.\n"
    );

    let set = ["user", "password", "ann", "--password-stdin"];
    let set = run(folder.path(), &set, "correct horse battery\n");
    assert!(set.status.success(), "{}", told(&set.stderr));
    assert_eq!(told(&set.stdout), "", "who gave it knows it");

    let short = run(
        folder.path(),
        &["user", "password", "ann", "--password-stdin"],
        "short\n",
    );
    assert_eq!(short.status.code(), Some(2));
    assert!(
        told(&short.stderr).starts_with("holdfast: password: "),
        "{}",
        told(&short.stderr)
    );
    let nobody = run(folder.path(), &["user", "password", "bob"], "");
    assert_eq!(nobody.status.code(), Some(6));
    assert!(told(&nobody.stderr).starts_with("holdfast: user password: "));
}

#[test]
fn what_is_wrong_is_said_in_one_line_with_its_own_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.toml"), "listn = 'x'").unwrap();
    let check = run(
        folder.path(),
        &["config", "check", "--config", "bad.toml"],
        "",
    );
    assert_eq!(check.status.code(), Some(3));
    assert_eq!(
        told(&check.stderr),
        "holdfast: configuration: `listn` in bad.toml is no setting; listen is near to it\n"
    );
    let good = run(folder.path(), &["config", "check"], "");
    assert!(good.status.success());
    assert!(
        told(&good.stdout)
            .starts_with("Listens on 127.0.0.1:3000, for people at http://localhost:3000.")
    );
    assert!(
        !folder.path().join("data").exists(),
        "a check writes nothing"
    );

    let version = run(folder.path(), &["--version"], "");
    assert_eq!(
        told(&version.stdout),
        format!("holdfast {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(run(folder.path(), &["srve"], "").status.code(), Some(2));

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let serve = run(folder.path(), &["serve", "--listen", &address], "");
    assert_eq!(serve.status.code(), Some(5));
    assert!(told(&serve.stderr).starts_with(&format!("holdfast: listen: {address}: ")));

    let database = [("DATABASE_URL", "sqlite:/nowhere/at/all.db")];
    let mut command = holdfast(folder.path());
    let output = command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .envs(database)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", told(&output.stderr));
}
