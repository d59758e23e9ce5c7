//! How a web service is published: what its container speaks, how much may be sent to it, how long
//! it may be quiet, and whether people sign in before they get there.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Invalid,
    sizes::{number_value, whole_number},
};

/// What a container speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// HTTP.
    #[default]
    Http,
    /// HTTPS with any certificate: the way there is the site's own network.
    Https,
    /// HTTPS with a certificate for the service's public name that the edge host trusts.
    HttpsVerified,
}

impl Backend {
    /// Every choice, from least to most.
    pub const ALL: [Self; 3] = [Self::Http, Self::Https, Self::HttpsVerified];

    /// The word in forms and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::HttpsVerified => "https-verified",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Backend {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|backend| backend.as_str() == text.trim())
            .ok_or(Invalid::new(
                "A container speaks http, https or https-verified.",
            ))
    }
}

/// How many MiB one request may bring, 1 to 1048576 (a TiB).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct BodyMib(u32);
number_value!(
    BodyMib,
    u32,
    1..=1_048_576,
    "Use a whole number of MiB from 1 to 1048576."
);

impl Default for BodyMib {
    fn default() -> Self {
        Self(2048)
    }
}

/// How many seconds a container may be quiet before its connection is cut, 1 to 86400 (a day).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct QuietS(u32);
number_value!(
    QuietS,
    u32,
    1..=86_400,
    "Use a whole number of seconds from 1 to 86400."
);

impl Default for QuietS {
    /// Ten minutes: requests that compute, and sockets with a rare sign of life, go on.
    fn default() -> Self {
        Self(600)
    }
}

macro_rules! as_number {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                whole_number::<u32>(text.trim_ascii())
                    .ok_or_else(Self::refusal)?
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
as_number!(BodyMib);
as_number!(QuietS);

/// All of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpOptions {
    /// What the container speaks.
    pub backend: Backend,
    /// How much one request may bring.
    pub body: BodyMib,
    /// How long it may be quiet.
    pub quiet: QuietS,
    /// Whether nginx gathers requests and answers before it passes them on: kinder to slow
    /// programs, and wrong for streams.
    pub buffering: bool,
    /// Whether people sign in before they get there.
    pub sign_in: bool,
}
