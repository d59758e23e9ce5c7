//! Keys of rows: 64-bit integers from the database, one type for each kind of row so that they
//! cannot be confused.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::Invalid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                match text.parse() {
                    Ok(id) if id > 0 => Ok(Self(id)),
                    _ => Err(Invalid::new("An id is a whole number above zero.")),
                }
            }
        }
    )*};
}

ids! {
    /// A person's account.
    UserId,
    /// A site: one network with its domain and range of addresses.
    SiteId,
    /// A domain under which a site publishes.
    DomainId,
    /// An authority that gives certificates.
    AuthorityId,
    /// A provider of DNS.
    ProviderId,
    /// A certificate that a domain has or should have.
    CertificateId,
    /// An edge host's agent.
    AgentId,
    /// A Proxmox VE cluster.
    ClusterId,
    /// A container.
    ContainerId,
    /// A service that a container offers.
    ServiceId,
    /// A job.
    JobId,
}
