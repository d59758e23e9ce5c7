//! The form of a new CA.

use super::fields::{fields, initial_values};
use crate::pages::prelude::*;

pub fn page() -> AnyView {
    restricted_page::<AuthorityManage>(content)
}

fn content() -> AnyView {
    let values = RwSignal::new(initial_values());
    let form = FormState::of(values, |form| form.parse(true));
    let create = save(values, super::stored_name, server_fns::authorities::create);
    create_form(Kind::Authority, form, fields(form, values, true), create)
}
