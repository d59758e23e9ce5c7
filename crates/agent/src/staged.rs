//! Certificates that this host is to serve: asked for at the manager, looked at, and put beside the
//! host's own before any configuration names them. One that cannot be had blocks nothing: the one
//! before, or the host's own, is served in its place. Files are named by the certificate's fingerprint
//! and never change.

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
use model::{agents::Unserved, clusters::Fingerprint};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};

use crate::{certificate, teller::Teller};

/// What was found to be good: the files' sizes and when they were written, by certificate.
type Known = BTreeMap<Fingerprint, [(u64, SystemTime); 2]>;

/// The certificates on this host.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    known: Known,
    /// What the site that is live names, and the one before it: older ones are taken away.
    live: Option<BTreeSet<Fingerprint>>,
}

impl Staged {
    /// The site as this host can serve it, with what is missing to serve it all. In the place of
    /// what cannot be had stands what the same name had `before`: what was really served then, or a
    /// second one that cannot be had would hide the last good one.
    pub(crate) async fn stage(
        &mut self,
        manager: &Teller,
        site: &Snapshot,
        before: Option<&Snapshot>,
        layout: &Layout,
    ) -> (Snapshot, Vec<Unserved>) {
        let prints = |site: &Snapshot| -> BTreeSet<Fingerprint> {
            site.certificates().into_iter().cloned().collect()
        };
        let wanted = prints(site);
        if wanted.is_empty() {
            return (site.clone(), Vec::new());
        }
        let folder = PathBuf::from(layout.tls.as_str());
        let old = before.map(prints).unwrap_or_default();
        let all: BTreeSet<Fingerprint> = wanted.union(&old).cloned().collect();
        let mut missing = self.missing(&folder, all).await;
        let asked: Vec<Fingerprint> = missing.intersection(&wanted).cloned().collect();
        let unserved = fetch(manager, &folder, asked).await;
        if unserved.is_empty() {
            return (site.clone(), unserved);
        }
        missing.retain(|print| {
            !wanted.contains(print) || unserved.iter().any(|it| it.certificate == *print)
        });
        let before = before.unwrap_or(site);
        (site.without_certificates(&missing, before), unserved)
    }

    /// Takes away what neither the site that is live names nor the one before it. `site` is the one
    /// that is really served: what stands in for another is needed as much.
    pub(crate) async fn is_live(&mut self, site: &Snapshot, layout: &Layout) {
        let now: BTreeSet<Fingerprint> = site.certificates().into_iter().cloned().collect();
        let Some(before) = self.live.replace(now.clone()) else {
            return;
        };
        if before == now {
            return;
        }
        let keep = before.union(&now);
        let keep: BTreeSet<String> = keep.map(|it| certificate_name(Some(it))).collect();
        let folder = PathBuf::from(layout.tls.as_str());
        let done = tokio::task::spawn_blocking(move || take_away(&folder, &keep)).await;
        if let Ok(Err(error)) = done {
            tracing::warn!(%error, "old certificates could not be taken away");
        }
    }

    /// Those of `wanted` that are not on disk as they should be.
    async fn missing(
        &mut self,
        folder: &Path,
        wanted: BTreeSet<Fingerprint>,
    ) -> BTreeSet<Fingerprint> {
        let folder = folder.to_owned();
        let mut known = std::mem::take(&mut self.known);
        let looked = tokio::task::spawn_blocking(move || {
            known.retain(|print, _| wanted.contains(print));
            let missing = wanted.into_iter();
            let missing = missing.filter(|print| !is_there(&folder, print, &mut known));
            (missing.collect(), known)
        });
        match looked.await {
            Ok((missing, known)) => {
                self.known = known;
                missing
            }
            // Broken off: the next round looks again.
            Err(_) => BTreeSet::new(),
        }
    }
}

/// Whether a certificate and its key are on disk, and are what they should be.
fn is_there(folder: &Path, print: &Fingerprint, known: &mut Known) -> bool {
    let paths = paths(folder, print);
    let [Ok(chain), Ok(key)] = paths.each_ref().map(|path| mark(path)) else {
        return false;
    };
    let marks = [chain, key];
    if known.get(print) == Some(&marks) {
        return true;
    }
    let [chain, key] = paths.map(fs::read_to_string);
    let (Ok(chain), Ok(key)) = (chain, key) else {
        return false;
    };
    let is_good = look(print, &chain, &key).is_ok();
    if is_good {
        known.insert(print.clone(), marks);
    }
    is_good
}

fn mark(path: &Path) -> std::io::Result<(u64, SystemTime)> {
    let found = fs::metadata(path)?;
    Ok((found.len(), found.modified()?))
}

fn paths(folder: &Path, print: &Fingerprint) -> [PathBuf; 2] {
    let name = certificate_name(Some(print));
    [".crt", ".key"].map(|end| folder.join(format!("{name}{end}")))
}

/// Whether this is the certificate of that fingerprint with its key; else what is wrong.
fn look(print: &Fingerprint, chain: &str, key: &str) -> Result<(), String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
    let read = read.map_err(|error| format!("The certificate cannot be read: {error}."))?;
    let leaf = read.first().ok_or("There is no certificate in it.")?;
    if pinned::Fingerprint::of(leaf).to_string() != print.as_str() {
        return Err("It is another certificate than the one that was asked for.".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|error| format!("The key cannot be read: {error}."))?;
    let pair = CertifiedKey::from_der(read, key, &ring::default_provider());
    pair.map(drop)
        .map_err(|error| format!("The certificate and its key do not belong together: {error}."))
}

/// Has what is missing come from the manager, and puts it on disk; those that are still missing.
async fn fetch(manager: &Teller, folder: &Path, missing: Vec<Fingerprint>) -> Vec<Unserved> {
    let mut unserved = Vec::new();
    let mut asked = 0;
    for some in missing.chunks(MOST_CERTIFICATES) {
        let pairs = match manager.certificates(some).await {
            Ok(pairs) => pairs,
            Err(error) => {
                // Nor will it answer for the others.
                let words = error.to_string();
                let left = missing.iter().skip(asked);
                unserved.extend(left.map(|print| unserved_for(print, &words)));
                break;
            }
        };
        asked += some.len();
        let (folder, some) = (folder.to_owned(), some.to_vec());
        let put = tokio::task::spawn_blocking(move || put_all(&folder, &some, &pairs)).await;
        unserved.extend(put.unwrap_or_default());
    }
    for Unserved { certificate, words } in &unserved {
        tracing::warn!(%certificate, words, "a certificate cannot be served");
    }
    unserved
}

fn unserved_for(print: &Fingerprint, words: &str) -> Unserved {
    Unserved {
        certificate: print.clone(),
        words: words.to_owned(),
    }
}

fn put_all(folder: &Path, wanted: &[Fingerprint], pairs: &[Pair]) -> Vec<Unserved> {
    let put = |print: &Fingerprint| {
        let pair = pairs.iter().find(|pair| pair.certificate == *print);
        let pair = pair.ok_or("The manager does not have it (any more).")?;
        look(print, &pair.chain, &pair.key)?;
        let [chain, key] = paths(folder, print);
        // The key first: whoever finds the certificate finds its key.
        for (path, text, mode) in [(key, &pair.key, 0o600), (chain, &pair.chain, 0o644)] {
            fs::create_dir_all(folder)
                .and_then(|()| certificate::put(&path, text.as_bytes(), mode))
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    };
    let failed = wanted.iter().filter_map(|print| {
        let done: Result<(), String> = put(print);
        done.err().map(|words| unserved_for(print, &words))
    });
    failed.collect()
}

/// Takes certificates away that are not among `keep`. What is no certificate of a site stays.
fn take_away(folder: &Path, keep: &BTreeSet<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let (Some(name), Some(end)) = (path.file_stem(), path.extension()) else {
            continue;
        };
        let (Some(name), Some(end)) = (name.to_str(), end.to_str()) else {
            continue;
        };
        let is_print = name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit());
        if is_print && matches!(end, "crt" | "key") && !keep.contains(name) {
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
        let print = pinned::Fingerprint::of(made.cert.der()).to_string();
        Pair {
            certificate: print.parse().unwrap(),
            chain: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }
    }

    #[test]
    fn only_what_was_asked_for_and_fits_is_put_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let (good, other) = (pair("a.example.org"), pair("b.example.org"));
        let wrong_key = Pair {
            key: good.key.clone(),
            ..other.clone()
        };
        let wanted = [good.certificate.clone(), other.certificate.clone()];
        let unserved = put_all(folder.path(), &wanted, &[good.clone(), wrong_key]);
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
        let unserved = put_all(folder.path(), &wanted[1..], &[swapped]);
        assert!(unserved[0].words.contains("another certificate"));
        let unserved = put_all(folder.path(), &wanted[1..], &[]);
        assert!(unserved[0].words.contains("does not have it"));
    }

    #[test]
    fn what_somebody_broke_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let good = pair("a.example.org");
        let mut known = Known::new();
        let print = &good.certificate;
        assert!(!is_there(folder.path(), print, &mut known));
        assert!(put_all(folder.path(), from_ref(print), from_ref(&good)).is_empty());
        assert!(is_there(folder.path(), print, &mut known));
        let [chain, key] = paths(folder.path(), print);
        fs::write(&key, "broken").unwrap();
        assert!(!is_there(folder.path(), print, &mut known));
        fs::write(&key, &good.key).unwrap();
        assert!(is_there(folder.path(), print, &mut known));
        fs::remove_file(chain).unwrap();
        assert!(!is_there(folder.path(), print, &mut known));
    }

    #[test]
    fn what_is_named_no_more_goes_and_the_hosts_own_stays() {
        let folder = tempfile::tempdir().unwrap();
        let pairs = [pair("a.example.org"), pair("b.example.org")];
        let wanted = pairs.each_ref().map(|pair| pair.certificate.clone());
        assert!(put_all(folder.path(), &wanted, &pairs).is_empty());
        fs::write(folder.path().join("site.key"), "own").unwrap();
        let keep = BTreeSet::from([certificate_name(Some(&wanted[0]))]);
        take_away(folder.path(), &keep).unwrap();
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
