//! What the operator decides: one TOML file and the environment, over defaults that let
//! `holdfast serve` run in an empty folder. Every value is parsed here, once; nothing behind this
//! module meets text that could be wrong. It opens no file but the configuration's own, and no
//! connection.

mod error;
mod public_url;
mod raw;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
};

use control::setup::demo::Scenario;
use ipnet::IpNet;
use store::DatabaseUrl;

use crate::host;
pub use error::ConfigError;
pub use public_url::PublicUrl;
use raw::{Raw, Sources};

/// The configuration of one process.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where and how pages are served.
    pub web: Web,
    /// The folder of everything that this process writes.
    pub data: PathBuf,
    /// Where the state is.
    pub database: DatabaseUrl,
    /// Where the key comes from that stored secrets are encrypted with.
    pub key: KeySource,
    /// What is logged and how.
    pub log: Log,
    /// The demo on a simulated cluster inside the process, if there is to be one.
    pub demo: Option<Demo>,
    /// How much work is done at once.
    pub workers: Workers,
}

/// Where and how pages are served.
#[derive(Clone, Debug)]
pub struct Web {
    /// The address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The address that people use, when it was given.
    pub public_url: Option<PublicUrl>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The certificate and its key, when this process speaks TLS itself.
    pub tls: Option<TlsFiles>,
}

impl Web {
    /// Whether people come by this machine's own name.
    pub fn is_localhost(&self) -> bool {
        let given = self.public_url.as_ref();
        given.is_none_or(|url| host::is_loopback(url.host()))
    }

    /// The address that people use. Without one in the configuration it is `localhost` with the
    /// port that was `bound`.
    pub fn public_url(&self, bound: SocketAddr) -> PublicUrl {
        self.public_url
            .clone()
            .unwrap_or_else(|| PublicUrl::localhost(self.tls.is_some(), bound.port()))
    }
}

/// Files in PEM form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, leaf first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Where the key comes from that stored secrets are encrypted with.
#[derive(Clone)]
pub enum KeySource {
    /// A file that the first start makes.
    File(PathBuf),
    /// The environment; the text is the key itself.
    Given(String),
}

impl std::fmt::Debug for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Given(_) => f.write_str("Given(…)"),
        }
    }
}

/// What is logged and how.
#[derive(Clone, Debug)]
pub struct Log {
    /// The form of a line.
    pub format: LogFormat,
    /// Which lines, in the words of `tracing-subscriber`, such as `info,control=debug`.
    pub filter: String,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object to a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("use text or json"),
        }
    }
}

/// The demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demo {
    /// What there is to see.
    pub scenario: Scenario,
    /// How many times faster than a real cluster the simulated one is, from 1 to 100.
    pub speed: u32,
    /// Whether the passwords of people in the demo are printed.
    pub print_passwords: bool,
}

/// How much work is done at once.
#[derive(Clone, Copy, Debug)]
pub struct Workers {
    /// Jobs that run at once, from 1 to 100.
    pub parallel_jobs: usize,
}

/// What the command line says; it wins over the file and the environment.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--listen`
    pub listen: Option<String>,
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--demo`
    pub demo: Option<String>,
    /// `--demo-speed`
    pub demo_speed: Option<String>,
    /// `--demo-passwords`
    pub demo_passwords: bool,
}

impl Config {
    /// Reads the configuration: defaults, then `file`, then the environment's `HOLDFAST_…` and
    /// `DATABASE_URL`, then the command line.
    ///
    /// # Errors
    /// The first thing that cannot be used, with the key and the place it comes from.
    pub fn load(
        file: Option<&Path>,
        overrides: Overrides,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let print_passwords = overrides.demo_passwords;
        let (raw, sources) = raw::read(file, overrides, environment)?;
        let data = PathBuf::from(&raw.data);
        let key = match (sources.key(), &raw.key_file) {
            (Some(key), _) => KeySource::Given(key.to_owned()),
            (None, Some(file)) => KeySource::File(file.into()),
            (None, None) => KeySource::File(data.join("key")),
        };
        let url = raw
            .database
            .clone()
            .unwrap_or_else(|| default_database(&data));
        let log = Log {
            format: sources.parsed("log.format", &raw.log.format)?,
            filter: sources.checked("log.filter", &raw.log.filter, is_filter)?,
        };
        Ok(Self {
            web: web(&raw, &sources)?,
            database: sources.parsed("database", &url)?,
            data,
            key,
            log,
            demo: demo(&raw, &sources, print_passwords)?,
            workers: Workers {
                parallel_jobs: sources.checked(
                    "workers.parallel_jobs",
                    &raw.workers.parallel_jobs,
                    |count| {
                        if (1..=100).contains(count) {
                            Ok(())
                        } else {
                            Err("use 1 to 100".into())
                        }
                    },
                )?,
            },
        })
    }
}

/// A database in the data folder, which needs no server.
fn default_database(data: &Path) -> String {
    format!("sqlite:{}", data.join("holdfast.db").display())
}

fn demo(raw: &Raw, sources: &Sources, print_passwords: bool) -> Result<Option<Demo>, ConfigError> {
    let right = |speed: &u32| match (1..=100).contains(speed) {
        true => Ok(()),
        false => Err("use 1 to 100".to_owned()),
    };
    let speed = sources.checked("demo_speed", &raw.demo_speed, right)?;
    let scenario = match raw.demo.as_str() {
        "true" | "full" => Scenario::Full,
        "small" => Scenario::Small,
        "false" => return Ok(None),
        other => {
            let why = format!("`{other}`: use true, false, small or full");
            return Err(sources.refusal("demo", why));
        }
    };
    Ok(Some(Demo {
        scenario,
        speed,
        print_passwords,
    }))
}

fn web(raw: &Raw, sources: &Sources) -> Result<Web, ConfigError> {
    let listen: SocketAddr = sources.parsed_as(
        "listen",
        &raw.listen,
        "use an address with a port, such as 127.0.0.1:3000 or [::]:443",
    )?;
    let public_url: Option<PublicUrl> = match &raw.public_url {
        Some(text) => Some(sources.parsed("public_url", text)?),
        None if is_localhost(listen.ip()) => None,
        None => {
            let why = format!(
                "it is needed since {listen} is not 127.0.0.1 or [::1]; \
                give the address that people type, such as https://cloud.example.org"
            );
            return Err(sources.refusal("public_url", why));
        }
    };
    let trusted_proxies = raw
        .trusted_proxies
        .iter()
        .map(|text| {
            network(text).ok_or_else(|| {
                let why = format!("`{text}` is no address or network; use such as 10.0.0.0/8");
                sources.refusal("trusted_proxies", why)
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(Web {
        listen,
        public_url,
        trusted_proxies,
        tls: tls(raw, sources)?,
    })
}

fn tls(raw: &Raw, sources: &Sources) -> Result<Option<TlsFiles>, ConfigError> {
    match (&raw.tls_cert, &raw.tls_key) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => Ok(Some(TlsFiles {
            cert: cert.into(),
            key: key.into(),
        })),
        (Some(_), None) => {
            Err(sources.refusal("tls_key", "it is needed together with tls_cert".to_owned()))
        }
        (None, Some(_)) => {
            Err(sources.refusal("tls_cert", "it is needed together with tls_key".to_owned()))
        }
    }
}

/// A network, or one address as a network of its own.
fn network(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn is_filter(text: &String) -> Result<(), String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| ())
        .map_err(|e| format!("use such as info or info,control=debug: {e}"))
}

/// Whether browsers try an address for the name `localhost`.
fn is_localhost(address: IpAddr) -> bool {
    address == Ipv4Addr::LOCALHOST || address == Ipv6Addr::LOCALHOST
}

/// Where `holdfast serve` listens unless told otherwise.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);
