//! The connection to a cluster, and its removal.

use crate::erase::{Erase as _, act};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use model::clusters::ClusterForm;

use super::{
    fields::{fields, form_state},
    show::ClusterPage,
};
use crate::{
    components::{
        delete_card::{DeleteCard, delete_call, delete_card},
        form::{Refusals, Submit},
        fresh::fresh,
        live_resource::LiveResource,
        toast::Toasts,
    },
    server_fns,
};

/// The tab.
pub fn tab(page: LiveResource<ClusterPage>, name: Memo<String>) -> AnyView {
    view! { <div class="stack stack-narrow">{form(page)} {removal(page, name)}</div> }.erase()
}

fn form(page: LiveResource<ClusterPage>) -> AnyView {
    let values = fresh(page.part(|page| ClusterForm::from(&page.cluster)));
    let form = form_state(values, false);
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let (id, before) = page.peek(|page| {
            let view = &page.cluster.view;
            (view.id, view.name.clone())
        });
        let asked = values.get_untracked();
        let navigate = navigate.clone();
        spawn_local(async move {
            let name = match server_fns::clusters::update(id, asked).await {
                Ok(name) => name,
                Err(failure) => return form.refuse(failure),
            };
            form.busy.try_set(false);
            values.try_update(|form| form.secret.clear());
            toasts.notify(format!("Saved {name}."));
            if name.as_str() == before {
                page.refresh();
            } else {
                let replace = NavigateOptions {
                    replace: true,
                    ..NavigateOptions::default()
                };
                navigate(&format!("/clusters/{name}/settings"), replace);
            }
        });
    };
    view! {
        <form class="form" novalidate on:submit=act(submit)>
            <h2 class="section-title">"Settings"</h2>
            <Refusals form />
            {fields(form, values, false)}
            <div class="actions"><Submit form label="Save" /></div>
        </form>
    }
    .erase()
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
