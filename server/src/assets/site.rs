//! The currently served site. A development build replaces it at run time.

use std::sync::Arc;

use tokio::sync::watch;

use super::Assets;

/// The current site.
#[derive(Clone)]
pub struct Site(watch::Sender<Arc<Assets>>);

impl Site {
    /// Creates the site.
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
