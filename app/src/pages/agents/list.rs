//! The list of agents.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::{
    AgentId,
    agents::{AgentRow, DhcpRole},
    events::{Event, Topic},
};

use super::marks::{configuration_badge, contact};
use crate::{
    components::{
        badge::ago,
        list::list_keys,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, empty, list_skeleton, main_link},
    },
    server_fns,
};

const NEW: &str = "/agents/new";

/// The events after which a list of agents is outdated.
pub fn interests() -> Vec<Event> {
    [
        Topic::Agent,
        Topic::Contact,
        Topic::Container,
        Topic::Domain,
        Topic::Site,
    ]
    .map(Event::all)
    .to_vec()
}

/// The page.
pub fn page() -> AnyView {
    Effect::new(|_| list_keys(Some(NEW)));
    live_resource(
        Signal::from(()),
        |()| server_fns::agents::list(),
        |_| interests(),
        list_skeleton,
        content,
    )
}

fn content(agents: LiveResource<Vec<AgentRow>>) -> AnyView {
    let none = agents.part(Vec::is_empty);
    let total = agents.part(Vec::len);
    let count = Signal::derive(move || match total.get() {
        1 => "1 agent".to_owned(),
        total => format!("{total} agents"),
    });
    let body = reactive(move || {
        if none.get() {
            let text = "An agent runs on a host in a site's network. It gives out addresses, answers names, and publishes what containers offer.";
            return empty(
                "radio-tower",
                "No agents yet",
                text,
                main_link(NEW, "plus", "Invite an agent"),
            );
        }
        table(agents.part(Clone::clone).into(), true)
    });
    view! {
        <PageHead
            title="Agents"
            aside=move || view! { <span class="num" role="status">{count}</span> }.erase()
            actions=|| main_link(NEW, "plus", "Invite an agent")
        />
        {body}
    }
    .erase()
}

/// The table, with or without the site column.
pub fn table(agents: Signal<Vec<AgentRow>>, sites: bool) -> AnyView {
    let ids =
        Memo::new(move |_| agents.with(|all| all.iter().map(|agent| agent.id).collect::<Vec<_>>()));
    let render_row = move |id: AgentId| {
        let agent =
            Memo::new(move |_| agents.with(|all| all.iter().find(|agent| agent.id == id).cloned()));
        row(agent, sites)
    };
    let site = sites.then(|| view! { <th role="columnheader" scope="col">"Site"</th> }.erase());
    view! {
        <table class="list" role="table" aria-label="Agents">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Agent"</th>
                    <th role="columnheader" scope="col">"Contact"</th>
                    {site}
                    <th role="columnheader" scope="col">"What it should serve"</th>
                    <th role="columnheader" scope="col">"Address"</th>
                    <th role="columnheader" scope="col">"Version"</th>
                    <th role="columnheader" scope="col">"Last heard"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For each=move || ids.get() key=|id| *id children=render_row />
            </tbody>
        </table>
    }
    .erase()
}

fn row(agent: Memo<Option<AgentRow>>, sites: bool) -> AnyView {
    let contact = contact(agent);
    let last_seen = reactive(move || {
        agent
            .with(|agent| agent.as_ref().and_then(|row| row.seen))
            .map_or_else(nothing, ago)
    });
    let address = reactive(move || {
        let agent = agent.get()?;
        let Some(about) = agent.about else {
            return Some(nothing());
        };
        let gives = matches!(agent.dhcp, DhcpRole::Yes | DhcpRole::Ending)
            .then(|| view! { <span class="muted">", gives out addresses"</span> }.erase());
        Some(view! { <span class="mono">{about.address.to_string()}</span> {gives} }.erase())
    });
    let link = reactive(move || {
        let agent = agent.get()?;
        Some(view! { <a class="row-link" data-row="" href=agent.path()>{agent.name.to_string()}</a> }.erase())
    });
    let site = sites.then(|| {
        let site = move || agent.with(|agent| agent.as_ref().map(|row| row.site_name.to_string()));
        view! { <td role="cell" data-label="Site">{reactive(site)}</td> }.erase()
    });
    let version = reactive(move || {
        let about = agent.with(|agent| agent.as_ref()?.about.clone());
        about.map_or_else(nothing, |about| about.version.erase())
    });
    let configuration_badge =
        reactive(move || agent.with(|agent| agent.as_ref().map(configuration_badge)));
    view! {
        <tr role="row">
            <td role="cell" class="cell-main">{link}</td>
            <td role="cell">{contact}</td>
            {site}
            <td role="cell">{configuration_badge}</td>
            <td role="cell" data-label="Address">{address}</td>
            <td role="cell" data-label="Version" class="num">{version}</td>
            <td role="cell" data-label="Last heard" class="num">{last_seen}</td>
        </tr>
    }
    .erase()
}

/// A placeholder for values that are unknown until the host has joined.
fn nothing() -> AnyView {
    view! { <span class="muted">"–"</span> }.erase()
}
