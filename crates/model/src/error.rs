//! Errors of use cases, with messages for users.
//!
//! [`Error`] describes what the user can do. [`Error::http_status`] is the only mapping to HTTP;
//! forms have a mapping of their own. Internal causes are logged and never part of an error.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A validation error: one sentence that describes a valid value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(Cow<'static, str>);

impl Invalid {
    /// `sentence` is shown to users below the field.
    pub fn new(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self(sentence.into())
    }

    /// Attaches the error to a form field.
    pub fn for_field(self, field: &str) -> FieldError {
        FieldError {
            field: field.to_owned(),
            message: self.0.into_owned(),
        }
    }
}

/// A validation error of one field of a form or a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field's name in the form, such as `memory` or `services.0.port`.
    pub field: String,
    /// One sentence that describes a valid value.
    pub message: String,
}

/// The kind of object that an error refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A container.
    Container,
    /// A job.
    Job,
    /// A site.
    Site,
    /// A domain of a site.
    Domain,
    /// A certificate of a domain.
    Certificate,
    /// A certificate authority.
    Authority,
    /// A DNS provider.
    Provider,
    /// A host.
    Host,
    /// A file of an edge host.
    File,
    /// A Proxmox VE cluster.
    Cluster,
    /// A user.
    User,
    /// An invitation to create an account.
    Invitation,
    /// A session of a user.
    Session,
}

impl Kind {
    /// The name in texts for users, such as `DNS provider`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Job => "job",
            Self::Site => "site",
            Self::Domain => "domain",
            Self::Certificate => "certificate",
            Self::Authority => "certificate authority",
            Self::Provider => "DNS provider",
            Self::Host => "host",
            Self::File => "file",
            Self::Cluster => "cluster",
            Self::User => "user",
            Self::Invitation => "invitation",
            Self::Session => "session",
        }
    }
}

/// An error of a use case, by what the user can do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Error {
    /// No valid session: sign in and try again.
    #[error("Sign in to continue.")]
    Unauthenticated,
    /// Wrong username or password.
    #[error("Wrong username or password.")]
    WrongCredentials,
    /// The actor lacks the permission; repeating the request does not help.
    #[error("{message}")]
    Forbidden {
        /// Which role has the permission, in one sentence.
        message: String,
    },
    /// The object does not exist, or the actor may not see it.
    #[error("This {} does not exist.", kind.as_str())]
    NotFound {
        /// The kind of object.
        kind: Kind,
    },
    /// Some fields are invalid; nothing was changed.
    #[error("{}", first_message(fields))]
    Invalid {
        /// At least one error.
        fields: Vec<FieldError>,
    },
    /// The request is valid, but the current state does not allow it.
    #[error("{message}")]
    Conflict {
        /// The reason and what to do.
        message: String,
    },
    /// Too many requests.
    #[error("{message} Wait {} and try again.", duration_text(*seconds))]
    TooManyRequests {
        /// What there was too much of.
        message: String,
        /// Seconds to wait.
        seconds: u64,
    },
    /// A required component is unreachable; a later attempt may succeed.
    #[error("{message}")]
    Unavailable {
        /// The component that is unreachable.
        message: String,
    },
    /// An internal error; the log contains the cause under this ID.
    #[error("Internal error. The log has the cause under {id}.")]
    Internal {
        /// The ID of the log entry.
        id: String,
    },
}

/// Formats a wait; minutes are rounded up.
fn duration_text(seconds: u64) -> String {
    match seconds {
        ..=120 => format!("{seconds} s"),
        _ => format!("{} min", seconds.div_ceil(60)),
    }
}

fn first_message(fields: &[FieldError]) -> &str {
    fields
        .first()
        .map_or("Some fields are invalid.", |f| &f.message)
}

impl Error {
    /// An error of one invalid field.
    pub fn invalid_field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid {
            fields: vec![FieldError {
                field: field.to_owned(),
                message: message.into(),
            }],
        }
    }

    /// A conflict with the current state.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict {
            message: message.into(),
        }
    }

    /// The object does not exist, or the actor may not see it.
    pub fn not_found(kind: Kind) -> Self {
        Self::NotFound { kind }
    }

    /// A missing permission.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::Forbidden {
            message: message.into(),
        }
    }

    /// The HTTP status of a response with this error.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::Unauthenticated | Self::WrongCredentials => 401,
            Self::Forbidden { .. } => 403,
            Self::NotFound { .. } => 404,
            Self::Invalid { .. } => 422,
            Self::Conflict { .. } => 409,
            Self::TooManyRequests { .. } => 429,
            Self::Unavailable { .. } => 503,
            Self::Internal { .. } => 500,
        }
    }

    /// The seconds of the HTTP header `Retry-After`, if a later attempt may succeed.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooManyRequests { seconds, .. } => Some(*seconds),
            Self::Unavailable { .. } => Some(5),
            _ => None,
        }
    }

    /// The errors by field; empty for other errors.
    pub fn field_errors(&self) -> &[FieldError] {
        match self {
            Self::Invalid { fields } => fields,
            _ => &[],
        }
    }
}

/// Collects the validation errors of a form, so that a user sees all of them at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// Parses a field; records an error and returns `None` if it is invalid.
    pub fn parse<T>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T: std::str::FromStr<Err = Invalid>,
    {
        self.record(field, text.parse())
    }

    /// Parses a field that may be empty.
    pub fn optional<T>(&mut self, field: &str, text: &str) -> Option<Option<T>>
    where
        T: std::str::FromStr<Err = Invalid>,
    {
        if text.trim().is_empty() {
            Some(None)
        } else {
            self.parse(field, text).map(Some)
        }
    }

    /// Records the error of `result` under `field`.
    pub fn record<T>(&mut self, field: &str, result: Result<T, Invalid>) -> Option<T> {
        result.map_err(|e| self.0.push(e.for_field(field))).ok()
    }

    /// Adds an error that no parser returned. `message` is shown to users below the field.
    pub fn add_error(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError {
            field: field.to_owned(),
            message: message.into(),
        });
    }

    /// Adds the errors of a nested form under `prefix`.
    pub fn add_nested(&mut self, prefix: &str, fields: Vec<FieldError>) {
        self.0.extend(fields.into_iter().map(|f| FieldError {
            field: format!("{prefix}.{}", f.field),
            message: f.message,
        }));
    }

    /// Returns the value if there are no errors.
    ///
    /// # Errors
    /// All recorded errors. A missing value without an error is an error of the whole form.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, Vec<FieldError>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => {
                if self.0.is_empty() {
                    self.add_error("", "A required field is missing.");
                }
                Err(self.0)
            }
        }
    }
}
