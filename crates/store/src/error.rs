//! What can go wrong in the database, by what the caller can do about it. The cause is for the
//! log; nothing here shows Diesel's types to the outside.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::dialect;

/// A fault of a read or a write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Somebody else holds a value that only one may hold; choose another.
    #[error("Somebody else has this already.")]
    Duplicate(Unique),
    /// There is no such row.
    #[error("There is no such thing.")]
    NotFound,
    /// Something else refers to the row, so it cannot go or change that way.
    #[error("Something still uses it.")]
    InUse,
    /// The database does not answer, or too much goes on at once; later may help.
    #[error("The database does not answer now.")]
    Unavailable {
        /// For the log.
        cause: String,
    },
    /// A fault of ours or of the stored data.
    #[error("The database has a value or an answer that was not expected.")]
    Internal {
        /// For the log.
        cause: String,
    },
}

/// What only one may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unique {
    /// An account's name.
    UserName,
    /// A site's name.
    SiteName,
    /// A cluster's name.
    ClusterName,
    /// An agent's name on its site.
    AgentName,
    /// The one agent of a site that gives out addresses.
    AgentDhcp,
    /// A domain's name on its site.
    DomainName,
    /// An authority's name.
    AuthorityName,
    /// A DNS provider's name.
    ProviderName,
    /// A domain's certificate for a name.
    CertificateSubject,
    /// A record at a provider of DNS.
    DnsRecord,
    /// A container's name on its site.
    ContainerName,
    /// A container's address on its site.
    ContainerAddress,
    /// A container's number on its cluster.
    ContainerVmid,
    /// A container's hardware address.
    ContainerMac,
    /// A web service's name under its domain.
    ServiceLabel,
    /// A service's port on its site.
    ServicePort,
    /// The one unfinished job of a container.
    ActiveJob,
    /// A session's token.
    SessionToken,
    /// Another key, which no input of a person decides.
    Other,
}

impl Error {
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        Self::Internal {
            cause: cause.into(),
        }
    }

    pub(crate) fn unavailable(cause: impl Into<String>) -> Self {
        Self::Unavailable {
            cause: cause.into(),
        }
    }

    /// For inserts, where a missing reference means that what the row belongs to is gone.
    pub(crate) fn of_insert(error: DieselError) -> Self {
        match Self::from(error) {
            Self::InUse => Self::NotFound,
            other => other,
        }
    }
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::NotFound => Self::NotFound,
            DieselError::DatabaseError(kind, info) => {
                match kind {
                    DatabaseErrorKind::UniqueViolation => {
                        Self::Duplicate(dialect::violated(info.as_ref()))
                    }
                    DatabaseErrorKind::ForeignKeyViolation
                    | DatabaseErrorKind::RestrictViolation => Self::InUse,
                    DatabaseErrorKind::SerializationFailure
                    | DatabaseErrorKind::ClosedConnection => Self::unavailable(info.message()),
                    _ if dialect::is_reference(info.message()) => Self::InUse,
                    _ if dialect::passes(info.message()) => Self::unavailable(info.message()),
                    _ => Self::internal(error.to_string()),
                }
            }
            DieselError::BrokenTransactionManager => Self::unavailable(error.to_string()),
            _ => Self::internal(error.to_string()),
        }
    }
}
