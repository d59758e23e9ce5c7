//! One host; each tab has its own path below the host's. The files are a page of their own.

use model::hosts::{HostDetail, HostRow};

use super::{
    TABS,
    badges::{configuration_badge, contact_badge},
    overview, settings, tabs,
};
use crate::pages::prelude::*;

/// The events after which a host's page is outdated.
pub fn interests(id: i64) -> Vec<Event> {
    let mut events = vec![Event::of(Topic::Contact, id)];
    events.extend([Topic::Host, Topic::Container, Topic::Domain, Topic::Site].map(Event::all));
    events
}

pub fn page() -> AnyView {
    tabbed_page(
        |params| {
            let part = |name| params.get_str(name).unwrap_or_default().to_owned();
            (part("site"), part("name"))
        },
        TABS,
        |((site, name), ())| server_fns::hosts::get(site, name),
        |host: &HostDetail| interests(host.row.id.0),
        content,
    )
}

fn content(host: LiveResource<HostDetail>, current: Signal<usize>) -> AnyView {
    let (name, own) = host.peek(|host| (host.row.name.to_string(), host.row.path()));
    let body = reactive(move || match current.get() {
        0 => overview::tab(host),
        _ => settings::tab(host),
    });
    view! {
        <PageHead title=name badges=move || status_badges(host.part(|host| Some(host.row.clone()))) />
        {tabs(&own, current)}
        <div class="stack stack-narrow">{body}</div>
    }
    .erase()
}

/// The badges beside the name.
pub fn status_badges(host: Memo<Option<HostRow>>) -> AnyView {
    let configuration_badge =
        reactive(move || host.with(|host| host.as_ref().map(configuration_badge)));
    view! { <span class="state-line">{contact_badge(host)} {configuration_badge}</span> }.erase()
}
