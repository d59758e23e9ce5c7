//! One at a time, where two would be in each other's way: making an account with an authority,
//! proving names by a provider that keeps two values in all.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use model::{AuthorityId, ProviderId};
use tokio::sync::OwnedMutexGuard;

/// The gates of a process.
#[derive(Debug, Default)]
pub(crate) struct AllGates {
    /// Who makes an account with an authority.
    pub(crate) authorities: Gates<AuthorityId>,
    /// Whose names a provider proves that keeps few values.
    pub(crate) providers: Gates<ProviderId>,
}

/// A gate for each key, through which one of this process goes at a time. There are as many as there
/// are authorities or providers.
#[derive(Debug)]
pub(crate) struct Gates<K>(Mutex<BTreeMap<K, Arc<tokio::sync::Mutex<()>>>>);

impl<K> Default for Gates<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord> Gates<K> {
    /// Goes through as soon as nobody else is within.
    pub(crate) async fn enter(&self, key: K) -> OwnedMutexGuard<()> {
        self.of(key).lock_owned().await
    }

    /// Goes through when nobody else is within.
    pub(crate) fn try_enter(&self, key: K) -> Option<OwnedMutexGuard<()>> {
        self.of(key).try_lock_owned().ok()
    }

    fn of(&self, key: K) -> Arc<tokio::sync::Mutex<()>> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(key).or_default())
    }
}
