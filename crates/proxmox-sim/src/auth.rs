//! Who is calling. Only API tokens so far; what they may do is not checked here.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use percent_encoding::percent_decode_str;

use crate::config::Token;
use crate::error::ApiError;

/// A token that signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The whole id: `root@pam!holdfast`.
    pub(crate) id: String,
}

impl Caller {
    /// User without token.
    pub(crate) fn user(&self) -> &str {
        self.id.split_once('!').map_or(&self.id, |(user, _)| user)
    }

    /// Token without user.
    pub(crate) fn token(&self) -> Option<&str> {
        self.id.split_once('!').map(|(_, token)| token)
    }
}

/// Finds the token in `Authorization: PVEAPIToken=user@realm!id=secret`. A space after the scheme
/// and percent-encoding also pass; another scheme is as if there were no header.
pub(crate) fn sign_in(headers: &HeaderMap, tokens: &[Token]) -> Result<Caller, ApiError> {
    let header = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let credential = header
        .and_then(|text| text.strip_prefix("PVEAPIToken"))
        .and_then(|text| text.strip_prefix(['=', ' ']))
        .ok_or(ApiError::Unauthorized("No ticket"))?;
    let credential = percent_decode_str(credential).decode_utf8_lossy();
    credential
        .split_once('=')
        .and_then(|(id, secret)| {
            let token = tokens.iter().find(|token| token.id == id)?;
            (token.secret == secret).then(|| Caller {
                id: token.id.clone(),
            })
        })
        .ok_or(ApiError::Unauthorized("Authentication failed!"))
}
