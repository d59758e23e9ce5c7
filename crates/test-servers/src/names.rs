//! A temporary BIND name server with the zones `example.org` and `example.net`, which accept
//! dynamic updates signed with TSIG keys.

use std::{
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    thread,
};

use tempfile::TempDir;

/// Name of a TSIG key (HMAC-SHA-256) that may update the whole zone.
pub const KEY: &str = "sha256.example.org";

/// Name of a TSIG key that may update a single name.
pub const RESTRICTED_KEY: &str = "narrow.example.org";

/// The secret of all keys.
pub const SECRET: &str = "c2l4dGVlbiBieXRlcyBhbmQgYSBmZXcgbW9yZSB0aGFuIHRoYXQ=";

/// The address of the name server.
pub const FIRST_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
/// The address of a second name server.
pub const SECOND_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Kills BIND when the pipe from this process is closed.
const SHELL: &str = r#"
"$@" </dev/null &
named=$!
exec 2>/dev/null
cat >/dev/null
kill -KILL $named
wait $named
"#;

/// A running name server. It stops when dropped.
pub struct NameServer {
    /// Address and port.
    pub address: SocketAddr,
    shell: Child,
    _folder: TempDir,
}

impl Drop for NameServer {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

impl NameServer {
    /// Starts the only name server of its zones.
    ///
    /// # Panics
    /// If BIND is not installed or does not start.
    pub fn start() -> Self {
        Self::start_with_addresses(&[FIRST_ADDRESS])
    }

    /// Starts one of several name servers of its zones. It listens on the first address.
    ///
    /// # Panics
    /// As [`Named::start`].
    pub fn start_with_addresses(all: &[Ipv4Addr]) -> Self {
        // Another process may bind the port before BIND does.
        let mut failure = String::new();
        for _ in 0..5 {
            match Self::try_start(all, free_port(all)) {
                Ok(named) => return named,
                Err(log_text) => failure = log_text,
            }
        }
        panic!("BIND did not start:\n{failure}");
    }

    fn try_start(all: &[Ipv4Addr], port: u16) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        // A copy, because the AppArmor profile of the installed program allows only Debian's
        // directories.
        let program = path.join("named");
        std::fs::copy(installed(), &program).unwrap();
        std::fs::write(path.join("named.conf"), configuration(path, port)).unwrap();
        for zone in ["example.org", "example.net"] {
            std::fs::write(path.join(zone), zone_file(zone, all)).unwrap();
        }
        let mut shell = Command::new("sh")
            .args(["-c", SHELL, "sh"])
            .arg(&program)
            .args(["-g", "-n", "1", "-c"])
            .arg(path.join("named.conf"))
            .current_dir(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C must stop only this process. The shell must survive it to clean up.
            .process_group(0)
            .spawn()
            .unwrap();
        let log = shell.stderr.take().unwrap();
        let named = Self {
            address: SocketAddr::new(FIRST_ADDRESS.into(), port),
            shell,
            _folder: folder,
        };
        wait(log).map(|()| named)
    }
}

fn installed() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    let programs = folders.into_iter().map(|folder| folder.join("named"));
    programs
        .into_iter()
        .find(|program| program.exists())
        .expect("BIND is not installed: install the package bind9.")
}

/// A port that is free over UDP and TCP at all addresses.
fn free_port(all: &[Ipv4Addr]) -> u16 {
    let free = |port: u16| {
        let is_free = |ip: &Ipv4Addr| {
            TcpListener::bind((*ip, port)).is_ok() && UdpSocket::bind((*ip, port)).is_ok()
        };
        all.iter().all(is_free)
    };
    let ports = std::iter::repeat_with(|| {
        let listener = TcpListener::bind((FIRST_ADDRESS, 0)).unwrap();
        listener.local_addr().unwrap().port()
    });
    ports.into_iter().find(|port| free(*port)).unwrap()
}

/// Waits until BIND logs that it is running, and drains its log in the background.
fn wait(log: ChildStderr) -> Result<(), String> {
    let mut log_text = String::new();
    let mut log = BufReader::new(log).lines();
    for line in log.by_ref().map_while(Result::ok) {
        if line.ends_with(" running") {
            thread::spawn(move || log.for_each(drop));
            return Ok(());
        }
        log_text.push_str(&line);
        log_text.push('\n');
    }
    Err(log_text)
}

fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    let keys = ["sha256", "sha384", "sha512"]
        .map(|word| (format!("{word}.example.org"), format!("hmac-{word}")));
    let narrow = (RESTRICTED_KEY.to_owned(), "hmac-sha256".to_owned());
    let keys: String = keys
        .iter()
        .chain([&narrow])
        .map(|(name, algorithm)| {
            format!("key \"{name}\" {{ algorithm {algorithm}; secret \"{SECRET}\"; }};\n")
        })
        .collect();
    let grants = ["sha256", "sha384", "sha512"]
        .map(|word| format!("grant {word}.example.org zonesub ANY; "))
        .concat();
    let zone = |zone: &str| {
        format!(
            "zone \"{zone}\" {{ type primary; file \"{folder}/{zone}\"; update-policy {{ {grants}\
             grant {RESTRICTED_KEY} name _acme-challenge.example.org TXT; }}; }};\n"
        )
    };
    format!(
        "options {{ directory \"{folder}\"; pid-file \"{folder}/pid\"; \
         session-keyfile \"{folder}/session.key\"; lock-file none; \
         listen-on port {port} {{ {FIRST_ADDRESS}; }}; listen-on-v6 {{ none; }}; \
         recursion no; allow-query {{ any; }}; dnssec-validation no; notify no; }};\n\
         controls {{ }};\n{keys}{}{}",
        zone("example.org"),
        zone("example.net")
    )
}

fn zone_file(zone: &str, all: &[Ipv4Addr]) -> String {
    let servers: String = (1..)
        .zip(all)
        .map(|(number, address)| {
            let name = format!("ns{number}.{zone}.");
            format!("@ IN NS {name}\n{name} IN A {address}\n")
        })
        .collect();
    format!(
        "$TTL 60\n@ IN SOA ns1.{zone}. hostmaster.{zone}. 1 3600 600 86400 60\n{servers}\
         www IN A 192.0.2.1\nwww IN A 192.0.2.2\nwww IN AAAA 2001:db8::1\nwww IN TXT \"here\"\n\
         alias IN CNAME www.{zone}.\n\
         _acme-challenge.led IN CNAME 1f0f2b4e-3d5c.example.net.\n\
         _acme-challenge.misled IN CNAME elsewhere.example.net.\n\
         _acme-challenge.twice IN CNAME _acme-challenge.led.example.org.\n\
         round IN CNAME about.{zone}.\nabout IN CNAME round.{zone}.\n"
    )
}
