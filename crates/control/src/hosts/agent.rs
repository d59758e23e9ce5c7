//! Requests of the agents that run on hosts: joining, authentication, and polling for the site
//! configuration.

use std::{net::Ipv4Addr, time::Duration};

use agent_protocol::PollResponse;
use edge::{Layout, SiteConfig};
use model::{
    Error, HostId, SiteId,
    events::{Event, Topic},
    hosts::{DhcpRole, HostFacts},
};
use store::hosts::JoinRequest;

use super::{publish_all_services, publish_change};
use crate::{
    Control,
    failure::{StoreResultExt as _, internal},
    filters,
    sessions::{digest, new_token},
    site_config::{self, EdgeRole},
};

/// How long a poll request is held while the configuration does not change.
const POLL_TIMEOUT: Duration = Duration::from_secs(25);
/// The topics that a site configuration depends on.
const TOPICS: [Topic; 5] = [
    Topic::Container,
    Topic::Domain,
    Topic::Certificate,
    Topic::Site,
    Topic::Host,
];

/// An agent that has authenticated with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub(crate) id: HostId,
    pub(crate) site: SiteId,
}

/// Exchanges a join token for the agent's key. Only a digest of the key is stored.
///
/// # Errors
/// [`Error::WrongCredentials`] when the token is wrong, used or expired; [`Error::Invalid`] for an
/// address outside the site's network.
pub async fn join(
    control: &Control,
    token: &str,
    facts: HostFacts,
    layout: &Layout,
) -> Result<String, Error> {
    let key = new_token();
    let joining = JoinRequest {
        token_hash: digest(token),
        key_hash: digest(&key),
        host_facts: facts,
        layout: serialize_layout(layout)?,
    };
    check_join(control, &joining).await?;
    let joined_id = control
        .store()
        .write(move |c| {
            let Some(id) = store::hosts::join(c, &joining)? else {
                return Ok(None);
            };
            if let Some(record) = store::hosts::get(c, id)? {
                store::sites::increment_generation(c, record.row.site)?;
                filters::follow_edge_hosts(c, record.row.site)?;
            }
            Ok(Some(id))
        })
        .await
        .into_model("join host")?;
    publish_change(control, joined_id.ok_or(Error::WrongCredentials)?);
    publish_all_services(control);
    Ok(key)
}

/// Checks a join without writing, so that invalid tokens cost little. The address becomes a DNS
/// server of the site.
async fn check_join(control: &Control, joining: &JoinRequest) -> Result<(), Error> {
    let (token_hash, address) = (joining.token_hash.clone(), joining.host_facts.address);
    let network = control
        .store()
        .read(move |c| {
            let Some((_, site)) = store::hosts::find_by_join_token(c, &token_hash)? else {
                return Ok(None);
            };
            Ok(store::sites::get(c, site)?.map(|site| site.spec.network))
        })
        .await
        .into_model("check join token")?
        .ok_or(Error::WrongCredentials)?;
    match network.contains(address) {
        true => Ok(()),
        false => Err(Error::invalid_field(
            "host.address",
            format!("The address {address} must be in the site's network {network}."),
        )),
    }
}

/// Authenticates an agent by its key.
///
/// # Errors
/// [`Error::WrongCredentials`] when no host has the key.
pub async fn authenticate(control: &Control, key: &str) -> Result<Agent, Error> {
    let hash = digest(key);
    let record = control
        .store()
        .read(move |c| store::hosts::get_by_key(c, &hash))
        .await
        .into_model("authenticate agent")?
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
/// [`Error::WrongCredentials`] when the host was deleted.
pub async fn poll(
    control: &Control,
    agent: &Agent,
    facts: HostFacts,
    layout: &Layout,
    current: Option<i64>,
) -> Result<Option<PollResponse>, Error> {
    record_contact(control, agent, facts, layout).await?;
    let mut changes = control.notifier().changes();
    let mut site_changes = control.0.change_listener.changes();
    let until = tokio::time::Instant::now() + POLL_TIMEOUT;
    loop {
        let site = agent.site;
        let generation = control
            .store()
            .read(move |c| store::sites::get_generation(c, site))
            .await
            .into_model("read site generation")?
            .ok_or(Error::WrongCredentials)?;
        if current != Some(generation) {
            let config = load_site_config(control, agent).await?;
            return Ok(Some(PollResponse { generation, config }));
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
    facts: HostFacts,
    layout: &Layout,
) -> Result<(), Error> {
    let (id, text) = (agent.id, serialize_layout(layout)?);
    let contact = control
        .store()
        .write(move |c| {
            let before = store::hosts::get(c, id)?;
            store::hosts::update_host_facts(c, id, &facts, &text)?;
            let before = before.ok_or(store::Error::NotFound)?.row;
            if before.facts.as_ref().map(|facts| facts.address) != Some(facts.address) {
                filters::follow_edge_hosts(c, before.site)?;
            }
            Ok((before.facts.as_ref() != Some(&facts), !before.is_online))
        })
        .await;
    let (is_changed, is_back) = match contact {
        Err(store::Error::NotFound) => return Err(Error::WrongCredentials),
        contact => contact.into_model("record agent contact")?,
    };
    if is_changed {
        publish_change(control, agent.id);
    }
    if is_back {
        publish_all_services(control);
    }
    let contact = Event::of(Topic::Contact, agent.id.0);
    control.notifier().publish(contact);
    Ok(())
}

pub(super) async fn load_site_config(
    control: &Control,
    agent: &Agent,
) -> Result<SiteConfig, Error> {
    let site = agent.site;
    let (all, record) = control
        .store()
        .read(move |c| {
            Ok((
                store::hosts::list_by_site(c, site)?,
                store::sites::get(c, site)?,
            ))
        })
        .await
        .into_model("load site of agent")?;
    let network = record.ok_or(Error::WrongCredentials)?.spec.network;
    let own = all.iter().find(|record| record.row.id == agent.id);
    let dhcp = own.ok_or(Error::WrongCredentials)?.row.dhcp;
    let name_servers: Vec<Ipv4Addr> = all
        .iter()
        .filter_map(|record| Some(record.row.facts.as_ref()?.address))
        // A host that left the network must not be asked for the site's names.
        .filter(|address| network.contains(*address))
        .collect();
    let role = EdgeRole {
        name_servers,
        dhcp: dhcp == DhcpRole::Yes,
    };
    site_config::load(control, site, &role).await
}

fn serialize_layout(layout: &Layout) -> Result<String, Error> {
    serde_json::to_string(layout).map_err(|cause| internal("serialize host layout", &cause))
}
