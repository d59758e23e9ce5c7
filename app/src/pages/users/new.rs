//! The form of a new user.

use model::users::{Role, UserForm};

use super::fields::{Account, fields, form_state};
use crate::pages::prelude::*;

pub fn page() -> AnyView {
    restricted_page::<UserManage>(content)
}

fn content() -> AnyView {
    let values = RwSignal::new(UserForm {
        role: Role::Member.to_string(),
        ..UserForm::default()
    });
    let form = form_state(values, Account::New);
    let name = |form: &UserForm| form.name.trim().to_owned();
    let create = save(values, name, server_fns::users::create);
    create_form(Kind::User, form, fields(form, values, Account::New), create)
}
