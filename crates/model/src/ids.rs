//! IDs of database rows: 64-bit integers with one type per table, so that they cannot be confused.

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
    /// A user.
    UserId,
    /// An invitation to create an account.
    InvitationId,
    /// A site: one network with its domain and address range.
    SiteId,
    /// A domain that a site publishes under.
    DomainId,
    /// A certificate authority.
    AuthorityId,
    /// A DNS provider.
    ProviderId,
    /// A certificate of a domain, issued or requested.
    CertificateId,
    /// A host that runs `holdfast-agent`.
    HostId,
    /// A Proxmox VE cluster.
    ClusterId,
    /// A container.
    ContainerId,
    /// A service of a container.
    ServiceId,
    /// A job.
    JobId,
}
