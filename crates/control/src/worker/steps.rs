//! The steps of jobs. A step can be repeated safely or detects that it is already done.

mod config;
mod create;
mod filters;
mod image;
mod image_quota;
mod power;
mod remove;

use std::time::Duration;

use model::jobs::StepState;

use super::{
    context::Context,
    failure::{JobStoreResultExt, StepFailure},
    guest::Guest,
};
use crate::jobs::Step;

pub(in crate::worker) use create::detect_partial_creation;

/// Time limits of Proxmox tasks.
const PULL_TIMEOUT: Duration = Duration::from_secs(30 * 60);
const CREATE_TIMEOUT: Duration = Duration::from_secs(10 * 60);
const SHORT_TIMEOUT: Duration = Duration::from_secs(2 * 60);

/// The successful end of a step, with a short note.
pub(super) enum StepOutcome {
    /// The step changed something.
    Done(String),
    /// The step had nothing to do.
    Skipped(String),
}

impl StepOutcome {
    pub(super) fn state(&self) -> StepState {
        match self {
            Self::Done(_) => StepState::Done,
            Self::Skipped(_) => StepState::Skipped,
        }
    }

    pub(super) fn note(self) -> Option<String> {
        match self {
            Self::Done(note) | Self::Skipped(note) => Some(note).filter(|note| !note.is_empty()),
        }
    }
}

pub(super) async fn run(context: &mut Context, step: Step) -> Result<StepOutcome, StepFailure> {
    run_step(context, step)
        .await
        .map_err(|failure| failure.with_sentence(failure_sentence(step)))
}

/// The sentence for a failure that Proxmox reports without a specific cause.
fn failure_sentence(step: Step) -> &'static str {
    match step {
        Step::Template => "The template could not be checked.",
        Step::OldImage => "The old image could not be deleted.",
        Step::Image => "The image could not be pulled.",
        Step::Create => "The container could not be created.",
        Step::Configure | Step::Apply => "The container's configuration could not be changed.",
        Step::Filters => "The container's interface filters could not be set.",
        Step::Start => "The container could not be started.",
        Step::Address => "The container's IP address could not be read.",
        Step::Shutdown => "The container could not be shut down.",
        Step::Halt => "The container could not be stopped.",
        Step::Restart => "The container could not be restarted.",
        Step::Remove => "The container could not be deleted from the cluster.",
        Step::Release => "Name, address and ports could not be released.",
    }
}

async fn run_step(context: &mut Context, step: Step) -> Result<StepOutcome, StepFailure> {
    match step {
        Step::Template => image::check_template(context).await,
        Step::OldImage => image::delete(context).await,
        Step::Image => image::pull(context).await,
        Step::Create => create::create(context).await,
        Step::Configure => config::configure(context).await,
        Step::Filters => filters::apply(context).await,
        Step::Start => power::start(context).await,
        Step::Address => power::wait_for_address(context).await,
        Step::Shutdown => power::shutdown(context).await,
        Step::Halt => power::halt(context).await,
        Step::Apply => config::apply(context).await,
        Step::Restart => config::restart(context).await,
        Step::Remove => remove::remove(context).await,
        Step::Release => remove::release(context).await,
    }
}
