//! Templates and images: Proxmox's appliance templates, downloads from URLs, and OCI images from
//! registries.
//!
//! Pulling requires a tag (`docker.io/library/nginx:1.27`); digests and registry credentials are
//! not supported. Images with the same name and tag from different registries have the same default
//! file name, so callers always name the file.

use serde::Deserialize;

use crate::{
    Client, ContentKind, Upid,
    error::Error,
    http::Call,
    lenient,
    params::{Params, one_line, unsendable},
};

/// An appliance template that Proxmox offers for download.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Template {
    /// The file name, such as `debian-13-standard_13.1-2_amd64.tar.zst`.
    #[serde(deserialize_with = "lenient::text")]
    pub template: String,
    /// The section: `system`, `turnkeylinux` or `mail`.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub section: Option<String>,
    /// The operating system, such as `debian-13`.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub os: Option<String>,
    /// The package, such as `debian-13-standard`.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub package: Option<String>,
    /// The package's version.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub version: Option<String>,
    /// The CPU architecture, such as `amd64`.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub architecture: Option<String>,
    /// A one-line description.
    #[serde(default, deserialize_with = "lenient::opt_text")]
    pub headline: Option<String>,
}

/// The checksum algorithm of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumKind {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl ChecksumKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }
}

/// A file that a node downloads from a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// The URL: `https://…` or `http://…`.
    pub url: String,
    /// The content type: a template, a CD image or a disk to import.
    pub content: ContentKind,
    /// The file name. Template names end in `.tar`, `.tar.gz`, `.tar.xz`, `.tar.zst` or `.tar.bz2`.
    pub filename: String,
    /// The expected checksum, in hexadecimal digits.
    pub checksum: Option<(ChecksumKind, String)>,
}

impl Download {
    fn params(&self) -> Result<Params, Error> {
        if !self.url.starts_with("https://") && !self.url.starts_with("http://") {
            return Err(unsendable("url", "the URL must start with https://"));
        }
        let mut params = Params::default()
            .with("url", one_line("url", &self.url)?)
            .with("content", self.content.as_str())
            .with("filename", one_line("filename", &self.filename)?);
        if let Some((kind, checksum)) = &self.checksum {
            params.set("checksum", one_line("checksum", checksum)?);
            params.set("checksum-algorithm", kind.as_str());
        }
        Ok(params)
    }
}

impl Client {
    /// The appliance templates that a node can download. Empty until the node has fetched their
    /// list.
    ///
    /// # Errors
    /// [`Error::NodeUnreachable`] if the node is offline; see [`Error`].
    pub async fn templates(&self, node: &str) -> Result<Vec<Template>, Error> {
        self.call(Call::get(&["nodes", node, "aplinfo"])).await
    }

    /// Downloads an appliance template to a storage.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the template does not exist.
    pub async fn download_template(
        &self,
        node: &str,
        storage: &str,
        template: &str,
    ) -> Result<Upid, Error> {
        let params = Params::default()
            .with("storage", one_line("storage", storage)?)
            .with("template", one_line("template", template)?);
        let call = Call::post(&["nodes", node, "aplinfo"]).params(params);
        self.call(call.slow()).await
    }

    /// Downloads a file from a URL to a storage. The node verifies the server's certificate. A
    /// missing file is reported only by the task.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if the file exists; [`Error::Invalid`] if its name does not fit the
    /// content type.
    pub async fn download_url(
        &self,
        node: &str,
        storage: &str,
        download: &Download,
    ) -> Result<Upid, Error> {
        let path = ["nodes", node, "storage", storage, "download-url"];
        self.call(Call::post(&path).params(download.params()?).slow())
            .await
    }

    /// Pulls an image from its registry to `vztmpl/FILENAME`. Proxmox appends `.tar` to the name,
    /// and replaces everything except letters, digits, `_`, `.` and `-` by `_`.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if the file exists, [`Error::Invalid`] if the reference has no tag.
    /// A missing image is reported only by the task.
    pub async fn pull_oci(
        &self,
        node: &str,
        storage: &str,
        reference: &str,
        filename: &str,
    ) -> Result<Upid, Error> {
        let params = Params::default()
            .with("reference", reference)
            .with("filename", filename);
        let path = ["nodes", node, "storage", storage, "oci-registry-pull"];
        self.call(Call::post(&path).params(params).slow()).await
    }

    /// The tags of an image (given without a tag) in its registry, as queried by the node.
    ///
    /// # Errors
    /// [`Error::Refused`] if the registry has no tags or is unreachable.
    pub async fn oci_tags(&self, node: &str, repository: &str) -> Result<Vec<String>, Error> {
        let params = Params::default().with("reference", repository);
        self.call(
            Call::get(&["nodes", node, "query-oci-repo-tags"])
                .params(params)
                .slow(),
        )
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn download(url: &str) -> Download {
        Download {
            url: url.to_owned(),
            content: ContentKind::Vztmpl,
            filename: "a.tar.zst".to_owned(),
            checksum: None,
        }
    }

    #[test]
    fn checksum_is_sent_with_algorithm() {
        let checked = Download {
            checksum: Some((ChecksumKind::Sha512, "ab".to_owned())),
            ..download("https://example.org/a.tar.zst?x=1")
        };
        let params = checked.params().unwrap();
        let names: Vec<_> = params.pairs().iter().map(|(name, _)| &**name).collect();
        let expected = [
            "url",
            "content",
            "filename",
            "checksum",
            "checksum-algorithm",
        ];
        assert_eq!(names, expected);
        assert!(download("file:///etc/shadow").params().is_err());
        assert!(download("https://a\n").params().is_err());
    }

    #[test]
    fn template_requires_only_a_name() {
        let rows = r#"[{"template":"debian-13-standard_13.1-2_amd64.tar.zst","section":"system","os":"debian-13","version":13,"infopage":"x"},{"template":"x"}]"#;
        let rows: Vec<Template> = serde_json::from_str(rows).unwrap();
        assert_eq!(rows[0].version.as_deref(), Some("13"));
        assert_eq!(rows[1].os, None);
    }
}
