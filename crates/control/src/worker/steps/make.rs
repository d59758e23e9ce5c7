//! Creates the container on its node. Holdfast reserves the VMID only in its database, so a guest
//! with that VMID belongs to Holdfast only if it has the reserved MAC address.

use std::time::{Duration, Instant};

use model::containers::{ContainerSpec, ImageValues};
use proxmox::{CreateLxc, Features, Ipv4Config, LxcConfig, LxcOptions, Net, Rootfs};

use super::{Context, Done, Failure, MAKE, image::volume};
use crate::{containers, observer::Power};

/// How many VMIDs are tried before the step fails.
const NUMBERS: usize = 20;

/// How long a guest may be in creation without a running task before its VMID counts as taken.
const BEGUN: Duration = Duration::from_secs(10);

/// The guest with the container's VMID on its node.
enum Found {
    Nothing,
    Ours(Box<LxcConfig>),
    /// Being created; its owner is not known yet.
    Begun,
    Others,
}

/// Creates the container, with another VMID if its own is taken.
pub(super) async fn make(context: &mut Context) -> Result<Done, Failure> {
    context.resume("vzcreate", MAKE).await?;
    let mut asked = false;
    while context.notes.tried.len() < NUMBERS {
        match settled(context).await? {
            Found::Ours(config) => {
                keep_image(context, *config).await?;
                context.observed(Power::Stopped);
                let container = &context.container;
                return Ok(Done::Did(format!(
                    "CT {} on {}",
                    container.vmid, container.node
                )));
            }
            Found::Begun | Found::Others => {
                another_number(context).await?;
                asked = false;
            }
            // Proxmox refused the VMID as taken, but no container on this node has it: it belongs
            // to a guest on another node or to a VM.
            Found::Nothing if asked => {
                another_number(context).await?;
                asked = false;
            }
            Found::Nothing => {
                let create = parameters(context)?;
                match context.client.create_lxc(&context.node(), &create).await {
                    Ok(upid) => context.follow(&upid, MAKE).await?,
                    // An earlier run of this step may have created the guest.
                    Err(proxmox::Error::AlreadyExists { .. }) => asked = true,
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
    Err(Failure::new(
        "Every number that was tried is taken on the cluster by something else.",
    ))
}

/// Whether a creation with the container's VMID was interrupted.
pub(in crate::worker) async fn is_half_made(context: &mut Context) -> Result<bool, Failure> {
    Ok(matches!(settled(context).await?, Found::Begun))
}

/// The guest once its owner is known. A creation by an earlier run may still be in progress;
/// treating it as foreign would create a second container.
async fn settled(context: &mut Context) -> Result<Found, Failure> {
    let began = Instant::now();
    loop {
        let found = find(context).await?;
        if !matches!(found, Found::Begun) || began.elapsed() > BEGUN {
            return Ok(found);
        }
        match context.running_task("vzcreate").await? {
            Some(upid) => context.follow(&upid, MAKE).await?,
            None => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

async fn find(context: &Context) -> Result<Found, Failure> {
    match context
        .client
        .lxc_config(&context.node(), context.vmid()?)
        .await
    {
        Ok(config) if config.lock.as_deref() == Some("create") => Ok(Found::Begun),
        Ok(config) if is_ours(&config, context) => Ok(Found::Ours(Box::new(config))),
        Ok(_) => Ok(Found::Others),
        Err(error) if error.is_not_found() => Ok(Found::Nothing),
        Err(error) => Err(error.into()),
    }
}

/// Stores the image's own environment and entrypoint before Holdfast overrides them.
async fn keep_image(context: &mut Context, config: LxcConfig) -> Result<(), Failure> {
    let image = ImageValues {
        env: config.env,
        entrypoint: config.entrypoint,
    };
    context.container.image = Some(image.clone());
    let id = context.container.id;
    let write = move |c: &mut store::Conn| store::containers::set_image(c, id, &image);
    Ok(context.control.store().write(write).await?)
}

/// Whether a configuration belongs to the job's container.
pub(in crate::worker) fn is_ours(config: &LxcConfig, context: &Context) -> bool {
    let mac = context.container.mac.to_string();
    let theirs = config.net0.as_ref().and_then(|net| net.hwaddr.as_deref());
    theirs.is_some_and(|theirs| theirs.eq_ignore_ascii_case(&mac))
}

async fn another_number(context: &mut Context) -> Result<(), Failure> {
    let taken = context.container.vmid;
    context.notes.tried.insert(taken);
    context.save().await?;
    context
        .log(format!(
            "The number {taken} is taken on the cluster; trying another."
        ))
        .await;
    context.container.vmid = containers::another_vmid(
        &context.control,
        context.container.id,
        context.site.clone(),
        context.notes.tried.clone(),
    )
    .await?;
    Ok(())
}

fn parameters(context: &Context) -> Result<CreateLxc, Failure> {
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
        ..Net::new("eth0", site.bridge.as_str())
    };
    let mut create = CreateLxc::new(context.vmid()?, volume(context), rootfs);
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
            "Made by Holdfast for {}: {} on {}.",
            container.owner_name, container.name, container.site_name,
        )),
        tags: Some(vec!["holdfast".to_owned()]),
        ..sizes(&container.spec)
    };
    Ok(create)
}

/// CPU and memory options. Swap equals memory up to 512 MiB, the default of Proxmox.
pub(super) fn sizes(spec: &ContainerSpec) -> LxcOptions {
    LxcOptions {
        cores: Some(spec.cores.get()),
        memory_mib: Some(spec.memory.get()),
        swap_mib: Some(spec.memory.get().min(512)),
        ..LxcOptions::default()
    }
}
