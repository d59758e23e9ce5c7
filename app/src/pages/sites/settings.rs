//! The settings of a site, and its deletion.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::sites::{SiteForm, SiteRow};

use super::{
    fields::{cluster_options, fields, form_state, suggestions},
    show::SitePage,
};
use crate::{
    components::{
        delete_card::{DeleteCard, delete_call, delete_card},
        form_values::form_values,
        live_resource::LiveResource,
        object_form::{SettingsForm, save, settings_form},
    },
    server_fns,
};

/// The tab.
pub fn tab(page: LiveResource<SitePage>, name: Memo<String>) -> AnyView {
    view! { <div class="stack stack-narrow">{form(page, name)} {deletion(page, name)}</div> }
        .erase()
}

fn form(page: LiveResource<SitePage>, name: Memo<String>) -> AnyView {
    let values = form_values(page.part(|page| SiteForm::from(&page.site.spec)));
    let form = form_state(values);
    let update = move |asked| {
        let id = page.peek(|page| page.site.id);
        server_fns::sites::update(id, asked)
    };
    let options = Signal::derive(move || page.with(|page| cluster_options(&page.clusters)));
    let blocked = page.part(|page| page.site.containers > 0);
    let note = reactive(move || {
        blocked.get().then(|| {
            view! { <p class="muted">"Name, cluster, bridge, network and gateway cannot change while the site has containers."</p> }.erase()
        })
    });
    settings_form(SettingsForm {
        form,
        notice: Some(note),
        fields: fields(form, values, options, suggestions(values)),
        key: name,
        path: |name| format!("/sites/{name}/settings"),
        update: save(values, |form| form.name.trim().to_owned(), update),
        refresh: page.refresher(),
    })
}

fn deletion(page: LiveResource<SitePage>, name: Memo<String>) -> AnyView {
    let count = page.part(|page| page.site.containers);
    let blocked = move |()| {
        let what = match count.get() {
            0 => return None,
            1 => "1 container".to_owned(),
            count => format!("{count} containers"),
        };
        let href = format!("/containers?site={}", name.get());
        Some(view! { <p>"The site has " <a class="link" href=href>{what}</a> ". Delete these first."</p> }.erase())
    };
    delete_card(DeleteCard {
        verb: "Delete",
        what: "site",
        name,
        losses: Signal::derive(move || page.with(|page| losses(&page.site))),
        note: Signal::stored("The cluster and its bridge do not change."),
        blocked: Callback::new(blocked),
        list: "/sites",
        ask: delete_call(move |typed| {
            server_fns::sites::delete(page.peek(|page| page.site.id), typed)
        }),
    })
}

/// The objects that are deleted along with a site.
fn losses(site: &SiteRow) -> Vec<String> {
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
