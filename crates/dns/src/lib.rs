//! Providers of DNS behind one trait: where a domain's public records are kept, and how they are
//! changed there.
//!
//! It knows how each of them is spoken to: Cloudflare's API, signed updates of a name server (RFC
//! 2136, RFC 8945), and acme-dns. It also looks whether a record can be seen by the world. It
//! decides nothing: which records there should be, when something is tried again and how long a
//! change is waited for belong to the caller. It knows no database and no site.
//!
//! Two things a caller has to know:
//! - A record that a provider has taken is not yet one that the world sees: [`seen`] tells.
//! - Every change may be made twice. Adding what is there and removing what is not are successes.

mod acme_dns;
mod aliases;
mod cloudflare;
mod error;
mod http;
mod record;
mod resolver;
mod rfc2136;
mod seen;
mod signed;
mod trial;

use std::time::Duration;

use async_trait::async_trait;
use model::{
    authorities::PemCertificates,
    names::Domain,
    providers::{AccountSecret, Finding, ProviderSettings},
};

pub use error::DnsError;
pub use record::{Record, Value};
pub use resolver::Resolver;
pub use seen::seen;

/// Somebody who keeps records.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Adds a value beside other values of its name. One that is there already is left as it is.
    ///
    /// # Errors
    /// Every [`DnsError`].
    async fn add(&self, record: &Record) -> Result<(), DnsError>;

    /// Takes away this value and no other. One that is gone already is fine.
    ///
    /// # Errors
    /// Every [`DnsError`].
    async fn remove(&self, record: &Record) -> Result<(), DnsError>;

    /// The addresses that a name has there now.
    ///
    /// # Errors
    /// Every [`DnsError`]; [`DnsError::Refused`] where the provider keeps none.
    async fn addresses(&self, name: &str) -> Result<Vec<Value>, DnsError>;

    /// What is good and what is missing, for a domain's records to be kept there. It adds and takes
    /// away a record of its own.
    async fn test(&self, domain: &Domain) -> Vec<Finding>;
}

/// What all providers are spoken to with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where Cloudflare's API answers.
    pub cloudflare: String,
    /// Who is asked for names.
    pub resolver: Resolver,
    /// Authorities beside the machine's own that vouch for the servers of APIs.
    pub roots: Option<PemCertificates>,
    /// How long a connection may take.
    pub connect: Duration,
    /// How long one answer may take.
    pub answer: Duration,
    /// How long a test waits for its record to be seen by the world.
    pub sight: Duration,
    /// How long others may remember a record that a name server was given, in seconds.
    pub ttl: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cloudflare: "https://api.cloudflare.com/client/v4".to_owned(),
            resolver: Resolver::of_host(),
            roots: None,
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            sight: Duration::from_secs(15),
            ttl: 60,
        }
    }
}

/// The provider with these settings. Nothing is asked of it yet.
///
/// # Errors
/// [`DnsError::Unauthorized`] when the secret cannot be one of this kind, and
/// [`DnsError::Refused`] when it would be sent without TLS.
pub fn open(
    settings: &ProviderSettings,
    secret: &AccountSecret,
    options: &Options,
) -> Result<Box<dyn Provider>, DnsError> {
    Ok(match settings {
        ProviderSettings::Cloudflare => Box::new(cloudflare::Cloudflare::new(secret, options)?),
        ProviderSettings::Rfc2136 {
            server,
            zone,
            key,
            algorithm,
        } => {
            let key = signed::Key::new(key, *algorithm, secret)?;
            Box::new(rfc2136::Rfc2136::new(server, zone, key, options)?)
        }
        ProviderSettings::AcmeDns {
            server,
            user,
            full_domain,
        } => {
            let account = acme_dns::Account::new(user, secret, full_domain)?;
            Box::new(acme_dns::AcmeDns::new(server, account, options)?)
        }
    })
}
