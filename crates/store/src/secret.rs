//! Encryption of secrets in the database: ChaCha20-Poly1305 (RFC 8439) with a random nonce. The
//! context of a secret, such as its table, column and row, is additional authenticated data, so a
//! ciphertext that was copied to another row does not decrypt. Must not log or show a secret or the
//! key.

use std::{
    fmt, fs,
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    ChaCha20Poly1305, Key, KeyInit, Nonce,
    aead::{Aead, Generate, Payload},
};

use ring::hmac;

use crate::Error;

const NONCE_LEN: usize = 12;

/// The key that encrypts secrets. Never shown.
#[derive(Clone)]
pub struct SecretKey(Key);

/// Why the key is not available.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is not a valid key.
    #[error(
        "The secret key must be 32 random bytes in base64, as printed by `openssl rand \
        -base64 32`."
    )]
    Malformed,
    /// Users other than the owner may read the file.
    #[error("Other users can read the key file {}. Run `chmod 600` on the file.", .0.display())]
    Exposed(PathBuf),
    /// The file cannot be read or created.
    #[error("The key file {} cannot be read or created: {cause}.", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        cause: io::Error,
    },
    /// The operating system provides no random bytes.
    #[error("The system's random number generator failed: {0}.")]
    Random(String),
}

impl SecretKey {
    /// Generates a random key.
    ///
    /// # Errors
    /// When the operating system provides no random bytes.
    pub fn generate() -> Result<Self, KeyError> {
        Key::try_generate()
            .map(Self)
            .map_err(|e| KeyError::Random(e.to_string()))
    }

    /// Parses a key from base64.
    ///
    /// # Errors
    /// When the text is not base64 of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD
            .decode(text.trim())
            .map_err(|_| KeyError::Malformed)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyError::Malformed)?;
        Ok(Self(bytes.into()))
    }

    /// Reads the key from a file; creates the file with a new key (mode 0600) when it does not
    /// exist. Of several processes that create it at the same time, all get the same key.
    ///
    /// # Errors
    /// When the file cannot be read or created, other users can read it, or it contains no valid
    /// key.
    pub fn from_file_or_create(path: &Path) -> Result<Self, KeyError> {
        let file_error = |cause| KeyError::File {
            path: path.to_owned(),
            cause,
        };
        if path.exists() {
            return Self::from_file(path);
        }
        match Self::generate()?.create_file(path) {
            // Another process has created it.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            created => created.map_err(file_error)?,
        }
        Self::from_file(path)
    }

    /// Writes a new file, which is complete as soon as it exists.
    fn create_file(&self, path: &Path) -> io::Result<()> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let temporary = folder.join(format!(".key-{:016x}", rand::random::<u64>()));
        let create = || {
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&temporary)?;
            writeln!(file, "{}", STANDARD.encode(self.0))?;
            file.sync_all()?;
            // Unlike a rename, a link does not replace a file.
            fs::hard_link(&temporary, path)
        };
        let created = create();
        let _ = fs::remove_file(&temporary);
        created
    }

    fn from_file(path: &Path) -> Result<Self, KeyError> {
        let file_error = |cause| KeyError::File {
            path: path.to_owned(),
            cause,
        };
        let mut file = fs::File::open(path).map_err(file_error)?;
        if file.metadata().map_err(file_error)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Exposed(path.to_owned()));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(file_error)?;
        Self::parse(&text)
    }

    /// Derives a secret for one purpose with HMAC-SHA256. The result is deterministic and reveals
    /// neither the key nor other derived secrets.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let tag = hmac::sign(&key, purpose.as_bytes());
        let mut secret = [0; 32];
        // HMAC-SHA256 returns 32 bytes.
        secret.copy_from_slice(tag.as_ref());
        secret
    }

    /// Encrypts a secret for one context, such as `clusters.secret:demo`.
    pub(crate) fn seal(&self, context: &str, secret: &str) -> Result<String, Error> {
        let random = |_| Error::internal("the system's random number generator failed");
        let nonce = Nonce::try_generate().map_err(random)?;
        let payload = Payload {
            msg: secret.as_bytes(),
            aad: context.as_bytes(),
        };
        let sealed = ChaCha20Poly1305::new(&self.0)
            .encrypt(&nonce, payload)
            .map_err(|_| Error::internal(format!("{context} cannot be encrypted")))?;
        Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Decrypts the output of [`Self::seal`] for the same context.
    pub(crate) fn open(&self, context: &str, sealed: &str) -> Result<String, Error> {
        let open_error = || {
            Error::internal(format!(
                "{context} cannot be decrypted with this secret key"
            ))
        };
        let bytes = STANDARD.decode(sealed).map_err(|_| open_error())?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or_else(open_error)?;
        let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_| open_error())?;
        let payload = Payload {
            msg: sealed,
            aad: context.as_bytes(),
        };
        let secret = ChaCha20Poly1305::new(&self.0)
            .decrypt(&nonce.into(), payload)
            .map_err(|_| open_error())?;
        String::from_utf8(secret).map_err(|_| open_error())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_decrypts_only_unmodified_and_in_its_context() {
        let key = SecretKey::generate().unwrap();
        let sealed = key.seal("clusters.secret:a", "geheim").unwrap();
        assert!(!sealed.contains("geheim"));
        assert_ne!(sealed, key.seal("clusters.secret:a", "geheim").unwrap());
        assert_eq!(key.open("clusters.secret:a", &sealed).unwrap(), "geheim");
        assert!(key.open("clusters.secret:b", &sealed).is_err());
        assert!(
            SecretKey::generate()
                .unwrap()
                .open("clusters.secret:a", &sealed)
                .is_err()
        );
        let mut bytes = STANDARD.decode(&sealed).unwrap();
        for i in 0..bytes.len() {
            bytes[i] ^= 1;
            assert!(
                key.open("clusters.secret:a", &STANDARD.encode(&bytes))
                    .is_err()
            );
            bytes[i] ^= 1;
        }
        for broken in ["", "x", "AAAA", "####"] {
            assert!(key.open("clusters.secret:a", broken).is_err());
        }
    }

    proptest::proptest! {
        #[test]
        fn encrypted_secret_decrypts(context: String, secret: String) {
            let key = SecretKey::parse(&STANDARD.encode([7; 32])).unwrap();
            let sealed = key.seal(&context, &secret).unwrap();
            proptest::prop_assert_eq!(key.open(&context, &sealed).unwrap(), secret);
        }

        #[test]
        fn invalid_ciphertext_is_rejected(sealed: String) {
            let key = SecretKey::parse(&STANDARD.encode([7; 32])).unwrap();
            proptest::prop_assert!(key.open("context", &sealed).is_err());
        }
    }

    #[test]
    fn key_file_is_created_once_and_must_be_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = SecretKey::from_file_or_create(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let sealed = key.seal("p", "geheim").unwrap();
        assert_eq!(
            SecretKey::from_file_or_create(&path)
                .unwrap()
                .open("p", &sealed)
                .unwrap(),
            "geheim"
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            SecretKey::from_file_or_create(&path),
            Err(KeyError::Exposed(_))
        ));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "short").unwrap();
        assert!(matches!(
            SecretKey::from_file_or_create(&path),
            Err(KeyError::Malformed)
        ));
        let missing_dir = folder.path().join("no/key");
        assert!(matches!(
            SecretKey::from_file_or_create(&missing_dir),
            Err(KeyError::File { .. })
        ));
    }

    #[test]
    fn key_file_is_created_concurrently() {
        for _ in 0..50 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("key");
            let barrier = std::sync::Barrier::new(8);
            let create = || {
                barrier.wait();
                SecretKey::from_file_or_create(&path).unwrap().derive("p")
            };
            let keys: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
                threads.into_iter().map(|it| it.join().unwrap()).collect()
            });
            assert!(keys.iter().all(|key| *key == keys[0]));
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn derived_secrets_depend_on_key_and_purpose() {
        let key = |byte| SecretKey::parse(&STANDARD.encode([byte; 32])).unwrap();
        let secret = key(7).derive("demo password of ann");
        assert_eq!(secret, key(7).derive("demo password of ann"));
        assert_ne!(secret, key(7).derive("demo password of bob"));
        assert_ne!(secret, key(8).derive("demo password of ann"));
        assert_ne!(secret, [7; 32]);
    }

    #[test]
    fn debug_omits_key() {
        let text = STANDARD.encode([7; 32]);
        let key = SecretKey::parse(&format!("{text}\n")).unwrap();
        assert_eq!(format!("{key:?}"), "SecretKey(…)");
        assert!(SecretKey::parse("AAAA").is_err());
    }
}
