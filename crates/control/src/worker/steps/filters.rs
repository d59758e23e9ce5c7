//! Sets or removes the interface filters of the container. Compares first and changes only what
//! differs, so that the step can be repeated.

use model::{
    containers::ContainerSource,
    events::{Event, Topic},
    filters::FilterState,
};

use super::{Context, JobStoreResultExt as _, StepFailure, StepOutcome};
use crate::{
    filters::{
        firewall::{Basis, Change, GuestFirewall, desired, difference},
        list_edge_hosts,
    },
    worker::guest::VerifiedGuest,
};

/// How often the firewall is read and changed. Each round deletes at most one rule.
const MAX_ROUNDS: usize = 200;

/// Reads and changes the firewall until nothing differs.
///
/// A creation goes on without filters if the account may not set them: the site's page then says
/// that containers have none.
pub(super) async fn apply(context: &mut Context) -> Result<StepOutcome, StepFailure> {
    let Some(basis) = load(context).await? else {
        return finish(context, remove(context).await?, FilterState::Unset).await;
    };
    match converge(context, &desired(&basis)).await? {
        Ok(changed) => {
            let note = if changed { "set" } else { "already set" };
            finish(context, note.into(), FilterState::Set).await
        }
        Err(proxmox::Error::Forbidden { message }) if context.container.provisioned.is_none() => {
            let note = "not set: a privilege is missing";
            context.log(format!("Proxmox says: {message}")).await;
            finish(context, note.into(), FilterState::Unset).await
        }
        Err(error) => Err(to_failure(error)),
    }
}

async fn remove(context: &Context) -> Result<String, StepFailure> {
    let converged = converge(context, &GuestFirewall::default()).await?;
    converged.map_err(to_failure)?;
    Ok("removed".into())
}

/// What the filters depend on; `None` if they are to be removed. A change after the state was
/// written requires another job, so what is read here may not be older.
async fn load(context: &Context) -> Result<Option<Basis>, StepFailure> {
    let id = context.container.id;
    let begin = move |c: &mut store::Conn| store::containers::begin_filters(c, id);
    context.write(begin).await.for_job(context.job)?;
    let read = move |c: &mut store::Conn| {
        let Some(container) = store::containers::get(c, id)? else {
            return Ok(None);
        };
        let Some(site) = store::sites::get(c, container.site)? else {
            return Ok(None);
        };
        if !container.filters.managed {
            return Ok(None);
        }
        Ok(Some(Basis {
            address: container.address,
            uses_dhcp: container.spec.source == ContainerSource::Imported,
            port_access: site.spec.port_access,
            edge_hosts: list_edge_hosts(c, site.id, &site.spec.network)?,
        }))
    };
    let basis = context.control.store().read(read).await;
    basis.for_job(context.job)
}

/// Changes the firewall until it is as desired. Returns whether anything was changed.
async fn converge(
    context: &Context,
    desired: &GuestFirewall,
) -> Result<Result<bool, proxmox::Error>, StepFailure> {
    for round in 0..MAX_ROUNDS {
        let guest = context.verify_guest().await?;
        match change(&guest, desired).await {
            Ok(true) => {}
            Ok(false) => return Ok(Ok(round > 0)),
            Err(error) => return Ok(Err(error)),
        }
    }
    Err(StepFailure::new(
        "The container's firewall keeps changing. Retry the job.",
    ))
}

/// Makes the changes whose basis was just read. Returns false if there are none.
async fn change(guest: &VerifiedGuest, desired: &GuestFirewall) -> Result<bool, proxmox::Error> {
    if desired.is_on() && guest.filter_interface().await? {
        return Ok(true);
    }
    let observed = guest.firewall().await?;
    let changes = difference(desired, &observed);
    let is_deletion = |change: &&Change| matches!(change, Change::DeleteRule { .. });
    if let Some(first) = changes.first().filter(|first| is_deletion(first)) {
        // The position of the next rule changes with the deletion.
        guest.change_firewall(first).await?;
        return Ok(true);
    }
    for change in changes.iter().filter(|change| !is_deletion(change)) {
        guest.change_firewall(change).await?;
    }
    Ok(!changes.is_empty())
}

/// A firewall that was changed by an administrator in between is read again.
fn to_failure(error: proxmox::Error) -> StepFailure {
    let is_outdated = matches!(error, proxmox::Error::DigestMismatch { .. });
    let failure = StepFailure::from(error);
    StepFailure {
        transient: failure.transient || is_outdated,
        ..failure
    }
}

async fn finish(
    context: &Context,
    note: String,
    state: FilterState,
) -> Result<StepOutcome, StepFailure> {
    let id = context.container.id;
    let write = move |c: &mut store::Conn| store::containers::finish_filters(c, id, state);
    context.write(write).await.for_job(context.job)?;
    let site = Event::of(Topic::Site, context.container.site.0);
    context.control.notifier().publish(site);
    Ok(StepOutcome::Done(note))
}
