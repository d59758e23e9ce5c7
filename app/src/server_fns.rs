//! The server functions that the browser calls. Each one authenticates the actor and calls
//! `control`; it contains no domain rules.

pub mod account;
pub mod authorities;
pub mod certificates;
pub mod clusters;
pub mod containers;
pub mod domains;
pub mod hosts;
pub mod invitations;
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

/// A domain error in transit between server and browser. A wrapper, because `model` does not depend
/// on Leptos.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestError(pub Error);

impl FromServerFnError for RequestError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        use ServerFnErrorErr::{Args, Deserialization, MissingArg, Request};
        match error {
            Args(_) | MissingArg(_) => unreadable_request(),
            // The server deserializes requests, the browser deserializes responses.
            Deserialization(_) if cfg!(feature = "ssr") => unreadable_request(),
            Request(_) => {
                unavailable("The server is unreachable. Check your connection and try again.")
            }
            _ => unavailable(
                "The server's response could not be read. Reload the page and try again.",
            ),
        }
    }
}

fn unavailable(message: &str) -> RequestError {
    RequestError(Error::Unavailable {
        message: message.to_owned(),
    })
}

/// The error for a request whose body does not match the arguments.
fn unreadable_request() -> RequestError {
    let message = "The server could not read the request. Reload the page and try again.";
    let error = Error::invalid_field("", message);
    crate::status::set(error.http_status());
    RequestError(error)
}

impl From<Error> for RequestError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for RequestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for RequestError {}

#[cfg(feature = "ssr")]
pub(crate) use server::{SessionResponse, authenticate, client_info, control, into_request_error};

#[cfg(feature = "ssr")]
mod server {
    use axum::{
        Extension,
        http::{HeaderValue, header},
    };
    use control::{
        Actor, Control,
        sessions::{ClientInfo, NewSession},
    };
    use leptos::prelude::use_context;
    use leptos_axum::ResponseOptions;
    use model::Error;

    use super::RequestError;

    /// The control handle and the authenticated user.
    ///
    /// # Errors
    /// `Unauthenticated` without a session.
    pub async fn authenticate() -> Result<(Control, Actor), RequestError> {
        let control = use_context::<Control>();
        let actor = leptos_axum::extract::<Extension<Option<Actor>>>().await;
        match (control, actor) {
            (Some(control), Ok(Extension(Some(actor)))) => Ok((control, actor)),
            _ => Err(into_request_error(Error::Unauthenticated)),
        }
    }

    /// The control handle, for the few functions that need no session.
    pub fn control() -> Result<Control, RequestError> {
        use_context().ok_or_else(|| into_request_error(Error::Unauthenticated))
    }

    /// The client of the request.
    pub async fn client_info() -> Result<ClientInfo, RequestError> {
        let client = leptos_axum::extract::<Extension<ClientInfo>>().await;
        match client {
            Ok(Extension(client)) => Ok(client),
            Err(_) => Err(into_request_error(Error::Unauthenticated)),
        }
    }

    /// Adds the cookies of a new session to the response. Obtain it before the session begins, so
    /// that no session begins whose cookies cannot be sent.
    pub struct SessionResponse(crate::SessionCookies, ResponseOptions);

    impl SessionResponse {
        /// The response of the current request.
        pub fn obtain() -> Result<Self, RequestError> {
            let cookies = use_context::<crate::SessionCookies>();
            cookies
                .zip(use_context::<ResponseOptions>())
                .map(|(cookies, response)| Self(cookies, response))
                .ok_or_else(|| into_request_error(Error::Unauthenticated))
        }

        /// Adds the cookies.
        pub fn set(self, session: &NewSession) {
            let Self(cookies, response) = self;
            for cookie in (cookies.0)(session) {
                response.append_header(header::SET_COOKIE, cookie);
            }
        }
    }

    /// Wraps an error, and sets the HTTP status and `Retry-After`. Without that, every failed call
    /// would respond with 500.
    pub fn into_request_error(error: Error) -> RequestError {
        crate::status::set(error.http_status());
        if let (Some(seconds), Some(response)) =
            (error.retry_after(), use_context::<ResponseOptions>())
        {
            response.insert_header(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        RequestError(error)
    }
}
