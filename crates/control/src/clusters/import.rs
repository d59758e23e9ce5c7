//! Imports existing containers. Nothing on the cluster changes. Each container that cannot be
//! imported is reported with the reason and can be retried.

use std::net::Ipv4Addr;

use model::{
    ClusterId, Error, Fields, SiteId, UserId,
    clusters::{ImportRequest, ImportResult, ObservedContainer},
    containers::{ContainerSource, ContainerSpec},
    env::EnvVars,
    events::{Event, Topic},
    names::{ContainerNames, Label, QualifiedName, Username},
    net::MacAddress,
    permissions::{ContainerImport, Permit},
};
use proxmox::{Client, Ipv4Config, LxcConfig, Vmid};
use store::{Unique, containers::NewContainerRow, sites::SiteRecord};

use super::{client, to_user_error};
use crate::{Actor, Control, failure::StoreResultExt as _};

/// The most containers per request.
const MAX_CONTAINERS: usize = 200;

/// Imports containers one after another and returns the outcome of each.
///
/// # Errors
/// [`Error::Forbidden`] unless the actor is an administrator; [`Error::Invalid`] when the site or
/// user does not exist, or the site is on another cluster.
pub async fn import(
    control: &Control,
    actor: &Actor,
    cluster: ClusterId,
    import: ImportRequest,
) -> Result<Vec<ImportResult>, Error> {
    let permit: Permit<ContainerImport> = actor.permit()?;
    let client = client(control, cluster)?;
    let target = target(control, permit, cluster, &import).await?;
    let observed = control.observer().containers(cluster);
    let mut outcomes = Vec::new();
    for vmid in import.vmids {
        let outcome = match observed.iter().find(|guest| guest.vmid == vmid) {
            Some(guest) => import_one(control, &client, &target, guest).await,
            None => Err(Error::conflict(
                "The container no longer exists on the cluster.",
            )),
        };
        if let Err(error @ (Error::Internal { .. } | Error::Unavailable { .. })) = &outcome {
            tracing::warn!(%cluster, vmid, %error, "container import failed");
        }
        let outcome = outcome.map_err(|error| error.to_string());
        outcomes.push(ImportResult { vmid, outcome });
    }
    control.notifier().publish(Event::all(Topic::Container));
    super::publish_change(control);
    Ok(outcomes)
}

/// The site and the owner of imported containers.
struct Target {
    permit: Permit<ContainerImport>,
    site: SiteRecord,
    owner: UserId,
}

async fn target(
    control: &Control,
    permit: Permit<ContainerImport>,
    cluster: ClusterId,
    import: &ImportRequest,
) -> Result<Target, Error> {
    let mut fields = Fields::default();
    let site = fields.parse::<SiteId>("site", &import.site);
    let owner = fields.parse::<Username>("owner", &import.owner);
    if import.vmids.is_empty() || import.vmids.len() > MAX_CONTAINERS {
        let message = format!("Choose 1 to {MAX_CONTAINERS} containers.");
        fields.add_error("vmids", message);
    }
    let (site, owner) = fields
        .finish(site.zip(owner))
        .map_err(|fields| Error::Invalid { fields })?;
    let (site, owner) = control
        .store()
        .read(move |c| {
            let site = store::sites::get(c, site)?;
            Ok((site, store::users::get_by_name(c, &owner)?))
        })
        .await
        .into_model("load import target")?;
    let site = site
        .filter(|site| site.spec.cluster == cluster)
        .ok_or_else(|| Error::invalid_field("site", "The cluster has no site with this name."))?;
    let owner = owner.ok_or_else(|| Error::invalid_field("owner", "The user does not exist."))?;
    Ok(Target {
        permit,
        site,
        owner: owner.row.id,
    })
}

async fn import_one(
    control: &Control,
    client: &Client,
    target: &Target,
    guest: &ObservedContainer,
) -> Result<Label, Error> {
    let vmid = Vmid::try_from(guest.vmid)
        .map_err(|_| Error::conflict("Enter a VMID between 100 and 999999999."))?;
    let config = client
        .lxc_config(&guest.node, vmid)
        .await
        .map_err(|error| to_user_error(&error))?;
    let address = match fixed_address(&config) {
        Some(address) => Some(address),
        None => client
            .lxc_interfaces(&guest.node, vmid)
            .await
            .map_err(|error| to_user_error(&error))?
            .iter()
            .find_map(proxmox::Interface::ipv4),
    };
    let record = record(target, guest, &config, address).map_err(Error::conflict)?;
    let own = QualifiedName::of_label(&record.name, &target.site.spec.domain);
    if control
        .manager_name()
        .is_some_and(|it| it.as_str() == own.as_str())
    {
        let message = "Holdfast uses this name. Rename the container in Proxmox, then try again.";
        return Err(Error::conflict(message));
    }
    let (name, running, permit) = (record.name.clone(), guest.running, target.permit);
    let written = control
        .store()
        .write(move |c| {
            store::sites::lock(c, record.site)?;
            let id = store::containers::insert(c, permit.narrow(), &record)?;
            store::containers::mark_created(c, id)?;
            store::containers::set_desired_running(c, permit.narrow(), id, running)
        })
        .await;
    match written {
        Err(store::Error::Duplicate(unique)) => Err(Error::conflict(conflict_message(unique))),
        written => written.into_model("import container").map(|()| name),
    }
}

fn fixed_address(config: &LxcConfig) -> Option<Ipv4Addr> {
    match config.net0.as_ref()?.ip? {
        Ipv4Config::Static { address, .. } => Some(address),
        Ipv4Config::Dhcp | Ipv4Config::Manual => None,
    }
}

/// Converts a container to a database record, or returns why that is impossible.
fn record(
    target: &Target,
    guest: &ObservedContainer,
    config: &LxcConfig,
    address: Option<Ipv4Addr>,
) -> Result<NewContainerRow, String> {
    if config.template {
        return Err("This container is a template.".to_owned());
    }
    if let Some(lock) = &config.lock {
        return Err(format!(
            "The container is locked ({lock}). Try again after the operation has ended."
        ));
    }
    let site = &target.site;
    let hostname = config.hostname.clone().unwrap_or_default();
    let name: Label = hostname.parse().map_err(|_| {
        format!(
            "The hostname in Proxmox is {hostname:?}. Change it to letters, digits and \
            hyphens, then try again."
        )
    })?;
    let net = config.net0.as_ref();
    let mac: MacAddress = net
        .and_then(|net| net.hwaddr.as_ref())
        .and_then(|mac| mac.parse().ok())
        .ok_or("The container has no network interface net0 with a MAC address.")?;
    let address = address
        .ok_or("The container's IP address is unknown. Start the container, then try again.")?;
    if !site.spec.network.contains(address) {
        return Err(format!(
            "The IP address {address} is not in {}, the network of {}.",
            site.spec.network, site.spec.name
        ));
    }
    if address == site.spec.gateway {
        return Err(format!("The IP address {address} is the site's gateway."));
    }
    Ok(NewContainerRow {
        site: site.id,
        cluster: site.spec.cluster,
        owner: target.owner,
        spec: spec(config)?,
        services: Vec::new(),
        names: ContainerNames::new(&name, &site.spec.domain),
        name,
        node: guest.node.parse().map_err(|e| format!("{e}"))?,
        vmid: guest.vmid,
        mac,
        address,
    })
}

/// The desired state of an imported container, which equals its observed state.
fn spec(config: &LxcConfig) -> Result<ContainerSpec, String> {
    let out_of_range =
        |setting: &str| format!("Holdfast does not support the container's {setting}.");
    let gib = config
        .rootfs
        .as_ref()
        .and_then(|rootfs| rootfs.size)
        .map_or(1, |bytes| bytes.div_ceil(1 << 30));
    let lines = |(name, value): (&String, &String)| format!("{name}={value}");
    let env: Vec<String> = config.env.iter().map(lines).collect();
    Ok(ContainerSpec {
        source: ContainerSource::Imported,
        // Without this setting, Proxmox gives a container all cores of its node.
        cores: config
            .cores
            .unwrap_or(1)
            .try_into()
            .map_err(|_| out_of_range("number of cores"))?,
        memory: config
            .memory_mib
            .unwrap_or(512)
            .try_into()
            .map_err(|_| out_of_range("memory"))?,
        disk: u32::try_from(gib)
            .ok()
            .and_then(|gib| gib.try_into().ok())
            .ok_or_else(|| out_of_range("disk"))?,
        docker: runs_docker(config),
        env: env
            .join("\n")
            .parse::<EnvVars>()
            .map_err(|_| out_of_range("environment"))?,
        entrypoint: config
            .entrypoint
            .as_ref()
            .and_then(|line| line.parse().ok()),
        description: config
            .description
            .as_ref()
            .and_then(|text| text.parse().ok()),
        services: Vec::new(),
    })
}

/// Whether the container has the features that Docker needs.
fn runs_docker(config: &LxcConfig) -> bool {
    let features = config.other.get("features").and_then(|text| text.as_str());
    let has = |key: &str| {
        let on = format!("{key}=1");
        features.is_some_and(|text| text.split(',').any(|part| part == on))
    };
    has("nesting") && has("keyctl")
}

fn conflict_message(unique: Unique) -> &'static str {
    match unique {
        Unique::ContainerVmid => "The container is already imported.",
        Unique::ContainerName => {
            "The site already has a container with this name. Rename this one in Proxmox, then \
                try again."
        }
        Unique::Name => {
            "A host, node, domain or service of the site has this name. Rename the container in \
                Proxmox, then try again."
        }
        Unique::ContainerAddress => "Another container of the site has this IP address.",
        Unique::ContainerMac => "Another container has this MAC address.",
        _ => "Another change came first. Try again.",
    }
}
