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
                    message: "The database is unreachable. Try again.".into(),
                }
            }
            store::Error::InUse => {
                Error::conflict("Other objects still depend on this one. Delete them first.")
            }
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
        Unique::UserName => Error::invalid_field("name", "Another user has this name."),
        Unique::SiteName => Error::invalid_field("name", "Another site has this name."),
        Unique::ClusterName => Error::invalid_field("name", "Another cluster has this name."),
        Unique::HostName => {
            Error::invalid_field("name", "The site already has a host with this name.")
        }
        Unique::DomainName => Error::invalid_field("name", "The site already has this domain."),
        Unique::CertificateAuthorityName => {
            Error::invalid_field("name", "Another CA has this name.")
        }
        Unique::DnsProviderName => {
            Error::invalid_field("name", "Another DNS provider has this name.")
        }
        Unique::ContainerName => {
            Error::invalid_field("name", "The site already has a container with this name.")
        }
        Unique::Name => Error::invalid_field(
            "name",
            "A container of the site has this name. Choose another name.",
        ),
        Unique::ServiceLabel => Error::invalid_field(
            "services",
            "Another container on this site has this hostname.",
        ),
        Unique::ServicePort => Error::invalid_field(
            "services",
            "Another service of this site has this external port.",
        ),
        Unique::ActiveJob => Error::conflict(
            "A job of this container is still running. Wait until the job ends, \
                or cancel the job.",
        ),
        other => Error::conflict(format!("Another change came first ({other:?}). Try again.")),
    }
}
