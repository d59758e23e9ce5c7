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
        let password = password.as_str().to_owned();
        self.blocking(move || hash_now(&password)).await
    }

    /// Whether the password is the one that was hashed; without a hash it takes as long and is
    /// never right.
    pub(crate) async fn matches(
        &self,
        password: &str,
        hash: Option<String>,
    ) -> Result<bool, Error> {
        let known = hash.is_some();
        let (password, hash) = (
            password.to_owned(),
            hash.unwrap_or_else(|| NOBODY.to_owned()),
        );
        let right = self
            .blocking(move || {
                let hash = PasswordHash::new(&hash).map_err(|e| internal("password hash", &e))?;
                Ok(Argon2id::default()
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok())
            })
            .await?;
        Ok(right && known)
    }

    /// Runs `work` on a thread where it may block, when it is its turn. It holds its turn to its own
    /// end: who waits for it may give up before.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|e| internal("passwords", &e))?;
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        })
        .await
        .map_err(|e| internal("passwords", &e))?
    }
}

fn hash_now(password: &str) -> Result<String, Error> {
    Argon2id::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|e| internal("password hash", &e))
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_holds_its_turn() {
        let passwords = Passwords::new();
        let (begun, wait_for_begin) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        let work = passwords.blocking(move || {
            begun.send(()).unwrap();
            let _ = ends.recv();
            Ok(())
        });
        // Polled once, and then given up as when a client closes its connection.
        assert!(tokio::time::timeout(Duration::ZERO, work).await.is_err());
        tokio::task::spawn_blocking(move || wait_for_begin.recv().unwrap())
            .await
            .unwrap();
        assert_eq!(passwords.turns.available_permits(), AT_ONCE - 1);
        drop(end);
        let all = passwords
            .turns
            .acquire_many(u32::try_from(AT_ONCE).unwrap());
        assert!(all.await.is_ok());
    }

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
