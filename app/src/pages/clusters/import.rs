//! Containers of a cluster that are not managed, and their import.

use model::{
    SiteId,
    clusters::{ImportRequest, ImportResult, ObservedContainer},
    containers::Status,
};

use super::show::ClusterPage;
use crate::{
    components::{badge::status_badge, form::Refusals},
    pages::prelude::*,
};

/// A container with the selection.
type Candidate = (ObservedContainer, RwSignal<ImportRequest>);

const ROWS: Rows<Candidate> = Rows {
    label: "Unmanaged containers",
    id: |(container, _)| container.vmid.into(),
    columns: &[
        live_column("", "", select),
        main_column("Name", |(container, _)| {
            view! { <strong>{name(container)}</strong> }.erase()
        }),
        column("VMID", "num", |(container, _)| text(container.vmid)),
        badge_column("Status", |(container, _)| {
            status_badge(match container.running {
                true => Status::Running,
                false => Status::Stopped,
            })
        }),
        column("Node", "", |(container, _)| text(&container.node)),
    ],
};

/// The selection.
#[derive(Clone, Copy)]
struct ImportSelection {
    values: RwSignal<ImportRequest>,
    form: FormState,
    refused: RwSignal<Vec<ImportResult>>,
}

pub fn card(page: LiveResource<ClusterPage>) -> AnyView {
    let sites = page.part(|page| page.sites.clone());
    let first = sites.with_untracked(|sites| sites.first().map(|(id, _)| id.to_string()));
    let selection = ImportSelection {
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
                {candidates(page, selection)}
                <p>"Containers are imported into a site. " <a class="link" href=new_site(page)>"Create a site on this cluster first"</a>"."</p>
            }.erase();
        }
        form(page, selection, sites)
    });
    let total = page.part(|page| page.cluster.unmanaged.len());
    view! {
        <section class="card stack-tight" aria-label="Unmanaged containers">
            <h2 class="card-title">"Unmanaged containers" <span class="muted num">{total}</span></h2>
            {outcome(selection)}
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
    selection: ImportSelection,
    sites: Memo<Vec<(SiteId, String)>>,
) -> AnyView {
    let ImportSelection { values, form, .. } = selection;
    let options = Signal::derive(move || {
        sites.with(|sites| {
            let choice = |(id, name): &(SiteId, String)| (id.to_string(), name.clone());
            sites.iter().map(choice).collect::<Vec<_>>()
        })
    });
    let owners = page.part(|page| page.owners.clone());
    view! {
        <form class="stack" novalidate on:submit=act(move |ev| import_containers(ev, page, selection))>
            <Refusals form />
            <p class="muted">"Importing does not change a container. Afterwards, Holdfast can start, stop, edit and delete it."</p>
            {candidates(page, selection)}
            <div class="pair">
                <Choice form name="site" label="Site" value=bind!(values, site) options=options />
                <Field form name="owner" label="Owner" value=bind!(values, owner) options=owners hint="The user who owns the imported containers." />
            </div>
            {submit(selection)}
        </form>
    }
    .erase()
}

/// The button, which is disabled while no containers are selected.
fn submit(selection: ImportSelection) -> AnyView {
    let ImportSelection { values, form, .. } = selection;
    let count = Memo::new(move |_| values.with(|import| import.vmids.len()));
    let disabled = Signal::derive(move || form.busy.get() || count.get() == 0);
    let label = Signal::derive(move || match count.get() {
        0 => "Import containers".to_owned(),
        count => format!("Import {}", containers(count)),
    });
    let hint =
        reactive(move || (count.get() == 0).then(|| muted("Select at least one container above.")));
    view! {
        <div class="actions">
            <button
                type="submit"
                class="btn btn-primary"
                class:btn-busy=form.busy
                disabled=disabled
                aria-describedby="import-hint"
                aria-busy=Signal::derive(move || form.busy.get().to_string())
                // As in `Submit`: keep the focus in the current field until the click is complete.
                on:mousedown=act(|ev: leptos::ev::MouseEvent| ev.prevent_default())
            >
                {label}
            </button>
            <span id="import-hint">{hint}</span>
        </div>
    }
    .erase()
}

fn containers(count: usize) -> String {
    format_count(count as u64, ("container", "containers"))
}

fn import_containers(
    ev: leptos::ev::SubmitEvent,
    page: LiveResource<ClusterPage>,
    selection: ImportSelection,
) {
    ev.prevent_default();
    let ImportSelection {
        values,
        form,
        refused,
    } = selection;
    if !form.submit() {
        return;
    }
    let id = page.peek(|page| page.cluster.view.id);
    let request = values.get_untracked();
    let toasts = Toasts::here();
    spawn_local(async move {
        match server_fns::clusters::import(id, request).await {
            Ok(outcomes) => {
                form.busy.try_set(false);
                let (imported, not_imported): (Vec<_>, Vec<_>) = outcomes
                    .into_iter()
                    .partition(|result| result.outcome.is_ok());
                if !imported.is_empty() {
                    toasts.notify(format!("Imported {}.", containers(imported.len())));
                }
                values.try_update(|import| import.vmids.clear());
                refused.try_set(not_imported);
                page.refresh();
            }
            Err(failure) => form.refuse(failure),
        }
    });
}

/// The containers that could not be imported, and why.
fn outcome(selection: ImportSelection) -> AnyView {
    reactive(move || {
        let refused = selection.refused.get();
        let reason = |result: ImportResult| {
            let (vmid, reason) = (format!("CT {}: ", result.vmid), result.outcome.err()?);
            Some(view! { <li><strong>{vmid}</strong>{reason}</li> }.erase())
        };
        let each = refused.into_iter().filter_map(reason).collect::<Vec<_>>();
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

/// The table of the containers.
fn candidates(page: LiveResource<ClusterPage>, selection: ImportSelection) -> AnyView {
    let containers = page.part(move |page| {
        let all = page.cluster.unmanaged.iter().cloned();
        all.map(|container| (container, selection.values))
            .collect::<Vec<_>>()
    });
    table(containers, &ROWS)
}

/// The name of a container; its VMID until Proxmox reports a name.
fn name(container: &ObservedContainer) -> String {
    let name = container.name.clone();
    name.unwrap_or_else(|| format!("CT {}", container.vmid))
}

/// The checkbox that selects a container.
fn select(candidate: Memo<Option<Candidate>>) -> AnyView {
    let Some((ObservedContainer { vmid, .. }, values)) = candidate.get_untracked() else {
        return ().erase();
    };
    let label = move || {
        candidate
            .get()
            .map(|(container, _)| name(&container))
            .unwrap_or_default()
    };
    select_box(
        Signal::derive(label),
        Signal::derive(move || values.with(|import| import.vmids.contains(&vmid))),
        Callback::new(move |()| values.update(|import| toggle(&mut import.vmids, vmid))),
    )
}
