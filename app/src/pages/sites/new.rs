//! The form of a new site.

use model::{nodes::ClusterView, sites::SiteForm};

use super::fields::{cluster_options, fields, fill, suggestions};
use crate::pages::prelude::*;

pub fn page() -> AnyView {
    form_page(fetch, |_| Vec::new(), content)
}

async fn fetch() -> Result<Vec<ClusterView>, RequestError> {
    require_role::<SiteManage>().await?;
    server_fns::clusters::list().await
}

fn content(clusters: LiveResource<Vec<ClusterView>>) -> AnyView {
    let cluster =
        clusters.peek(|all| preselected(all, "cluster", |row| row.id.to_string(), |row| row.id));
    let values = RwSignal::new(SiteForm {
        cluster,
        ..SiteForm::default()
    });
    let form = FormState::of(values, SiteForm::parse);
    let suggestions = suggestions(values);
    fill(values, suggestions);
    let options = Signal::derive(move || clusters.with(|all| cluster_options(all)));
    let notice = clusters.peek(Vec::is_empty).then(|| {
        let link = ("/clusters/new", "Add a cluster");
        prerequisite("A site needs a cluster. ", link, true)
    });
    let fields = view! { {notice} {fields(form, values, options, suggestions)} }.erase();
    let name = |form: &SiteForm| form.name.trim().to_owned();
    let create = save(values, name, server_fns::sites::create);
    create_form(Kind::Site, form, fields, create)
}
