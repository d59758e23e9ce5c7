//! The form of a new DNS provider.

use super::fields::{fields, initial_values};
use crate::pages::prelude::*;

pub fn page() -> AnyView {
    restricted_page::<ProviderManage>(content)
}

fn content() -> AnyView {
    let values = RwSignal::new(initial_values());
    let form = FormState::of(values, |form| form.parse(true));
    let create = save(values, super::stored_name, server_fns::providers::create);
    create_form(Kind::Provider, form, fields(form, values, true), create)
}
