//! Records which steps of the demo are done and runs the others.

use std::collections::BTreeSet;

use model::Error;

use crate::{Actor, Control, failure::StoreResultExt as _, sites};

/// Marks that the demo was started in an empty database.
const BEGUN: &str = "begun";
/// Marks that all steps are done.
const COMPLETE: &str = "complete";

/// The steps of a database.
pub(super) struct Progress {
    control: Control,
    done: BTreeSet<String>,
}

impl Progress {
    /// Loads the completed steps. A database that has sites but no demo is in real use: nothing is
    /// created there.
    pub(super) async fn load(control: &Control) -> Result<Self, Error> {
        let done = control
            .store()
            .read(store::demo::list_completed_steps)
            .await
            .into_model("list demo steps")?;
        let mut progress = Self {
            control: control.clone(),
            done,
        };
        if progress.done.is_empty() {
            let is_empty = sites::list(control, &Actor::System).await?.is_empty();
            progress
                .mark(if is_empty { BEGUN } else { COMPLETE })
                .await?;
        }
        Ok(progress)
    }

    pub(super) fn control(&self) -> &Control {
        &self.control
    }

    pub(super) fn is_complete(&self) -> bool {
        self.done.contains(COMPLETE)
    }

    pub(super) async fn complete(&mut self) -> Result<(), Error> {
        self.mark(COMPLETE).await
    }

    /// Runs a step that is not done. A process may be killed between a step and its mark, so a
    /// repeated step must fail where it would create an object twice; such a failure completes the
    /// step.
    pub(super) async fn run(
        &mut self,
        step: &str,
        work: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Error> {
        if self.done.contains(step) {
            return Ok(());
        }
        match work.await {
            Ok(()) => tracing::debug!(step, "demo step done"),
            Err(error @ (Error::Unavailable { .. } | Error::Internal { .. })) => return Err(error),
            Err(error) => tracing::info!(step, %error, "demo step skipped"),
        }
        self.mark(step).await
    }

    async fn mark(&mut self, step: &str) -> Result<(), Error> {
        let name = step.to_owned();
        let marked = self
            .control
            .store()
            .write(move |c| store::demo::insert_completed_step(c, &name))
            .await;
        match marked {
            // Another server on the database marked the step first.
            Err(store::Error::Duplicate(_)) => {}
            marked => marked.into_model("complete demo step")?,
        }
        self.done.insert(step.to_owned());
        Ok(())
    }
}
