//! The settings of a site, and its deletion.

use model::sites::{SiteForm, SiteRow};

use super::{
    fields::{cluster_options, fields, suggestions},
    show::SitePage,
};
use crate::pages::{
    containers::{container_count, delete_first},
    prelude::*,
};

pub fn tab(page: LiveResource<SitePage>, name: Memo<String>) -> AnyView {
    view! { <div class="stack stack-narrow">{form(page, name)} {deletion(page, name)}</div> }
        .erase()
}

fn form(page: LiveResource<SitePage>, name: Memo<String>) -> AnyView {
    let values = form_values(page.part(|page| SiteForm::from(&page.site.spec)));
    let form = FormState::of(values, SiteForm::parse);
    let options = Signal::derive(move || page.with(|page| cluster_options(&page.clusters)));
    let blocked = page.part(|page| page.site.containers > 0);
    let note = reactive_if(blocked, move || {
        view! { <p class="muted">"Name, cluster, bridge, network and gateway cannot change while the site has containers."</p> }.erase()
    });
    let fields = view! { {note} {fields(form, values, options, suggestions(values))} }.erase();
    let stored_name = |form: &SiteForm| form.name.trim().to_owned();
    let update = save(values, stored_name, move |submitted| {
        server_fns::sites::update(page.peek(|page| page.site.id), submitted)
    });
    settings_form(Kind::Site, name, form, fields, update, page.refresher())
}

fn deletion(page: LiveResource<SitePage>, name: Memo<String>) -> AnyView {
    let count = page.part(|page| page.site.containers);
    let blocked = move || {
        let count = Some(count.get()).filter(|count| *count > 0)?;
        let href = format!("/containers?site={}", name.get());
        Some(view! { <p>"The site has " <a class="link" href=href>{container_count(count)}</a> {delete_first(count)}</p> }.erase())
    };
    let consequences = move || page.with(|page| consequences(&page.site));
    delete_card(Kind::Site, name, consequences, move |typed| {
        server_fns::sites::delete(page.peek(|page| page.site.id), typed)
    })
    .note("The cluster and its bridge do not change.")
    .blocked(blocked)
    .view()
}

/// The objects that are deleted along with a site.
fn consequences(site: &SiteRow) -> Vec<String> {
    let spec = &site.spec;
    vec![
        format!("The site {} and its settings", spec.name),
        format!("The container names under {}", spec.domain),
        format!(
            "The reservation of addresses {} and ports {}",
            spec.range, spec.ports
        ),
    ]
}
