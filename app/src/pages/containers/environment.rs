//! The environment of a container's processes.

use model::containers::ContainerDetail;

use super::edit::{Draft, draft_form};
use crate::pages::prelude::*;

pub fn tab(container: LiveResource<ContainerDetail>) -> AnyView {
    let draft = Draft::new(container);
    let Draft { values, form, .. } = draft;
    let fields = view! {
        <Field form name="env" label="Environment variables" optional=true entry=Entry::Block
            value=bind!(values, env) hint="One NAME=value per line. Overrides the image's variables." />
        <Field form name="entrypoint" label="Command" optional=true
            value=bind!(values, entrypoint) hint="Replaces the image's command." />
    };
    card("Environment", draft_form(draft, fields.erase(), true))
}
