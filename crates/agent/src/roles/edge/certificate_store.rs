//! Stores the certificates that this host serves. They are fetched from the manager, verified, and
//! written to disk before any configuration refers to them. A certificate that cannot be fetched
//! blocks nothing: the previous certificate, or the host's own, is served instead. Files are named
//! by the certificate's fingerprint and never change.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use agent_protocol::{CertificateWithKey, endpoints::MAX_CERTIFICATES};
use edge::{Layout, SiteConfig, certificate_file_stem};
use model::{fingerprint::Fingerprint, hosts::UnservableCertificate};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};

use crate::core::{
    disk::{create_secret_folder, replace_file},
    manager_client::ManagerClient,
};

/// Files that passed verification: size and modification time of the chain and the key, by
/// fingerprint.
type VerifiedFiles = BTreeMap<Fingerprint, [(u64, SystemTime); 2]>;

/// The certificates on this host.
#[derive(Debug, Default)]
pub(crate) struct CertificateStore {
    verified: VerifiedFiles,
    /// The certificates of the live site configuration. Those of the previous one are kept as well.
    live: Option<BTreeSet<Fingerprint>>,
}

impl CertificateStore {
    /// Fetches missing certificates. Returns the site configuration as this host can serve it, and
    /// the certificates that it cannot serve. A missing certificate is replaced by that of `before`
    /// for the same name. `before` must be the configuration that was served, or a second failed
    /// certificate would hide the last valid one.
    pub(crate) async fn stage(
        &mut self,
        manager: &ManagerClient,
        site: &SiteConfig,
        before: Option<&SiteConfig>,
        layout: &Layout,
    ) -> (SiteConfig, Vec<UnservableCertificate>) {
        let fingerprints = |site: &SiteConfig| -> BTreeSet<Fingerprint> {
            site.certificates().into_iter().cloned().collect()
        };
        let desired = fingerprints(site);
        if desired.is_empty() {
            return (site.clone(), Vec::new());
        }
        let folder = PathBuf::from(layout.tls.as_str());
        let old = before.map(fingerprints).unwrap_or_default();
        let all: BTreeSet<Fingerprint> = desired.union(&old).cloned().collect();
        let mut missing = self.missing(&folder, all).await;
        let requested: Vec<Fingerprint> = missing.intersection(&desired).cloned().collect();
        let unservable = fetch(manager, &folder, requested).await;
        if unservable.is_empty() {
            return (site.clone(), unservable);
        }
        missing.retain(|fingerprint| {
            !desired.contains(fingerprint)
                || unservable
                    .iter()
                    .any(|entry| entry.certificate == *fingerprint)
        });
        let before = before.unwrap_or(site);
        (site.without_certificates(&missing, before), unservable)
    }

    /// Deletes certificates that neither the live site configuration nor the previous one refers
    /// to. `site` must be what is really served, including substitutes.
    pub(crate) async fn prune_unused(&mut self, site: &SiteConfig, layout: &Layout) {
        let now: BTreeSet<Fingerprint> = site.certificates().into_iter().cloned().collect();
        let Some(before) = self.live.replace(now.clone()) else {
            return;
        };
        if before == now {
            return;
        }
        let keep = before.union(&now);
        let keep: BTreeSet<String> = keep
            .map(|fingerprint| certificate_file_stem(Some(fingerprint)))
            .collect();
        let folder = PathBuf::from(layout.tls.as_str());
        let path = folder.clone();
        let done = tokio::task::spawn_blocking(move || remove_unlisted(&folder, &keep)).await;
        if let Ok(Err(error)) = done {
            tracing::warn!(path = %path.display(), %error, "unused certificate deletion failed");
        }
    }

    /// Returns the certificates of `desired` that are missing on disk or fail verification.
    async fn missing(
        &mut self,
        folder: &Path,
        desired: BTreeSet<Fingerprint>,
    ) -> BTreeSet<Fingerprint> {
        let folder = folder.to_owned();
        let mut verified = std::mem::take(&mut self.verified);
        let checked = tokio::task::spawn_blocking(move || {
            verified.retain(|fingerprint, _| desired.contains(fingerprint));
            let missing = desired.into_iter();
            let missing =
                missing.filter(|fingerprint| !verify_stored(&folder, fingerprint, &mut verified));
            (missing.collect(), verified)
        });
        match checked.await {
            Ok((missing, verified)) => {
                self.verified = verified;
                missing
            }
            // The task was canceled. The next synchronization checks again.
            Err(_) => BTreeSet::new(),
        }
    }
}

/// Whether a certificate and its key are on disk and valid.
fn verify_stored(folder: &Path, fingerprint: &Fingerprint, verified: &mut VerifiedFiles) -> bool {
    let paths = paths(folder, fingerprint);
    let [Ok(chain), Ok(key)] = paths.each_ref().map(|path| file_version(path)) else {
        return false;
    };
    let versions = [chain, key];
    if verified.get(fingerprint) == Some(&versions) {
        return true;
    }
    let [chain, key] = paths.map(fs::read_to_string);
    let (Ok(chain), Ok(key)) = (chain, key) else {
        return false;
    };
    let is_good = verify(fingerprint, &chain, &key).is_ok();
    if is_good {
        verified.insert(fingerprint.clone(), versions);
    }
    is_good
}

fn file_version(path: &Path) -> std::io::Result<(u64, SystemTime)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.len(), metadata.modified()?))
}

fn paths(folder: &Path, fingerprint: &Fingerprint) -> [PathBuf; 2] {
    let name = certificate_file_stem(Some(fingerprint));
    [".crt", ".key"].map(|end| folder.join(format!("{name}{end}")))
}

/// Verifies that the chain has this fingerprint and matches the key.
fn verify(fingerprint: &Fingerprint, chain: &str, key: &str) -> Result<(), String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
    let read = read.map_err(|error| format!("The certificate could not be parsed: {error}."))?;
    let leaf = read.first().ok_or("The chain contains no certificate.")?;
    if pinned::Fingerprint::from_certificate(leaf).to_string() != fingerprint.as_str() {
        return Err("The manager sent another certificate than the requested one.".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|error| format!("The private key could not be parsed: {error}."))?;
    let certificate = CertifiedKey::from_der(read, key, &ring::default_provider());
    certificate
        .map(drop)
        .map_err(|error| format!("The private key does not match the certificate: {error}."))
}

/// Fetches missing certificates from the manager and stores them. Returns those that are still
/// missing.
async fn fetch(
    manager: &ManagerClient,
    folder: &Path,
    missing: Vec<Fingerprint>,
) -> Vec<UnservableCertificate> {
    let mut unservable = Vec::new();
    let mut requested = 0;
    for some in missing.chunks(MAX_CERTIFICATES) {
        let certificates = match manager.fetch_certificates(some).await {
            Ok(certificates) => certificates,
            Err(error) => {
                // The remaining requests would fail as well.
                let message = error.to_string();
                let remaining = missing.iter().skip(requested);
                unservable.extend(
                    remaining.map(|fingerprint| unservable_certificate(fingerprint, &message)),
                );
                break;
            }
        };
        requested += some.len();
        let (folder, some) = (folder.to_owned(), some.to_vec());
        let put =
            tokio::task::spawn_blocking(move || store_all(&folder, &some, &certificates)).await;
        unservable.extend(put.unwrap_or_default());
    }
    for UnservableCertificate {
        certificate: fingerprint,
        reason: error,
    } in &unservable
    {
        tracing::warn!(%fingerprint, error, "certificate not served");
    }
    unservable
}

fn unservable_certificate(fingerprint: &Fingerprint, message: &str) -> UnservableCertificate {
    UnservableCertificate {
        certificate: fingerprint.clone(),
        reason: message.to_owned(),
    }
}

fn store_all(
    folder: &Path,
    desired: &[Fingerprint],
    certificates: &[CertificateWithKey],
) -> Vec<UnservableCertificate> {
    let put = |fingerprint: &Fingerprint| {
        let certificate = certificates
            .iter()
            .find(|certificate| certificate.fingerprint == *fingerprint);
        let certificate = certificate.ok_or("The manager does not have this certificate.")?;
        verify(fingerprint, &certificate.chain, &certificate.key)?;
        let [chain, key] = paths(folder, fingerprint);
        // Write the key first: a certificate on disk always has its key.
        for (path, text, mode) in [
            (key, &certificate.key, 0o600),
            (chain, &certificate.chain, 0o644),
        ] {
            create_secret_folder(folder).map_err(|error| error.to_string())?;
            replace_file(&path, text.as_bytes(), mode)
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    };
    let failed = desired.iter().filter_map(|fingerprint| {
        let stored: Result<(), String> = put(fingerprint);
        stored
            .err()
            .map(|message| unservable_certificate(fingerprint, &message))
    });
    failed.collect()
}

/// Deletes certificates that are not in `keep`. Files whose name is not a fingerprint stay.
fn remove_unlisted(folder: &Path, keep: &BTreeSet<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let (Some(name), Some(end)) = (path.file_stem(), path.extension()) else {
            continue;
        };
        let (Some(name), Some(end)) = (name.to_str(), end.to_str()) else {
            continue;
        };
        let is_fingerprint = name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit());
        if is_fingerprint && matches!(end, "crt" | "key") && !keep.contains(name) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, slice::from_ref};

    use super::*;

    fn certificate(name: &str) -> CertificateWithKey {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let fingerprint = pinned::Fingerprint::from_certificate(made.cert.der()).to_string();
        CertificateWithKey {
            fingerprint: fingerprint.parse().unwrap(),
            chain: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }
    }

    #[test]
    fn only_requested_and_valid_certificates_are_stored() {
        let folder = tempfile::tempdir().unwrap();
        // As created by an earlier version.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (good, other) = (certificate("a.example.org"), certificate("b.example.org"));
        let wrong_key = CertificateWithKey {
            key: good.key.clone(),
            ..other.clone()
        };
        let desired = [good.fingerprint.clone(), other.fingerprint.clone()];
        let unservable = store_all(folder.path(), &desired, &[good.clone(), wrong_key]);
        assert_eq!(unservable.len(), 1);
        assert_eq!(unservable[0].certificate, other.fingerprint);
        assert!(unservable[0].reason.contains("does not match"));
        let [chain, key] = paths(folder.path(), &good.fingerprint);
        assert_eq!(fs::read_to_string(chain).unwrap(), good.chain);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&key), 0o600);
        assert_eq!(mode(folder.path()), 0o700);
        let swapped = CertificateWithKey {
            fingerprint: other.fingerprint.clone(),
            ..good
        };
        let unservable = store_all(folder.path(), &desired[1..], &[swapped]);
        assert!(unservable[0].reason.contains("another certificate"));
        let unservable = store_all(folder.path(), &desired[1..], &[]);
        assert!(
            unservable[0]
                .reason
                .contains("does not have this certificate")
        );
    }

    #[test]
    fn damaged_files_count_as_missing() {
        let folder = tempfile::tempdir().unwrap();
        let good = certificate("a.example.org");
        let mut verified = VerifiedFiles::new();
        let fingerprint = &good.fingerprint;
        assert!(!verify_stored(folder.path(), fingerprint, &mut verified));
        assert!(store_all(folder.path(), from_ref(fingerprint), from_ref(&good)).is_empty());
        assert!(verify_stored(folder.path(), fingerprint, &mut verified));
        let [chain, key] = paths(folder.path(), fingerprint);
        fs::write(&key, "broken").unwrap();
        assert!(!verify_stored(folder.path(), fingerprint, &mut verified));
        fs::write(&key, &good.key).unwrap();
        assert!(verify_stored(folder.path(), fingerprint, &mut verified));
        fs::remove_file(chain).unwrap();
        assert!(!verify_stored(folder.path(), fingerprint, &mut verified));
    }

    #[test]
    fn unused_certificates_are_deleted_and_own_stays() {
        let folder = tempfile::tempdir().unwrap();
        let certificates = [certificate("a.example.org"), certificate("b.example.org")];
        let desired = certificates
            .each_ref()
            .map(|certificate| certificate.fingerprint.clone());
        assert!(store_all(folder.path(), &desired, &certificates).is_empty());
        fs::write(folder.path().join("site.key"), "own").unwrap();
        let keep = BTreeSet::from([certificate_file_stem(Some(&desired[0]))]);
        remove_unlisted(folder.path(), &keep).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let name = certificate_file_stem(Some(&desired[0]));
        let mut expected = vec![
            format!("{name}.crt"),
            format!("{name}.key"),
            "site.key".into(),
        ];
        expected.sort();
        assert_eq!(left, expected);
    }
}
