//! Deletes the container from the cluster and then from the database. The guest is deleted only if
//! it has the reserved MAC address.

use proxmox::DeleteLxc;

use super::{Context, Done, Failure, QUICK, make::is_ours};
use crate::observer::Power;

/// Deletes the container with its disk from the cluster, unless it does not exist.
pub(in crate::worker) async fn remove(context: &mut Context) -> Result<Done, Failure> {
    context.resume("vzdestroy", QUICK).await?;
    let (node, vmid) = (context.node(), context.vmid()?);
    match context.client.lxc_config(&node, vmid).await {
        Err(error) if error.is_not_found() => {
            context.observed(Power::Gone);
            return Ok(Done::Skipped("is gone".into()));
        }
        Err(error) => return Err(error.into()),
        Ok(config) if !is_ours(&config, context) => {
            return Ok(Done::Skipped(
                "the number is another container's now".into(),
            ));
        }
        Ok(_) => {}
    }
    let how = DeleteLxc {
        force: true,
        purge: true,
    };
    match context.client.delete_lxc(&node, vmid, how).await {
        Ok(upid) => context.follow(&upid, QUICK).await?,
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error.into()),
    }
    context.observed(Power::Gone);
    Ok(Done::Did(format!("CT {vmid} on {node}")))
}

/// Deletes the container's record, which releases its name, VMID, addresses and ports.
pub(super) async fn release(context: &mut Context) -> Result<Done, Failure> {
    let id = context.container.id;
    context
        .control
        .store()
        .write(move |c| store::containers::delete(c, id))
        .await?;
    Ok(Done::Did(context.container.address.to_string()))
}
