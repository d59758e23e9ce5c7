//! Refusals of sessions for users whose credentials are correct.

use model::{Error, users::AccountState};

/// Why no session begins although the credentials are correct.
pub(super) enum SessionRefusal {
    /// The account has another password by now, or was deleted.
    Changed,
    /// The account is not active.
    Inactive(AccountState),
    /// The user has signed in too often.
    TooOften(Error),
}

impl SessionRefusal {
    /// The reason in the log.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Changed => "account changed",
            Self::Inactive(state) => state.as_str(),
            Self::TooOften(_) => "rate limit",
        }
    }

    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Changed => Error::WrongCredentials,
            Self::TooOften(error) => error,
            Self::Inactive(state) => Error::forbidden(state.sign_in_refusal().unwrap_or_default()),
        }
    }
}
