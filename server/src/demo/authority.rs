//! The certificate authority of the demo. Its key and certificate are files in the data folder, so
//! that it stays the same over restarts and can be trusted by a browser that is meant to.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use control::setup::demo;
use model::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use crate::Failure;

/// Its name, in each certificate that it signs.
const NAME: &str = "Holdfast demo CA";
const KEY_FILE: &str = "demo-ca.key";
const CERTIFICATE_FILE: &str = "demo-ca.pem";

/// A certificate authority that signs whatever the demo asks for.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    /// The authority of a data folder, created where there is none.
    pub(super) fn load_or_create(data: &Path) -> Result<Self, Failure> {
        let key_path = data.join(KEY_FILE);
        let failure = |cause| Failure::Data {
            path: key_path.clone(),
            cause,
        };
        let key = key(&key_path).map_err(failure)?;
        let path = data.join(CERTIFICATE_FILE);
        let certificate = certificate(&path, &key).map_err(|cause| Failure::Data {
            path: path.clone(),
            cause,
        })?;
        Ok(Self {
            issuer: Issuer::new(own_params(), key),
            certificate,
        })
    }

    fn sign(&self, request: &demo::CertificateRequest) -> Result<(String, String), rcgen::Error> {
        let names: Vec<String> = request.names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names.clone())?;
        if let Some(name) = names.first() {
            params
                .distinguished_name
                .push(DnType::CommonName, name.as_str());
        }
        params.not_before = date(request.not_before);
        params.not_after = date(request.not_after);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &self.issuer)?;
        Ok((
            format!("{}{}", leaf.pem(), self.certificate),
            key.serialize_pem(),
        ))
    }
}

impl demo::Issuer for Authority {
    fn name(&self) -> &str {
        NAME
    }

    fn issue(&self, request: &demo::CertificateRequest) -> Result<(String, String), String> {
        self.sign(request).map_err(|error| error.to_string())
    }
}

fn own_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// The key of a file, created where there is none.
fn key(path: &Path) -> io::Result<KeyPair> {
    match std::fs::read_to_string(path) {
        Ok(text) => KeyPair::from_pem(&text).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = KeyPair::generate().map_err(io::Error::other)?;
            write(path, 0o600, &key.serialize_pem())?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

/// The certificate of a file, created where there is none.
fn certificate(path: &Path, key: &KeyPair) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut params = own_params();
            let now = OffsetDateTime::now_utc();
            // Certificates of the demo begin months ago.
            params.not_before = now - Duration::days(366);
            params.not_after = now + Duration::days(10 * 365);
            let pem = params.self_signed(key).map_err(io::Error::other)?.pem();
            write(path, 0o644, &pem)?;
            Ok(pem)
        }
        read => read,
    }
}

/// Writes a file that is there whole or not at all.
fn write(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}

fn date(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.0 / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use control::setup::demo::{CertificateRequest, Issuer as _};

    use super::*;

    #[test]
    fn authority_outlives_the_process_and_keeps_its_key_private() {
        let folder = tempfile::tempdir().unwrap();
        let load = || Authority::load_or_create(folder.path()).unwrap();
        let request = CertificateRequest {
            names: vec!["docs.example.com".parse().unwrap()],
            not_before: Timestamp(1_700_000_000_000),
            not_after: Timestamp(1_800_000_000_000),
        };
        let (chain, key) = load().issue(&request).unwrap();
        let (again, other) = load().issue(&request).unwrap();
        assert!(key.contains("PRIVATE KEY") && key != other);
        let root = std::fs::read_to_string(folder.path().join(CERTIFICATE_FILE)).unwrap();
        assert!(chain.ends_with(&root) && again.ends_with(&root));
        let key = std::fs::metadata(folder.path().join(KEY_FILE)).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
        std::fs::write(folder.path().join(KEY_FILE), "no key").unwrap();
        assert!(Authority::load_or_create(folder.path()).is_err());
    }
}
