//! One cluster; each tab has its own path below the cluster's.

use model::{SiteId, clusters::ClusterDetail, session::CurrentUser};
use serde::{Deserialize, Serialize};

use super::{import, overview, settings, state};
use crate::pages::prelude::*;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClusterTab {
    /// The state, the nodes and the requirements.
    #[default]
    Overview,
    /// The unmanaged containers.
    Import,
    /// The connection, and the deletion.
    Settings,
}

const TABS: &[Tab<ClusterTab>] = &[
    (ClusterTab::Overview, "Overview", ""),
    (ClusterTab::Import, "Import", "import"),
    (ClusterTab::Settings, "Settings", "settings"),
];

/// The data of a tab. Lists that the tab does not show are empty.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClusterPage {
    tab: ClusterTab,
    pub cluster: ClusterDetail,
    /// The signed-in user.
    pub me: CurrentUser,
    /// The sites on the cluster, by id and name, for the import.
    pub sites: Vec<(SiteId, String)>,
    /// Users who may own containers, by name, for the import; the first page.
    pub owners: Vec<String>,
}

pub fn page() -> AnyView {
    tabbed_page(
        |params| params.get_str("cluster").unwrap_or_default().to_owned(),
        TABS,
        |(name, tab)| fetch(name, tab),
        interests,
        content,
    )
}

async fn fetch(name: String, tab: ClusterTab) -> Result<ClusterPage, RequestError> {
    let me = require_role::<ClusterManage>().await?;
    let mut page = ClusterPage {
        tab,
        cluster: server_fns::clusters::get(name).await?,
        me,
        sites: Vec::new(),
        owners: Vec::new(),
    };
    if tab == ClusterTab::Import {
        let id = page.cluster.view.id;
        let sites = server_fns::sites::list().await?;
        let sites = sites.into_iter().filter(|site| site.spec.cluster == id);
        page.sites = sites
            .map(|site| (site.id, site.spec.name.to_string()))
            .collect();
        let owners = server_fns::users::list(String::new(), String::new(), 1).await?;
        let owners = owners.rows.iter().map(|user| user.name.to_string());
        page.owners = owners.collect();
    }
    Ok(page)
}

fn interests(page: &ClusterPage) -> Vec<Event> {
    let mut events = vec![Event::all(Topic::Nodes), Event::all(Topic::Site)];
    // The containers of Holdfast are not listed as unmanaged.
    if page.tab != ClusterTab::Settings {
        events.push(Event::all(Topic::Container));
    }
    events
}

fn content(page: LiveResource<ClusterPage>, current: Signal<usize>) -> AnyView {
    let name = page.part(|page| page.cluster.view.name.clone());
    let own = page.peek(href);
    let badge = move || reactive(move || page.with(|page| state(&page.cluster.view)));
    let tab = page.part(|page| page.tab);
    let body = reactive(move || match tab.get() {
        ClusterTab::Overview => overview::tab(page, name),
        ClusterTab::Import => import::card(page),
        ClusterTab::Settings => settings::tab(page, name),
    });
    view! {
        <PageHead title=name badges=badge actions=|| view! { <a class="btn" href="/nodes">{icon("server")} "View nodes"</a> }.erase() />
        <Tabs label="Cluster sections" tabs=tab_links(&own, TABS) current=current />
        <div class="stack">
            {last_error(page)}
            {body}
        </div>
    }
    .erase()
}

/// The path of a cluster's page.
pub fn href(page: &ClusterPage) -> String {
    format!("/clusters/{}", page.cluster.view.name)
}

/// Why the cluster is unreachable, and what to do.
fn last_error(page: LiveResource<ClusterPage>) -> AnyView {
    let settings = page.peek(|page| format!("{}/settings", href(page)));
    let view = page.part(|page| {
        let view = &page.cluster.view;
        (view.last_error.clone(), view.changed.clone(), view.observed)
    });
    reactive(move || {
        let (last_error, changed, observed) = view.get();
        let last_seen =
            observed.map(|at| view! { <p class="muted">"Last seen " {ago(at)} "."</p> }.erase());
        let last_error = last_error?;
        let (tone, icon_name, text) = match changed {
            Some(_) => {
                let text = view! { <p>"The connection may be intercepted, so Holdfast sends no requests; containers keep running. If you renewed the certificate, fetch and confirm it in the " <a class="link" href=settings.clone()>"settings"</a> "."</p> };
                (Tone::Danger, "triangle-alert", text.erase())
            }
            None => {
                let text = view! { <p>"This page shows the last known state. Containers keep running."</p> };
                (Tone::Warning, "unplug", text.erase())
            }
        };
        Some(
            view! {
                <section class=panel_class(tone) role="alert">
                    <p class="panel-title">{icon(icon_name)} {last_error}</p>
                    {text}
                    {last_seen}
                </section>
            }
            .erase(),
        )
    })
}
