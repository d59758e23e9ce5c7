//! One container; each tab has its own path below the container's.

use model::containers::{ContainerDetail, Power, Status};

use super::{
    actions::{self, is_available},
    environment, jobs,
    list::status_badges,
    overview, services, settings,
};
use crate::pages::prelude::*;

/// The tabs of a container's page.
const TABS: &[Tab<()>] = &[
    ((), "Overview", ""),
    ((), "Services", "services"),
    ((), "Environment", "environment"),
    ((), "Jobs", "jobs"),
    ((), "Settings", "settings"),
];

pub fn page() -> AnyView {
    tabbed_page(
        |params| {
            let part = |name| params.get_str(name).unwrap_or_default().to_owned();
            (part("site"), part("name"))
        },
        TABS,
        |((site, name), ())| server_fns::containers::get(site, name, cfg!(feature = "ssr")),
        interests,
        content,
    )
}

fn interests(container: &ContainerDetail) -> Vec<Event> {
    vec![
        Event::of(Topic::Container, container.row.id.0),
        Event::all(Topic::Domain),
        Event::all(Topic::Host),
    ]
}

fn content(container: LiveResource<ContainerDetail>, tab: Signal<usize>) -> AnyView {
    let (site, name) = container.peek(|view| (view.row.site.clone(), view.row.name.clone()));
    let own = super::href(&site, &name);
    let state = container.part(|view| (view.row.status, view.row.activity));
    let status = move || {
        let (status, activity) = state.get();
        status_badges(status, activity)
    };
    let content = reactive(move || match tab.get() {
        0 => overview::tab(container),
        1 => services::tab(container),
        2 => environment::tab(container),
        3 => jobs::tab(container),
        _ => settings::tab(container),
    });
    view! {
        <PageHead title=name.to_string() badges=status actions=move || buttons(container) />
        <Tabs label="Container sections" tabs=tab_links(&own, TABS) current=tab />
        {content}
    }
    .erase()
}

fn buttons(container: LiveResource<ContainerDetail>) -> AnyView {
    let toasts = Toasts::here();
    let (id, name) = container.peek(|view| (view.row.id, view.row.name.clone()));
    let state = container.part(|view| (view.row.status, view.row.activity));
    let is_disabled = move |power| {
        Signal::derive(move || {
            let (status, activity) = state.get();
            !is_available(power, status, activity)
        })
    };
    let click = move |power| {
        let name = name.clone();
        move |_| actions::power(toasts, id, name.clone(), power)
    };
    // A URL that does not work now is not rendered as a link.
    let link = container.part(|view| {
        let runs = view.row.status == Status::Running;
        view.row.link.clone().filter(|_| runs)
    });
    let open = reactive_option(link, move |link| {
        view! { <a class="btn btn-primary" href=link rel="external">{icon("external-link")} "Open"</a> }.erase()
    });
    view! {
        {open}
        <button class="btn" disabled=is_disabled(Power::Start) on:click=act(click.clone()(Power::Start))>{icon("play")} "Start"</button>
        <button class="btn" disabled=is_disabled(Power::Stop) on:click=act(click.clone()(Power::Stop))>{icon("square")} "Stop"</button>
        <button class="btn" disabled=is_disabled(Power::Restart) on:click=act(click(Power::Restart))>{icon("rotate-cw")} "Restart"</button>
    }
    .erase()
}
