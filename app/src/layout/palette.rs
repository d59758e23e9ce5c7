//! The command palette. Ctrl-K opens it; it finds pages, actions and containers.

use crate::erase::{Erase as _, act, reactive};
use std::time::Duration;

use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use model::{
    containers::ContainerQuery,
    permissions::{
        AuthorityManage, AuthorityRead, CertificateManage, ContainerCreate, DomainManage,
        HostManage, InvitationManage, ProviderManage, ProviderRead, SiteManage, UserManage,
    },
    users::Role,
};

use super::nav::{NavEntry, nav_entries, nav_entry};
use crate::{
    components::{dialog::on_close, icon::icon, lazy::lazy},
    extras, server_fns,
};

/// A search result.
#[derive(Clone, PartialEq)]
struct Target {
    label: String,
    note: String,
    href: String,
    icon_name: &'static str,
}

/// How long after page load the palette's module is preloaded, so that it does not compete with
/// what the page needs.
const PRELOAD_DELAY: Duration = Duration::from_secs(3);

/// State shared by the palette's components.
#[derive(Clone, Copy)]
pub struct State {
    open: RwSignal<bool>,
    typed: RwSignal<String>,
    /// Whether the input field has the focus; until the module is loaded, key presses are buffered
    /// for it.
    ready: RwSignal<bool>,
}

/// The palette, and the signal that opens it. Its module is loaded after [`PRELOAD_DELAY`], or when
/// the palette is opened.
pub fn palette(role: Role) -> (AnyView, RwSignal<bool>) {
    let state = State {
        open: RwSignal::new(false),
        typed: RwSignal::new(String::new()),
        ready: RwSignal::new(false),
    };
    let handle = window_event_listener(ev::keydown, move |ev| key(state, &ev));
    on_cleanup(move || handle.remove());
    Effect::new(|_| {
        let load = || {
            spawn_local(async {
                // After a failed preload, the module is loaded when the palette is opened.
                let _ = extras::load().await;
            });
        };
        set_timeout(load, PRELOAD_DELAY);
    });
    let view = lazy(state.open.into(), move || extras::palette(role, state));
    (view, state.open)
}

fn key(State { open, typed, ready }: State, ev: &ev::KeyboardEvent) {
    let key = ev.key();
    let commands = ev.ctrl_key() || ev.meta_key() || ev.alt_key();
    if commands && !ev.alt_key() && key.eq_ignore_ascii_case("k") {
        open.update(|open| *open = !*open);
    } else if open.get_untracked() && !ready.get_untracked() && !commands && key.len() == 1 {
        typed.update(|typed| typed.push_str(&key));
    } else {
        return;
    }
    ev.prevent_default();
}

/// The palette's dialog.
pub fn dialog(role: Role, state: State) -> AnyView {
    let State { open, typed, .. } = state;
    let dialog = NodeRef::<html::Dialog>::new();
    let input = NodeRef::<html::Input>::new();
    let targets = targets(role, typed, containers(typed, open));
    let chosen = RwSignal::new(0_usize);
    Effect::new(move |_| {
        targets.track();
        chosen.set(0);
    });
    show_while_open(state, dialog, input);
    let navigate = use_navigate();
    let go = Callback::new(move |href: String| {
        open.set(false);
        navigate(&href, Default::default());
    });
    view! {
        <dialog class="dialog palette" node_ref=dialog aria-label="Go to" on:close=act(on_close(dialog, open))>
            <div class="palette-input">
                {icon("search")}
                <input
                    class="input"
                    node_ref=input
                    type="text"
                    role="combobox"
                    aria-label="Page, container or action"
                    placeholder="Page, container or action"
                    aria-expanded="true"
                    aria-controls="palette-list"
                    aria-activedescendant=Signal::derive(move || format!("palette-{}", chosen.get()))
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=typed
                    on:input=act(move |ev| typed.set(event_target_value(&ev)))
                    on:keydown=act(move |ev| keys(&ev, targets, chosen, go))
                />
            </div>
            {results(targets, chosen, go)}
        </dialog>
    }
    .erase()
}

/// The pages and actions that match the input, followed by the containers found.
fn targets(
    role: Role,
    typed: RwSignal<String>,
    containers: RwSignal<Vec<Target>>,
) -> Memo<Vec<Target>> {
    let fixed = StoredValue::new(pages_and_actions(role));
    Memo::new(move |_| {
        let mut targets = fixed.with_value(|fixed| typed.with(|typed| matching(fixed, typed)));
        containers.with(|containers| targets.extend(containers.iter().cloned()));
        targets
    })
}

/// Shows the dialog and focuses its input field when the palette is opened; clears the input when
/// it is closed.
fn show_while_open(
    State { open, typed, ready }: State,
    dialog: NodeRef<html::Dialog>,
    input: NodeRef<html::Input>,
) {
    Effect::new(move |_| {
        let (Some(dialog), should_open) = (dialog.get(), open.get()) else {
            return;
        };
        if should_open && !dialog.open() {
            let _ = dialog.show_modal();
            if let Some(input) = input.get_untracked() {
                let _ = input.focus();
            }
            ready.set(true);
        } else if !should_open {
            dialog.close();
            typed.set(String::new());
            ready.set(false);
        }
    });
}

fn results(targets: Memo<Vec<Target>>, chosen: RwSignal<usize>, go: Callback<String>) -> AnyView {
    let items = reactive(move || {
        targets
            .get()
            .into_iter()
            .enumerate()
            .map(|(index, target)| {
                let href = target.href.clone();
                view! {
                    <li
                        id=format!("palette-{index}")
                        class="palette-item"
                        role="option"
                        aria-selected=Signal::derive(move || (chosen.get() == index).to_string())
                        on:click=act(move |_| go.run(href.clone()))
                    >
                        {icon(target.icon_name)} <span class="grow">{target.label}</span> <span class="muted">{target.note}</span>
                    </li>
                }.erase()
            })
            .collect::<Vec<_>>()
    });
    let none = reactive(move || {
        targets
            .with(Vec::is_empty)
            .then(|| view! { <p class="menu-head muted">"No results found."</p> }.erase())
    });
    view! {
        <ul class="palette-list" id="palette-list" role="listbox" aria-label="Results">{items}</ul>
        <div role="status">{none}</div>
    }
    .erase()
}

fn keys(
    ev: &ev::KeyboardEvent,
    targets: Memo<Vec<Target>>,
    chosen: RwSignal<usize>,
    go: Callback<String>,
) {
    let last = targets.with_untracked(Vec::len).saturating_sub(1);
    match ev.key().as_str() {
        "ArrowDown" => chosen.update(|chosen| *chosen = (*chosen + 1).min(last)),
        "ArrowUp" => chosen.update(|chosen| *chosen = chosen.saturating_sub(1)),
        "Enter" => {
            let target =
                targets.with_untracked(|targets| targets.get(chosen.get_untracked()).cloned());
            if let Some(target) = target {
                go.run(target.href);
            }
        }
        _ => return,
    }
    ev.prevent_default();
}

/// The pages that are not in the navigation.
const PAGES: [NavEntry; 3] = [
    nav_entry::<AuthorityRead>("Certificate authorities", "/authorities", "landmark"),
    nav_entry::<ProviderRead>("DNS providers", "/providers", "hard-drive"),
    nav_entry::<InvitationManage>("Invitations", "/invitations", "users"),
];

/// The actions that create objects.
const ACTIONS: [NavEntry; 9] = [
    nav_entry::<ContainerCreate>("New container", "/containers/new", "plus"),
    nav_entry::<SiteManage>("New site", "/sites/new", "plus"),
    nav_entry::<DomainManage>("New domain", "/domains/new", "plus"),
    nav_entry::<CertificateManage>("Upload certificate", "/certificates/new", "plus"),
    nav_entry::<HostManage>("Add host", "/hosts/new", "plus"),
    nav_entry::<AuthorityManage>("Add certificate authority", "/authorities/new", "plus"),
    nav_entry::<ProviderManage>("Add DNS provider", "/providers/new", "plus"),
    nav_entry::<UserManage>("New user", "/users/new", "plus"),
    nav_entry::<InvitationManage>("Invite a person", "/invitations/new", "plus"),
];

/// The pages and actions available to a role.
fn pages_and_actions(role: Role) -> Vec<Target> {
    let allowed = |entries: &'static [NavEntry]| {
        let entries = entries.iter();
        entries.filter(move |entry| entry.rule.allows(role, false))
    };
    let target = |note: &str, entry: &NavEntry| Target {
        label: entry.label.to_owned(),
        note: note.to_owned(),
        href: entry.path.to_owned(),
        icon_name: entry.icon_name,
    };
    let in_navigation = nav_entries(role)
        .into_iter()
        .flat_map(|(_, entries)| entries);
    let pages = in_navigation.chain(allowed(&PAGES));
    let pages = pages.map(|entry| target("page", entry));
    let actions = allowed(&ACTIONS).map(|entry| target("action", entry));
    pages.chain(actions).collect()
}

fn matching(targets: &[Target], typed: &str) -> Vec<Target> {
    let typed = typed.trim().to_ascii_lowercase();
    targets
        .iter()
        .filter(|target| target.label.to_ascii_lowercase().contains(&typed))
        .cloned()
        .collect()
}

/// The containers whose names contain the input, debounced.
fn containers(typed: RwSignal<String>, open: RwSignal<bool>) -> RwSignal<Vec<Target>> {
    let targets = RwSignal::new(Vec::new());
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    Effect::new(move |_| {
        let q = typed.get().trim().to_owned();
        if let Some(earlier) = waiting.get_value() {
            earlier.clear();
        }
        if !open.get() || q.is_empty() {
            targets.set(Vec::new());
            return;
        }
        let search = move || {
            spawn_local(async move {
                let query = ContainerQuery {
                    q: q.clone(),
                    page: 1,
                    ..ContainerQuery::default()
                };
                let Ok(page) = server_fns::containers::list(query).await else {
                    return;
                };
                if typed.try_with_untracked(|typed| typed.trim() == q) == Some(true) {
                    targets.set(page.rows.into_iter().take(8).map(container).collect());
                }
            });
        };
        waiting.set_value(set_timeout_with_handle(search, Duration::from_millis(150)).ok());
    });
    targets
}

fn container(row: model::containers::ContainerRow) -> Target {
    Target {
        href: format!("/sites/{}/containers/{}", row.site, row.name),
        label: row.name.to_string(),
        note: format!("{}, {}", row.site, row.status),
        icon_name: "container",
    }
}
