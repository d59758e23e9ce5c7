//! Navigation: a rail beside the page, and the same links in a drawer on phones.

use crate::erase::Erase as _;
use leptos::{ev, prelude::*};
use leptos_router::hooks::use_location;
use model::{
    permissions::{
        Action, CertificateRead, ClusterManage, ClusterRead, ContainerList, DomainRead, HostRead,
        JobList, Rule, SiteManage, SiteRead, UserList,
    },
    session::CurrentUser,
    users::Role,
};

use super::sites::site_choices;
use crate::components::icon::icon;

/// The id of the drawer.
pub const DRAWER: &str = "nav-drawer";

/// A link to a page, for users whose role allows what the page shows.
pub struct NavEntry {
    pub label: &'static str,
    pub path: &'static str,
    pub icon_name: &'static str,
    pub rule: Rule,
}

/// A link, for users with the permission.
pub const fn nav_entry<A: Action>(
    label: &'static str,
    path: &'static str,
    icon_name: &'static str,
) -> NavEntry {
    NavEntry {
        label,
        path,
        icon_name,
        rule: A::RULE,
    }
}

/// The navigation entries in groups with headings.
const GROUPS: [(&str, &[NavEntry]); 4] = [
    (
        "",
        &[
            nav_entry::<ContainerList>("Containers", "/containers", "container"),
            nav_entry::<JobList>("Jobs", "/jobs", "list-checks"),
        ],
    ),
    (
        "Network",
        &[
            nav_entry::<SiteManage>("Sites", "/sites", "network"),
            nav_entry::<DomainRead>("Domains", "/domains", "globe"),
            nav_entry::<CertificateRead>("Certificates", "/certificates", "shield-check"),
            nav_entry::<HostRead>("Hosts", "/hosts", "radio-tower"),
        ],
    ),
    (
        "Compute",
        &[
            nav_entry::<ClusterManage>("Clusters", "/clusters", "boxes"),
            nav_entry::<ClusterRead>("Nodes", "/nodes", "server"),
        ],
    ),
    (
        "Access",
        &[nav_entry::<UserList>("Users", "/users", "users")],
    ),
];

/// The navigation entries of a role.
pub fn nav_entries(role: Role) -> Vec<(&'static str, Vec<&'static NavEntry>)> {
    let groups = GROUPS.iter().map(|(heading, entries)| {
        let entries = entries.iter();
        let entries = entries.filter(|entry| entry.rule.allows(role, false));
        (*heading, entries.collect::<Vec<_>>())
    });
    groups.filter(|(_, entries)| !entries.is_empty()).collect()
}

/// The rail, and the drawer for phones.
pub fn rail(me: CurrentUser) -> AnyView {
    let path = use_location().pathname;
    Effect::new(move |_| {
        path.track();
        crate::browser::close_popover(DRAWER);
    });
    on_cleanup(collapse_on_key());
    let (in_rail, in_drawer) = me.role.may::<SiteRead>().then(site_choices).unzip();
    view! {
        <aside class="rail">
            <a class="brand" href="/containers">{icon("shield")} <span class="rail-label">"Holdfast"</span></a>
            <nav class="rail-nav" aria-label="Main navigation">{links(me.role, in_rail)}</nav>
            <button type="button" class="rail-link rail-switch" data-switch="rail" title="Collapse or expand the sidebar">
                {icon("panel-left")}
                <span class="rail-label">"Collapse"</span>
            </button>
        </aside>
        <div class="drawer" id=DRAWER popover="auto">
            <nav aria-label="Main navigation">{links(me.role, in_drawer)}</nav>
        </div>
    }
    .erase()
}

/// Collapses the rail with `[`. Returns a function that removes the shortcut.
fn collapse_on_key() -> impl FnOnce() + Send + Sync {
    let handle = window_event_listener(ev::keydown, |ev| {
        if ev.key() == "[" && !ev.ctrl_key() && !ev.meta_key() && !crate::browser::is_typing() {
            for switch in crate::browser::elements("[data-switch='rail']") {
                switch.click();
            }
        }
    });
    move || handle.remove()
}

/// The entries of a role; below Containers, `sites`, the filter by site.
fn links(role: Role, mut sites: Option<AnyView>) -> AnyView {
    nav_entries(role)
        .into_iter()
        .map(|(heading, entries)| {
            let heading = (!heading.is_empty()).then(|| {
                view! { <p class="rail-heading"><span class="rail-label">{heading}</span></p> }
                    .erase()
            });
            let links = entries.into_iter().map(|entry| {
                let sites = sites.take_if(|_| entry.path == "/containers");
                view! { {link(entry)} {sites} }.erase()
            });
            let links = links.collect::<Vec<_>>();
            view! { <div class="rail-group">{heading}{links}</div> }.erase()
        })
        .collect::<Vec<_>>()
        .erase()
}

fn link(entry: &NavEntry) -> AnyView {
    let NavEntry {
        label,
        path,
        icon_name,
        ..
    } = *entry;
    let here = use_location().pathname;
    let current = Signal::derive(move || here.with(|here| is_active(here, path)).then_some("page"));
    view! {
        <a class="rail-link" href=path aria-current=current title=label>
            {icon(icon_name)} <span class="rail-label">{label}</span>
        </a>
    }
    .erase()
}

/// Whether a path belongs to a navigation entry. The page of a container or a host belongs to
/// Containers or Hosts, although its path is under a site; CAs and DNS providers belong to
/// Certificates.
fn is_active(here: &str, entry: &str) -> bool {
    if entry == "/certificates"
        && ["/authorities", "/providers"]
            .iter()
            .any(|other| is_active(here, other))
    {
        return true;
    }
    let of_site = here.starts_with("/sites/");
    let part = here.split('/').nth(3).filter(|_| of_site);
    match (entry, part) {
        ("/containers", Some("containers")) | ("/hosts", Some("hosts")) => true,
        ("/sites", Some("containers" | "hosts")) => false,
        _ => here
            .strip_prefix(entry)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::is_active;

    #[test]
    fn pages_below_sites_belong_to_their_list() {
        assert!(is_active("/sites/lab/containers/web-1", "/containers"));
        assert!(!is_active("/sites/lab/containers/web-1", "/sites"));
        assert!(is_active("/sites/lab/hosts/edge-1", "/hosts"));
        assert!(!is_active("/sites/lab/hosts/edge-1", "/sites"));
        assert!(is_active("/sites/lab", "/sites"));
        assert!(is_active("/sites/lab/settings", "/sites"));
        assert!(is_active("/certificates/7", "/certificates"));
        assert!(is_active("/authorities/new", "/certificates"));
        assert!(is_active("/providers", "/certificates"));
        assert!(!is_active("/providers", "/domains"));
        assert!(is_active("/containers", "/containers"));
        assert!(!is_active("/containersx", "/containers"));
    }
}
