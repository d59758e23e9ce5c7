//! What can go wrong for a caller, in words for people.
//!
//! [`Error`] says what the caller can do about it and knows nothing of HTTP, LDAP or forms: those
//! map it in one place each. Causes that are not for people stay in the log, never in here.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Why a value was not accepted: one sentence that says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(Cow<'static, str>);

impl Invalid {
    /// A refusal with its sentence.
    pub fn new(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self(sentence.into())
    }

    /// The refusal, filed under the form field it is about.
    pub fn at(self, field: &str) -> FieldError {
        FieldError {
            field: field.to_owned(),
            message: self.0.into_owned(),
        }
    }
}

/// A refusal at one field of a form or a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field's name as the form and the API spell it, such as `memory` or `services.0.port`.
    pub field: String,
    /// One sentence that says what would be right.
    pub message: String,
}

/// What kind of thing an error speaks of.
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
    /// An authority that gives certificates.
    Authority,
    /// A provider of DNS.
    Provider,
    /// An edge host's agent.
    Agent,
    /// A file of an edge host.
    File,
    /// A cluster of hypervisor nodes.
    Cluster,
    /// A person's account.
    User,
}

impl Kind {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Job => "job",
            Self::Site => "site",
            Self::Domain => "domain",
            Self::Certificate => "certificate",
            Self::Authority => "authority",
            Self::Provider => "DNS provider",
            Self::Agent => "agent",
            Self::File => "file",
            Self::Cluster => "cluster",
            Self::User => "user",
        }
    }
}

/// What went wrong, by what the caller can do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Error {
    /// Nobody is signed in, or the session has ended: sign in and try again.
    #[error("Sign in to go on.")]
    Unauthenticated,
    /// Name and password do not belong together.
    #[error("That name and password do not match.")]
    WrongCredentials,
    /// The actor may not do this; asking again does not help.
    #[error("{message}")]
    Forbidden {
        /// Who may, in one sentence.
        message: String,
    },
    /// There is no such thing, or the actor may not know of it.
    #[error("There is no such {}.", kind.word())]
    NotFound {
        /// What was looked for.
        kind: Kind,
    },
    /// Some fields need other values; nothing was changed.
    #[error("{}", first_message(fields))]
    Invalid {
        /// At least one refusal.
        fields: Vec<FieldError>,
    },
    /// The request was right but the present state does not allow it.
    #[error("{message}")]
    Conflict {
        /// What stands in the way, and what to do.
        message: String,
    },
    /// Too many tries; wait.
    #[error("Too many tries. Wait {seconds} s and try again.")]
    Throttled {
        /// Seconds to wait.
        seconds: u64,
    },
    /// Something that is needed does not answer now; trying later may help.
    #[error("{message}")]
    Unavailable {
        /// What does not answer.
        message: String,
    },
    /// A fault of ours; the log has the cause under this id.
    #[error("Something went wrong on our side. The log has the cause under {id}.")]
    Internal {
        /// Finds the cause in the log.
        id: String,
    },
}

fn first_message(fields: &[FieldError]) -> &str {
    fields
        .first()
        .map_or("Some fields need other values.", |f| &f.message)
}

impl Error {
    /// One refused field.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid {
            fields: vec![FieldError {
                field: field.to_owned(),
                message: message.into(),
            }],
        }
    }

    /// A state that stands in the way.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict {
            message: message.into(),
        }
    }

    /// A lack of rights.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::Forbidden {
            message: message.into(),
        }
    }

    /// The refusals by field; empty for other errors.
    pub fn fields(&self) -> &[FieldError] {
        match self {
            Self::Invalid { fields } => fields,
            _ => &[],
        }
    }
}

/// Gathers the refusals of a form, so that a person sees all of them at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// Parses one field; a refusal is kept and `None` returned.
    pub fn parse<T>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T: std::str::FromStr<Err = Invalid>,
    {
        self.keep(field, text.parse())
    }

    /// Parses a field that may be left empty.
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

    /// Keeps the refusal of `result` under `field`.
    pub fn keep<T>(&mut self, field: &str, result: Result<T, Invalid>) -> Option<T> {
        result.map_err(|e| self.0.push(e.at(field))).ok()
    }

    /// Adds a refusal.
    pub fn refuse(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError {
            field: field.to_owned(),
            message: message.into(),
        });
    }

    /// Adds the refusals of a part of the form, under `prefix`.
    pub fn extend(&mut self, prefix: &str, fields: Vec<FieldError>) {
        self.0.extend(fields.into_iter().map(|f| FieldError {
            field: format!("{prefix}.{}", f.field),
            message: f.message,
        }));
    }

    /// The value, unless anything was refused.
    ///
    /// # Errors
    /// All refusals. A missing value without a refusal is a refusal of the whole form.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, Vec<FieldError>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => {
                if self.0.is_empty() {
                    self.refuse("", "Something is missing.");
                }
                Err(self.0)
            }
        }
    }
}
