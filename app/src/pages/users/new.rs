//! The form of a new user.

use leptos::prelude::*;
use model::users::{Role, UserForm};

use super::fields::{Account, fields, form_state};
use crate::{
    bind,
    components::object_form::{CreateForm, create_form, save},
    pages::rights::administrator_page,
    server_fns,
};

/// The page.
pub fn page() -> AnyView {
    administrator_page(content)
}

fn content() -> AnyView {
    let values = RwSignal::new(UserForm {
        role: Role::Member.to_string(),
        ..UserForm::default()
    });
    let form = form_state(values, Account::New);
    create_form(CreateForm {
        title: "New user",
        verb: "Create",
        what: "user",
        list: "/users",
        name: bind!(values, name).get,
        form,
        notice: None,
        fields: fields(form, values, Account::New),
        create: save(
            values,
            |form| form.name.trim().to_owned(),
            server_fns::users::create,
        ),
    })
}
