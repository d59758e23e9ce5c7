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

/// Makes and checks hashes.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// Checked when there is no such account, so that the time taken tells nobody that.
    nobody: String,
}

impl Passwords {
    pub(crate) async fn new() -> Result<Self, Error> {
        let nobody = blocking(|| hash_now("nobody's password")).await?;
        Ok(Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            nobody,
        })
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
            hash.unwrap_or_else(|| self.nobody.clone()),
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
