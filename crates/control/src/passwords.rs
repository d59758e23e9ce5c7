//! Hashes passwords with Argon2id on blocking threads, a few at a time: a hash costs 19 MiB and
//! tens of milliseconds by design.

mod argon2id;
mod strength;

use std::sync::Arc;

use argon2::{PasswordHasher as _, PasswordVerifier as _, password_hash::phc::PasswordHash};
use model::{Error, text::Password};
use tokio::sync::Semaphore;

use crate::failure::internal;
use argon2id::Argon2id;
pub(crate) use strength::PersonalTexts;

/// How many hashes are computed concurrently.
const MAX_CONCURRENT: usize = 2;

/// Verified when the account does not exist, so that the response time does not reveal this. No
/// password has this hash; its parameters are those of every other hash.
const UNKNOWN_ACCOUNT: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdCEhIQ\
                               $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Creates and verifies password hashes.
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(MAX_CONCURRENT)),
        }
    }

    /// Hashes a new password of a user to a PHC string. `field` is its field in the form.
    ///
    /// # Errors
    /// [`Error::Invalid`] for passwords that are easy to guess.
    pub(crate) async fn hash_new(
        &self,
        field: &'static str,
        password: &Password,
        user: &PersonalTexts,
    ) -> Result<String, Error> {
        let (password, user) = (password.as_str().to_owned(), user.clone());
        self.blocking(move || {
            strength::check(&password, &user)
                .map_err(|refusal| Error::invalid_field(field, refusal.to_string()))?;
            hash_now(&password)
        })
        .await
    }

    /// Whether the password matches the hash. Without a hash the check takes equally long and
    /// returns `false`.
    pub(crate) async fn matches(
        &self,
        password: &str,
        hash: Option<String>,
    ) -> Result<bool, Error> {
        let has_account = hash.is_some();
        let (password, hash) = (
            password.to_owned(),
            hash.unwrap_or_else(|| UNKNOWN_ACCOUNT.to_owned()),
        );
        let is_correct = self
            .blocking(move || {
                let hash =
                    PasswordHash::new(&hash).map_err(|e| internal("parse password hash", &e))?;
                Ok(Argon2id::default()
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok())
            })
            .await?;
        Ok(is_correct && has_account)
    }

    /// Runs `work` on a blocking thread once a permit is free. The permit is held until `work`
    /// ends, even if the caller is canceled.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|e| internal("wait for password worker", &e))?;
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        })
        .await
        .map_err(|e| internal("run password worker", &e))?
    }
}

fn hash_now(password: &str) -> Result<String, Error> {
    Argon2id::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|e| internal("hash password", &e))
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    #[tokio::test]
    async fn canceled_caller_keeps_permit_until_work_ends() {
        let passwords = Passwords::new();
        let (begun, wait_for_begin) = mpsc::sync_channel(1);
        let (end, ends) = mpsc::sync_channel::<()>(1);
        let work = passwords.blocking(move || {
            begun.send(()).unwrap();
            let _ = ends.recv();
            Ok(())
        });
        // Polled once, then canceled, as when a client closes its connection.
        assert!(tokio::time::timeout(Duration::ZERO, work).await.is_err());
        tokio::task::spawn_blocking(move || wait_for_begin.recv().unwrap())
            .await
            .unwrap();
        assert_eq!(passwords.permits.available_permits(), MAX_CONCURRENT - 1);
        drop(end);
        let all = passwords
            .permits
            .acquire_many(u32::try_from(MAX_CONCURRENT).unwrap());
        assert!(all.await.is_ok());
    }

    #[test]
    fn unknown_account_hash_has_default_parameters() {
        let default = hash_now("a password").unwrap();
        let default = PasswordHash::new(&default).unwrap();
        let unknown = PasswordHash::new(UNKNOWN_ACCOUNT).unwrap();
        assert_eq!(unknown.algorithm, default.algorithm);
        assert_eq!(unknown.version, default.version);
        assert_eq!(unknown.params, default.params);
        let length = |hash: &PasswordHash| (hash.salt.map(|s| s.len()), hash.hash.map(|h| h.len()));
        assert_eq!(length(&unknown), length(&default));
    }
}
