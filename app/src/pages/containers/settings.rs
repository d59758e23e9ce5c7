//! Resources and description of a container, and its deletion.

use crate::erase::{Erase as _, act};
use leptos::prelude::*;
use model::containers::ContainerDetail;

use super::{
    actions,
    edit::{Draft, footer},
    overview::{source_label, source_title},
};
use crate::{
    bind,
    components::{
        dialog::{DeleteDialog, Deletion},
        form::{Entry, Field, Refusals},
        icon::icon,
        live_resource::LiveResource,
    },
};

/// The tab.
pub fn tab(container: LiveResource<ContainerDetail>) -> AnyView {
    let draft = Draft::new(container);
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        draft.save();
    };
    let fixed = container.peek(|view| {
        let docker = if view.spec.docker {
            ", Docker support"
        } else {
            ""
        };
        format!(
            "{} {}, disk {}{docker}. These settings cannot be changed.",
            source_title(&view.spec.source),
            source_label(&view.spec.source),
            view.spec.disk
        )
    });
    view! {
        <div class="stack">
            <section class="card">
                <h2 class="card-title">"Resources and description"</h2>
                <form class="form" on:submit=act(submit) novalidate>
                    <Refusals form=draft.state />
                    <div class="pair">
                        <Field form=draft.state name="cores" label="Cores" value=bind!(draft.form, cores) />
                        <Field form=draft.state name="memory" label="Memory" value=bind!(draft.form, memory) hint="Such as 512 MiB or 2 GiB" />
                    </div>
                    <p class="muted">{fixed}</p>
                    <Field form=draft.state name="description" label="Description" optional=true entry=Entry::Block value=bind!(draft.form, description) />
                    {footer(draft, true)}
                </form>
            </section>
            {danger(container)}
        </div>
    }
    .erase()
}

fn danger(container: LiveResource<ContainerDetail>) -> AnyView {
    let deletion = Deletion::default();
    let name = container.peek(|view| view.row.name.to_string());
    let lost = Signal::derive(move || container.with(|view| actions::losses(&view.row)));
    let id = Signal::derive(move || Some(container.with(|view| view.row.id)));
    let delete = actions::delete(deletion, id);
    view! {
        <section class="card card-danger">
            <h2 class="card-title">"Delete container"</h2>
            <div class="stack-tight">
                <p>"Deletes the container and all data on its disk."</p>
                <div class="actions">
                    <button class="btn btn-danger" on:click=act(move |_| deletion.open.set(true))>
                        {icon("trash-2")} {format!("Delete {name}")}
                    </button>
                </div>
            </div>
        </section>
        <DeleteDialog deletion=deletion name=name losses=lost delete=delete />
    }
    .erase()
}
