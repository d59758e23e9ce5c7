//! When a step or the undo is attempted again.

use std::time::{Duration, Instant};

use model::backoff::Backoff;

use super::{context::Context, failure::StepFailure};

const FIRST_WAIT: Duration = Duration::from_millis(500);
const MAX_WAIT: Duration = Duration::from_secs(8);

/// The attempts of a step or of the undo.
pub(super) struct Retries {
    deadline: Instant,
    backoff: Backoff,
}

impl Retries {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            deadline: Instant::now() + context.control.0.options.retry_timeout,
            backoff: Backoff::new(FIRST_WAIT, MAX_WAIT),
        }
    }

    /// Waits before the next attempt. Returns the failure if it is permanent, or the retry period
    /// has passed.
    pub(super) async fn wait_after(
        &mut self,
        context: &Context,
        failure: StepFailure,
    ) -> Result<(), StepFailure> {
        if !failure.transient || Instant::now() + self.backoff.wait() >= self.deadline {
            return Err(failure);
        }
        let wait = self.backoff.advance();
        let details = failure.details.map(|details| format!(" {details}"));
        let details = details.unwrap_or_default();
        let sentence = failure.sentence;
        context
            .log(format!("{sentence}{details} Retrying in {wait:.1?}."))
            .await;
        tokio::time::sleep(wait).await;
        Ok(())
    }
}
