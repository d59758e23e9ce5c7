//! Reports each completed step of a run, so that a test can kill the process between any two steps.

use std::{fmt, sync::Arc};

/// The observer of steps; none by default.
#[derive(Clone, Default)]
pub struct Steps(Option<Arc<dyn Fn(&'static str) + Send + Sync>>);

impl Steps {
    /// Calls `watch` with the name of each completed step.
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
