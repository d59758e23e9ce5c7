//! Where a run stands, told after each step that changes something, so that a test can end the
//! process between any two of them.

use std::{fmt, sync::Arc};

/// Who is told of each step; nobody by default.
#[derive(Clone, Default)]
pub struct Steps(Option<Arc<dyn Fn(&'static str) + Send + Sync>>);

impl Steps {
    /// Tells `watch` the name of each step once it is done.
    pub fn new(watch: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(watch)))
    }

    pub(crate) fn done(&self, step: &'static str) {
        if let Some(watch) = &self.0 {
            watch(step);
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Steps")
    }
}
