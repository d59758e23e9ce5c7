//! A certificate authority (ACME) with a challenge server: pebble and pebble-challtestsrv from the
//! system's packages.
//!
//! A shell supervises both, as for the database servers: when its standard input is closed because
//! this process ended, it stops both servers and removes their directory.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const START_TIMEOUT: Duration = Duration::from_secs(60);

const SCRIPT: &str = r#"
folder=$1
exec 2>>"$folder/log"
pebble-challtestsrv -management "$2" -http01 "$3" -dns01 "$4" -https01 '' -tlsalpn01 '' \
    -defaultIPv6 '' >>"$folder/log" 2>&1 </dev/null &
challenges=$!
pebble -strict -config "$folder/config.json" -dnsserver "$4" >>"$folder/log" 2>&1 </dev/null &
pebble=$!
cat >/dev/null
kill -KILL $pebble $challenges
wait
rm -rf "$folder"
"#;

/// Configuration of a certificate authority.
#[derive(Clone, Debug, Default)]
pub struct CaConfig {
    /// Pebble's environment, such as `("PEBBLE_VA_NOSLEEP", "1")`.
    pub env: Vec<(&'static str, String)>,
    /// The ID and the key (base64url) of the required external account binding.
    pub external_account: Option<(String, String)>,
    /// Domains for which no certificates are issued, including subdomains.
    pub blocked: Vec<String>,
    /// Validity of certificates in seconds. The default is several years.
    pub validity_seconds: Option<u64>,
}

impl CaConfig {
    /// Without delays, rejected nonces and random reuse of authorizations.
    pub fn fast() -> Self {
        Self {
            env: vec![
                ("PEBBLE_VA_NOSLEEP", "1".to_owned()),
                ("PEBBLE_WFE_NONCEREJECT", "0".to_owned()),
                ("PEBBLE_AUTHZREUSE", "0".to_owned()),
            ],
            ..Self::default()
        }
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.env.retain(|(other, _)| *other != name);
        self.env.push((name, value.to_owned()));
        self
    }
}

/// A running certificate authority. It stops when dropped.
pub struct CertificateAuthority {
    /// URL of the ACME directory (`https`).
    pub directory: String,
    /// The certificate of its servers, in PEM.
    pub roots: String,
    /// URL of the management interface (`https`): root certificates and certificate status.
    pub management: String,
    /// URL of the management interface of pebble-challtestsrv (`http`), which accepts challenge
    /// responses.
    pub challenges: String,
    folder: PathBuf,
    shell: Child,
}

/// Free local ports.
struct Ports {
    acme: u16,
    management: u16,
    http: u16,
    dns: u16,
    challenges: u16,
}

impl Ports {
    fn free() -> Self {
        let sockets: Vec<TcpListener> = (0..5)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
            .collect();
        let mut ports = sockets
            .iter()
            .map(|socket| socket.local_addr().unwrap().port());
        let mut next = || ports.next().unwrap();
        Self {
            acme: next(),
            management: next(),
            http: next(),
            dns: next(),
            challenges: next(),
        }
    }

    fn all_listening(&self) -> bool {
        let tcp = [
            self.acme,
            self.management,
            self.http,
            self.dns,
            self.challenges,
        ];
        // A UDP port that cannot be bound is in use.
        let dns = UdpSocket::bind((Ipv4Addr::LOCALHOST, self.dns)).is_err();
        dns && tcp.iter().all(|port| {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
            TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
        })
    }
}

impl CertificateAuthority {
    /// Starts a certificate authority.
    ///
    /// # Panics
    /// If pebble is not installed or does not start.
    pub fn start(setup: &CaConfig) -> Self {
        // Another process may bind a free port before pebble does.
        let mut failure = String::new();
        for _ in 0..5 {
            match Self::try_start(setup, &Ports::free()) {
                Ok(authority) => return authority,
                Err(log) => failure = log,
            }
            if !failure.contains("address already in use") {
                break;
            }
        }
        panic!(
            "pebble did not start (on Debian: apt-get install pebble, which also has \
             pebble-challtestsrv):\n{failure}"
        );
    }

    fn try_start(setup: &CaConfig, ports: &Ports) -> Result<Self, String> {
        let folder = tempfile::Builder::new()
            .prefix("holdfast-pebble-")
            .tempdir()
            .unwrap()
            .keep();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let server = rcgen::generate_simple_self_signed(names).unwrap();
        fs::write(folder.join("certificate.pem"), server.cert.pem()).unwrap();
        fs::write(folder.join("key.pem"), server.signing_key.serialize_pem()).unwrap();
        fs::write(folder.join("config.json"), config(setup, ports, &folder)).unwrap();
        let local = |port: u16| format!("127.0.0.1:{port}");
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "authority"])
            .arg(&folder)
            .args([local(ports.challenges), local(ports.http), local(ports.dns)])
            .envs(setup.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let authority = Self {
            directory: format!("https://127.0.0.1:{}/dir", ports.acme),
            roots: server.cert.pem(),
            management: format!("https://127.0.0.1:{}", ports.management),
            challenges: format!("http://127.0.0.1:{}", ports.challenges),
            folder,
            shell,
        };
        authority.wait(ports)?;
        Ok(authority)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "tests call this on blocking threads"
    )]
    fn wait(&self, ports: &Ports) -> Result<(), String> {
        let start = Instant::now();
        while !ports.all_listening() {
            let log = self.log();
            let has_failed = ["address already in use", "not found"]
                .iter()
                .any(|word| log.contains(word));
            if has_failed || start.elapsed() > START_TIMEOUT {
                return Err(log);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The log of both servers.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for CertificateAuthority {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

fn config(setup: &CaConfig, ports: &Ports, folder: &std::path::Path) -> String {
    let mut fields = vec![
        format!(r#""listenAddress": "127.0.0.1:{}""#, ports.acme),
        format!(
            r#""managementListenAddress": "127.0.0.1:{}""#,
            ports.management
        ),
        format!(r#""certificate": {:?}"#, folder.join("certificate.pem")),
        format!(r#""privateKey": {:?}"#, folder.join("key.pem")),
        format!(r#""httpPort": {}"#, ports.http),
        r#""tlsPort": 1"#.to_owned(),
    ];
    if let Some((id, key)) = &setup.external_account {
        fields.push(r#""externalAccountBindingRequired": true"#.to_owned());
        fields.push(format!(
            r#""externalAccountMACKeys": {{ {id:?}: {key:?} }}"#
        ));
    }
    if !setup.blocked.is_empty() {
        fields.push(format!(r#""domainBlocklist": {:?}"#, setup.blocked));
    }
    if let Some(seconds) = setup.validity_seconds {
        fields.push(format!(r#""certificateValidityPeriod": {seconds}"#));
    }
    format!("{{ \"pebble\": {{ {} }} }}", fields.join(", "))
}
