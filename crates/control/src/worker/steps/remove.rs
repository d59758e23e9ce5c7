//! Deletes the container from the cluster and then from the database. The guest is deleted only if
//! it has the reserved MAC address.

use proxmox::DeleteLxc;

use super::{
    Context, Guest, JobStoreResultExt as _, SHORT_TIMEOUT, StepFailure, StepOutcome,
    create::resolve_guest,
};
use crate::observer::Power;

/// Deletes the container with its disk from the cluster, unless it does not exist.
pub(in crate::worker) async fn remove(context: &mut Context) -> Result<StepOutcome, StepFailure> {
    context.resume("vzdestroy", SHORT_TIMEOUT).await?;
    let guest = match resolve_guest(context).await? {
        Guest::Absent => {
            context.record_power(Power::Gone);
            return Ok(StepOutcome::Skipped("already deleted".into()));
        }
        Guest::Creating => return Err(context.creation_lock()),
        Guest::Unmanaged => {
            return Ok(StepOutcome::Skipped(
                "VMID now belongs to another container".into(),
            ));
        }
        Guest::Own(guest) => guest,
    };
    let options = DeleteLxc {
        force: true,
        purge: true,
    };
    match guest.delete(options).await {
        Ok(upid) => context.follow(&upid, SHORT_TIMEOUT).await?,
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error.into()),
    }
    context.record_power(Power::Gone);
    let (vmid, node) = (context.container.vmid, &context.container.node);
    Ok(StepOutcome::Done(format!("CT {vmid} on {node}")))
}

/// Deletes the container's record, which releases its name, VMID, addresses and ports.
pub(super) async fn release(context: &mut Context) -> Result<StepOutcome, StepFailure> {
    let id = context.container.id;
    context
        .write(move |c| store::containers::delete(c, id))
        .await
        .for_job(context.job)?;
    Ok(StepOutcome::Done(context.container.address.to_string()))
}
