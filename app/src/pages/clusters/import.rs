//! Containers of a cluster that are not managed, and their import.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use model::{
    SiteId,
    clusters::{ImportRequest, ImportResult, UnmanagedContainer},
};

use super::show::ClusterPage;
use crate::{
    bind,
    components::{
        badge::{Tone, badge},
        form::{Choice, Field, FormState, Refusals, Submit},
        icon::icon,
        live_resource::LiveResource,
        toast::Toasts,
    },
    server_fns,
};

/// The selection.
#[derive(Clone, Copy)]
struct Choosing {
    values: RwSignal<ImportRequest>,
    form: FormState,
    refused: RwSignal<Vec<ImportResult>>,
}

/// The card.
pub fn card(page: LiveResource<ClusterPage>) -> AnyView {
    let sites = page.part(|page| page.sites.clone());
    let first = sites.with_untracked(|sites| sites.first().map(|(id, _)| id.to_string()));
    let choosing = Choosing {
        values: RwSignal::new(ImportRequest {
            site: first.unwrap_or_default(),
            owner: page.peek(|page| page.me.name.to_string()),
            vmids: Vec::new(),
        }),
        form: FormState::new(Vec::new),
        refused: RwSignal::new(Vec::new()),
    };
    let none = page.part(|page| page.cluster.unmanaged.is_empty());
    let body = reactive(move || {
        if none.get() {
            return view! { <p class="muted">"No unmanaged containers on this cluster."</p> }
                .erase();
        }
        if sites.with(Vec::is_empty) {
            return view! {
                {table(page, choosing)}
                <p>"Containers are imported into a site. " <a class="link" href=new_site(page)>"Create a site on this cluster first"</a>"."</p>
            }.erase();
        }
        form(page, choosing, sites)
    });
    let count = page.part(|page| page.cluster.unmanaged.len());
    view! {
        <section class="card stack-tight" aria-label="Unmanaged containers">
            <h2 class="card-title">"Unmanaged containers" <span class="muted num">{count}</span></h2>
            {outcome(choosing)}
            {body}
        </section>
    }
    .erase()
}

/// The URL of the form for a new site on this cluster.
pub fn new_site(page: LiveResource<ClusterPage>) -> String {
    let id = page.peek(|page| page.cluster.view.id);
    format!("/sites/new?cluster={id}")
}

fn form(
    page: LiveResource<ClusterPage>,
    choosing: Choosing,
    sites: Memo<Vec<(SiteId, String)>>,
) -> AnyView {
    let Choosing { values, form, .. } = choosing;
    let options = Signal::derive(move || {
        sites.with(|sites| {
            let choice = |(id, name): &(SiteId, String)| (id.to_string(), name.clone());
            sites.iter().map(choice).collect::<Vec<_>>()
        })
    });
    let owners = page.part(|page| page.people.clone());
    let label = Signal::derive(move || {
        values.with(|import| match import.vmids.len() {
            0 => "Import containers".to_owned(),
            1 => "Import 1 container".to_owned(),
            count => format!("Import {count} containers"),
        })
    });
    view! {
        <form class="stack" novalidate on:submit=act(move |ev| import_containers(ev, page, choosing))>
            <Refusals form />
            <p class="muted">"Importing does not change a container. Afterwards, Holdfast can start, stop, edit and delete it."</p>
            {table(page, choosing)}
            <div class="pair">
                <Choice form name="site" label="Site" value=bind!(values, site) options=options />
                <Field form name="owner" label="Owner" value=bind!(values, owner) options=owners hint="The user who owns the imported containers." />
            </div>
            <div class="actions"><Submit form label /></div>
        </form>
    }
    .erase()
}

fn import_containers(
    ev: leptos::ev::SubmitEvent,
    page: LiveResource<ClusterPage>,
    choosing: Choosing,
) {
    ev.prevent_default();
    let Choosing {
        values,
        form,
        refused,
    } = choosing;
    if !form.submit() {
        return;
    }
    let id = page.peek(|page| page.cluster.view.id);
    let asked = values.get_untracked();
    let toasts = Toasts::here();
    spawn_local(async move {
        match server_fns::clusters::import_containers(id, asked).await {
            Ok(outcomes) => {
                form.busy.try_set(false);
                let (done, not): (Vec<_>, Vec<_>) = outcomes
                    .into_iter()
                    .partition(|imported| imported.outcome.is_ok());
                if !done.is_empty() {
                    toasts.notify(match done.len() {
                        1 => "Imported 1 container.".to_owned(),
                        count => format!("Imported {count} containers."),
                    });
                }
                values.try_update(|import| import.vmids.clear());
                refused.try_set(not);
                page.refresh();
            }
            Err(failure) => form.refuse(failure),
        }
    });
}

/// The containers that could not be imported, and why.
fn outcome(choosing: Choosing) -> AnyView {
    reactive(move || {
        let refused = choosing.refused.get();
        let each = refused
            .into_iter()
            .filter_map(|imported| {
                let reason = imported.outcome.err()?;
                Some(
                    view! { <li><strong>{format!("CT {}: ", imported.vmid)}</strong>{reason}</li> }
                        .erase(),
                )
            })
            .collect::<Vec<_>>();
        (!each.is_empty()).then(|| {
            view! {
                <div class="panel panel-warning" role="alert">
                    <p class="panel-title">{icon("triangle-alert")} "Not imported"</p>
                    <ul class="links">{each}</ul>
                </div>
            }
            .erase()
        })
    })
}

fn table(page: LiveResource<ClusterPage>, choosing: Choosing) -> AnyView {
    let vmids = page.part(|page| {
        let numbers = page.cluster.unmanaged.iter().map(|guest| guest.vmid);
        numbers.collect::<Vec<_>>()
    });
    let render_row = move |vmid: u32| {
        let found = page.part(move |page| {
            let mut all = page.cluster.unmanaged.iter();
            all.find(|guest| guest.vmid == vmid).cloned()
        });
        row(found, vmid, choosing)
    };
    view! {
        <table class="list" role="table" aria-label="Unmanaged containers">
            <thead role="rowgroup">
                <tr role="row">
                    <td role="cell"></td>
                    <th role="columnheader" scope="col">"Name"</th>
                    <th role="columnheader" scope="col">"VMID"</th>
                    <th role="columnheader" scope="col">"State"</th>
                    <th role="columnheader" scope="col">"Node"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For each=move || vmids.get() key=|vmid| *vmid children=render_row />
            </tbody>
        </table>
    }
    .erase()
}

fn row(found: Memo<Option<UnmanagedContainer>>, vmid: u32, choosing: Choosing) -> AnyView {
    let chosen =
        Signal::derive(move || choosing.values.with(|import| import.vmids.contains(&vmid)));
    let pick = move |_| {
        choosing.form.typed("vmids");
        choosing.values.update(|import| {
            match import.vmids.iter().position(|chosen| *chosen == vmid) {
                Some(place) => {
                    import.vmids.remove(place);
                }
                None => import.vmids.push(vmid),
            }
        });
    };
    reactive(move || {
        let guest = found.get()?;
        let name = guest.name.unwrap_or_else(|| format!("CT {vmid}"));
        let state = if guest.running {
            badge("running", Tone::Good, "circle-play")
        } else {
            badge("stopped", Tone::Plain, "circle-stop")
        };
        Some(view! {
            <tr role="row">
                <td role="cell"><input type="checkbox" aria-label=format!("Select {name}") prop:checked=chosen on:change=act(pick) /></td>
                <td role="cell" class="cell-main"><strong>{name.clone()}</strong></td>
                <td role="cell" data-label="VMID" class="num">{vmid}</td>
                <td role="cell">{state}</td>
                <td role="cell" data-label="Node">{guest.node}</td>
            </tr>
        }.erase())
    })
}
