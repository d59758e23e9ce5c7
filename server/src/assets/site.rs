//! The site that is served now. A development build replaces it while the server runs.

use std::sync::Arc;

use tokio::sync::watch;

use super::Assets;

/// The current site.
#[derive(Clone)]
pub struct Site(watch::Sender<Arc<Assets>>);

impl Site {
    /// A site to begin with.
    pub fn new(assets: Assets) -> Self {
        Self(watch::Sender::new(Arc::new(assets)))
    }

    /// The files to serve.
    pub fn current(&self) -> Arc<Assets> {
        self.0.borrow().clone()
    }

    /// Serves other files from now on.
    pub fn replace(&self, assets: Assets) {
        self.0.send_replace(Arc::new(assets));
    }

    /// Follows the replacements.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Assets>> {
        self.0.subscribe()
    }
}
