//! Resources and description of a container, and its deletion.

use model::containers::{ContainerDetail, Status};

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
    view! { <div class="stack">{card("Resources and description", settings)} {deletion(container)}</div> }.erase()
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
