//! Hosts: adding and deleting hosts, join tokens, site configurations, reports, and which host of a
//! site is the DHCP server.

mod agent;
mod certificates;
mod dhcp;
mod files;
mod join_token;
mod registration;
mod report;

use model::{
    Error, HostId, Kind, ServiceId, SiteId,
    events::{Event, Topic},
    hosts::{HostDetail, HostRow, IssuedJoinToken, Report},
    names::{Label, QualifiedName},
    permissions::{HostManage, HostRead, Permit},
};
use store::hosts::{HostRecord, NewHost};

pub use agent::{Agent, authenticate, join, poll};
pub use certificates::fetch_certificates;
pub use dhcp::{force_dhcp, hand_over_dhcp};
pub use files::{browse_files, get_file, list_files};
pub use registration::register;
pub use report::{report, report_files};

use crate::{Actor, Control, failure::StoreResultExt as _, filters, names, sessions::digest};

/// Lists all hosts by site and name.
///
/// # Errors
/// [`Error::Forbidden`] for members.
pub async fn list(control: &Control, actor: &Actor) -> Result<Vec<HostRow>, Error> {
    let _: Permit<HostRead> = actor.permit()?;
    let all = control.store().read(store::hosts::list).await;
    Ok(all
        .into_model("list hosts")?
        .into_iter()
        .map(|record| record.row)
        .collect())
}

/// Returns a host by the names of its site and itself.
///
/// # Errors
/// [`Error::NotFound`] when the host does not exist.
pub async fn get(
    control: &Control,
    actor: &Actor,
    site: &Label,
    name: &Label,
) -> Result<HostDetail, Error> {
    let row = record(control, actor, site, name).await?.row;
    let (site, report) = (row.site, row.report.clone());
    let (all, quarantined) = control
        .store()
        .read(move |c| {
            let services = report.iter().flat_map(Report::quarantined_services);
            let services: Vec<ServiceId> = services.collect();
            let all = store::hosts::list_by_site(c, site)?;
            let names = store::containers::list_names_by_services(c, &services)?;
            Ok((all, names))
        })
        .await
        .into_model("get host")?;
    let has_others = all.len() > 1;
    let mut rows = all.into_iter().map(|record| record.row);
    let dhcp_server = rows.find(|other| other.dhcp.is_serving() && other.id != row.id);
    Ok(HostDetail {
        row,
        dhcp_server,
        has_others,
        quarantined,
    })
}

async fn record(
    control: &Control,
    actor: &Actor,
    site: &Label,
    name: &Label,
) -> Result<HostRecord, Error> {
    let _: Permit<HostRead> = actor.permit()?;
    let (site, name) = (site.clone(), name.clone());
    control
        .store()
        .read(move |c| store::hosts::get_by_name(c, &site, &name))
        .await
        .into_model("get host by name")?
        .ok_or(Error::not_found(Kind::Host))
}

/// Creates a host and its join token.
///
/// # Errors
/// [`Error::Invalid`] for a name that exists in the site, or an unknown site; [`Error::Conflict`]
/// where agents could not reach the manager safely, [`Error::Unavailable`] when the manager's
/// certificate cannot be fetched.
pub async fn create(
    control: &Control,
    actor: &Actor,
    site: SiteId,
    name: Label,
) -> Result<IssuedJoinToken, Error> {
    let permit: Permit<HostManage> = actor.permit()?;
    let token = join_token::create(control).await?;
    let new = NewHost {
        site,
        name,
        token_hash: digest(&token.secret),
        lifetime_ms: join_token::LIFETIME_MS,
    };
    let id = control
        .store()
        .write(move |c| {
            let Some(site) = store::sites::lock(c, new.site)? else {
                let message = "The site does not exist.";
                return Ok(Err(Error::invalid_field("site", message)));
            };
            let name = QualifiedName::of_label(&new.name, &site.spec.domain);
            if let Err(refusal) = names::check_no_container(c, site.id, &name)? {
                return Ok(Err(refusal));
            }
            store::hosts::insert(c, permit, &new).map(Ok)
        })
        .await
        .into_model("create host")??;
    publish_change(control, id);
    Ok(join_token::issued(id, token))
}

/// Creates a new join token for a host, to join from the same machine or another. Revokes the key
/// of its agent.
///
/// # Errors
/// [`Error::NotFound`] when the host does not exist; otherwise as for [`create`].
pub async fn renew_join_token(
    control: &Control,
    actor: &Actor,
    id: HostId,
) -> Result<IssuedJoinToken, Error> {
    let permit: Permit<HostManage> = actor.permit()?;
    let token = join_token::create(control).await?;
    let hash = digest(&token.secret);
    let done = control
        .store()
        .write(move |c| {
            store::hosts::reset_join_token(c, permit, id, &hash, join_token::LIFETIME_MS)
        })
        .await;
    require_found(done)?;
    publish_change(control, id);
    Ok(join_token::issued(id, token))
}

/// Deletes a host and revokes the key of its agent. The machine keeps its last configuration.
///
/// # Errors
/// [`Error::Invalid`] when `confirm` is not the host's name, [`Error::NotFound`] when the host does
/// not exist, [`Error::Conflict`] while the host is the DHCP server and another host could take
/// over.
pub async fn delete(
    control: &Control,
    actor: &Actor,
    id: HostId,
    confirm: &str,
) -> Result<(), Error> {
    let permit: Permit<HostManage> = actor.permit()?;
    let confirm = confirm.trim().to_owned();
    control
        .store()
        .write(move |c| {
            let Some(HostRecord { row, .. }) = store::hosts::get(c, id)? else {
                return Ok(Err(Error::not_found(Kind::Host)));
            };
            if row.name.as_str() != confirm {
                let message = format!("Type {} to delete the host.", row.name);
                return Ok(Err(Error::invalid_field("confirm", message)));
            }
            let others = store::hosts::list_by_site(c, row.site)?.len() > 1;
            if others && row.dhcp.is_serving() {
                let message =
                    "This host is the DHCP server. Make another host the DHCP server first, or delete the other hosts.";
                return Ok(Err(Error::conflict(message)));
            }
            store::hosts::delete(c, permit, id)?;
            store::sites::increment_generation(c, row.site)?;
            filters::follow_edge_hosts(c, row.site)?;
            Ok(Ok(()))
        })
        .await
        .into_model("delete host")??;
    publish_change(control, id);
    publish_all_services(control);
    Ok(())
}

fn require_found<T>(done: Result<T, store::Error>) -> Result<T, Error> {
    match done {
        Err(store::Error::NotFound) => Err(Error::not_found(Kind::Host)),
        done => done.into_model("update host"),
    }
}

fn publish_change(control: &Control, id: HostId) {
    control.notifier().publish(Event::of(Topic::Host, id.0));
}

/// Publishes that the status of every service may have changed.
fn publish_all_services(control: &Control) {
    control.notifier().publish(Event::all(Topic::Container));
}
