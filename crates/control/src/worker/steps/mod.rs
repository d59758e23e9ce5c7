//! The steps. Each can be repeated without harm, or looks first whether it already happened.

mod image;
mod make;
mod power;
mod remove;
mod values;

use std::time::Duration;

use model::jobs::StepState;

use super::{context::Context, failure::Failure};
use crate::jobs::Step;

pub(in crate::worker) use make::{is_half_made, is_ours};

/// How long a task of Proxmox may take before the step fails.
const PULL: Duration = Duration::from_secs(30 * 60);
const MAKE: Duration = Duration::from_secs(10 * 60);
const QUICK: Duration = Duration::from_secs(2 * 60);

/// How a step ended well, with what it found in a few words.
pub(super) enum Done {
    /// Something was done.
    Did(String),
    /// Nothing had to be done.
    Skipped(String),
}

impl Done {
    pub(super) fn state(&self) -> StepState {
        match self {
            Self::Did(_) => StepState::Done,
            Self::Skipped(_) => StepState::Skipped,
        }
    }

    pub(super) fn note(self) -> Option<String> {
        match self {
            Self::Did(note) | Self::Skipped(note) => Some(note).filter(|note| !note.is_empty()),
        }
    }
}

/// Does one step.
pub(super) async fn run(context: &mut Context, step: Step) -> Result<Done, Failure> {
    attempt(context, step)
        .await
        .map_err(|failure| failure.named(refusal(step)))
}

/// What could not be done, when all that is known is that Proxmox did not do it.
fn refusal(step: Step) -> &'static str {
    match step {
        Step::Template => "The template could not be looked for.",
        Step::Image => "The image could not be pulled.",
        Step::Make => "The container could not be created.",
        Step::Configure | Step::Apply => "The container's configuration could not be changed.",
        Step::Start => "The container could not be started.",
        Step::Address => "The container's address could not be looked for.",
        Step::Shutdown => "The container could not be shut down.",
        Step::Halt => "The container could not be stopped.",
        Step::Restart => "The container could not be restarted.",
        Step::Remove => "The container could not be deleted from the cluster.",
        Step::Release => "Name, address and ports could not be given back.",
    }
}

async fn attempt(context: &mut Context, step: Step) -> Result<Done, Failure> {
    match step {
        Step::Template => image::template(context).await,
        Step::Image => image::pull(context).await,
        Step::Make => make::make(context).await,
        Step::Configure => values::configure(context).await,
        Step::Start => power::start(context).await,
        Step::Address => power::address(context).await,
        Step::Shutdown => power::shutdown(context).await,
        Step::Halt => power::halt(context).await,
        Step::Apply => values::apply(context).await,
        Step::Restart => values::restart(context).await,
        Step::Remove => remove::remove(context).await,
        Step::Release => remove::release(context).await,
    }
}
