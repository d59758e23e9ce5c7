//! Who asks: from the cookie to the actor. The session itself is a row behind `control`; here is
//! only the cookie.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use control::sessions;

use crate::{config::PublicUrl, router::AppState};

/// The token that a request presented; an extension of the request.
#[derive(Clone)]
pub struct Token(pub Option<String>);

/// Adds `Option<control::Actor>` and [`Token`] to the request.
pub async fn recognise(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let token = presented(request.headers(), &state.public.url);
    let actor = match &token {
        Some(token) => sessions::actor(&state.control, token).await,
        None => Ok(None),
    };
    match actor {
        Ok(actor) => {
            request.extensions_mut().insert(actor);
            request.extensions_mut().insert(Token(token));
            next.run(request).await
        }
        Err(error) => {
            let retry = [(header::RETRY_AFTER, "5")];
            (StatusCode::SERVICE_UNAVAILABLE, retry, format!("{error}\n")).into_response()
        }
    }
}

/// The cookie that gives a browser its token.
pub fn given(url: &PublicUrl, token: &str, lifetime_s: u64) -> Option<HeaderValue> {
    cookie(url, token, lifetime_s)
}

/// The cookie that takes a browser's token away.
pub fn taken(url: &PublicUrl) -> Option<HeaderValue> {
    cookie(url, "", 0)
}

/// The cookie's name where it came through TLS. Browsers keep the `__Host-` prefix for cookies that
/// did, for this host alone.
const SECURE_NAME: &str = "__Host-holdfast_session";
/// The cookie's name without TLS.
const PLAIN_NAME: &str = "holdfast_session";

fn name(url: &PublicUrl) -> &'static str {
    if url.is_secure() {
        SECURE_NAME
    } else {
        PLAIN_NAME
    }
}

/// Whether a cookie of this name could hold a session's token.
pub(crate) fn is_session_cookie(name: &str) -> bool {
    [SECURE_NAME, PLAIN_NAME].contains(&name)
}

fn cookie(url: &PublicUrl, token: &str, max_age_s: u64) -> Option<HeaderValue> {
    let (name, secure) = (name(url), if url.is_secure() { "; Secure" } else { "" });
    let text =
        format!("{name}={token}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn presented(headers: &HeaderMap, url: &PublicUrl) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(cookie, token)| *cookie == name(url) && !token.is_empty())
        .map(|(_, token)| token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> PublicUrl {
        text.parse().unwrap()
    }

    #[test]
    fn a_cookie_says_how_it_may_be_used() {
        let plain = given(&url("http://localhost:3000"), "abc", 60).unwrap();
        assert_eq!(
            plain,
            "holdfast_session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"
        );
        let secure = taken(&url("https://cloud.example.org")).unwrap();
        assert_eq!(
            secure,
            "__Host-holdfast_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
        );
    }

    #[test]
    fn the_token_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=b; holdfast_session=xyz".parse().unwrap());
        assert_eq!(
            presented(&headers, &url("http://localhost")).as_deref(),
            Some("xyz")
        );
        assert_eq!(
            presented(&headers, &url("https://localhost")),
            None,
            "a cookie from before TLS, which anybody on the way could have set"
        );
    }
}
