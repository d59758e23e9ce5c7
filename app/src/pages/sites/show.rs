//! One site; each tab has its own path below the site's.

use model::{hosts::HostRow, nodes::ClusterView, sites::SiteRow};
use serde::{Deserialize, Serialize};

use super::{overview, settings};
use crate::pages::prelude::*;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SiteTab {
    /// The hosts, containers and network of the site.
    #[default]
    Overview,
    /// The form, and the deletion.
    Settings,
}

const TABS: &[Tab<SiteTab>] = &[
    (SiteTab::Overview, "Overview", ""),
    (SiteTab::Settings, "Settings", "settings"),
];

/// The data of a tab. Lists that the tab does not show are empty.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SitePage {
    tab: SiteTab,
    pub site: SiteRow,
    /// The site's hosts, for the overview.
    pub hosts: Vec<HostRow>,
    /// The clusters that the site can be on, for the settings.
    pub clusters: Vec<ClusterView>,
}

pub fn page() -> AnyView {
    tabbed_page(
        |params| params.get_str("site").unwrap_or_default().to_owned(),
        TABS,
        |(name, tab)| fetch(name, tab),
        interests,
        content,
    )
}

async fn fetch(name: String, tab: SiteTab) -> Result<SitePage, RequestError> {
    require_role::<SiteManage>().await?;
    let mut page = SitePage {
        tab,
        site: server_fns::sites::get(name).await?,
        hosts: Vec::new(),
        clusters: Vec::new(),
    };
    match tab {
        SiteTab::Overview => {
            page.hosts = server_fns::hosts::list().await?;
            page.hosts.retain(|host| host.site == page.site.id);
        }
        SiteTab::Settings => page.clusters = server_fns::clusters::list().await?,
    }
    Ok(page)
}

fn interests(page: &SitePage) -> Vec<Event> {
    let mut events = vec![
        Event::of(Topic::Site, page.site.id.0),
        Event::all(Topic::Container),
    ];
    if page.tab == SiteTab::Overview {
        events.extend([Topic::Domain, Topic::Host, Topic::Contact].map(Event::all));
    }
    events
}

fn content(page: LiveResource<SitePage>, current: Signal<usize>) -> AnyView {
    let name = page.part(|page| page.site.spec.name.to_string());
    let links = page.peek(|page| tab_links(&format!("/sites/{}", page.site.spec.name), TABS));
    let containers = move || {
        let href = format!("/containers?site={}", name.get());
        view! { <a class="btn" href=href>{icon("container")} "View containers"</a> }.erase()
    };
    let tab = page.part(|page| page.tab);
    let body = reactive(move || match tab.get() {
        SiteTab::Overview => overview::tab(page, name),
        SiteTab::Settings => settings::tab(page, name),
    });
    view! {
        <PageHead title=name actions=move || reactive(containers) />
        <Tabs label="Site sections" tabs=links current=current />
        {body}
    }
    .erase()
}
