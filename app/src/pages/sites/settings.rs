//! The settings of a site, and its deletion.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use model::sites::{SiteForm, SiteRow};

use super::{
    fields::{cluster_options, fields, form_state, suggestions},
    show::SitePage,
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
pub fn tab(page: LiveResource<SitePage>, name: Memo<String>) -> AnyView {
    view! { <div class="stack stack-narrow">{form(page)} {deletion(page, name)}</div> }.erase()
}

fn form(page: LiveResource<SitePage>) -> AnyView {
    let values = fresh(page.part(|page| SiteForm::from(&page.site.spec)));
    let form = form_state(values);
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let (id, before) = page.peek(|page| (page.site.id, page.site.spec.name.to_string()));
        let asked = values.get_untracked();
        let navigate = navigate.clone();
        spawn_local(async move {
            let name = asked.name.trim().to_owned();
            if let Err(failure) = server_fns::sites::update(id, asked).await {
                form.refuse(failure);
                return;
            }
            form.busy.try_set(false);
            toasts.notify(format!("Saved {name}."));
            if name == before {
                page.refresh();
            } else {
                let replace = NavigateOptions {
                    replace: true,
                    ..NavigateOptions::default()
                };
                navigate(&format!("/sites/{name}/settings"), replace);
            }
        });
    };
    let options = Signal::derive(move || page.with(|page| cluster_options(&page.clusters)));
    let blocked = page.part(|page| page.site.containers > 0);
    let note = reactive(move || {
        blocked.get().then(|| {
            view! { <p class="muted">"Name, cluster, bridge, network and gateway cannot change while the site has containers."</p> }.erase()
        })
    });
    view! {
        <form class="form" novalidate on:submit=act(submit)>
            <h2 class="section-title">"Settings"</h2>
            {note}
            <Refusals form />
            {fields(form, values, options, suggestions(values))}
            <div class="actions"><Submit form label="Save" /></div>
        </form>
    }
    .erase()
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
