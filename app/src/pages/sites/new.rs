//! The form of a new site.

use model::{nodes::ClusterView, sites::SiteForm};

use super::fields::{cluster_options, fields, fill, form_state, suggestions};
use crate::pages::prelude::*;

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
    require_administrator().await?;
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
    let options = Signal::derive(move || clusters.with(|all| cluster_options(all)));
    let none = clusters.peek(Vec::is_empty).then(|| {
        view! { <p class="panel panel-warning"><span>{icon("triangle-alert")} "A site needs a cluster. " <a class="link" href="/clusters/new">"Add a cluster"</a> " first."</span></p> }.erase()
    });
    create_form(CreateForm {
        title: "New site",
        verb: "Create",
        what: "site",
        list: "/sites",
        name: bind!(values, name).get,
        form,
        notice: none,
        fields: fields(form, values, options, suggestions),
        create: save(
            values,
            |form| form.name.trim().to_owned(),
            server_fns::sites::create,
        ),
    })
}
