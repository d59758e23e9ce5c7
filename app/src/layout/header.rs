//! The header: breadcrumbs, command palette, running jobs, theme and user menu.

use crate::erase::{Erase as _, act, reactive};
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use model::session::CurrentUser;

use super::{jobs::running_jobs, nav::DRAWER, palette::palette};
use crate::{
    components::{icon::icon, title::PageTitle},
    live::Live,
};

/// The header for a signed-in user.
pub fn header(me: CurrentUser) -> AnyView {
    let (search, open) = palette(me.role);
    view! {
        <header class="header">
            <button type="button" class="btn btn-quiet btn-icon only-narrow" popovertarget=DRAWER aria-label="Navigation">
                {icon("menu")}
            </button>
            {breadcrumbs()}
            <div class="header-tools">
                <button type="button" class="btn palette-button" on:click=act(move |_| open.set(true)) aria-label="Go to" aria-keyshortcuts="Control+K">
                    {icon("search")} <span class="only-wide">"Go to"</span> <kbd class="key only-wide">"Ctrl K"</kbd>
                </button>
                {running_jobs()}
                {theme_switch()}
                {user_menu(me)}
            </div>
        </header>
        {search}
    }
    .erase()
}

/// The theme switch. `theme.js` implements it and stores the state; the style sheet shows the
/// current one of three icons.
fn theme_switch() -> AnyView {
    let themes = [
        ("theme theme-system", "sun-moon", "Theme: system"),
        ("theme theme-light", "sun", "Theme: light"),
        ("theme theme-dark", "moon", "Theme: dark"),
    ];
    let states = themes
        .into_iter()
        .map(|(class, icon_name, label_text)| {
            view! { <span class=class title=label_text>{icon(icon_name)} <span class="visually-hidden">{label_text}</span></span> }.erase()
        })
        .collect::<Vec<_>>();
    view! { <button type="button" class="btn btn-quiet btn-icon" data-switch="theme">{states}</button> }.erase()
}

fn user_menu(me: CurrentUser) -> AnyView {
    let name = me.name.to_string();
    let live: Live = expect_context();
    view! {
        <button type="button" class="btn btn-quiet" popovertarget="own-menu" aria-label=format!("{name}: account menu")>
            {icon("user")} <span class="only-wide">{name.clone()}</span>
        </button>
        <div class="menu" id="own-menu" popover="auto">
            <p class="menu-head"><strong>{name}</strong> <span class="muted">{me.role.as_str()}</span></p>
            <a class="menu-item" href="/account">{icon("user")} "Account"</a>
            <form method="post" action="/sign-out" on:submit=act(move |_| live.begin_sign_out())>
                <button class="menu-item">{icon("log-out")} "Sign out"</button>
            </form>
        </div>
    }
    .erase()
}

fn breadcrumbs() -> AnyView {
    let path = use_location().pathname;
    let items = reactive(move || {
        let path = path.get();
        let name = PageTitle::of_object(&path);
        let item = |(label, href): (String, String)| {
            let current = (href == path).then_some("page");
            view! { <li><a class="crumb" href=href aria-current=current>{label}</a></li> }.erase()
        };
        let crumbs = crumbs(&path, name).into_iter();
        crumbs.map(item).collect::<Vec<_>>()
    });
    view! { <nav class="crumbs" aria-label="Breadcrumbs"><ol>{items}</ol></nav> }.erase()
}

/// The breadcrumbs of a path: labels and links. A container is shown under Containers and a host
/// under Hosts, although their paths are under a site. `name` is the name of an object with an id
/// in its path; without a name, the object is left out.
fn crumbs(path: &str, name: Option<String>) -> Vec<(String, String)> {
    if !crate::routes::exists(path) {
        return vec![("Not found".to_owned(), path.to_owned())];
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if let [
        "sites",
        site,
        kind @ ("containers" | "hosts"),
        name,
        rest @ ..,
    ] = parts.as_slice()
    {
        let own = format!("/sites/{site}/{kind}/{name}");
        // Not every user who sees a site's hosts may open the site.
        let of_site = match *kind {
            "hosts" => "/hosts".to_owned(),
            _ => format!("/containers?site={site}"),
        };
        let mut crumbs = vec![
            (title(kind), format!("/{kind}")),
            ((*site).to_owned(), of_site),
            ((*name).to_owned(), own.clone()),
        ];
        crumbs.extend(rest.iter().map(|tab| (title(tab), format!("{own}/{tab}"))));
        return crumbs;
    }
    let mut href = String::new();
    let mut crumbs = Vec::new();
    if let Some(&("authorities" | "providers")) = parts.first() {
        crumbs.push(("Certificates".to_owned(), "/certificates".to_owned()));
    }
    for (index, part) in parts.iter().enumerate() {
        href.push('/');
        href.push_str(part);
        let label = match (parts.first(), index) {
            (Some(&"providers"), 0) => Some("DNS providers".to_owned()),
            (Some(&"authorities"), 0) => Some("Certificate authorities".to_owned()),
            (_, 0 | 2) => Some(title(part)),
            _ if *part == "new" => Some(title(part)),
            (Some(&("domains" | "certificates" | "jobs")), 1) => name.clone(),
            _ => Some((*part).to_owned()),
        };
        crumbs.extend(label.map(|label| (label, href.clone())));
    }
    crumbs
}

fn title(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        std::iter::once(first.to_ascii_uppercase())
            .chain(letters)
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::crumbs;

    #[test]
    fn breadcrumbs_lead_from_list_to_tab() {
        let labels = |path, name: Option<&str>| {
            let crumbs = crumbs(path, name.map(str::to_owned)).into_iter();
            crumbs
                .map(|(label, _)| label)
                .collect::<Vec<_>>()
                .join(" / ")
        };
        for (path, expected) in [
            (
                "/sites/lab/containers/web-1/services",
                "Containers / lab / web-1 / Services",
            ),
            (
                "/sites/lab/hosts/edge-1/files",
                "Hosts / lab / edge-1 / Files",
            ),
            ("/jobs/12", "Jobs"),
            ("/users/new", "Users / New"),
            ("/domains/2", "Domains"),
            ("/domains/2/settings", "Domains / Settings"),
            ("/sites/lab/settings", "Sites / lab / Settings"),
            ("/domains/new", "Domains / New"),
            ("/certificates/7", "Certificates"),
            (
                "/authorities/pebble",
                "Certificates / Certificate authorities / pebble",
            ),
            ("/providers/new", "Certificates / DNS providers / New"),
            ("/", ""),
            ("/nothing", "Not found"),
            ("/sites/lab/settings/more", "Not found"),
        ] {
            assert_eq!(labels(path, None), expected);
        }
        assert_eq!(
            labels("/jobs/12", Some("Create web-1")),
            "Jobs / Create web-1"
        );
        let domain = "/domains/2/settings";
        assert_eq!(
            labels(domain, Some("example.org")),
            "Domains / example.org / Settings"
        );
    }
}
