//! Database errors, classified by what the caller can do about them. Their messages are for the
//! log. Must not expose Diesel types.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::dialect;

/// An error of a read or a write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A unique value is already in use.
    #[error("This value is already in use.")]
    Duplicate(Unique),
    /// The row does not exist.
    #[error("The object does not exist.")]
    NotFound,
    /// Another row references this row, so it cannot be deleted or changed in this way.
    #[error("Other objects still depend on this one.")]
    InUse,
    /// The database is unreachable or overloaded; a later attempt may succeed.
    #[error("The database is unreachable: {cause}")]
    Unavailable {
        /// The reason.
        cause: String,
    },
    /// A bug, or stored data that does not parse.
    #[error("The database returned an unexpected value or error: {cause}")]
    Internal {
        /// The reason.
        cause: String,
    },
}

/// The unique constraint that a write violated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unique {
    /// A user's name.
    UserName,
    /// A site's name.
    SiteName,
    /// A cluster's name.
    ClusterName,
    /// A host's name on its site.
    HostName,
    /// The hash of a join token or of an agent's key.
    HostSecret,
    /// The host that is the DHCP server of a site.
    DhcpServer,
    /// The host that becomes the DHCP server of a site.
    DhcpHandover,
    /// A domain's name on its site.
    DomainName,
    /// A CA's name.
    CertificateAuthorityName,
    /// A DNS provider's name.
    DnsProviderName,
    /// A domain's certificate for a name.
    CertificateSubject,
    /// A record at a DNS provider.
    DnsRecord,
    /// A container's name on its site.
    ContainerName,
    /// A container's address on its site.
    ContainerAddress,
    /// A container's VMID on its cluster.
    ContainerVmid,
    /// A container's MAC address.
    ContainerMac,
    /// An HTTP service's hostname under its domain.
    ServiceLabel,
    /// A name below a domain of a site.
    Name,
    /// A service's external port on its site.
    ServicePort,
    /// The active job of a container.
    ActiveJob,
    /// The hash of an invitation's token.
    InvitationToken,
    /// A session's token.
    SessionToken,
    /// A key that does not depend on user input.
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

    /// Converts the error of an insert: a violated foreign key means that the referenced row does
    /// not exist.
    pub(crate) fn from_insert(error: DieselError) -> Self {
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
                        Self::Duplicate(dialect::violated_index(info.as_ref()))
                    }
                    DatabaseErrorKind::ForeignKeyViolation
                    | DatabaseErrorKind::RestrictViolation => Self::InUse,
                    DatabaseErrorKind::SerializationFailure
                    | DatabaseErrorKind::ClosedConnection => Self::unavailable(info.message()),
                    _ if dialect::is_foreign_key_violation(info.message()) => Self::InUse,
                    _ if dialect::is_statement_timeout(info.message()) => {
                        let seconds = dialect::STATEMENT_TIMEOUT.as_secs();
                        Self::unavailable(format!("a statement took longer than {seconds} s"))
                    }
                    _ if dialect::is_transient(info.message()) => Self::unavailable(info.message()),
                    _ => Self::internal(error.to_string()),
                }
            }
            DieselError::BrokenTransactionManager => Self::unavailable(error.to_string()),
            _ => Self::internal(error.to_string()),
        }
    }
}
