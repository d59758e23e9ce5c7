//! Sources of containers: references to OCI images, and files in a template storage. Must not
//! contact a registry or a storage.
//!
//! References follow the grammar of <https://pkg.go.dev/github.com/distribution/reference> with its
//! defaults: `nginx` is `docker.io/library/nginx:latest`. Two rules are stricter, because Proxmox
//! VE or the network could not use the result: a registry is a hostname or an IPv4 address with an
//! optional port, so a first component with a dot and an underscore is rejected; and a first
//! component with capitals and without a dot is an error rather than a registry.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    error::Invalid,
    names::is_word,
    registries::RegistryHost,
    text::{by_text, text_value},
};

/// The maximum length of registry and repository together.
const MAX_NAME: usize = 255;

/// A reference to an OCI image, with explicit registry and tag.
///
/// A missing tag is `latest`, also beside a digest, where a tag has no effect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageRef {
    registry: RegistryHost,
    repository: String,
    tag: String,
    digest: Option<String>,
}
by_text!(ImageRef);

impl ImageRef {
    /// The registry.
    pub fn registry(&self) -> &RegistryHost {
        &self.registry
    }

    /// The repository within the registry: `library/nginx`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; `latest` by default.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The digest, such as `sha256:` and 64 hexadecimal digits.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Returns the reference if Proxmox VE can pull it.
    ///
    /// # Errors
    /// The reference has a digest.
    pub fn pullable(&self) -> Result<&Self, Invalid> {
        match self.digest {
            None => Ok(self),
            Some(_) => Err(Invalid::new("Proxmox cannot pull by digest. Enter a tag.")),
        }
    }

    /// `registry/repository:tag`, the parameter `reference` of Proxmox VE's `oci-registry-pull`.
    /// Omits the digest; check [`Self::pullable`] first.
    pub fn proxmox_reference(&self) -> String {
        format!("{}/{}:{}", self.registry, self.repository, self.tag)
    }

    /// The file name of this image in a template storage; a valid [`TemplateName`] of at most 100
    /// characters.
    ///
    /// Proxmox VE's own name contains only the last component and the tag, so images of different
    /// registries would share a file. The hash separates them. It is cryptographic because users
    /// choose references: with a weak hash, a user could find a reference that collides with the
    /// file of another user's image.
    pub fn file_name(&self) -> String {
        let last = self.repository.rsplit('/').next().unwrap_or_default();
        let readable: String = format!("{last}_{}", self.tag).chars().take(63).collect();
        let hash: String = Sha256::digest(self.to_string())
            .iter()
            .take(16)
            .map(|octet| format!("{octet:02x}"))
            .collect();
        format!("{readable}-{hash}.tar")
    }
}

impl FromStr for ImageRef {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(parse_digest(digest)?)),
            None => (text, None),
        };
        // A colon before the last slash belongs to the registry's port.
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, parse_tag(tag)?),
            _ => (rest, "latest"),
        };
        let (registry, path) = match name.split_once('/') {
            Some((first, path)) if is_registry(first) => (first.parse()?, path),
            _ => (RegistryHost::docker_hub(), name),
        };
        check_repository(path)?;
        let official = registry.is_docker_hub() && !path.contains('/');
        let repository = if official {
            format!("library/{path}")
        } else {
            path.to_owned()
        };
        if registry.to_string().len() + 1 + repository.len() > MAX_NAME {
            return Err(Invalid::new("Use an image name of at most 255 characters."));
        }
        Ok(Self {
            registry,
            repository,
            tag: tag.to_owned(),
            digest,
        })
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.registry, self.repository, self.tag)?;
        self.digest
            .as_ref()
            .map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

/// Whether the part before the first slash is a registry and not the first component of a
/// repository.
fn is_registry(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':'])
}

fn check_repository(path: &str) -> Result<(), Invalid> {
    if path.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(Invalid::new(
            "Use lowercase letters in the image name. Only tags can have uppercase letters.",
        ));
    }
    // 64 hexadecimal digits are an image ID, which a registry cannot look up.
    let is_id = path.len() == 64 && path.bytes().all(|b| b.is_ascii_hexdigit());
    if is_id || !path.split('/').all(is_path_component) {
        return Err(Invalid::new(
            "Enter an image such as nginx:1.27 or ghcr.io/team/app:v1.",
        ));
    }
    Ok(())
}

/// Letters and digits, separated by single dots, one or two underscores, or any number of hyphens.
fn is_path_component(part: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.starts_with(is_word)
        && part.ends_with(is_word)
        && part
            .split(is_word)
            .all(|gap| matches!(gap, "" | "." | "_" | "__") || gap.bytes().all(|b| b == b'-'))
}

fn parse_tag(tag: &str) -> Result<&str, Invalid> {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if tag.len() > 128 || !is_word(tag, first, |c| first(c) || matches!(c, '.' | '-')) {
        return Err(Invalid::new(
            "Use a tag of 1 to 128 letters, digits, dots, hyphens and underscores; do not start with a dot or hyphen.",
        ));
    }
    Ok(tag)
}

/// Checks the length of digests of registered algorithms
/// (<https://github.com/opencontainers/image-spec/blob/main/descriptor.md#registered-algorithms>).
fn parse_digest(text: &str) -> Result<String, Invalid> {
    let invalid =
        || Invalid::new("Enter a digest such as sha256: with 64 lowercase hexadecimal digits.");
    let (algorithm, hex) = text.split_once(':').ok_or_else(invalid)?;
    let component = |part: &str| {
        is_word(
            part,
            |c| c.is_ascii_alphabetic(),
            |c| c.is_ascii_alphanumeric(),
        )
    };
    let right_length = match algorithm {
        "sha256" => hex.len() == 64,
        "sha384" => hex.len() == 96,
        "sha512" => hex.len() == 128,
        _ => (32..=MAX_NAME).contains(&hex.len()),
    };
    let known = matches!(algorithm, "sha256" | "sha384" | "sha512");
    if algorithm.len() > MAX_NAME
        || !algorithm.split(['+', '.', '-', '_']).all(component)
        || !right_length
        || !hex
            .bytes()
            .all(|b| b.is_ascii_hexdigit() && !(known && b.is_ascii_uppercase()))
    {
        return Err(invalid());
    }
    Ok(text.to_owned())
}

/// The file name of an archive of container templates in a Proxmox VE storage: `.tar`, optionally
/// compressed. At most 200 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TemplateName(String);
text_value!(TemplateName);

impl TemplateName {
    /// Whether the archive is a pulled image: those are not compressed. Only jobs that check the
    /// image's registry may use it.
    pub fn is_image(&self) -> bool {
        self.0.ends_with(".tar")
    }
}

impl FromStr for TemplateName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_ascii();
        let base = [".gz", ".xz", ".zst", ".bz2"]
            .into_iter()
            .find_map(|ending| text.strip_suffix(ending))
            .unwrap_or(text);
        let stem = base.strip_suffix(".tar").unwrap_or_default();
        let rest = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '+' | '~' | '-');
        if text.len() > 200 || !is_word(stem, |c| c.is_ascii_alphanumeric(), rest) {
            return Err(Invalid::new(
                "Enter a template file name ending in .tar, .tar.gz, .tar.xz, .tar.zst or .tar.bz2.",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}
