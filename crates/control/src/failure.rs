//! Converts errors of the store to errors for callers. This is the only place where a database
//! error becomes a [`model::Error`]; its cause is logged under an ID.

use std::panic::Location;

use model::Error;
use store::Unique;

/// Converts a result of the store for a caller.
pub(crate) trait StoreResultExt<T> {
    /// `operation` names the operation in the log by a verb and a noun. Each call has its own.
    #[track_caller]
    fn into_model(self, operation: &'static str) -> Result<T, Error>;
}

impl<T> StoreResultExt<T> for Result<T, store::Error> {
    fn into_model(self, operation: &'static str) -> Result<T, Error> {
        // Not a closure, which would hide the location of the caller.
        let error = match self {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        Err(match error {
            store::Error::Duplicate(unique) => duplicate(unique),
            store::Error::Unavailable { cause } => {
                let location = Location::caller();
                tracing::warn!(operation, error = cause, %location, "database unavailable");
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

/// Logs the cause of an internal error with the location of the caller, and returns an error with
/// its ID. `operation` is as in [`StoreResultExt::into_model`].
#[track_caller]
pub(crate) fn internal(operation: &'static str, cause: &dyn std::fmt::Display) -> Error {
    let id = format!("{:08x}", rand::random::<u32>());
    let location = Location::caller();
    tracing::error!(operation, id, error = %cause, %location, "internal error");
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

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        fs,
        path::{Path, PathBuf},
    };

    fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => rust_files(&path, files),
                false => files.push(path),
            }
        }
    }

    #[test]
    fn operations_in_the_log_are_unique_and_have_a_verb_and_a_noun() {
        let mut files = Vec::new();
        rust_files(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut files,
        );
        let mut operations = HashSet::new();
        for file in files {
            let code = fs::read_to_string(&file).unwrap();
            for call in ["into_model(\"", " internal(\""] {
                for (start, _) in code.match_indices(call) {
                    let rest = &code[start + call.len()..];
                    let operation = rest.split('"').next().unwrap().to_owned();
                    assert!(operation.contains(' '), "{operation} in {file:?}");
                    assert!(
                        operations.insert(operation.clone()),
                        "{operation} in {file:?}"
                    );
                }
            }
        }
        assert!(operations.len() > 100, "{}", operations.len());
    }
}
