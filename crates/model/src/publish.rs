//! Publishing options of an HTTP service: backend protocol, body size, idle timeout, buffering and
//! single sign-on.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Invalid,
    sizes::{number_value, whole_number},
};

/// The protocol of the backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackendProtocol {
    /// HTTP.
    #[default]
    Http,
    /// HTTPS with any certificate. The connection stays within the site's network.
    Https,
    /// HTTPS with a certificate for the service's public name that the edge host trusts.
    HttpsVerified,
}

impl BackendProtocol {
    /// Every protocol, from least to most secure.
    pub const ALL: [Self; 3] = [Self::Http, Self::Https, Self::HttpsVerified];

    /// The name in forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::HttpsVerified => "https-verified",
        }
    }
}

impl fmt::Display for BackendProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for BackendProtocol {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|backend| backend.as_str() == text.trim())
            .ok_or(Invalid::new("Use http, https or https-verified."))
    }
}

/// The maximum size of a request body in MiB, 1 to 1048576 (1 TiB).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct MaxBodyMib(u32);
number_value!(
    MaxBodyMib,
    u32,
    1..=1_048_576,
    "Enter a whole number of MiB from 1 to 1048576."
);

impl Default for MaxBodyMib {
    fn default() -> Self {
        Self(2048)
    }
}

/// The idle timeout of a connection to the backend in seconds, 1 to 86400 (1 day).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct IdleTimeoutS(u32);
number_value!(
    IdleTimeoutS,
    u32,
    1..=86_400,
    "Enter a whole number of seconds from 1 to 86400."
);

impl Default for IdleTimeoutS {
    /// Ten minutes, so that slow requests and rarely used WebSockets stay connected.
    fn default() -> Self {
        Self(600)
    }
}

macro_rules! integer_text {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                whole_number::<u32>(text.trim_ascii())
                    .ok_or_else(Self::invalid)?
                    .try_into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}
integer_text!(MaxBodyMib);
integer_text!(IdleTimeoutS);

/// The publishing options of an HTTP service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpOptions {
    /// The protocol of the backend.
    pub backend: BackendProtocol,
    /// The maximum size of a request body.
    pub body: MaxBodyMib,
    /// How long nginx keeps a connection open that carries no data.
    pub idle_timeout: IdleTimeoutS,
    /// Whether nginx buffers responses in memory, so that slow clients do not occupy the backend.
    /// Delays streams.
    pub buffering: bool,
    /// Whether users must sign in first.
    pub sign_in: bool,
}
