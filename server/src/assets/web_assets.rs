//! The currently served web assets. A development build replaces them at run time.

use std::sync::Arc;

use tokio::sync::watch;

use super::Assets;

/// The current web assets.
#[derive(Clone)]
pub struct WebAssets(watch::Sender<Arc<Assets>>);

impl WebAssets {
    /// Serves these files.
    pub fn new(assets: Assets) -> Self {
        Self(watch::Sender::new(Arc::new(assets)))
    }

    /// The files to serve.
    pub fn current(&self) -> Arc<Assets> {
        self.0.borrow().clone()
    }

    /// Replaces the files.
    pub fn replace(&self, assets: Assets) {
        self.0.send_replace(Arc::new(assets));
    }

    /// Subscribes to replacements.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Assets>> {
        self.0.subscribe()
    }
}
