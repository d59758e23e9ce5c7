//! The form of a new site.

use crate::erase::{Erase as _, act};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::{use_navigate, use_query_map};
use model::{nodes::ClusterView, sites::SiteForm};

use super::fields::{cluster_options, fields, fill, form_state, suggestions};
use crate::{
    components::{
        form::{Refusals, Submit},
        icon::icon,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, object_skeleton},
        toast::Toasts,
    },
    pages::rights::administrator,
    server_fns::{self, Failure},
};

/// The page.
pub fn page() -> AnyView {
    live_resource(
        Signal::from(()),
        |()| fetch(),
        |_| Vec::new(),
        object_skeleton,
        content,
    )
}

async fn fetch() -> Result<Vec<ClusterView>, Failure> {
    administrator().await?;
    server_fns::clusters::list().await
}

fn content(clusters: LiveResource<Vec<ClusterView>>) -> AnyView {
    // The cluster in the URL, or the first cluster.
    let named = use_query_map().with_untracked(|map| map.get_str("cluster").map(str::to_owned));
    let first = clusters.peek(|all| {
        let mut ids = all.iter().map(|cluster| cluster.id.to_string());
        ids.clone()
            .find(|id| Some(id) == named.as_ref())
            .or_else(|| ids.next())
            .unwrap_or_default()
    });
    let values = RwSignal::new(SiteForm {
        cluster: first,
        ..SiteForm::default()
    });
    let form = form_state(values);
    let suggestions = suggestions(values);
    fill(values, suggestions);
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let asked = values.get_untracked();
        let navigate = navigate.clone();
        spawn_local(async move {
            let name = asked.name.trim().to_owned();
            match server_fns::sites::create(asked).await {
                Ok(_) => {
                    toasts.notify(format!("Created the site {name}."));
                    navigate(&format!("/sites/{name}"), Default::default());
                }
                Err(failure) => form.refuse(failure),
            }
        });
    };
    let label = Signal::derive(move || values.with(|form| format!("Create {}", form.name.trim())));
    let options = Signal::derive(move || clusters.with(|all| cluster_options(all)));
    let none = clusters.peek(Vec::is_empty).then(|| {
        view! { <p class="panel panel-warning"><span>{icon("triangle-alert")} "A site needs a cluster. " <a class="link" href="/clusters/new">"Add a cluster"</a> " first."</span></p> }.erase()
    });
    view! {
        <PageHead title="New site" />
        <form class="form" novalidate on:submit=act(submit)>
            {none}
            <Refusals form />
            {fields(form, values, options, suggestions)}
            <div class="actions">
                <Submit form label />
                <a class="btn" href="/sites">"Cancel"</a>
            </div>
        </form>
    }
    .erase()
}
