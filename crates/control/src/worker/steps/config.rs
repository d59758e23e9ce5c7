//! Applies the container's desired configuration on the cluster.

use std::time::Duration;

use proxmox::{LxcOptions, RunState};

use super::{Context, SHORT_TIMEOUT, StepFailure, StepOutcome, create::resource_options, power};
use crate::observer::Power;

/// The timeout for shutting down during a restart.
const REBOOT: Duration = Duration::from_secs(60);

/// Sets environment and entrypoint after the creation, because an image's values win at creation.
pub(super) async fn configure(context: &mut Context) -> Result<StepOutcome, StepFailure> {
    let spec = &context.container.spec;
    if spec.env.is_empty() && spec.entrypoint.is_none() {
        return Ok(StepOutcome::Skipped("nothing to set".into()));
    }
    set_config(context, LxcOptions::default()).await?;
    Ok(StepOutcome::Done(format!(
        "{} variables",
        context.container.spec.env.len()
    )))
}

/// Applies all desired values and determines whether some are pending until a restart.
pub(super) async fn apply(context: &mut Context) -> Result<StepOutcome, StepFailure> {
    set_config(context, resource_options(&context.container.spec)).await?;
    let pending_keys = pending_keys(context).await?;
    power::set_restart_needed(context, !pending_keys.is_empty()).await?;
    Ok(StepOutcome::Done(match pending_keys.as_slice() {
        [] => "applied".into(),
        keys => format!("restart required: {}", keys.join(", ")),
    }))
}

/// Restarts a running container that has pending values.
pub(super) async fn restart(context: &mut Context) -> Result<StepOutcome, StepFailure> {
    context.resume("vzreboot", SHORT_TIMEOUT).await?;
    let (node, vmid) = (context.node(), context.vmid()?);
    let status = context.client.lxc_status(&node, vmid).await?;
    if status.status != RunState::Running {
        return Ok(StepOutcome::Skipped("not running".into()));
    }
    if pending_keys(context).await?.is_empty() {
        power::set_restart_needed(context, false).await?;
        return Ok(StepOutcome::Skipped("no restart required".into()));
    }
    let guest = context.verify_guest().await?;
    let upid = guest.reboot(REBOOT).await?;
    context.follow(&upid, SHORT_TIMEOUT).await?;
    power::set_restart_needed(context, false).await?;
    context.record_power(Power::Running);
    Ok(StepOutcome::Done(String::new()))
}

/// The Proxmox keys of settings that are pending until a restart.
async fn pending_keys(context: &Context) -> Result<Vec<String>, StepFailure> {
    let pending = context
        .client
        .lxc_pending(&context.node(), context.vmid()?)
        .await?;
    Ok(pending
        .into_iter()
        .filter(|value| value.is_pending())
        .map(|value| value.key)
        .collect())
}

/// Sets environment, entrypoint and `options`. The image's own values apply where the spec has
/// none, also after a value was removed from the spec.
async fn set_config(context: &Context, options: LxcOptions) -> Result<(), StepFailure> {
    let guest = context.verify_guest().await?;
    let spec = &context.container.spec;
    let image = context.container.image_defaults.clone().unwrap_or_default();
    let mut env = image.env;
    env.extend(
        spec.env
            .iter()
            .map(|var| (var.name().to_string(), var.value().to_owned())),
    );
    let entrypoint = spec
        .entrypoint
        .as_ref()
        .map(ToString::to_string)
        .or(image.entrypoint);
    let delete = match entrypoint {
        Some(_) => Vec::new(),
        None => vec!["entrypoint".to_owned()],
    };
    let options = LxcOptions {
        env: Some(env),
        entrypoint,
        ..options
    };
    match guest.set_config(options, delete).await {
        // The configuration changed between reading and writing it, by a user or by a restart of an
        // earlier attempt. The retry reads the new configuration.
        Err(error @ proxmox::Error::DigestMismatch { .. }) => Err(StepFailure {
            transient: true,
            ..error.into()
        }),
        outcome => Ok(outcome?),
    }
}
