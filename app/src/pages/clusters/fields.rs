//! The form fields of a cluster, for creation and update.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::clusters::{ClusterAccount, ClusterForm};

use super::certificate::certificate;
use crate::{
    bind,
    components::form::{Entry, Field, FormState},
};

/// The state of a form with these values.
pub fn form_state(values: RwSignal<ClusterForm>, new: bool) -> FormState {
    FormState::new(move || values.with_untracked(|form| form.parse(new).err().unwrap_or_default()))
}

/// All fields, in groups.
pub fn fields(form: FormState, values: RwSignal<ClusterForm>, new: bool) -> AnyView {
    let login = Memo::new(move |_| values.with(|form| form.login.parse::<ClusterAccount>().ok()));
    let secret_hint = Signal::derive(move || {
        let what = match login.get() {
            Some(login) if login.is_token() => "The token's secret, as Proxmox showed it once.",
            Some(_) => "The user's password.",
            None => "The token's secret, or the user's password.",
        };
        if new {
            what.to_owned()
        } else {
            format!("{what} Empty keeps the present one.")
        }
    });
    view! {
        <fieldset class="card group">
            <legend class="card-title">"Cluster"</legend>
            <Field form name="name" label="Name" value=bind!(values, name) hint="What you call it here, such as home." />
            <Field form name="url" label="Address of a node" value=bind!(values, url)
                hint="Such as pve1.example.org or 10.0.0.1. The other nodes are found by themselves." />
        </fieldset>
        {certificate(form, values)}
        <fieldset class="card group">
            <legend class="card-title">"Sign-in"</legend>
            <Field form name="login" label="User or token" value=bind!(values, login)
                hint="A token such as root@pam!holdfast, or a user such as root@pam." />
            <Field form name="secret" label="Secret" entry=Entry::Secret value=bind!(values, secret) hint=secret_hint optional=!new />
            {reactive(move || login.get().map(|login| limits(&login)))}
        </fieldset>
    }
    .erase()
}

/// What this kind of sign-in allows, shown before it is used.
fn limits(login: &ClusterAccount) -> AnyView {
    let text = if login.is_root_pam() {
        "root itself may do everything, Docker inside containers included. It must have no second factor. The password is kept encrypted."
    } else if login.is_token() {
        "With a token, Proxmox refuses what is for root itself alone: Docker inside a container (keyctl), devices and bind mounts. Everything else works."
    } else {
        "Only root@pam itself may switch on Docker inside a container (keyctl), devices and bind mounts. Everything else works with the right privileges."
    };
    view! { <p class="muted">{text}</p> }.erase()
}
