//! Hashes passwords with argon2id beside the event loop, a few at a time: a hash costs 19 MiB and
//! tens of milliseconds by design.

mod argon2id;

use std::sync::Arc;

use argon2::{PasswordHasher as _, PasswordVerifier as _, password_hash::phc::PasswordHash};
use model::{Error, text::Password};
use tokio::sync::Semaphore;

use crate::failure::internal;
use argon2id::Argon2id;

/// How many hashes are made at once.
const AT_ONCE: usize = 2;

/// The hash of no password, checked when there is no such account, so that the time taken tells
/// nobody that: with the parameters of all others.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdCEhIQ\
                      $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Makes and checks hashes.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The hash to keep, as a PHC string.
    pub(crate) async fn hash(&self, password: &Password) -> Result<String, Error> {
        let _turn = self.turn().await?;
        let password = password.as_str().to_owned();
        blocking(move || hash_now(&password)).await
    }

    /// Whether the password is the one that was hashed; without a hash it takes as long and is
    /// never right.
    pub(crate) async fn matches(
        &self,
        password: &str,
        hash: Option<String>,
    ) -> Result<bool, Error> {
        let _turn = self.turn().await?;
        let known = hash.is_some();
        let (password, hash) = (
            password.to_owned(),
            hash.unwrap_or_else(|| NOBODY.to_owned()),
        );
        let right = blocking(move || {
            let hash = PasswordHash::new(&hash).map_err(|e| internal("password hash", &e))?;
            Ok(Argon2id::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok())
        })
        .await?;
        Ok(right && known)
    }

    async fn turn(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Error> {
        Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|e| internal("passwords", &e))
    }
}

fn hash_now(password: &str) -> Result<String, Error> {
    Argon2id::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|e| internal("password hash", &e))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| internal("passwords", &e))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_as_long_as_somebody() {
        let somebody = hash_now("a password").unwrap();
        let somebody = PasswordHash::new(&somebody).unwrap();
        let nobody = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(nobody.algorithm, somebody.algorithm);
        assert_eq!(nobody.version, somebody.version);
        assert_eq!(nobody.params, somebody.params);
        let length = |hash: &PasswordHash| (hash.salt.map(|s| s.len()), hash.hash.map(|h| h.len()));
        assert_eq!(length(&nobody), length(&somebody));
    }
}
