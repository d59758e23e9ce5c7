//! The environment of a container's processes.

use crate::erase::{Erase as _, act};
use leptos::prelude::*;
use model::containers::ContainerDetail;

use super::edit::{Draft, footer};
use crate::{
    bind,
    components::{
        form::{Entry, Field, Refusals},
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
    view! {
        <section class="card">
            <h2 class="card-title">"Environment"</h2>
            <form class="form" on:submit=act(submit) novalidate>
                <Refusals form=draft.state />
                <Field form=draft.state name="env" label="Variables" optional=true entry=Entry::Block
                    value=bind!(draft.form, env) hint="One NAME=value per line. Overrides the image's variables." />
                <Field form=draft.state name="entrypoint" label="Command" optional=true
                    value=bind!(draft.form, entrypoint) hint="Replaces the image's command." />
                {footer(draft, true)}
            </form>
        </section>
    }
    .erase()
}
