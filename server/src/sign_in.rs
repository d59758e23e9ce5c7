//! Sign-in and sign-out as HTML forms that work without JavaScript.

mod link;

use axum::{
    Extension, Form,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use control::sessions::{self, ClientInfo, NewSession};
use leptos::prelude::provide_context;
use model::{Error, session::SignInForm};
use serde::Deserialize;

pub(crate) use link::{LINK_PATH, link_url, sign_in_with_link};

use crate::{render::render, session, state::AppState};

/// The path of the form.
const PATH: &str = "/sign-in";

/// The form fields.
#[derive(Deserialize)]
pub struct Fields {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Creates a session and redirects to `next`, or shows the form again with the error. An existing
/// session of the browser ends, which prevents session fixation.
pub async fn sign_in(
    State(state): State<AppState>,
    Extension(client): Extension<ClientInfo>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    let next = local_path(&fields.next).to_owned();
    let form = SignInForm {
        name: fields.name.clone(),
        password: fields.password,
    };
    let old = client.session_token.clone();
    match sessions::sign_in(&state.control, form, client).await {
        Ok(session) => start_session(&state, &session, old, &next).await,
        Err(error) => show_error(&state, PATH, headers, error, fields.name, next).await,
    }
}

/// Sets the session cookie, ends the previous session, and redirects to `next`.
async fn start_session(
    state: &AppState,
    session: &NewSession,
    old: Option<String>,
    next: &str,
) -> Response {
    if let Some(old) = old {
        end_session(state, &old).await;
    }
    see_other(next, session::session_cookies(&state.public.url, session))
}

/// Ends the session and shows the sign-in page.
pub async fn sign_out(
    State(state): State<AppState>,
    Extension(client): Extension<ClientInfo>,
) -> Response {
    if let Some(token) = client.session_token {
        end_session(&state, &token).await;
    }
    see_other("/sign-in", session::clear_cookie(&state.public.url))
}

/// Ends a session. A database error is only logged: the browser removes its cookie in any case.
async fn end_session(state: &AppState, token: &str) {
    state.streams.end(token);
    if let Err(error) = sessions::sign_out(&state.control, token).await {
        tracing::warn!(%error, "sign-out failed");
    }
}

async fn show_error(
    state: &AppState,
    path: &'static str,
    headers: HeaderMap,
    error: Error,
    name: String,
    next: String,
) -> Response {
    let status = match &error {
        Error::TooManyRequests { .. } | Error::Unavailable { .. } | Error::Internal { .. } => {
            error.http_status()
        }
        // Every other refusal of a sign-in is 401.
        _ => Error::Unauthenticated.http_status(),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let wait = error.retry_after();
    let failure = app::SignInFailure { error, name, next };
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::GET;
    // Hydration requires that the page is rendered for its own path.
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

fn see_other(path: &str, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The redirect target if it stays on this site; `/` for anything that a browser could interpret as
/// another host.
fn local_path(next: &str) -> &str {
    let mut bytes = next.bytes();
    let is_absolute = bytes.next() == Some(b'/') && bytes.next() != Some(b'/');
    let is_plain = next
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_absolute && is_plain { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn only_local_paths_are_redirect_targets() {
        for path in [
            "/",
            "/containers",
            "/containers?q=a//b&page=2",
            "/sites/lab/containers/wiki",
        ] {
            assert_eq!(local_path(path), path);
        }
        for outside in [
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
            assert_eq!(local_path(outside), "/", "{outside:?}");
        }
    }
}
