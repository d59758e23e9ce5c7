//! What containers are made from.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Invalid,
    image::{ImageRef, TemplateName},
};

/// What a container is made from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// A system template that lies on the site's template storage.
    Template(TemplateName),
    /// An OCI image that is pulled when it is needed.
    Image(ImageRef),
    /// It was there before Holdfast, which does not know what it was made from.
    TakenOver,
}

/// How [`Source::TakenOver`] is written. No image is: those are kept with their registry.
const TAKEN_OVER: &str = "taken-over";

impl FromStr for Source {
    type Err = Invalid;

    /// A name that ends like an archive is a template; all else is an image reference, which must
    /// be one that Proxmox can pull.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Invalid::new(
                "Choose a template, or type an image such as nginx:1.27.",
            ));
        }
        if text == TAKEN_OVER {
            return Ok(Self::TakenOver);
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

impl TryFrom<String> for Source {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template(name) => name.fmt(f),
            Self::Image(image) => image.fmt(f),
            Self::TakenOver => f.write_str(TAKEN_OVER),
        }
    }
}
