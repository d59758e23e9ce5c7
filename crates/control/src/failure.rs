//! Converts errors of the store to errors for callers. This is the only place where a database
//! error becomes a [`model::Error`]; its cause is logged under an ID.

use model::Error;
use store::Unique;

/// Converts a result of the store for a caller.
pub(crate) trait StoreResultExt<T> {
    /// `operation` names the operation in the log.
    fn into_model(self, operation: &'static str) -> Result<T, Error>;
}

impl<T> StoreResultExt<T> for Result<T, store::Error> {
    fn into_model(self, operation: &'static str) -> Result<T, Error> {
        self.map_err(|error| match error {
            store::Error::Duplicate(unique) => duplicate(unique),
            store::Error::Unavailable { cause } => {
                tracing::warn!(operation, error = cause, "database unavailable");
                Error::Unavailable {
                    message: "The database does not answer now. Try again.".into(),
                }
            }
            store::Error::InUse => Error::conflict("Something still uses it."),
            other => internal(operation, &other),
        })
    }
}

/// Logs the cause of an internal error and returns an error with its ID.
pub(crate) fn internal(operation: &'static str, cause: &dyn std::fmt::Debug) -> Error {
    let id = format!("{:08x}", rand::random::<u32>());
    tracing::error!(operation, id, error = ?cause, "internal error");
    Error::Internal { id }
}

/// The error for a value that violates a unique constraint.
fn duplicate(unique: Unique) -> Error {
    match unique {
        Unique::UserName => Error::invalid_field("name", "Somebody has this name already."),
        Unique::SiteName => Error::invalid_field("name", "Another site has this name."),
        Unique::ClusterName => Error::invalid_field("name", "Another cluster has this name."),
        Unique::HostName => {
            Error::invalid_field("name", "The site already has a host with this name.")
        }
        Unique::DomainName => Error::invalid_field("name", "The site has this domain already."),
        Unique::CertificateAuthorityName => {
            Error::invalid_field("name", "Another authority has this name.")
        }
        Unique::DnsProviderName => Error::invalid_field("name", "Another provider has this name."),
        Unique::ContainerName => {
            Error::invalid_field("name", "A container on this site has this name already.")
        }
        Unique::ServiceLabel => Error::invalid_field(
            "services",
            "Another container on this site publishes under this name.",
        ),
        Unique::ServicePort => {
            Error::invalid_field("services", "Another service of this site has this port.")
        }
        Unique::ActiveJob => {
            Error::conflict("A job is at work on this container. Wait until it ends, or cancel it.")
        }
        other => Error::conflict(format!("Somebody was quicker ({other:?}). Try again.")),
    }
}
