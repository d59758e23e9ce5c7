//! One domain; each tab has its own path below the domain's.

use model::domains::{DomainDetail, DomainTab};

use super::{certificates, overview, settings};
use crate::pages::prelude::*;

const TABS: &[Tab<DomainTab>] = &[
    (DomainTab::Overview, "Overview", ""),
    (DomainTab::Certificates, "Certificates", "certificates"),
    (DomainTab::Settings, "Settings", "settings"),
];

pub fn page() -> AnyView {
    tabbed_page(
        |params| params.get_str("id").unwrap_or_default().to_owned(),
        TABS,
        |(key, tab)| server_fns::domains::get(key, tab),
        interests,
        content,
    )
}

fn interests(page: &DomainDetail) -> Vec<Event> {
    let mut events = vec![
        Event::of(Topic::Domain, page.domain.id.0),
        Event::of(Topic::Site, page.domain.spec.site.0),
    ];
    events.extend([Topic::Certificate, Topic::Authority, Topic::Provider].map(Event::all));
    if page.tab != DomainTab::Certificates {
        events.push(Event::all(Topic::Container));
    }
    events
}

fn content(page: LiveResource<DomainDetail>, current: Signal<usize>) -> AnyView {
    let name = page.part(|page| page.domain.spec.name.to_string());
    let own = page.peek(href);
    let tab = page.part(|page| page.tab);
    let body = reactive(move || match tab.get() {
        DomainTab::Overview => overview::tab(page),
        DomainTab::Certificates => certificates::tab(page),
        DomainTab::Settings => settings::tab(page, name),
    });
    view! {
        <PageHead title=name />
        <Tabs label="Domain sections" tabs=tab_links(&own, TABS) current=current />
        <div class="stack stack-narrow">{body}</div>
    }
    .erase()
}

/// The path of a domain's page.
pub fn href(page: &DomainDetail) -> String {
    format!("/domains/{}", page.domain.id)
}
