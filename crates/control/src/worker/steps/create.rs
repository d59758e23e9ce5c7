//! Creates the container on its node. Holdfast reserves the VMID only in its database, so a guest
//! with that VMID belongs to Holdfast only if it has the reserved MAC address.

use std::time::{Duration, Instant};

use model::containers::{ContainerSpec, ImageValues};
use proxmox::{CreateLxc, Features, Ipv4Config, LxcConfig, LxcOptions, Net, Rootfs};

use super::{
    CREATE_TIMEOUT, Context, Guest, JobStoreResultExt as _, StepFailure, StepOutcome,
    image::volume_id,
};
use crate::{containers, observer::Power};

/// How many VMIDs are tried before the step fails.
const MAX_VMIDS: usize = 20;

/// How long a guest may be in creation without a running task before its VMID counts as taken.
const CREATION_GRACE: Duration = Duration::from_secs(10);

/// Creates the container, with another VMID if its own is taken.
pub(super) async fn create(context: &mut Context) -> Result<StepOutcome, StepFailure> {
    context.resume("vzcreate", CREATE_TIMEOUT).await?;
    let mut is_refused = false;
    while context.notes.tried.len() < MAX_VMIDS {
        match resolve_guest(context).await? {
            Guest::Own(guest) => {
                store_image_values(context, guest.into_config()).await?;
                context.record_power(Power::Stopped);
                let container = &context.container;
                return Ok(StepOutcome::Done(format!(
                    "CT {} on {}",
                    container.vmid, container.node
                )));
            }
            Guest::Creating | Guest::Unmanaged => {
                use_other_vmid(context).await?;
                is_refused = false;
            }
            // Proxmox refused the VMID as taken, but this node has no such container: the VMID
            // belongs to a guest on another node or to a VM.
            Guest::Absent if is_refused => {
                use_other_vmid(context).await?;
                is_refused = false;
            }
            Guest::Absent => {
                let request = create_parameters(context)?;
                match context.client.create_lxc(&context.node(), &request).await {
                    Ok(upid) => context.follow(&upid, CREATE_TIMEOUT).await?,
                    // An earlier run of this step may have created the guest.
                    Err(proxmox::Error::AlreadyExists { .. }) => is_refused = true,
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
    Err(StepFailure::new(
        "All VMIDs that were tried are in use on the cluster.",
    ))
}

/// Whether a creation with the container's VMID was interrupted.
pub(in crate::worker) async fn detect_partial_creation(
    context: &mut Context,
) -> Result<bool, StepFailure> {
    Ok(matches!(resolve_guest(context).await?, Guest::Creating))
}

/// The guest once its owner is known. A creation by an earlier run may still be in progress;
/// treating it as unmanaged would create a second container.
pub(super) async fn resolve_guest(context: &mut Context) -> Result<Guest, StepFailure> {
    let started = Instant::now();
    loop {
        let guest = context.get_guest().await?;
        if !matches!(guest, Guest::Creating) || started.elapsed() > CREATION_GRACE {
            return Ok(guest);
        }
        match context.find_running_task("vzcreate").await? {
            Some(upid) => context.follow(&upid, CREATE_TIMEOUT).await?,
            None => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Stores the image's own environment and entrypoint before Holdfast overrides them.
async fn store_image_values(context: &mut Context, config: LxcConfig) -> Result<(), StepFailure> {
    let image = ImageValues {
        env: config.env,
        entrypoint: config.entrypoint,
    };
    context.container.image_defaults = Some(image.clone());
    let id = context.container.id;
    let write = move |c: &mut store::Conn| store::containers::set_image_defaults(c, id, &image);
    let written = context.write(write).await;
    written.for_job(context.job)
}

async fn use_other_vmid(context: &mut Context) -> Result<(), StepFailure> {
    let taken = context.container.vmid;
    context.notes.tried.insert(taken);
    context.save().await?;
    context
        .log(format!(
            "VMID {taken} is in use on the cluster. Trying another."
        ))
        .await;
    let reserved = containers::reserve_other_vmid(
        &context.control,
        context.lease_check(),
        context.container.id,
        context.site.clone(),
        context.notes.tried.clone(),
    );
    context.container.vmid = match reserved.await? {
        Some(vmid) => vmid,
        None => context.end_lost().await,
    };
    Ok(())
}

fn create_parameters(context: &Context) -> Result<CreateLxc, StepFailure> {
    let (container, site) = (&context.container, &context.site.spec);
    let rootfs = Rootfs {
        storage: site.volume_storage.to_string(),
        size_gib: container.spec.disk.get(),
    };
    let net0 = Net {
        hwaddr: Some(container.mac.to_string()),
        ip: Some(Ipv4Config::Static {
            address: container.address,
            prefix: site.network.prefix(),
        }),
        gw: Some(site.gateway),
        // Has no effect before the step that sets the filters.
        firewall: Some(true),
        ..Net::new("eth0", site.bridge.as_str())
    };
    let mut create = CreateLxc::new(context.vmid()?, volume_id(context), rootfs);
    create.options = LxcOptions {
        hostname: Some(container.name.to_string()),
        net0: Some(net0),
        searchdomain: Some(site.domain.to_string()),
        features: Some(Features {
            nesting: true,
            keyctl: container.spec.docker,
            ..Features::default()
        }),
        onboot: Some(true),
        description: Some(format!(
            "Created by Holdfast for {}: {} on {}.",
            container.owner_name, container.name, container.site_name,
        )),
        tags: Some(vec!["holdfast".to_owned()]),
        ..resource_options(&container.spec)
    };
    Ok(create)
}

/// CPU and memory options. Swap equals memory up to 512 MiB, the default of Proxmox.
pub(super) fn resource_options(spec: &ContainerSpec) -> LxcOptions {
    LxcOptions {
        cores: Some(spec.cores.get()),
        memory_mib: Some(spec.memory.get()),
        swap_mib: Some(spec.memory.get().min(512)),
        ..LxcOptions::default()
    }
}
