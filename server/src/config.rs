//! The configuration: one TOML file and environment variables, over defaults that let
//! `holdfastd serve` run in an empty directory. All values are parsed here; other modules receive
//! valid types. Opens no file except the configuration file, and no connection.

mod error;
mod public_url;
mod raw;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use control::setup::demo::Scenario;
use ipnet::IpNet;
use store::DatabaseUrl;

use crate::loopback;
pub use error::ConfigError;
pub use public_url::PublicUrl;
use raw::{Raw, RawWorkers, Sources};

/// The configuration of one process.
#[derive(Clone, Debug)]
pub struct Config {
    /// HTTP settings.
    pub web: Web,
    /// The data directory.
    pub data: PathBuf,
    /// The database.
    pub database: DatabaseUrl,
    /// The source of the key that encrypts stored secrets.
    pub key: KeySource,
    /// Log settings.
    pub log: Log,
    /// The demo on a simulated cluster inside the process, if enabled.
    pub demo: Option<Demo>,
    /// Worker settings.
    pub workers: Workers,
}

/// HTTP settings.
#[derive(Clone, Debug)]
pub struct Web {
    /// The address and port to listen on; port 0 selects a free port.
    pub listen: SocketAddr,
    /// The public URL, if configured.
    pub public_url: Option<PublicUrl>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Certificate and key, if this process terminates TLS.
    pub tls: Option<TlsFiles>,
}

impl Web {
    /// Whether the public URL is on the loopback interface.
    pub fn is_localhost(&self) -> bool {
        let configured = self.public_url.as_ref();
        configured.is_none_or(|url| loopback::is_loopback(url.host()))
    }

    /// The public URL; by default `localhost` with the port that was `bound`.
    pub fn public_url(&self, bound: SocketAddr) -> PublicUrl {
        self.public_url
            .clone()
            .unwrap_or_else(|| PublicUrl::localhost(self.tls.is_some(), bound.port()))
    }
}

/// TLS files in PEM format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, leaf first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The source of the key that encrypts stored secrets.
#[derive(Clone)]
pub enum KeySource {
    /// A file that the first start creates.
    File(PathBuf),
    /// The key itself, from the environment.
    Environment(String),
}

impl std::fmt::Debug for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Environment(_) => f.write_str("Environment(…)"),
        }
    }
}

/// Log settings.
#[derive(Clone, Debug)]
pub struct Log {
    /// The format of a line.
    pub format: LogFormat,
    /// The filter, in the syntax of `tracing-subscriber`, such as `info,control=debug`.
    pub filter: String,
}

/// The format of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Human-readable text.
    Text,
    /// One JSON object per line.
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

/// Demo settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demo {
    /// The scenario.
    pub scenario: Scenario,
    /// Speed of the simulated cluster relative to a real one, from 1 to 100.
    pub speed: u32,
    /// Whether the passwords of the demo users are printed.
    pub print_passwords: bool,
}

/// Worker settings.
#[derive(Clone, Copy, Debug)]
pub struct Workers {
    /// Number of jobs that run concurrently, from 1 to 100.
    pub parallel_jobs: usize,
    /// How long ended jobs are kept, from 1 to 3650 days.
    pub job_retention: Duration,
}

/// Command line options; they override the file and the environment.
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
    /// Loads the configuration: defaults, then `file`, then `HOLDFAST_…` and `DATABASE_URL` from
    /// the environment, then the command line.
    ///
    /// # Errors
    /// The first invalid value, with its key and source.
    pub fn load(
        file: Option<&Path>,
        overrides: Overrides,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let print_passwords = overrides.demo_passwords;
        let (raw, sources) = raw::read(file, overrides, environment)?;
        let data = PathBuf::from(&raw.data);
        let key = match (sources.key(), &raw.key_file) {
            (Some(key), _) => KeySource::Environment(key.to_owned()),
            (None, Some(file)) => KeySource::File(file.into()),
            (None, None) => KeySource::File(data.join("key")),
        };
        let url = raw
            .database
            .clone()
            .unwrap_or_else(|| default_database(&data));
        let log = Log {
            format: sources.parse("log.format", &raw.log.format)?,
            filter: sources.validate("log.filter", &raw.log.filter, check_filter)?,
        };
        Ok(Self {
            web: web(&raw, &sources)?,
            database: sources.parse("database", &url)?,
            data,
            key,
            log,
            demo: demo(&raw, &sources, print_passwords)?,
            workers: workers(&raw.workers, &sources)?,
        })
    }
}

/// The default database: SQLite in the data directory.
fn default_database(data: &Path) -> String {
    format!("sqlite:{}", data.join("holdfast.db").display())
}

fn workers(raw: &RawWorkers, sources: &Sources) -> Result<Workers, ConfigError> {
    let in_range = |value: u64, max| match (1..=max).contains(&value) {
        true => Ok(()),
        false => Err(format!("use 1 to {max}")),
    };
    let (jobs, days) = (raw.parallel_jobs, raw.job_retention_days);
    Ok(Workers {
        parallel_jobs: sources.validate("workers.parallel_jobs", &jobs, |jobs| {
            in_range(*jobs as u64, 100)
        })?,
        job_retention: Duration::from_hours(
            24 * sources.validate("workers.job_retention_days", &days, |days| {
                in_range(*days, 3650)
            })?,
        ),
    })
}

fn demo(raw: &Raw, sources: &Sources, print_passwords: bool) -> Result<Option<Demo>, ConfigError> {
    let check = |speed: &u32| match (1..=100).contains(speed) {
        true => Ok(()),
        false => Err("use 1 to 100".to_owned()),
    };
    let speed = sources.validate("demo_speed", &raw.demo_speed, check)?;
    let scenario = match raw.demo.as_str() {
        "true" | "full" => Scenario::Full,
        "small" => Scenario::Small,
        "false" => return Ok(None),
        other => {
            let reason = format!("`{other}`: use true, false, small or full");
            return Err(sources.invalid_value("demo", reason));
        }
    };
    Ok(Some(Demo {
        scenario,
        speed,
        print_passwords,
    }))
}

fn web(raw: &Raw, sources: &Sources) -> Result<Web, ConfigError> {
    let listen: SocketAddr = sources.parse_or(
        "listen",
        &raw.listen,
        "use an address with a port, such as 127.0.0.1:3000 or [::]:443",
    )?;
    let public_url: Option<PublicUrl> = match &raw.public_url {
        Some(text) => Some(sources.parse("public_url", text)?),
        None if is_localhost(listen.ip()) => None,
        None => {
            let reason = format!(
                "required because {listen} is not 127.0.0.1 or [::1]; use the address that users \
                    open, such as https://cloud.example.org"
            );
            return Err(sources.invalid_value("public_url", reason));
        }
    };
    let trusted_proxies = raw
        .trusted_proxies
        .iter()
        .map(|text| {
            parse_network(text).ok_or_else(|| {
                let reason =
                    format!("`{text}` is not an address or network; use a CIDR such as 10.0.0.0/8");
                sources.invalid_value("trusted_proxies", reason)
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
            Err(sources.invalid_value("tls_key", "required together with tls_cert".to_owned()))
        }
        (None, Some(_)) => {
            Err(sources.invalid_value("tls_cert", "required together with tls_key".to_owned()))
        }
    }
}

/// Parses a network, or a single address as a network.
fn parse_network(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn check_filter(text: &String) -> Result<(), String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| ())
        .map_err(|e| format!("use a filter such as info or info,control=debug: {e}"))
}

/// Whether browsers resolve `localhost` to this address.
fn is_localhost(address: IpAddr) -> bool {
    address == Ipv4Addr::LOCALHOST || address == Ipv6Addr::LOCALHOST
}

/// The default listen address of `holdfastd serve`.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);
