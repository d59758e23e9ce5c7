//! The fields of a site, the same for a new one and for one that is changed.

use crate::solid::Solid as _;
use leptos::prelude::*;
use model::{FieldError, nodes::ClusterView, sites::SiteForm};

use crate::{
    bind,
    components::form::{Choice, Field, FormState},
};

/// The state of a form with these values.
pub fn form_state(values: RwSignal<SiteForm>) -> FormState {
    FormState::new(move || values.with_untracked(refusals))
}

fn refusals(form: &SiteForm) -> Vec<FieldError> {
    form.parse().err().unwrap_or_default()
}

/// The choice of a cluster: its key and its name.
pub fn cluster_options(clusters: &[ClusterView]) -> Vec<(String, String)> {
    clusters
        .iter()
        .map(|cluster| (cluster.id.to_string(), cluster.name.clone()))
        .collect()
}

/// All fields, in groups.
pub fn fields(
    form: FormState,
    values: RwSignal<SiteForm>,
    clusters: Signal<Vec<(String, String)>>,
) -> AnyView {
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
            <Field form name="bridge" label="Bridge" value=bind!(values, bridge) hint="The bridge on each node that containers are attached to, such as vmbr0." />
            <Field form name="template_storage" label="Storage for templates" value=bind!(values, template_storage)
                hint="Where templates and images are kept, such as local." />
            <Field form name="volume_storage" label="Storage for disks" value=bind!(values, volume_storage)
                hint="Where containers' disks are made, such as local-lvm." />
            <Field form name="vmids" label="Numbers" value=bind!(values, vmids)
                hint="The numbers that containers have on the cluster, such as 1000-1999. Leave out those in other use." />
        </fieldset>
    }
    .solid()
}

fn network(form: FormState, values: RwSignal<SiteForm>) -> AnyView {
    view! {
        <fieldset class="card group">
            <legend class="card-title">"Network"</legend>
            <Field form name="network" label="Network" value=bind!(values, network) hint="Such as 10.20.0.0/16." />
            <Field form name="gateway" label="Gateway" value=bind!(values, gateway) hint="The way out of the network, such as 10.20.0.1." />
            <Field form name="range" label="Addresses for containers" value=bind!(values, range)
                hint="The first and the last, such as 10.20.0.100-10.20.0.250." />
            <Field form name="ports" label="External ports" value=bind!(values, ports)
                hint="The ports that TCP and UDP services are given, such as 2000-2999." />
        </fieldset>
    }
    .solid()
}
