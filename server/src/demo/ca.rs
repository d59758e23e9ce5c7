//! The CA of the demo. Key and certificate are files in the data directory, so that the CA stays
//! the same across restarts and users can trust it in a browser.

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

use crate::ExitError;

/// The CA's name, in each certificate that it signs.
const NAME: &str = "Holdfast demo CA";
const KEY_FILE: &str = "demo-ca.key";
const CERTIFICATE_FILE: &str = "demo-ca.pem";

/// A CA that signs every certificate of the demo.
pub(super) struct DemoCa {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl DemoCa {
    /// Loads the CA of a data directory, or creates it.
    pub(super) fn load_or_create(data: &Path) -> Result<Self, ExitError> {
        let key_path = data.join(KEY_FILE);
        let failure = |cause| ExitError::Data {
            path: key_path.clone(),
            cause,
        };
        let key = load_or_create_key(&key_path).map_err(failure)?;
        let path = data.join(CERTIFICATE_FILE);
        let certificate =
            load_or_create_certificate(&path, &key).map_err(|cause| ExitError::Data {
                path: path.clone(),
                cause,
            })?;
        Ok(Self {
            issuer: Issuer::new(ca_params(), key),
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
        params.not_before = to_date(request.not_before);
        params.not_after = to_date(request.not_after);
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

impl demo::Issuer for DemoCa {
    fn name(&self) -> &str {
        NAME
    }

    fn issue(&self, request: &demo::CertificateRequest) -> Result<(String, String), String> {
        self.sign(request).map_err(|error| error.to_string())
    }
}

fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// Loads the key, or creates it.
fn load_or_create_key(path: &Path) -> io::Result<KeyPair> {
    match std::fs::read_to_string(path) {
        Ok(text) => KeyPair::from_pem(&text).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = KeyPair::generate().map_err(io::Error::other)?;
            create_atomically(path, 0o600, &key.serialize_pem())?;
            KeyPair::from_pem(&std::fs::read_to_string(path)?).map_err(io::Error::other)
        }
        Err(error) => Err(error),
    }
}

/// Loads the certificate, or creates it.
fn load_or_create_certificate(path: &Path, key: &KeyPair) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut params = ca_params();
            let now = OffsetDateTime::now_utc();
            // Demo certificates have a start date months ago.
            params.not_before = now - Duration::days(366);
            params.not_after = now + Duration::days(10 * 365);
            let pem = params.self_signed(key).map_err(io::Error::other)?.pem();
            create_atomically(path, 0o644, &pem)?;
            std::fs::read_to_string(path)
        }
        read => read,
    }
}

/// Creates a file that is complete as soon as it exists. Keeps the file of another process that
/// created it first.
fn create_atomically(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let temporary = path.with_extension(format!("{:016x}", rand::random::<u64>()));
    let create = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::hard_link(&temporary, path)
    };
    let created = create();
    let _ = std::fs::remove_file(&temporary);
    match created {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created,
    }
}

fn to_date(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.0 / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use control::setup::demo::{CertificateRequest, Issuer as _};

    use super::*;

    #[test]
    fn ca_is_persistent_and_its_key_private() {
        let folder = tempfile::tempdir().unwrap();
        let load = || DemoCa::load_or_create(folder.path()).unwrap();
        let request = CertificateRequest {
            names: vec!["docs.example.com".parse().unwrap()],
            not_before: Timestamp(1_700_000_000_000),
            not_after: Timestamp(1_800_000_000_000),
        };
        let (chain, key) = load().issue(&request).unwrap();
        let (second_chain, second_key) = load().issue(&request).unwrap();
        assert!(key.contains("PRIVATE KEY") && key != second_key);
        let root = std::fs::read_to_string(folder.path().join(CERTIFICATE_FILE)).unwrap();
        assert!(chain.ends_with(&root) && second_chain.ends_with(&root));
        let key = std::fs::metadata(folder.path().join(KEY_FILE)).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
        std::fs::write(folder.path().join(KEY_FILE), "no key").unwrap();
        assert!(DemoCa::load_or_create(folder.path()).is_err());
    }
}
