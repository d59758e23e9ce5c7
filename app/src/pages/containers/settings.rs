//! Resources and description of a container, and its deletion.

use model::{
    containers::{ContainerDetail, ContainerSource, Status},
    filters::{ContainerFilters, FilterState},
};

use super::{
    actions,
    edit::{Draft, draft_form},
    overview::{source_label, source_title},
};
use crate::{components::dialog::ConfirmedAction, pages::prelude::*};

pub fn tab(container: LiveResource<ContainerDetail>) -> AnyView {
    let draft = Draft::new(container);
    let Draft { values, form, .. } = draft;
    let fixed = container.peek(|view| {
        let (source, disk) = (&view.spec.source, view.spec.disk);
        let docker = if view.spec.docker {
            ", Docker support"
        } else {
            ""
        };
        let (title, source) = (source_title(source), source_label(source));
        format!("{title} {source}, disk {disk}{docker}. These settings cannot be changed.")
    });
    let fields = view! {
        <div class="pair">
            <Field form name="cores" label="Cores" value=bind!(values, cores) />
            <Field form name="memory" label="Memory" value=bind!(values, memory) hint="Such as 512 MiB or 2 GiB" />
        </div>
        <p class="muted">{fixed}</p>
        <Field form name="description" label="Description" optional=true entry=Entry::Block value=bind!(values, description) />
    };
    let settings = draft_form(draft, fields.erase(), true);
    view! { <div class="stack">{card("Resources and description", settings)} {filters(container)} {deletion(container)}</div> }.erase()
}

/// The interface filters of an imported container.
fn filters(container: LiveResource<ContainerDetail>) -> AnyView {
    let may_turn_off = Session::may::<InterfaceFilterRemove>();
    let filters = container.part(|view| {
        let is_imported = view.spec.source == ContainerSource::Imported;
        is_imported.then_some(view.filters)
    });
    let action = Action::default();
    let toasts = Toasts::here();
    let send = move |on: bool| {
        let id = container.peek(|view| view.row.id);
        action.send(server_fns::containers::set_filters(id, on), move |()| {
            toasts.notify("A job changes the interface filters.".to_owned());
            container.refresh();
        });
    };
    reactive_option(filters, move |filters| {
        let button = match filters.managed {
            false => Some(
                action.button("shield-check", "Turn on interface filters", move || {
                    send(true)
                }),
            ),
            true => may_turn_off.then(|| {
                action.button("shield", "Turn off interface filters", move || send(false))
            }),
        };
        let body = view! {
            <p>"Interface filters let the container use only its own IP and MAC address, and follow the site's setting for direct access to ports. They replace the options of the container's firewall in Proxmox."</p>
            <p class="muted">{filter_state(filters)}</p>
            <FailureLine failure=action.failure />
            <div class="actions">{button}</div>
        };
        tight_card("Interface filters", body.erase())
    })
}

fn filter_state(filters: ContainerFilters) -> &'static str {
    match (filters.managed, filters.state) {
        (true, FilterState::Set) => "Set.",
        (false, FilterState::Unset | FilterState::Set) => "Off.",
        (true, FilterState::Unset) => "Not set.",
        (_, FilterState::Due | FilterState::Applying) => "Waiting for a job that changes them.",
    }
}

fn deletion(container: LiveResource<ContainerDetail>) -> AnyView {
    let deletion = ConfirmedAction::default();
    let name = container.peek(|view| view.row.name.to_string());
    let dialog = actions::delete_dialog(deletion, container.part(|view| Some(view.row.clone())));
    let effect = container.part(|view| match view.row.status {
        Status::Creating | Status::Failed => "Deletes the container, which was not created.",
        _ => "Deletes the container and all data on its disk.",
    });
    view! {
        <section class="card card-danger">
            <h2 class="card-title">"Delete container"</h2>
            <div class="stack-tight">
                <p>{effect}</p>
                <div class="actions">
                    <button class="btn btn-danger" on:click=act(move |_| deletion.open.set(true))>
                        {icon("trash-2")} {format!("Delete {name}")}
                    </button>
                </div>
            </div>
        </section>
        {dialog}
    }
    .erase()
}
