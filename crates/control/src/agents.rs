//! Agents on edge hosts: join tokens, site configurations, reports, and which agent of a site is
//! the DHCP server.

mod certificates;
mod dhcp;
mod files;
mod invitation;
mod registration;
mod report;

use std::{net::Ipv4Addr, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use edge::{Layout, Snapshot, link::Given};
use model::{
    AgentId, Error, Kind, ServiceId, SiteId,
    agents::{AgentDetail, AgentRow, DhcpRole, HostFacts, IssuedJoinToken},
    events::{Event, Topic},
    names::Label,
};
use store::agents::{AgentRecord, JoinRequest, NewAgent};

pub use certificates::fetch_certificates;
pub use dhcp::{force_dhcp, hand_over_dhcp};
pub use files::{browse_files, file, files};
pub use registration::register;
pub use report::{report, report_files};

use crate::{
    Actor, Control,
    failure::{StoreResultExt as _, internal},
    notifier::Audience,
    sessions::digest,
    snapshot::{self, EdgeRole},
};

/// How long a poll request is held while the configuration does not change.
const POLL_TIMEOUT: Duration = Duration::from_secs(25);
/// The topics that a site configuration depends on.
const TOPICS: [Topic; 5] = [
    Topic::Container,
    Topic::Domain,
    Topic::Certificate,
    Topic::Site,
    Topic::Agent,
];

/// An agent that has authenticated with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub(crate) id: AgentId,
    pub(crate) site: SiteId,
}

/// Lists all agents by site and name.
///
/// # Errors
/// [`Error::Forbidden`] for members.
pub async fn list(control: &Control, actor: &Actor) -> Result<Vec<AgentRow>, Error> {
    actor.require_operator()?;
    let all = control.store().read(store::agents::list).await;
    Ok(all
        .into_model("agents")?
        .into_iter()
        .map(|record| record.row)
        .collect())
}

/// Returns an agent by the names of its site and itself.
///
/// # Errors
/// [`Error::NotFound`] when the agent does not exist.
pub async fn get(
    control: &Control,
    actor: &Actor,
    site: &Label,
    name: &Label,
) -> Result<AgentDetail, Error> {
    let row = record(control, actor, site, name).await?.row;
    let (site, report) = (row.site, row.report.clone());
    let (others, aside) = control
        .store()
        .read(move |c| {
            let aside = report.iter().flat_map(|report| &report.aside);
            let aside: Vec<ServiceId> = aside.map(|aside| aside.service).collect();
            let others = store::agents::list_by_site(c, site)?;
            Ok((
                others,
                store::containers::list_names_by_services(c, &aside)?,
            ))
        })
        .await
        .into_model("agent")?;
    let is_dhcp_server = |other: &AgentRow| matches!(other.dhcp, DhcpRole::Yes | DhcpRole::Ending);
    let has_others = others.len() > 1;
    let mut others = others.into_iter().map(|other| other.row);
    let giver = others.find(|other| is_dhcp_server(other) && other.id != row.id);
    Ok(AgentDetail {
        row,
        giver,
        has_others,
        aside,
    })
}

async fn record(
    control: &Control,
    actor: &Actor,
    site: &Label,
    name: &Label,
) -> Result<AgentRecord, Error> {
    actor.require_operator()?;
    let (site, name) = (site.clone(), name.clone());
    control
        .store()
        .read(move |c| store::agents::get_by_name(c, &site, &name))
        .await
        .into_model("agent")?
        .ok_or_else(missing)
}

/// Creates an agent and its join token.
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
    actor.require_operator()?;
    let code = invitation::create_code(control).await?;
    let new = NewAgent {
        site,
        name,
        token_hash: digest(&code.word),
        lifetime_ms: invitation::LIFETIME_MS,
    };
    let id = control
        .store()
        .write(move |c| match store::agents::insert(c, &new) {
            Err(store::Error::NotFound) => {
                Ok(Err(Error::invalid_field("site", "There is no such site.")))
            }
            made => made.map(Ok),
        })
        .await
        .into_model("agent")??;
    publish_change(control, id);
    Ok(invitation::new(id, code))
}

/// Creates a new join token for an agent, to join on the same host or on another. Revokes its key.
///
/// # Errors
/// [`Error::NotFound`] when the agent does not exist; otherwise as for [`invite`].
pub async fn renew_join_token(
    control: &Control,
    actor: &Actor,
    id: AgentId,
) -> Result<IssuedJoinToken, Error> {
    actor.require_operator()?;
    let code = invitation::create_code(control).await?;
    let hash = digest(&code.word);
    let done = control
        .store()
        .write(move |c| store::agents::reset_join_token(c, id, &hash, invitation::LIFETIME_MS))
        .await;
    require_found(done)?;
    publish_change(control, id);
    Ok(invitation::new(id, code))
}

/// Deletes an agent and revokes its key. The host keeps its last configuration.
///
/// # Errors
/// [`Error::Invalid`] when `confirm` is not the agent's name, [`Error::NotFound`] when the agent
/// does not exist, [`Error::Conflict`] while the agent is the DHCP server and another agent could
/// take over.
pub async fn delete(
    control: &Control,
    actor: &Actor,
    id: AgentId,
    confirm: &str,
) -> Result<(), Error> {
    actor.require_operator()?;
    let confirm = confirm.trim().to_owned();
    control
        .store()
        .write(move |c| {
            let Some(AgentRecord { row, .. }) = store::agents::get(c, id)? else {
                return Ok(Err(missing()));
            };
            if row.name.as_str() != confirm {
                let message = format!("Type {} to delete the agent.", row.name);
                return Ok(Err(Error::invalid_field("confirm", message)));
            }
            let others = store::agents::list_by_site(c, row.site)?.len() > 1;
            if others && matches!(row.dhcp, DhcpRole::Yes | DhcpRole::Ending) {
                let message =
                    "It gives out the site's addresses. Have another agent do that first.";
                return Ok(Err(Error::conflict(message)));
            }
            store::agents::delete(c, id)?;
            store::sites::increment_generation(c, row.site)?;
            Ok(Ok(()))
        })
        .await
        .into_model("agent")??;
    publish_change(control, id);
    publish_all_services(control);
    Ok(())
}

/// Exchanges a join token for the agent's key. Only a digest of the key is stored.
///
/// # Errors
/// [`Error::WrongCredentials`] when the token is wrong, used or expired.
pub async fn join(
    control: &Control,
    token: &str,
    about: HostFacts,
    layout: &Layout,
) -> Result<String, Error> {
    let key = secret();
    let joining = JoinRequest {
        token_hash: digest(token),
        key_hash: digest(&key),
        host_facts: about,
        layout: serialize_layout(layout)?,
    };
    let joined_id = control
        .store()
        .write(move |c| {
            let Some(id) = store::agents::join(c, &joining)? else {
                return Ok(None);
            };
            if let Some(record) = store::agents::get(c, id)? {
                store::sites::increment_generation(c, record.row.site)?;
            }
            Ok(Some(id))
        })
        .await
        .into_model("join")?;
    publish_change(control, joined_id.ok_or(Error::WrongCredentials)?);
    publish_all_services(control);
    Ok(key)
}

/// Authenticates an agent by its key.
///
/// # Errors
/// [`Error::WrongCredentials`] when no agent has the key.
pub async fn authenticate(control: &Control, key: &str) -> Result<Agent, Error> {
    let hash = digest(key);
    let record = control
        .store()
        .read(move |c| store::agents::get_by_key(c, &hash))
        .await
        .into_model("agent")?
        .ok_or(Error::WrongCredentials)?;
    Ok(Agent {
        id: record.row.id,
        site: record.row.site,
    })
}

/// Returns the site configuration as soon as its generation differs from the agent's. Returns
/// `None` when nothing changes for a while; the agent polls again then.
///
/// # Errors
/// [`Error::WrongCredentials`] when the agent was deleted.
pub async fn poll(
    control: &Control,
    agent: &Agent,
    about: HostFacts,
    layout: &Layout,
    has: Option<i64>,
) -> Result<Option<Given>, Error> {
    record_contact(control, agent, about, layout).await?;
    let mut changes = control.notifier().changes();
    let mut site_changes = control.0.change_listener.changes();
    let until = tokio::time::Instant::now() + POLL_TIMEOUT;
    loop {
        let site = agent.site;
        let generation = control
            .store()
            .read(move |c| store::sites::get_generation(c, site))
            .await
            .into_model("agent")?
            .ok_or(Error::WrongCredentials)?;
        if has != Some(generation) {
            let snapshot = site_config_for(control, agent).await?;
            return Ok(Some(Given {
                generation,
                snapshot,
            }));
        }
        // Changes by another server arrive through the change listener or, without it, by polling.
        let poll_interval = if control.store().is_shared() {
            control.0.change_listener.poll_interval()
        } else {
            POLL_TIMEOUT
        };
        let change = async {
            tokio::select! {
                () = changes.wait_for(&TOPICS) => {}
                () = site_changes.wait_for(agent.site) => {}
                () = tokio::time::sleep(poll_interval) => {}
            }
        };
        if tokio::time::timeout_at(until, change).await.is_err() {
            return Ok(None);
        }
    }
}

async fn record_contact(
    control: &Control,
    agent: &Agent,
    about: HostFacts,
    layout: &Layout,
) -> Result<(), Error> {
    let (id, text) = (agent.id, serialize_layout(layout)?);
    let contact = control
        .store()
        .write(move |c| {
            let before = store::agents::get(c, id)?;
            store::agents::update_host_facts(c, id, &about, &text)?;
            let before = before.ok_or(store::Error::NotFound)?.row;
            Ok((before.about.as_ref() != Some(&about), !before.in_contact))
        })
        .await;
    let (is_changed, is_back) = match contact {
        Err(store::Error::NotFound) => return Err(Error::WrongCredentials),
        contact => contact.into_model("agent")?,
    };
    if is_changed {
        publish_change(control, agent.id);
    }
    if is_back {
        publish_all_services(control);
    }
    let contact = Event::of(Topic::Contact, agent.id.0);
    control.notifier().publish(contact, Audience::Operators);
    Ok(())
}

async fn site_config_for(control: &Control, agent: &Agent) -> Result<Snapshot, Error> {
    let site = agent.site;
    let all = control
        .store()
        .read(move |c| store::agents::list_by_site(c, site))
        .await
        .into_model("agent")?;
    let own = all.iter().find(|record| record.row.id == agent.id);
    let dhcp = own.ok_or(Error::WrongCredentials)?.row.dhcp;
    let name_servers: Vec<Ipv4Addr> = all
        .iter()
        .filter_map(|record| Some(record.row.about.as_ref()?.address))
        .collect();
    let part = EdgeRole {
        name_servers,
        dhcp: dhcp == DhcpRole::Yes,
    };
    snapshot::of_site(control, site, &part).await
}

fn secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

fn serialize_layout(layout: &Layout) -> Result<String, Error> {
    serde_json::to_string(layout).map_err(|cause| internal("layout", &cause))
}

fn require_found<T>(done: Result<T, store::Error>) -> Result<T, Error> {
    match done {
        Err(store::Error::NotFound) => Err(missing()),
        done => done.into_model("agent"),
    }
}

fn missing() -> Error {
    Error::NotFound { kind: Kind::Agent }
}

fn publish_change(control: &Control, id: AgentId) {
    control
        .notifier()
        .publish(Event::of(Topic::Agent, id.0), Audience::Operators);
}

/// Publishes that the status of every service may have changed.
fn publish_all_services(control: &Control) {
    control
        .notifier()
        .publish(Event::all(Topic::Container), Audience::Everyone);
}
