//! Image registries, and the list of those that a site allows. Must not resolve names or contact a
//! registry: a registry is allowed only if the list contains its exact host and port.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    error::Invalid, image::ImageRef, names::is_label, net::Port, sizes::whole_number, text::by_text,
};

/// The default registry of image references.
const DOCKER_HUB: &str = "docker.io";

/// The maximum length of a host name.
const MAX_HOST: usize = 253;

/// The host of an image registry in lower case, a name or an IPv4 address, with an optional port:
/// `ghcr.io` or `localhost:5000`. A missing port differs from every port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegistryHost {
    host: String,
    port: Option<Port>,
}
by_text!(RegistryHost);

impl RegistryHost {
    /// Docker Hub, the default registry of image references.
    pub fn docker_hub() -> Self {
        Self {
            host: DOCKER_HUB.to_owned(),
            port: None,
        }
    }

    /// Whether this is Docker Hub.
    pub fn is_docker_hub(&self) -> bool {
        self.host == DOCKER_HUB && self.port.is_none()
    }
}

impl FromStr for RegistryHost {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("Enter a registry such as ghcr.io or localhost:5000.");
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => {
                let number: u16 = whole_number(port).ok_or_else(invalid)?;
                (host, Some(Port::try_from(number).map_err(|_| invalid())?))
            }
            None => (text, None),
        };
        // A name without a dot is part of a repository.
        let is_registry =
            host.contains('.') || host.eq_ignore_ascii_case("localhost") || port.is_some();
        if !is_registry || host.len() > MAX_HOST || !host.split('.').all(is_label) {
            return Err(invalid());
        }
        let host = host.to_ascii_lowercase();
        Ok(match (host.as_str(), port) {
            // A former name of Docker Hub.
            ("index.docker.io", None) => Self::docker_hub(),
            _ => Self { host, port },
        })
    }
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// The registries that a site allows, separated by commas. Without any, containers can be created
/// from templates only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AllowedRegistries(Vec<RegistryHost>);
by_text!(AllowedRegistries);

impl AllowedRegistries {
    /// The registries of a new site, as text.
    pub const DEFAULT: &'static str = "docker.io, ghcr.io, quay.io";

    /// The maximum length of the text.
    const MAX_LENGTH: usize = 1000;

    /// Whether images of Docker Hub are allowed.
    pub fn allows_docker_hub(&self) -> bool {
        self.0.iter().any(RegistryHost::is_docker_hub)
    }

    /// Checks that the list contains the image's registry.
    ///
    /// # Errors
    /// Names the allowed registries otherwise.
    pub fn check(&self, image: &ImageRef) -> Result<(), Invalid> {
        if self.0.contains(image.registry()) {
            return Ok(());
        }
        let refused = format!("The site does not allow images from {}.", image.registry());
        Err(Invalid::new(match self.0.as_slice() {
            [] => format!("{refused} Choose a template."),
            _ => format!("{refused} Use an image from {}.", self.join(" or ")),
        }))
    }

    /// The registries in a sentence, with `last` between the last two.
    pub fn join(&self, last: &str) -> String {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        match names.split_last() {
            Some((name, [])) => name.clone(),
            Some((name, others)) => format!("{}{last}{name}", others.join(", ")),
            None => String::new(),
        }
    }
}

impl Default for AllowedRegistries {
    fn default() -> Self {
        Self(
            Self::DEFAULT
                .split(", ")
                .filter_map(|name| name.parse().ok())
                .collect(),
        )
    }
}

impl FromStr for AllowedRegistries {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parts = text.split(|c: char| c == ',' || c.is_ascii_whitespace());
        let mut registries = Vec::new();
        for part in parts.filter(|part| !part.is_empty()) {
            let registry: RegistryHost = part.parse()?;
            if !registries.contains(&registry) {
                registries.push(registry);
            }
        }
        let registries = Self(registries);
        if registries.to_string().len() > Self::MAX_LENGTH {
            return Err(Invalid::new(format!(
                "Use at most {} characters.",
                Self::MAX_LENGTH
            )));
        }
        Ok(registries)
    }
}

impl fmt::Display for AllowedRegistries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.join(", "))
    }
}
