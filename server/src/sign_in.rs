//! Signing in and out, as ordinary forms that work without JavaScript.

mod link;

use std::net::IpAddr;

use axum::{
    Extension, Form,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use control::sessions::{self, NewSession, Origin};
use leptos::prelude::provide_context;
use model::{Error, session::SignIn};
use serde::Deserialize;

pub(crate) use link::{LINK_PATH, link_url, sign_in_with_link};

use crate::{
    client_addr::Client,
    router::{AppState, render},
    session::{self, Token},
};

/// Where the form is.
const PATH: &str = "/sign-in";

/// The fields of the form.
#[derive(Deserialize)]
pub struct Fields {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Begins a session and goes on to `next`, or shows the form again with what was wrong. A session
/// that the browser had ends: nobody gets one that somebody else has put there.
pub async fn sign_in(
    State(state): State<AppState>,
    Extension(Client(address)): Extension<Client>,
    Extension(Token(old)): Extension<Token>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    let next = local(&fields.next).to_owned();
    let form = SignIn {
        name: fields.name.clone(),
        password: fields.password,
    };
    match sessions::sign_in(&state.control, form, origin(address, &headers)).await {
        Ok(session) => signed_in(&state, &session, old, &next).await,
        Err(error) => refused(&state, PATH, headers, error, fields.name, next).await,
    }
}

fn origin(address: IpAddr, headers: &HeaderMap) -> Origin {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    Origin { address, agent }
}

/// Gives the browser its new session, ends the one that it had, and goes on to `next`.
async fn signed_in(
    state: &AppState,
    session: &NewSession,
    old: Option<String>,
    next: &str,
) -> Response {
    if let Some(old) = old {
        end(state, &old).await;
    }
    let cookie = session::given(&state.public.url, &session.token, session.lifetime_s);
    see_other(next, cookie)
}

/// Ends the session and shows the sign-in page.
pub async fn sign_out(
    State(state): State<AppState>,
    Extension(Token(token)): Extension<Token>,
) -> Response {
    if let Some(token) = token {
        end(&state, &token).await;
    }
    see_other("/sign-in", session::taken(&state.public.url))
}

/// Ends a session; when the database does not answer, the log has it: the browser forgets its
/// token in any case.
async fn end(state: &AppState, token: &str) {
    state.streams.end(token);
    if let Err(error) = sessions::sign_out(&state.control, token).await {
        tracing::warn!(%error, "a session could not be ended");
    }
}

async fn refused(
    state: &AppState,
    path: &'static str,
    headers: HeaderMap,
    error: Error,
    name: String,
    next: String,
) -> Response {
    let (status, wait) = match &error {
        Error::Throttled { seconds } => (StatusCode::TOO_MANY_REQUESTS, Some(*seconds)),
        Error::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, Some(5)),
        Error::Internal { .. } => (StatusCode::INTERNAL_SERVER_ERROR, None),
        _ => (StatusCode::UNAUTHORIZED, None),
    };
    let failure = app::SignInFailure { error, name, next };
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::GET;
    // The page that the browser has to hydrate is the one at its own address.
    *request.uri_mut() = Uri::from_static(path);
    *request.headers_mut() = headers;
    request.extensions_mut().insert(None::<control::Actor>);
    let mut response = render(state, request, move || provide_context(failure.clone())).await;
    *response.status_mut() = status;
    if let Some(wait) = wait {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(wait));
    }
    response
}

fn see_other(path: &str, cookie: Option<HeaderValue>) -> Response {
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The path to go on to, if it stays on this site: one that a browser could read as another
/// host's address becomes `/`.
fn local(next: &str) -> &str {
    let mut bytes = next.bytes();
    let begins = bytes.next() == Some(b'/') && bytes.next() != Some(b'/');
    let plain = next
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if begins && plain { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn only_a_path_of_this_site_is_gone_to() {
        for path in [
            "/",
            "/containers",
            "/containers?q=a//b&page=2",
            "/sites/lab/containers/wiki",
        ] {
            assert_eq!(local(path), path);
        }
        for elsewhere in [
            "",
            "containers",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/a\r\nset-cookie: x",
            "/ü",
            "/a b",
        ] {
            assert_eq!(local(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
