//! The form of a new CA.

use super::fields::{fields, first, form_state};
use crate::pages::prelude::*;

/// The page.
pub fn page() -> AnyView {
    administrator_page(content)
}

fn content() -> AnyView {
    let values = RwSignal::new(first());
    let form = form_state(values, true);
    create_form(CreateForm {
        title: "Add certificate authority",
        verb: "Add",
        what: "certificate authority",
        list: "/authorities",
        name: bind!(values, name).get,
        form,
        notice: None,
        fields: fields(form, values, true),
        create: save(
            values,
            |form| form.name.trim().to_ascii_lowercase(),
            server_fns::authorities::create,
        ),
    })
}
