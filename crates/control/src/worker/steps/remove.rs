//! Deletes the container from the cluster and then from the database. The guest is deleted only if
//! it has the reserved MAC address.

use proxmox::DeleteLxc;

use super::{Context, Failure, SHORT_TIMEOUT, StepOutcome, create::is_own_guest};
use crate::observer::Power;

/// Deletes the container with its disk from the cluster, unless it does not exist.
pub(in crate::worker) async fn remove(context: &mut Context) -> Result<StepOutcome, Failure> {
    context.resume("vzdestroy", SHORT_TIMEOUT).await?;
    let (node, vmid) = (context.node(), context.vmid()?);
    match context.client.lxc_config(&node, vmid).await {
        Err(error) if error.is_not_found() => {
            context.record_power(Power::Gone);
            return Ok(StepOutcome::Skipped("already deleted".into()));
        }
        Err(error) => return Err(error.into()),
        Ok(config) if !is_own_guest(&config, context) => {
            return Ok(StepOutcome::Skipped(
                "VMID now belongs to another container".into(),
            ));
        }
        Ok(_) => {}
    }
    let options = DeleteLxc {
        force: true,
        purge: true,
    };
    match context.client.delete_lxc(&node, vmid, options).await {
        Ok(upid) => context.follow(&upid, SHORT_TIMEOUT).await?,
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error.into()),
    }
    context.record_power(Power::Gone);
    Ok(StepOutcome::Done(format!("CT {vmid} on {node}")))
}

/// Deletes the container's record, which releases its name, VMID, addresses and ports.
pub(super) async fn release(context: &mut Context) -> Result<StepOutcome, Failure> {
    let id = context.container.id;
    context
        .control
        .store()
        .write(move |c| store::containers::delete(c, id))
        .await?;
    Ok(StepOutcome::Done(context.container.address.to_string()))
}
