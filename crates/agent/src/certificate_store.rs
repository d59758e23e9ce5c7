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

use edge::{
    Layout, Snapshot, certificate_name,
    link::{MOST_CERTIFICATES, Pair},
};
use model::{clusters::Fingerprint, hosts::UnservableCertificate};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};

use crate::{certificate, manager_client::ManagerClient};

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
    /// the certificates that it cannot serve. A missing certificate is replaced by the one that
    /// `before` has for the same name. `before` must be what was really served, or a second failed
    /// certificate would hide the last valid one.
    pub(crate) async fn stage(
        &mut self,
        manager: &ManagerClient,
        site: &Snapshot,
        before: Option<&Snapshot>,
        layout: &Layout,
    ) -> (Snapshot, Vec<UnservableCertificate>) {
        let fingerprints = |site: &Snapshot| -> BTreeSet<Fingerprint> {
            site.certificates().into_iter().cloned().collect()
        };
        let wanted = fingerprints(site);
        if wanted.is_empty() {
            return (site.clone(), Vec::new());
        }
        let folder = PathBuf::from(layout.tls.as_str());
        let old = before.map(fingerprints).unwrap_or_default();
        let all: BTreeSet<Fingerprint> = wanted.union(&old).cloned().collect();
        let mut missing = self.missing(&folder, all).await;
        let asked: Vec<Fingerprint> = missing.intersection(&wanted).cloned().collect();
        let unserved = fetch(manager, &folder, asked).await;
        if unserved.is_empty() {
            return (site.clone(), unserved);
        }
        missing.retain(|fingerprint| {
            !wanted.contains(fingerprint)
                || unserved
                    .iter()
                    .any(|entry| entry.certificate == *fingerprint)
        });
        let before = before.unwrap_or(site);
        (site.without_certificates(&missing, before), unserved)
    }

    /// Deletes certificates that neither the live site configuration nor the previous one refers
    /// to. `site` must be what is really served, including substitutes.
    pub(crate) async fn prune_unused(&mut self, site: &Snapshot, layout: &Layout) {
        let now: BTreeSet<Fingerprint> = site.certificates().into_iter().cloned().collect();
        let Some(before) = self.live.replace(now.clone()) else {
            return;
        };
        if before == now {
            return;
        }
        let keep = before.union(&now);
        let keep: BTreeSet<String> = keep
            .map(|fingerprint| certificate_name(Some(fingerprint)))
            .collect();
        let folder = PathBuf::from(layout.tls.as_str());
        let done = tokio::task::spawn_blocking(move || remove_unlisted(&folder, &keep)).await;
        if let Ok(Err(error)) = done {
            tracing::warn!(%error, "deleting unused certificates failed");
        }
    }

    /// Returns the certificates of `wanted` that are missing on disk or fail verification.
    async fn missing(
        &mut self,
        folder: &Path,
        wanted: BTreeSet<Fingerprint>,
    ) -> BTreeSet<Fingerprint> {
        let folder = folder.to_owned();
        let mut verified = std::mem::take(&mut self.verified);
        let checked = tokio::task::spawn_blocking(move || {
            verified.retain(|fingerprint, _| wanted.contains(fingerprint));
            let missing = wanted.into_iter();
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
    let name = certificate_name(Some(fingerprint));
    [".crt", ".key"].map(|end| folder.join(format!("{name}{end}")))
}

/// Verifies that the chain has this fingerprint and matches the key.
fn verify(fingerprint: &Fingerprint, chain: &str, key: &str) -> Result<(), String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
    let read = read.map_err(|error| format!("The certificate cannot be read: {error}."))?;
    let leaf = read.first().ok_or("There is no certificate in it.")?;
    if pinned::Fingerprint::from_certificate(leaf).to_string() != fingerprint.as_str() {
        return Err("It is another certificate than the one that was asked for.".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|error| format!("The key cannot be read: {error}."))?;
    let pair = CertifiedKey::from_der(read, key, &ring::default_provider());
    pair.map(drop)
        .map_err(|error| format!("The certificate and its key do not belong together: {error}."))
}

/// Fetches missing certificates from the manager and stores them. Returns those that are still
/// missing.
async fn fetch(
    manager: &ManagerClient,
    folder: &Path,
    missing: Vec<Fingerprint>,
) -> Vec<UnservableCertificate> {
    let mut unserved = Vec::new();
    let mut asked = 0;
    for some in missing.chunks(MOST_CERTIFICATES) {
        let pairs = match manager.certificates(some).await {
            Ok(pairs) => pairs,
            Err(error) => {
                // The remaining requests would fail as well.
                let message = error.to_string();
                let left = missing.iter().skip(asked);
                unserved.extend(left.map(|fingerprint| unserved_for(fingerprint, &message)));
                break;
            }
        };
        asked += some.len();
        let (folder, some) = (folder.to_owned(), some.to_vec());
        let put = tokio::task::spawn_blocking(move || store_all(&folder, &some, &pairs)).await;
        unserved.extend(put.unwrap_or_default());
    }
    for UnservableCertificate {
        certificate,
        words: error,
    } in &unserved
    {
        tracing::warn!(%certificate, error, "certificate cannot be served");
    }
    unserved
}

fn unserved_for(fingerprint: &Fingerprint, message: &str) -> UnservableCertificate {
    UnservableCertificate {
        certificate: fingerprint.clone(),
        words: message.to_owned(),
    }
}

fn store_all(folder: &Path, wanted: &[Fingerprint], pairs: &[Pair]) -> Vec<UnservableCertificate> {
    let put = |fingerprint: &Fingerprint| {
        let pair = pairs.iter().find(|pair| pair.certificate == *fingerprint);
        let pair = pair.ok_or("The manager does not have it (any more).")?;
        verify(fingerprint, &pair.chain, &pair.key)?;
        let [chain, key] = paths(folder, fingerprint);
        // Write the key first: a certificate on disk always has its key.
        for (path, text, mode) in [(key, &pair.key, 0o600), (chain, &pair.chain, 0o644)] {
            fs::create_dir_all(folder)
                .and_then(|()| certificate::put(&path, text.as_bytes(), mode))
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    };
    let failed = wanted.iter().filter_map(|fingerprint| {
        let stored: Result<(), String> = put(fingerprint);
        stored
            .err()
            .map(|message| unserved_for(fingerprint, &message))
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

    fn pair(name: &str) -> Pair {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let fingerprint = pinned::Fingerprint::from_certificate(made.cert.der()).to_string();
        Pair {
            certificate: fingerprint.parse().unwrap(),
            chain: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }
    }

    #[test]
    fn only_requested_and_valid_certificates_are_stored() {
        let folder = tempfile::tempdir().unwrap();
        let (good, other) = (pair("a.example.org"), pair("b.example.org"));
        let wrong_key = Pair {
            key: good.key.clone(),
            ..other.clone()
        };
        let wanted = [good.certificate.clone(), other.certificate.clone()];
        let unserved = store_all(folder.path(), &wanted, &[good.clone(), wrong_key]);
        assert_eq!(unserved.len(), 1);
        assert_eq!(unserved[0].certificate, other.certificate);
        assert!(unserved[0].words.contains("belong together"));
        let [chain, key] = paths(folder.path(), &good.certificate);
        assert_eq!(fs::read_to_string(chain).unwrap(), good.chain);
        assert_eq!(
            fs::metadata(key).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let swapped = Pair {
            certificate: other.certificate.clone(),
            ..good
        };
        let unserved = store_all(folder.path(), &wanted[1..], &[swapped]);
        assert!(unserved[0].words.contains("another certificate"));
        let unserved = store_all(folder.path(), &wanted[1..], &[]);
        assert!(unserved[0].words.contains("does not have it"));
    }

    #[test]
    fn damaged_files_count_as_missing() {
        let folder = tempfile::tempdir().unwrap();
        let good = pair("a.example.org");
        let mut verified = VerifiedFiles::new();
        let fingerprint = &good.certificate;
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
        let pairs = [pair("a.example.org"), pair("b.example.org")];
        let wanted = pairs.each_ref().map(|pair| pair.certificate.clone());
        assert!(store_all(folder.path(), &wanted, &pairs).is_empty());
        fs::write(folder.path().join("site.key"), "own").unwrap();
        let keep = BTreeSet::from([certificate_name(Some(&wanted[0]))]);
        remove_unlisted(folder.path(), &keep).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let name = certificate_name(Some(&wanted[0]));
        let mut expected = vec![
            format!("{name}.crt"),
            format!("{name}.key"),
            "site.key".into(),
        ];
        expected.sort();
        assert_eq!(left, expected);
    }
}
