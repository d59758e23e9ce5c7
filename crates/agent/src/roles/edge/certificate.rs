//! The host's own self-signed certificate, used until the site has certificates from a CA. It is
//! generated here for the names of the site's domains, and the key never leaves the host. It is
//! valid from 1975 to 4096, so a wrong clock at creation does no harm.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use edge::{Layout, SiteConfig};

use crate::core::disk::{DiskError, create_secret_folder, replace_file};

/// Why the certificate could not be created.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file operation failed.
    #[error("{}: {cause}", .path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// The error of the system call.
        cause: io::Error,
    },
    /// The directory could not be created.
    #[error(transparent)]
    Folder(#[from] DiskError),
    /// Key generation or signing failed.
    #[error("The site's self-signed certificate could not be created: {0}")]
    Make(#[from] rcgen::Error),
}

/// Creates the certificate if it is missing or has other names. Returns whether it did. Blocks.
///
/// # Errors
/// If the certificate cannot be created or written. An existing certificate is kept.
pub fn ensure(site: &SiteConfig, layout: &Layout) -> Result<bool, CertificateError> {
    let folder = Path::new(layout.tls.as_str());
    let names = names(site);
    let (marks, list) = (folder.join("site.names"), names.join("\n"));
    let exists = ["site.crt", "site.key"]
        .iter()
        .all(|name| folder.join(name).exists());
    if exists && fs::read_to_string(&marks).is_ok_and(|known| known == list) {
        return Ok(false);
    }
    let created = rcgen::generate_simple_self_signed(names)?;
    let disk = |path: &Path| {
        let path = path.to_owned();
        |cause| CertificateError::Disk { path, cause }
    };
    create_secret_folder(folder)?;
    // Write the names last, so that an interrupted creation is repeated.
    let _ = fs::remove_file(&marks);
    let files = [
        ("site.key", created.signing_key.serialize_pem(), 0o600),
        ("site.crt", created.cert.pem(), 0o644),
        ("site.names", list, 0o644),
    ];
    for (name, text, mode) in files {
        let path = folder.join(name);
        replace_file(&path, text.as_bytes(), mode).map_err(disk(&path))?;
    }
    Ok(true)
}

/// Each domain with a wildcard; the network's domain if there is none, because nginx needs a
/// certificate.
fn names(site: &SiteConfig) -> Vec<String> {
    let mut names = Vec::new();
    for domain in &site.domains {
        names.push(domain.name.to_string());
        names.push(format!("*.{}", domain.name));
    }
    if names.is_empty() {
        names.push(site.network.domain.to_string());
    }
    names.sort();
    names.dedup();
    names
}
