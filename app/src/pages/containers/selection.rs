//! The actions on the containers of the list: a checkbox and a menu in each row, and a toolbar.

use model::{
    ContainerId,
    containers::{ContainerRow, Power},
};

use super::actions::{self, is_available};
use crate::{
    components::{
        dialog::ConfirmedAction,
        menu::{Menu, MenuItem},
    },
    pages::prelude::*,
};

/// The state of the list that is not in the URL.
#[derive(Clone, Copy)]
pub struct Selection {
    rows: RwSignal<Vec<ContainerId>>,
    delete: RwSignal<Option<ContainerRow>>,
    /// The dialog that deletes a container.
    pub deletion: ConfirmedAction,
    toasts: Toasts,
}

impl Selection {
    /// No selection.
    pub fn new() -> Self {
        Self {
            rows: RwSignal::new(Vec::new()),
            delete: RwSignal::new(None),
            deletion: ConfirmedAction::default(),
            toasts: Toasts::here(),
        }
    }
}

/// The checkbox that selects a container.
pub fn select(row: Memo<Option<ContainerRow>>) -> AnyView {
    let selection: Selection = expect_context();
    // A row that was removed from the list is about to be unmounted and renders nothing.
    let Some(ContainerRow { id, name, .. }) = row.get_untracked() else {
        return ().erase();
    };
    let rows = selection.rows;
    select_box(
        Signal::stored(name.to_string()),
        Signal::derive(move || rows.with(|rows| rows.contains(&id))),
        Callback::new(move |()| rows.update(|rows| toggle(rows, id))),
    )
}

pub fn menu(row: Memo<Option<ContainerRow>>) -> AnyView {
    let selection: Selection = expect_context();
    let Some(first) = row.get_untracked() else {
        return ().erase();
    };
    let (id, name) = (first.id, first.name.clone());
    let item = |power, icon_name, label| {
        let disabled = Signal::derive(move || {
            !row.with(|row| {
                row.as_ref()
                    .is_some_and(|row| is_available(power, row.status, row.activity))
            })
        });
        let name = name.clone();
        let run = Callback::new(move |()| {
            actions::power(selection.toasts, id, name.clone(), power);
        });
        view! { <MenuItem icon_name label disabled run /> }.erase()
    };
    let items = [
        item(Power::Start, "play", "Start"),
        item(Power::Stop, "square", "Stop"),
        item(Power::Restart, "rotate-cw", "Restart"),
    ];
    let label = format!("Actions for {}", first.name);
    let delete = Callback::new(move |()| {
        selection.delete.set(Some(first.clone()));
        selection.deletion.open.set(true);
    });
    view! {
        <Menu id=format!("row-menu-{id}") label=label>
            {items.into_iter().collect::<Vec<_>>()}
            <MenuItem icon_name="trash-2" label="Delete" danger=true run=delete />
        </Menu>
    }
    .erase()
}

/// Confirms the deletion of a container.
pub fn delete_dialog(selection: Selection) -> AnyView {
    let row = selection.delete;
    actions::delete_dialog(selection.deletion, Memo::new(move |_| row.get()))
}

/// The toolbar of the selected containers.
pub fn bulk(page: LiveResource<Page<ContainerRow>>) -> AnyView {
    let selection: Selection = expect_context();
    let selected = Memo::new(move |_| {
        let ids = selection.rows.get();
        page.with(|page| {
            let rows = page.rows.iter().filter(|row| ids.contains(&row.id));
            rows.cloned().collect::<Vec<_>>()
        })
    });
    let button = move |power: Power, icon_name, label| {
        let is_able = move |row: &ContainerRow| is_available(power, row.status, row.activity);
        let disabled = Signal::derive(move || !selected.with(|rows| rows.iter().any(is_able)));
        let run = move |_| {
            for row in selected.get_untracked().into_iter().filter(is_able) {
                actions::power(selection.toasts, row.id, row.name, power);
            }
            selection.rows.set(Vec::new());
        };
        view! { <button class="btn btn-small" disabled=disabled on:click=act(run)>{icon(icon_name)} {label}</button> }
            .erase()
    };
    reactive(move || {
        let count = selected.with(Vec::len);
        (count > 0).then(|| {
            view! {
                <div class="bulk" role="toolbar" aria-label="Selected containers">
                    <span class="num">{count} " selected"</span>
                    {button(Power::Start, "play", "Start")}
                    {button(Power::Stop, "square", "Stop")}
                    {button(Power::Restart, "rotate-cw", "Restart")}
                    <button class="btn btn-small btn-quiet" on:click=act(move |_| selection.rows.set(Vec::new()))>"Clear"</button>
                </div>
            }
            .erase()
        })
    })
}
