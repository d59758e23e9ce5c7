//! The source of a container: a template or an image.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Invalid,
    image::{ImageRef, TemplateName},
};

/// The source of a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ContainerSource {
    /// A container template in the site's template storage.
    Template(TemplateName),
    /// An OCI image, pulled when it is needed.
    Image(ImageRef),
    /// Imported: the container existed before, so its source is unknown.
    Imported,
}

/// The text of [`ContainerSource::Imported`]. No image is written like this, because images include
/// a registry.
const IMPORTED: &str = "imported";

impl FromStr for ContainerSource {
    type Err = Invalid;

    /// A name that ends like an archive is a template. Everything else is an image reference that
    /// Proxmox must be able to pull.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Invalid::new(
                "Select a template, or enter an image such as nginx:1.27.",
            ));
        }
        if text == IMPORTED {
            return Ok(Self::Imported);
        }
        if !text.contains('/')
            && let Ok(template) = text.parse()
        {
            return Ok(Self::Template(template));
        }
        let image: ImageRef = text.parse()?;
        image.pullable()?;
        Ok(Self::Image(image))
    }
}

impl TryFrom<String> for ContainerSource {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<ContainerSource> for String {
    fn from(source: ContainerSource) -> Self {
        source.to_string()
    }
}

impl fmt::Display for ContainerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template(name) => name.fmt(f),
            Self::Image(image) => image.fmt(f),
            Self::Imported => f.write_str(IMPORTED),
        }
    }
}
