//! The session cookie and the middleware that resolves it to an actor. The session itself is a
//! database row behind `control`.

use std::net::IpAddr;

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use control::sessions::{self, ClientInfo, NewSession};

use crate::{client_addr::Client, config::PublicUrl, state::AppState};

/// Adds `Option<control::Actor>` and [`ClientInfo`] to the request. Without the [`Client`] of
/// `client_addr::identify` the request fails, because throttling depends on the address.
pub async fn authenticate(
    State(state): State<AppState>,
    Extension(Client(address)): Extension<Client>,
    mut request: Request,
    next: Next,
) -> Response {
    let client = client_info(address, request.headers(), &state.public.url);
    let actor = match &client.session_token {
        Some(token) => sessions::get_actor(&state.control, token).await,
        None => Ok(None),
    };
    match actor {
        Ok(actor) => {
            request.extensions_mut().insert(actor);
            request.extensions_mut().insert(client);
            next.run(request).await
        }
        Err(error) => {
            let retry = [(header::RETRY_AFTER, "5")];
            (StatusCode::SERVICE_UNAVAILABLE, retry, format!("{error}\n")).into_response()
        }
    }
}

fn client_info(address: IpAddr, headers: &HeaderMap, url: &PublicUrl) -> ClientInfo {
    let agent = headers.get(header::USER_AGENT);
    ClientInfo {
        address,
        user_agent: agent
            .and_then(|agent| agent.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        browser_token: cookie_value(headers, &cookie_name(url, BROWSER)),
        session_token: token_from_cookies(headers, url),
    }
}

/// The `Set-Cookie` headers of a new session: its own, and the one by which the browser is
/// recognized at its next sign-in.
pub fn session_cookies(url: &PublicUrl, session: &NewSession) -> Vec<HeaderValue> {
    let browser = session.browser_token.as_ref();
    let browser = browser.and_then(|it| cookie(url, BROWSER, &it.token, it.lifetime_s));
    let own = cookie(url, SESSION, &session.token, session.lifetime_s);
    own.into_iter().chain(browser).collect()
}

/// The `Set-Cookie` header that removes the session cookie.
pub fn clear_cookie(url: &PublicUrl) -> Option<HeaderValue> {
    cookie(url, SESSION, "", 0)
}

/// The cookie with the session token.
const SESSION: &str = "holdfast_session";
/// The cookie with the token of a browser that has signed in before.
const BROWSER: &str = "holdfast_browser";
/// The prefix over TLS. Browsers accept it only for cookies that were set over TLS, for this host.
const SECURE_PREFIX: &str = "__Host-";

fn cookie_name(url: &PublicUrl, name: &str) -> String {
    match url.is_secure() {
        true => format!("{SECURE_PREFIX}{name}"),
        false => name.to_owned(),
    }
}

/// Whether a cookie of this name may contain a token of this server.
pub(crate) fn is_own_cookie(name: &str) -> bool {
    [SESSION, BROWSER].contains(&name.strip_prefix(SECURE_PREFIX).unwrap_or(name))
}

fn cookie(url: &PublicUrl, name: &str, token: &str, max_age_s: u64) -> Option<HeaderValue> {
    let (name, secure) = (
        cookie_name(url, name),
        if url.is_secure() { "; Secure" } else { "" },
    );
    let text =
        format!("{name}={token}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn token_from_cookies(headers: &HeaderMap, url: &PublicUrl) -> Option<String> {
    cookie_value(headers, &cookie_name(url, SESSION))
}

fn cookie_value(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(cookie, token)| *cookie == name && !token.is_empty())
        .map(|(_, token)| token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> PublicUrl {
        text.parse().unwrap()
    }

    #[test]
    fn cookie_attributes_are_set() {
        let session = NewSession {
            token: "abc".to_owned(),
            lifetime_s: 60,
            browser_token: None,
        };
        assert_eq!(
            session_cookies(&url("http://localhost:3000"), &session),
            ["holdfast_session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"]
        );
        let secure = clear_cookie(&url("https://cloud.example.org")).unwrap();
        assert_eq!(
            secure,
            "__Host-holdfast_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
        );
    }

    #[test]
    fn token_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=b; holdfast_session=xyz".parse().unwrap());
        assert_eq!(
            token_from_cookies(&headers, &url("http://localhost")).as_deref(),
            Some("xyz")
        );
        assert_eq!(
            token_from_cookies(&headers, &url("https://localhost")),
            None,
            "a cookie set without TLS could come from an attacker on the network"
        );
    }
}
