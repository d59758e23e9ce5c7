//! What the browser may ask of the server. Each function only finds out who asks and calls
//! `control`; no rule of the domain lives here.

pub mod agents;
pub mod authorities;
pub mod certificates;
pub mod clusters;
pub mod containers;
pub mod domains;
pub mod jobs;
pub mod providers;
pub mod session;
pub mod sites;
pub mod users;

use leptos::{
    prelude::{FromServerFnError, ServerFnErrorErr},
    server_fn::codec::JsonEncoding,
};
use model::Error;
use serde::{Deserialize, Serialize};

/// An error of the domain on its way between server and browser. The model knows nothing of
/// Leptos, so it is wrapped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure(pub Error);

impl FromServerFnError for Failure {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        let sentence = match error {
            ServerFnErrorErr::Request(_) => {
                "The server does not answer. Check your connection and try again."
            }
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                "This page is older than the server. Reload it and try again."
            }
            _ => "The server's answer could not be read. Reload the page and try again.",
        };
        Self(Error::Unavailable {
            message: sentence.to_owned(),
        })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failure {}

/// The HTTP status that says the same as `error`.
pub fn status(error: &Error) -> u16 {
    match error {
        Error::Unauthenticated | Error::WrongCredentials => 401,
        Error::Forbidden { .. } => 403,
        Error::NotFound { .. } => 404,
        Error::Invalid { .. } => 422,
        Error::Conflict { .. } => 409,
        Error::Throttled { .. } => 429,
        Error::Unavailable { .. } => 503,
        Error::Internal { .. } => 500,
    }
}

#[cfg(feature = "ssr")]
pub(crate) use server::{caller, told};

#[cfg(feature = "ssr")]
mod server {
    use axum::Extension;
    use control::{Actor, Control};
    use leptos::prelude::use_context;
    use model::Error;

    use super::{Failure, status};

    /// Who asks, and the door to everything.
    ///
    /// # Errors
    /// `Unauthenticated` when nobody is signed in.
    pub async fn caller() -> Result<(Control, Actor), Failure> {
        let control = use_context::<Control>();
        let actor = leptos_axum::extract::<Extension<Option<Actor>>>().await;
        match (control, actor) {
            (Some(control), Ok(Extension(Some(actor)))) => Ok((control, actor)),
            _ => Err(told(Error::Unauthenticated)),
        }
    }

    /// The error on its way out, with the HTTP status set beside it: without that, the answer to
    /// every failed call would say 500.
    pub fn told(error: Error) -> Failure {
        crate::status::set(status(&error));
        Failure(error)
    }
}
