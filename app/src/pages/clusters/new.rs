//! The form of a new cluster.

use model::clusters::ClusterForm;

use super::fields::fields;
use crate::pages::prelude::*;

pub fn page() -> AnyView {
    restricted_page::<ClusterManage>(content)
}

fn content() -> AnyView {
    let values = RwSignal::new(ClusterForm::default());
    let form = FormState::of(values, |form| form.parse(true));
    let create = save_call(move || {
        let created = server_fns::clusters::create(values.get_untracked());
        async move { Ok(SavedObject::named(created.await?.to_string())) }
    });
    create_form(Kind::Cluster, form, fields(form, values, true), create)
}
