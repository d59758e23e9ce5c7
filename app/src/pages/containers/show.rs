//! One container; each tab has its own path below the container's.

use crate::erase::{Erase as _, act, reactive};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use model::{
    containers::{ContainerDetail, Power, Status},
    events::{Event, Topic},
};

use super::{
    actions::{self, may},
    environment, jobs,
    list::marks,
    overview, services, settings,
};
use crate::{
    components::{
        icon::icon,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, Tabs, object_skeleton},
        toast::Toasts,
    },
    pages::not_found::not_found,
    server_fns,
};

/// The tabs, in order, by the last path segment; the first one has none.
const TABS: [(&str, &str); 5] = [
    ("Overview", ""),
    ("Services", "services"),
    ("Environment", "environment"),
    ("Jobs", "jobs"),
    ("Settings", "settings"),
];

/// The page.
pub fn page() -> AnyView {
    let params = use_params_map();
    let part = move |name: &'static str| {
        params.with(|params| params.get_str(name).unwrap_or_default().to_owned())
    };
    let names = Memo::new(move |_| (part("site"), part("name")));
    let tab = Memo::new(move |_| {
        let tab = part("tab");
        TABS.iter().position(|(_, path)| *path == tab)
    });
    // A new page for each container; switching tabs keeps the page.

    reactive(move || {
        let key = names.get();
        live_resource(
            Signal::from(key),
            |(site, name)| server_fns::containers::get(site, name, cfg!(feature = "ssr")),
            |view: &ContainerDetail| {
                vec![
                    Event::of(Topic::Container, view.row.id.0),
                    Event::all(Topic::Domain),
                    Event::all(Topic::Host),
                ]
            },
            object_skeleton,
            move |container| whole(container, tab),
        )
    })
}

fn whole(container: LiveResource<ContainerDetail>, tab: Memo<Option<usize>>) -> AnyView {
    let (site, name) = container.peek(|view| (view.row.site.clone(), view.row.name.clone()));
    let own = super::href(&site, &name);
    let tabs = TABS
        .iter()
        .map(|(label, path)| {
            let href = if path.is_empty() {
                own.clone()
            } else {
                format!("{own}/{path}")
            };
            (*label, href)
        })
        .collect();
    let state = container.part(|view| (view.row.status, view.row.activity));
    let status = move || {
        let (status, activity) = state.get();
        marks(status, activity)
    };
    let content = reactive(move || match tab.get() {
        Some(0) => overview::tab(container),
        Some(1) => services::tab(container),
        Some(2) => environment::tab(container),
        Some(3) => jobs::tab(container),
        Some(4) => settings::tab(container),
        _ => not_found(),
    });
    view! {
        <PageHead title=name.to_string() badges=status actions=move || buttons(container) />
        <Tabs label="Container sections" tabs=tabs present=Signal::derive(move || tab.get().unwrap_or_default()) />
        {content}
    }
    .erase()
}

fn buttons(container: LiveResource<ContainerDetail>) -> AnyView {
    let toasts = Toasts::here();
    let (id, name) = container.peek(|view| (view.row.id, view.row.name.clone()));
    let state = container.part(|view| (view.row.status, view.row.activity));
    let off = move |power| {
        Signal::derive(move || {
            let (status, activity) = state.get();
            !may(power, status, activity)
        })
    };
    let switch = move |power| {
        let name = name.clone();
        move |_| actions::switch(toasts, id, name.clone(), power)
    };
    // A URL that does not work now is not rendered as a link.
    let link = container.part(|view| {
        let runs = view.row.status == Status::Running;
        view.row.link.clone().filter(|_| runs)
    });
    let open = reactive(move || {
        link.get().map(|link| {
            view! { <a class="btn btn-primary" href=link rel="external">{icon("external-link")} "Open"</a> }.erase()
        })
    });
    view! {
        {open}
        <button class="btn" disabled=off(Power::Start) on:click=act(switch.clone()(Power::Start))>{icon("play")} "Start"</button>
        <button class="btn" disabled=off(Power::Stop) on:click=act(switch.clone()(Power::Stop))>{icon("square")} "Stop"</button>
        <button class="btn" disabled=off(Power::Restart) on:click=act(switch(Power::Restart))>{icon("rotate-cw")} "Restart"</button>
    }
    .erase()
}
