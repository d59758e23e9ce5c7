//! One site: what is in it, its settings, and its end.

use crate::solid::{Solid as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map},
};
use model::{
    events::{Event, Topic},
    nodes::ClusterView,
    sites::{SiteForm, SiteRow},
};

use super::fields::{cluster_options, fields, form_state, offered};
use crate::{
    api::{self, Failure},
    components::{
        danger::{Ending, asked, danger},
        form::{Refusals, Submit},
        fresh::fresh,
        icon::icon,
        loaded::{Loaded, loaded},
        page::{PageHead, object_skeleton},
        toast::Toasts,
    },
    pages::rights::administrator,
};

/// A site, and the clusters that it may be on.
type Shown = (SiteRow, Vec<ClusterView>);

/// The page.
pub fn page() -> AnyView {
    let parameters = use_params_map();
    let name = Memo::new(move |_| {
        parameters.with(|all| all.get_str("site").unwrap_or_default().to_owned())
    });
    let interests = |(site, _): &Shown| {
        vec![
            Event::of(Topic::Site, site.id.0),
            Event::all(Topic::Container),
        ]
    };
    // Another site is another page, so that nothing typed for one is kept for the other.

    reactive(move || {
        loaded(
            Signal::from(name.get()),
            fetch,
            interests,
            object_skeleton,
            content,
        )
    })
}

async fn fetch(name: String) -> Result<Shown, Failure> {
    administrator().await?;
    Ok((api::sites::get(name).await?, api::clusters::list().await?))
}

fn content(shown: Loaded<Shown>) -> AnyView {
    let name = shown.part(|(site, _)| site.spec.name.to_string());
    let containers = move || {
        let href = format!("/containers?site={}", name.get());
        view! { <a class="btn" href=href>{icon("container")} "Its containers"</a> }.solid()
    };
    view! {
        <PageHead title=name actions=move || reactive(containers) />
        <div class="stack stack-narrow">
            {facts(shown)}
            {settings(shown)}
            {end(shown, name)}
        </div>
    }
    .solid()
}

fn facts(shown: Loaded<Shown>) -> AnyView {
    reactive(move || {
        shown.with(|(site, _)| {
            view! {
                <dl class="card facts">
                    <dt>"Domain"</dt><dd class="mono">{site.spec.domain.to_string()}</dd>
                    <dt>"Cluster"</dt><dd>{site.cluster_name.clone()}</dd>
                    <dt>"Containers"</dt><dd class="num">{site.containers}</dd>
                    <dt>"Free addresses"</dt><dd class="num">{site.addresses_free}</dd>
                </dl>
            }
            .solid()
        })
    })
}

fn settings(shown: Loaded<Shown>) -> AnyView {
    let values = fresh(shown.part(|(site, _)| SiteForm::from(&site.spec)));
    let form = form_state(values);
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let (id, before) = shown.peek(|(site, _)| (site.id, site.spec.name.to_string()));
        let asked = values.get_untracked();
        let navigate = navigate.clone();
        spawn_local(async move {
            let name = asked.name.trim().to_owned();
            if let Err(failure) = api::sites::update(id, asked).await {
                form.refuse(failure);
                return;
            }
            form.busy.try_set(false);
            toasts.tell(format!("Saved {name}."));
            if name == before {
                shown.refresh();
            } else {
                let replace = NavigateOptions {
                    replace: true,
                    ..NavigateOptions::default()
                };
                navigate(&format!("/sites/{name}"), replace);
            }
        });
    };
    let options = Signal::derive(move || shown.with(|(_, clusters)| cluster_options(clusters)));
    let held = shown.part(|(site, _)| site.containers > 0);
    let note = reactive(move || {
        held.get().then(|| {
            view! { <p class="muted">"While the site has containers, its name, cluster, bridge, network and gateway stay as they are."</p> }.solid()
        })
    });
    view! {
        <form class="form" novalidate on:submit=act(submit)>
            <h2 class="section-title">"Settings"</h2>
            {note}
            <Refusals form />
            {fields(form, values, options, offered(values))}
            <div class="actions"><Submit form label="Save the site" /></div>
        </form>
    }
    .solid()
}

fn end(shown: Loaded<Shown>, name: Memo<String>) -> AnyView {
    let count = shown.part(|(site, _)| site.containers);
    let held = move |()| {
        let what = match count.get() {
            0 => return None,
            1 => "1 container".to_owned(),
            count => format!("{count} containers"),
        };
        let href = format!("/containers?site={}", name.get());
        Some(view! { <p>"The site has " <a class="link" href=href>{what}</a> ". Delete these first; then the site can be deleted."</p> }.solid())
    };
    danger(Ending {
        verb: "Delete",
        what: "site",
        name,
        losses: Signal::derive(move || shown.with(|(site, _)| losses(site))),
        note: "The cluster and its bridge stay as they are.",
        held: Callback::new(held),
        list: "/sites",
        ask: asked(move |typed| api::sites::delete(shown.peek(|(site, _)| site.id), typed)),
    })
}

/// What goes with a site, in words for the dialog.
fn losses(site: &SiteRow) -> Vec<String> {
    let spec = &site.spec;
    vec![
        format!("The site {} with its settings", spec.name),
        format!("Its place in the domain {}", spec.domain),
        format!(
            "The reservation of the addresses {} and the ports {}",
            spec.range, spec.ports
        ),
    ]
}
