//! Whether the containers of a site are isolated from each other; queries the cluster.

use model::{
    SiteId,
    filters::{FilterCounts, PortAccess, SiteIsolation},
};

use crate::pages::prelude::*;

/// The card.
pub fn isolation(id: SiteId) -> AnyView {
    let isolation = live_resource_within(
        None,
        Signal::from(id),
        server_fns::sites::get_isolation,
        |isolation: &SiteIsolation| vec![Event::of(Topic::Site, isolation.site.0)],
        || view! { <div class="skeleton skeleton-card"></div> }.erase(),
        move |isolation| content(id, isolation),
    );
    view! { <section class="card" aria-label="Isolation">{isolation}</section> }.erase()
}

fn content(id: SiteId, isolation: LiveResource<SiteIsolation>) -> AnyView {
    let set = set_filters(id, isolation);
    view! {
        <h2 class="card-title">
            <span class="grow">"Isolation"</span>
            <button type="button" class="btn btn-small" on:click=act(move |_| isolation.refresh())>{icon("rotate-cw")} "Check again"</button>
        </h2>
        <div class="stack-tight">
            {isolation.view(statement)}
            {isolation.view(facts)}
            {set}
        </div>
    }
    .erase()
}

/// What is enforced, or why the site is one trust zone.
fn statement(isolation: &SiteIsolation) -> AnyView {
    if let Some(weakness) = isolation.weakness() {
        let text = format!(
            "Its containers can use each other's addresses and reach each other's ports, because {weakness}."
        );
        return panel(
            Tone::Warning,
            "triangle-alert",
            "This site is one trust zone".erase(),
            view! { <p>{text}</p> }.erase(),
        );
    }
    let text = match isolation.port_access {
        PortAccess::Network => {
            "Each container can use only its own addresses. Containers reach each other's ports."
        }
        PortAccess::Edge => {
            "Each container can use only its own addresses, and only the site's edge hosts reach its ports."
        }
    };
    view! { <p class="state-line">{icon("circle-check")} {text}</p> }.erase()
}

fn facts(isolation: &SiteIsolation) -> AnyView {
    let FilterCounts {
        containers,
        filtered,
        unmanaged,
    } = isolation.counts;
    let unmanaged = Some(unmanaged).filter(|count| *count > 0);
    Facts::new()
        .number(
            "Containers with interface filters",
            format!("{filtered} of {containers}"),
        )
        .with(unmanaged, |facts, count| {
            facts.number("Imported, filters not turned on", count)
        })
        .list()
}

/// Sets the filters again, also those that were changed in Proxmox.
fn set_filters(id: SiteId, isolation: LiveResource<SiteIsolation>) -> AnyView {
    let action = Action::default();
    let toasts = Toasts::here();
    let send = move || {
        action.send(server_fns::sites::set_filters(id), move |()| {
            toasts.notify("Jobs set the interface filters of the site's containers.".to_owned());
            isolation.refresh();
        });
    };
    view! {
        <p class="muted">"Only containers are filtered, not other machines of the network. If a container's firewall was changed in Proxmox, set its filters again."</p>
        <FailureLine failure=action.failure />
        <div class="actions">{action.button("shield-check", "Set interface filters", send)}</div>
    }
    .erase()
}
