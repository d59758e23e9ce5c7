//! The form fields of a site, for creation and update.

use model::{
    ClusterId, clusters::ClusterCapabilities, filters::PortAccess, nodes::ClusterView,
    sites::SiteForm,
};

use crate::pages::prelude::*;

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
            let capabilities = server_fns::clusters::check(id).await.ok();
            if cluster.try_get_untracked().flatten() == Some(id) {
                suggestions.try_set(capabilities);
            }
        });
    });
    suggestions
}

/// Fills empty fields with the first suggestion of the cluster, which is often the only one.
pub fn fill(values: RwSignal<SiteForm>, suggestions: RwSignal<Option<ClusterCapabilities>>) {
    Effect::new(move |_| {
        let Some(cluster) = suggestions.get() else {
            return;
        };
        values.update(|form| {
            let fill = |field: &mut String, suggestions: Vec<String>| {
                if field.is_empty() {
                    *field = suggestions.into_iter().next().unwrap_or_default();
                }
            };
            fill(&mut form.bridge, names(&cluster.bridges));
            fill(
                &mut form.template_storage,
                names(&cluster.template_storages()),
            );
            fill(&mut form.volume_storage, names(&cluster.volume_storages()));
        });
    });
}

fn names<T: ToString>(names: &[T]) -> Vec<String> {
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
            suggestions.with(|cluster| cluster.as_ref().map(read).unwrap_or_default())
        })
    };
    let bridges = of(|cluster| names(&cluster.bridges));
    let templates = of(|cluster| names(&cluster.template_storages()));
    let volumes = of(|cluster| names(&cluster.volume_storages()));
    let hint = move |text: &'static str, options: Signal<Vec<String>>| {
        Signal::derive(move || match options.get().join(", ") {
            options if options.is_empty() => text.to_owned(),
            options => format!("{text} The cluster has {options}."),
        })
    };
    let site = view! {
        <Field form name="name" label="Name" value=bind!(values, name) hint="Used in page URLs, such as lab." />
        <Field form name="domain" label="Domain" value=bind!(values, domain)
            hint="Containers get names below this domain: web-1 becomes web-1.lab.example.org." />
    };
    let cluster = view! {
        <Choice form name="cluster" label="Cluster" value=bind!(values, cluster) options=clusters />
        <Field form name="bridge" label="Bridge" value=bind!(values, bridge) options=bridges
            hint=hint("The bridge on each node that containers connect to, such as vmbr0.", bridges) />
        <Field form name="template_storage" label="Template storage" value=bind!(values, template_storage) options=templates
            hint=hint("The storage for templates and images, such as local.", templates) />
        <Field form name="volume_storage" label="Disk storage" value=bind!(values, volume_storage) options=volumes
            hint=hint("The storage for container disks, such as local-lvm.", volumes) />
        <Field form name="registries" label="Image registries" optional=true value=bind!(values, registries)
            hint="The registries that images may be pulled from, separated by commas. Leave empty to allow only templates." />
        <Field form name="image_quota" label="Image quota" value=bind!(values, image_quota)
            hint="The disk space for pulled images on all nodes. When it is used up, images that were not used for 30 days are deleted." />
        <Field form name="vmids" label="VMIDs" value=bind!(values, vmids)
            hint="The VMID range for containers, such as 1000-1999. Exclude VMIDs that are in use." />
    };
    view! {
        {group("Names", site.erase())}
        {network(form, values)}
        {group("Cluster", cluster.erase())}
    }
    .erase()
}

fn port_access() -> Vec<(String, String)> {
    let label = |access: &PortAccess| match access {
        PortAccess::Network => "All machines of the network",
        PortAccess::Edge => "Only the site's edge hosts",
    };
    let all = PortAccess::ALL.iter();
    all.map(|access| (access.to_string(), label(access).to_owned()))
        .collect()
}

fn network(form: FormState, values: RwSignal<SiteForm>) -> AnyView {
    let network = view! {
        <Field form name="network" label="Network" value=bind!(values, network) hint="In CIDR notation, such as 10.20.0.0/16." />
        <Field form name="gateway" label="Gateway" value=bind!(values, gateway) hint="The default gateway, such as 10.20.0.1." />
        <Field form name="range" label="Addresses for containers" value=bind!(values, range)
            hint="The first and last address, such as 10.20.0.100-10.20.0.250." />
        <Field form name="dynamic_range" label="Addresses for other machines" optional=true value=bind!(values, dynamic_range)
            hint="The DHCP range for machines that are not containers, such as 10.20.9.10-10.20.9.99. Leave empty to assign them no addresses." />
        <Field form name="forwarders" label="Upstream DNS servers" optional=true value=bind!(values, forwarders)
            hint="The DNS servers for names outside the site, separated by commas. Leave empty to resolve only the site's names." />
        <Field form name="ports" label="External ports" value=bind!(values, ports)
            hint="The port range for TCP and UDP services, such as 2000-2999." />
        <Choice form name="port_access" label="Direct access to container ports" value=bind!(values, port_access) options=port_access()
            hint="Who reaches the ports of containers without a published service. Requires that the cluster's firewall is on." />
    };
    let public = view! {
        <Field form name="public_v4" label="Public address (IPv4)" optional=true value=bind!(values, public_v4)
            hint="The public address of the site's edge hosts, such as 198.51.100.7. Domains with address records publish it at their DNS provider." />
        <Field form name="public_v6" label="Public address (IPv6)" optional=true value=bind!(values, public_v6)
            hint="The public IPv6 address, such as 2001:db8::7." />
    };
    view! { {group("Network", network.erase())} {group("Public addresses", public.erase())} }
        .erase()
}
