//! DNS providers behind one trait: create and delete public records of a domain.
//!
//! The crate implements Cloudflare's API, signed dynamic updates (RFC 2136, RFC 8945) and acme-dns.
//! It also checks whether a record is visible on the authoritative name servers. It makes no policy
//! decisions: which records should exist, when to retry, and how long to wait belong to the caller.
//! It must not know the database or sites.
//!
//! Two rules for callers:
//! - A record that a provider has accepted is not necessarily visible yet; [`wait_until_visible`]
//!   waits for that.
//! - Every change is idempotent: to add an existing value or to remove a missing one succeeds.

mod acme_dns;
mod aliases;
mod cloudflare;
mod error;
mod http;
mod provider_test;
mod record;
mod resolver;
mod rfc2136;
mod tsig;
mod visibility;

use std::time::Duration;

use async_trait::async_trait;
use model::{
    authorities::PemCertificates,
    names::Domain,
    providers::{AccountSecret, ProviderCheck, ProviderSettings},
};

pub use error::DnsError;
pub use record::{Record, RecordValue};
pub use resolver::Resolver;
pub use visibility::wait_until_visible;

/// A DNS provider.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Adds a value to a name and keeps other values. Does nothing if the value exists.
    ///
    /// # Errors
    /// Every [`DnsError`].
    async fn add(&self, record: &Record) -> Result<(), DnsError>;

    /// Removes this value and keeps others. Does nothing if the value does not exist.
    ///
    /// # Errors
    /// Every [`DnsError`].
    async fn remove(&self, record: &Record) -> Result<(), DnsError>;

    /// The current A and AAAA values of a name at the provider.
    ///
    /// # Errors
    /// Every [`DnsError`]; [`DnsError::Refused`] if the provider does not support address records.
    async fn addresses(&self, name: &str) -> Result<Vec<RecordValue>, DnsError>;

    /// Tests whether the provider can manage a domain's records. Adds and removes a test record.
    async fn test(&self, domain: &Domain) -> Vec<ProviderCheck>;
}

/// Options of all providers.
#[derive(Clone, Debug)]
pub struct Options {
    /// Base URL of Cloudflare's API.
    pub cloudflare_url: String,
    /// The resolver for lookups.
    pub resolver: Resolver,
    /// Root certificates for API servers, in addition to those that this host trusts.
    pub roots: Option<PemCertificates>,
    /// Connect timeout.
    pub connect_timeout: Duration,
    /// Response timeout.
    pub response_timeout: Duration,
    /// How long a test waits until its record is visible.
    pub visibility_timeout: Duration,
    /// TTL of records created by RFC 2136 updates, in seconds.
    pub ttl: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cloudflare_url: "https://api.cloudflare.com/client/v4".to_owned(),
            resolver: Resolver::system(),
            roots: None,
            connect_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(30),
            visibility_timeout: Duration::from_secs(15),
            ttl: 60,
        }
    }
}

/// Creates the provider with these settings. Sends no request.
///
/// # Errors
/// [`DnsError::Unauthorized`] when the secret has the wrong format, and [`DnsError::Refused`] when
/// it would be sent without TLS.
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
            let key = tsig::Key::new(key, *algorithm, secret)?;
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
