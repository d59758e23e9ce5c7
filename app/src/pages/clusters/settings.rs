//! The connection to a cluster, and its removal.

use crate::erase::Erase as _;
use leptos::prelude::*;
use model::clusters::ClusterForm;

use super::{
    fields::{fields, form_state},
    show::ClusterPage,
};
use crate::{
    components::{
        delete_card::{DeleteCard, delete_call, delete_card},
        form_values::form_values,
        live_resource::LiveResource,
        object_form::{Saved, SettingsForm, save_call, settings_form},
    },
    server_fns,
};

/// The tab.
pub fn tab(page: LiveResource<ClusterPage>, name: Memo<String>) -> AnyView {
    view! { <div class="stack stack-narrow">{form(page, name)} {removal(page, name)}</div> }.erase()
}

fn form(page: LiveResource<ClusterPage>, name: Memo<String>) -> AnyView {
    let values = form_values(page.part(|page| ClusterForm::from(&page.cluster)));
    let form = form_state(values, false);
    let update = save_call(move || {
        let id = page.peek(|page| page.cluster.view.id);
        let answer = server_fns::clusters::update(id, values.get_untracked());
        async move {
            let name = answer.await?;
            values.try_update(|form| form.secret.clear());
            Ok(Saved::named(name.to_string()))
        }
    });
    settings_form(SettingsForm {
        form,
        notice: None,
        fields: fields(form, values, false),
        key: name,
        path: |name| format!("/clusters/{name}/settings"),
        update,
        refresh: page.refresher(),
    })
}

fn removal(page: LiveResource<ClusterPage>, name: Memo<String>) -> AnyView {
    let sites = page.part(|page| !page.cluster.sites.is_empty());
    let blocked = move |()| {
        sites.get().then(|| {
            view! { <p>"The cluster has sites. " <a class="link" href="/sites">"Delete these first"</a> "."</p> }.erase()
        })
    };
    let losses = vec![
        "Its address, fingerprint and credentials".to_owned(),
        "Its observed state".to_owned(),
    ];
    delete_card(DeleteCard {
        verb: "Remove",
        what: "cluster",
        name,
        losses: Signal::stored(losses),
        note: Signal::stored("The cluster itself does not change."),
        blocked: Callback::new(blocked),
        list: "/clusters",
        ask: delete_call(move |typed| {
            server_fns::clusters::delete(page.peek(|page| page.cluster.view.id), typed)
        }),
    })
}
