//! The work of `vzcreate`: the disks and the configuration of a new container.

use std::collections::BTreeMap;

use crate::access::auth::Caller;
use crate::cluster::container::{Container, is_member};
use crate::cluster::lookup::container_mut;
use crate::cluster::state::{Kind, State, Volume};
use crate::cluster::volumes::{self, VolumeRequest};
use crate::config::ImageSpec;
use crate::schema::lxc;
use crate::schema::object::Parts;
use crate::tasks::{Run, power};

/// A disk to allocate or reuse, and the option that it belongs to.
pub(crate) struct Disk {
    pub(crate) option: String,
    pub(crate) parts: Parts,
    pub(crate) requested: VolumeRequest,
}

impl Disk {
    /// The storage that the disk is allocated on, or `None` for an existing volume.
    pub(crate) fn storage(&self) -> Option<&str> {
        match &self.requested {
            VolumeRequest::New { storage, .. } => Some(storage),
            VolumeRequest::Existing(_) => None,
        }
    }
}

/// The parameters of the task.
pub(crate) struct Plan {
    pub(crate) vmid: u32,
    pub(crate) template: String,
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) disks: Vec<Disk>,
    pub(crate) start: bool,
    pub(crate) caller: Caller,
}

/// Creates the container. On failure the stub and its disks are removed.
pub(crate) async fn work(run: Run, plan: Plan) -> Result<(), String> {
    let vmid = plan.vmid;
    match build(&run, &plan).await {
        Ok(()) => {
            start_if(&run, &plan.caller, vmid, plan.start);
            Ok(())
        }
        Err(problem) => {
            run.core.edit(|state| {
                state.remove_volumes(|volume| volume.kind == Kind::Disk { vmid });
                state.remove_container(vmid);
            });
            Err(format!("unable to create CT {vmid} - {problem}"))
        }
    }
}

/// Starts a new container if `start` is set.
pub(crate) fn start_if(run: &Run, caller: &Caller, vmid: u32, start: bool) {
    if start {
        power::start_later(run, caller, vmid);
    }
}

async fn build(run: &Run, plan: &Plan) -> Result<(), String> {
    let source = run
        .core
        .read(|state| state.volume(&run.node, &plan.template).cloned());
    let source = source.ok_or_else(|| format!("volume '{}' does not exist", plan.template))?;
    run.check_disk_space()?;
    let disks = run.core.edit(|state| make_disks(run, state, plan))?;
    for (_, value) in &disks {
        let volume = value.split(',').next().unwrap_or_default();
        let name = volume.split_once(':').map_or(volume, |(_, name)| name);
        run.log(format!("  Logical volume \"{name}\" created."));
    }
    let file = source.name.trim_start_matches("vztmpl/");
    run.log(format!(
        "extracting archive '/var/lib/vz/template/cache/{file}'"
    ));
    run.pause(run.core.config.delays.create).await?;
    let mib = (source.size * 4) >> 20;
    run.log(format!("Total bytes read: {} ({mib}MiB)", source.size * 4));
    run.log("Detected container architecture: amd64");
    run.core.edit(|state| {
        let container = container_mut(state, &run.node, plan.vmid)?;
        fill_stub(container, plan, &source);
        container.options.extend(disks);
        Ok(())
    })
}

fn make_disks(run: &Run, state: &mut State, plan: &Plan) -> Result<Vec<(String, String)>, String> {
    let mut disks = Vec::new();
    for disk in &plan.disks {
        let object = if disk.option == "rootfs" {
            lxc::rootfs()
        } else {
            lxc::mount_point()
        };
        let mut parts = disk.parts.clone();
        if let VolumeRequest::New { storage, bytes } = &disk.requested {
            let requested = (storage.as_str(), *bytes);
            let id = volumes::allocate(state, &run.node, plan.vmid, requested)?;
            parts.insert("volume".into(), id);
            parts.insert("size".into(), crate::size::format(*bytes));
        }
        disks.push((disk.option.clone(), object.write(&parts)));
    }
    Ok(disks)
}

/// Replaces the stub's options with the planned ones. This removes the `create` lock.
fn fill_stub(container: &mut Container, plan: &Plan, source: &Volume) {
    container.options = plan.options.clone();
    let ostype = match &source.kind {
        Kind::Template { ostype } => ostype.clone(),
        Kind::Image(image) => image.ostype.clone(),
        _ => "unmanaged".into(),
    };
    container.options.entry("ostype".into()).or_insert(ostype);
    container.template_or_image = Some(match &source.kind {
        Kind::Image(image) => image.reference.clone(),
        _ => source.name.trim_start_matches("vztmpl/").to_owned(),
    });
    if let Kind::Image(image) = &source.kind {
        apply_image(container, image);
    }
}

/// Applies the settings of an OCI image, which override the requested options.
fn apply_image(container: &mut Container, image: &ImageSpec) {
    let env: Vec<String> = image
        .env
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    container.options.insert("cmode".into(), "console".into());
    container
        .options
        .insert("entrypoint".into(), image.entrypoint.clone());
    container.options.insert("env".into(), env.join("\0"));
    for (name, value) in &mut container.options {
        if !is_member(name, "net") {
            continue;
        }
        if let Ok(mut parts) = lxc::network().parse(name, value) {
            parts
                .entry("host-managed".into())
                .or_insert_with(|| "1".into());
            *value = lxc::network().write(&parts);
        }
    }
    container.raw = [
        ("lxc.init.uid", "0"),
        ("lxc.init.gid", "0"),
        ("lxc.init.groups", ""),
        ("lxc.init.cwd", "/"),
        ("lxc.signal.halt", "SIGQUIT"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec();
}
