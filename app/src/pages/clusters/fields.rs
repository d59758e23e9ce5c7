//! The form fields of a cluster, for creation and update.

use model::clusters::{ClusterAccount, ClusterForm};

use super::certificate::certificate;
use crate::pages::prelude::*;

/// All fields, in groups.
pub fn fields(form: FormState, values: RwSignal<ClusterForm>, new: bool) -> AnyView {
    let account =
        Memo::new(move |_| values.with(|form| form.account.parse::<ClusterAccount>().ok()));
    let secret_hint = Signal::derive(move || {
        let hint = match account.get() {
            Some(account) if account.is_token() => "The token secret that Proxmox showed once.",
            Some(_) => "The user's password.",
            None => "The token secret or the user's password.",
        };
        match new {
            true => hint.to_owned(),
            false => format!("{hint} Leave empty to keep the current secret."),
        }
    });
    let cluster = view! {
        <Field form name="name" label="Name" value=bind!(values, name) hint="The name in Holdfast, such as home." />
        <Field form name="url" label="Node address" value=bind!(values, url)
            hint="Such as pve1.example.org or 10.0.0.1. Other nodes are discovered automatically." />
    };
    let credentials = view! {
        <Field form name="account" label="User or API token" value=bind!(values, account)
            hint="A token such as holdfast@pve!holdfast, or a user such as root@pam." />
        <Field form name="secret" label="Secret" entry=Entry::Secret value=bind!(values, secret) hint=secret_hint optional=!new />
        {reactive_option(account, move |account| limits(&account))}
    };
    view! {
        {group("Cluster", cluster.erase())}
        {certificate(form, values)}
        {group("Credentials", credentials.erase())}
    }
    .erase()
}

/// What this kind of account allows, shown before it is used.
fn limits(account: &ClusterAccount) -> AnyView {
    let text = if account.is_root_pam() {
        "root@pam can do everything, including Docker in containers, but must not use two-factor authentication. The password is stored encrypted."
    } else if account.is_token() {
        "Proxmox rejects root-only options with a token: Docker in containers (keyctl), device passthrough and bind mounts. Everything else works."
    } else {
        "Only root@pam can enable Docker in containers (keyctl), device passthrough and bind mounts. Everything else works with the required privileges."
    };
    view! { <p class="muted">{text}</p> }.erase()
}
