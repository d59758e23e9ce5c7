//! The form of a new cluster.

use model::clusters::ClusterForm;

use super::fields::{fields, form_state};
use crate::pages::prelude::*;

/// The page.
pub fn page() -> AnyView {
    administrator_page(content)
}

fn content() -> AnyView {
    let values = RwSignal::new(ClusterForm::default());
    let form = form_state(values, true);
    let create = move || {
        let answer = server_fns::clusters::create(values.get_untracked());
        async move { Ok(Saved::named(answer.await?.to_string())) }
    };
    create_form(CreateForm {
        title: "Add cluster",
        verb: "Add",
        what: "cluster",
        list: "/clusters",
        name: bind!(values, name).get,
        form,
        notice: None,
        fields: fields(form, values, true),
        create: save_call(create),
    })
}
