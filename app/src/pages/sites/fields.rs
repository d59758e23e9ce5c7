//! The form fields of a site, for creation and update.

use crate::erase::Erase as _;
use leptos::{prelude::*, task::spawn_local};
use model::{
    ClusterId, FieldError, clusters::ClusterCapabilities, nodes::ClusterView, sites::SiteForm,
};

use crate::{
    bind,
    components::form::{Choice, Field, FormState},
    server_fns,
};

/// The state of a form with these values.
pub fn form_state(values: RwSignal<SiteForm>) -> FormState {
    FormState::new(move || values.with_untracked(refusals))
}

fn refusals(form: &SiteForm) -> Vec<FieldError> {
    form.parse().err().unwrap_or_default()
}

/// The choice of a cluster: id and name.
pub fn cluster_options(clusters: &[ClusterView]) -> Vec<(String, String)> {
    clusters
        .iter()
        .map(|cluster| (cluster.id.to_string(), cluster.name.clone()))
        .collect()
}

/// The resources of the chosen cluster, once it has responded; for suggestions.
pub fn suggestions(values: RwSignal<SiteForm>) -> RwSignal<Option<ClusterCapabilities>> {
    let suggestions = RwSignal::new(None);
    let cluster = Memo::new(move |_| values.with(|form| form.cluster.parse::<ClusterId>().ok()));
    Effect::new(move |_| {
        let Some(id) = cluster.get() else { return };
        suggestions.set(None);
        spawn_local(async move {
            // An unreachable cluster gives no suggestions; names can still be typed.
            let found = server_fns::clusters::check(id).await.ok();
            if cluster.try_get_untracked().flatten() == Some(id) {
                suggestions.try_set(found);
            }
        });
    });
    suggestions
}

/// Fills empty fields with the first suggestion of the cluster, which is often the only one.
pub fn fill(values: RwSignal<SiteForm>, suggestions: RwSignal<Option<ClusterCapabilities>>) {
    Effect::new(move |_| {
        let Some(found) = suggestions.get() else {
            return;
        };
        values.update(|form| {
            let fill = |field: &mut String, first: Option<String>| {
                if field.is_empty()
                    && let Some(first) = first
                {
                    *field = first;
                }
            };
            fill(&mut form.bridge, words(&found.bridges).into_iter().next());
            let templates = words(&found.template_storages());
            fill(&mut form.template_storage, templates.into_iter().next());
            let volumes = words(&found.volume_storages());
            fill(&mut form.volume_storage, volumes.into_iter().next());
        });
    });
}

fn words<T: ToString>(names: &[T]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// All fields, in groups.
pub fn fields(
    form: FormState,
    values: RwSignal<SiteForm>,
    clusters: Signal<Vec<(String, String)>>,
    suggestions: RwSignal<Option<ClusterCapabilities>>,
) -> AnyView {
    let of = move |read: fn(&ClusterCapabilities) -> Vec<String>| {
        Signal::derive(move || {
            suggestions.with(|found| found.as_ref().map(read).unwrap_or_default())
        })
    };
    let bridges = of(|found| words(&found.bridges));
    let templates = of(|found| words(&found.template_storages()));
    let volumes = of(|found| words(&found.volume_storages()));
    let hint = move |text: &'static str, options: Signal<Vec<String>>| {
        Signal::derive(move || {
            options.with(|options| {
                if options.is_empty() {
                    text.to_owned()
                } else {
                    format!("{text} The cluster has {}.", options.join(", "))
                }
            })
        })
    };
    view! {
        <fieldset class="card group">
            <legend class="card-title">"Names"</legend>
            <Field form name="name" label="Name" value=bind!(values, name) hint="Part of addresses, such as lab." />
            <Field form name="domain" label="Domain" value=bind!(values, domain)
                hint="Its containers are reached under it: web-1 becomes web-1.lab.example.org." />
        </fieldset>
        {network(form, values)}
        <fieldset class="card group">
            <legend class="card-title">"Cluster"</legend>
            <Choice form name="cluster" label="Cluster" value=bind!(values, cluster) options=clusters />
            <Field form name="bridge" label="Bridge" value=bind!(values, bridge) options=bridges
                hint=hint("The bridge on each node that containers are attached to, such as vmbr0.", bridges) />
            <Field form name="template_storage" label="Storage for templates" value=bind!(values, template_storage) options=templates
                hint=hint("Where templates and images are kept, such as local.", templates) />
            <Field form name="volume_storage" label="Storage for disks" value=bind!(values, volume_storage) options=volumes
                hint=hint("Where containers' disks are made, such as local-lvm.", volumes) />
            <Field form name="vmids" label="Numbers" value=bind!(values, vmids)
                hint="The numbers that containers have on the cluster, such as 1000-1999. Leave out those in other use." />
        </fieldset>
    }
    .erase()
}

fn network(form: FormState, values: RwSignal<SiteForm>) -> AnyView {
    view! {
        <fieldset class="card group">
            <legend class="card-title">"Network"</legend>
            <Field form name="network" label="Network" value=bind!(values, network) hint="Such as 10.20.0.0/16." />
            <Field form name="gateway" label="Gateway" value=bind!(values, gateway) hint="The way out of the network, such as 10.20.0.1." />
            <Field form name="range" label="Addresses for containers" value=bind!(values, range)
                hint="The first and the last, such as 10.20.0.100-10.20.0.250." />
            <Field form name="others" label="Addresses for other machines" optional=true value=bind!(values, others)
                hint="Given to machines in the network that are no containers, such as 10.20.9.10-10.20.9.99. Without it they get none." />
            <Field form name="forwarders" label="Name servers for other names" optional=true value=bind!(values, forwarders)
                hint="Asked for all names outside the site, with commas between them. Without one, names outside are not found." />
            <Field form name="ports" label="External ports" value=bind!(values, ports)
                hint="The ports that TCP and UDP services are given, such as 2000-2999." />
        </fieldset>
        <fieldset class="card group">
            <legend class="card-title">"From outside"</legend>
            <Field form name="public_v4" label="Public address (IPv4)" optional=true value=bind!(values, public_v4)
                hint="Where the internet reaches the site's edge hosts, such as 198.51.100.7. DNS providers of its domains are told it for each published name, where a domain wants that." />
            <Field form name="public_v6" label="Public address (IPv6)" optional=true value=bind!(values, public_v6)
                hint="The same by IPv6, such as 2001:db8::7." />
        </fieldset>
    }
    .erase()
}
