//! The form fields of a cluster, for creation and update.

use model::clusters::{ClusterAccount, ClusterForm};

use super::certificate::certificate;
use crate::pages::prelude::*;

/// The state of a form with these values.
pub fn form_state(values: RwSignal<ClusterForm>, new: bool) -> FormState {
    FormState::new(move || values.with_untracked(|form| form.parse(new).err().unwrap_or_default()))
}

/// All fields, in groups.
pub fn fields(form: FormState, values: RwSignal<ClusterForm>, new: bool) -> AnyView {
    let login = Memo::new(move |_| values.with(|form| form.account.parse::<ClusterAccount>().ok()));
    let secret_hint = Signal::derive(move || {
        let what = match login.get() {
            Some(login) if login.is_token() => "The token secret that Proxmox showed once.",
            Some(_) => "The user's password.",
            None => "The token secret or the user's password.",
        };
        if new {
            what.to_owned()
        } else {
            format!("{what} Leave empty to keep the current secret.")
        }
    });
    view! {
        <fieldset class="card group">
            <legend class="card-title">"Cluster"</legend>
            <Field form name="name" label="Name" value=bind!(values, name) hint="The name in Holdfast, such as home." />
            <Field form name="url" label="Node address" value=bind!(values, url)
                hint="Such as pve1.example.org or 10.0.0.1. Other nodes are discovered automatically." />
        </fieldset>
        {certificate(form, values)}
        <fieldset class="card group">
            <legend class="card-title">"Credentials"</legend>
            <Field form name="account" label="User or API token" value=bind!(values, account)
                hint="A token such as holdfast@pve!holdfast, or a user such as root@pam." />
            <Field form name="secret" label="Secret" entry=Entry::Secret value=bind!(values, secret) hint=secret_hint optional=!new />
            {reactive(move || login.get().map(|login| limits(&login)))}
        </fieldset>
    }
    .erase()
}

/// What this kind of sign-in allows, shown before it is used.
fn limits(login: &ClusterAccount) -> AnyView {
    let text = if login.is_root_pam() {
        "root@pam can do everything, including Docker in containers, but must not use two-factor authentication. The password is stored encrypted."
    } else if login.is_token() {
        "Proxmox rejects root-only options with a token: Docker in containers (keyctl), device passthrough and bind mounts. Everything else works."
    } else {
        "Only root@pam can enable Docker in containers (keyctl), device passthrough and bind mounts. Everything else works with the required privileges."
    };
    view! { <p class="muted">{text}</p> }.erase()
}
