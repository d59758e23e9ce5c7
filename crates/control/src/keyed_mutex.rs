//! A mutex per key. Serializes the creation of an account with a CA, DNS-01 challenges at a
//! provider that keeps only two values per name, changes of a user's own password, and the creation
//! of an account from an invitation.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use model::{AuthorityId, InvitationId, ProviderId, UserId};
use tokio::sync::OwnedMutexGuard;

/// The keyed mutexes of a process.
#[derive(Debug, Default)]
pub(crate) struct KeyedMutexes {
    /// Held while an account with a CA is created.
    pub(crate) authorities: KeyedMutex<AuthorityId>,
    /// Held while a provider with few values per name serves challenges for a certificate.
    pub(crate) providers: KeyedMutex<ProviderId>,
    /// Held while a user changes their own password.
    pub(crate) passwords: KeyedMutex<UserId>,
    /// Held while an account is created from an invitation.
    pub(crate) invitations: KeyedMutex<InvitationId>,
}

/// A mutex for each key within this process. Grows with the number of keys.
#[derive(Debug)]
pub(crate) struct KeyedMutex<K>(Mutex<BTreeMap<K, Arc<tokio::sync::Mutex<()>>>>);

impl<K> Default for KeyedMutex<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord> KeyedMutex<K> {
    /// Waits until the mutex of a key is free and locks it.
    pub(crate) async fn lock(&self, key: K) -> OwnedMutexGuard<()> {
        self.mutex(key).lock_owned().await
    }

    /// Locks the mutex of a key if it is free.
    pub(crate) fn try_lock(&self, key: K) -> Option<OwnedMutexGuard<()>> {
        self.mutex(key).try_lock_owned().ok()
    }

    fn mutex(&self, key: K) -> Arc<tokio::sync::Mutex<()>> {
        let mut mutexes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(mutexes.entry(key).or_default())
    }
}
