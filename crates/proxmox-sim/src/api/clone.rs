//! Cloning containers, and converting them to templates.

use std::collections::BTreeMap;

use super::{check_lock, check_vmid, container, container_mut, snapshots, volumes};
use crate::access::auth::{AccessRequest, AccessRule, has_privilege};
use crate::cluster::container::{Container, is_member};
use crate::cluster::state::{Kind, State};
use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};
use crate::schema::lxc;
use crate::tasks::{self, Run};

/// Checks that the caller may clone the container and may allocate the new VMID or use the pool.
pub(crate) fn check_clone(access: &AccessRequest) -> Result<()> {
    access.check(AccessRule::Every("/vms/{vmid}", &["VM.Clone"]))?;
    if let Some(pool) = access.text("pool") {
        let path = format!("/pool/{pool}");
        if has_privilege(access.directory, access.caller, &path, "VM.Allocate") {
            return Ok(());
        }
    }
    access.check(AccessRule::Every("/vms/{newid}", &["VM.Allocate"]))
}

/// The parameters of a clone.
struct Plan {
    vmid: u32,
    new: u32,
    options: BTreeMap<String, String>,
    storage: Option<String>,
}

/// `POST …/clone`.
pub(crate) fn clone(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let (vmid, new) = (
        params.vmid(),
        u32::try_from(params.number("newid").unwrap_or(0)).unwrap_or(0),
    );
    if let Some(target) = params.get("target")
        && call.core.node(target).is_none()
    {
        return Err(ApiError::Failed(format!("no such cluster node '{target}'")));
    }
    if let Some(name) = params.get("storage") {
        call.core
            .read(|state| volumes::usable(state, call.node(), name).map(drop))?;
    }
    let plan = call.core.edit(|state| {
        let source = container(state, call.node(), vmid)?;
        check_lock(source)?;
        let options = options(call, source)?;
        let running = source.is_running() && params.get("snapname").is_none();
        let linked = source.flag("template") && !params.flag("full");
        if running && !linked {
            let message = "Full clone of a running container is only possible from a snapshot";
            return Err(ApiError::failed(message));
        }
        if linked && !snapshots::supports_snapshots(state, source) {
            let volume = snapshots::disks(source).next().unwrap_or_default();
            let message = format!("Linked clone feature for '{volume}' is not available");
            return Err(ApiError::Failed(message));
        }
        check_vmid(state, new)?;
        let mut stub = Container::new(new, call.node());
        stub.options.insert("lock".into(), "create".into());
        state.containers.insert(new, stub);
        Ok(Plan {
            vmid,
            new,
            options,
            storage: params.get("storage").map(str::to_owned),
        })
    })?;
    let id = vmid.to_string();
    let spec = call.spec("vzclone", &id);
    Ok(tasks::start(&call.core, &spec, |run| work(run, plan)).into())
}

/// The options of the clone, still with the source's disks.
fn options(call: &Call, source: &Container) -> Result<BTreeMap<String, String>> {
    let mut options = match call.params.get("snapname") {
        None => source.options.clone(),
        Some(name) => {
            let snapshot = source.snapshots.get(name);
            let snapshot = snapshot
                .ok_or_else(|| ApiError::Failed(format!("snapshot '{name}' does not exist")))?;
            snapshot.options.clone()
        }
    };
    options.remove("template");
    for name in ["hostname", "description"] {
        if let Some(value) = call.params.get(name) {
            options.insert(name.to_owned(), value.to_owned());
        }
    }
    for (name, value) in &mut options {
        if let Ok(mut parts) = lxc::network().parse(name, value)
            && is_member(name, "net")
        {
            parts.remove("hwaddr");
            *value = super::options::normalize(name, &lxc::network().write(&parts))?;
        }
    }
    Ok(options)
}

async fn work(run: Run, plan: Plan) -> std::result::Result<(), String> {
    let (vmid, new) = (plan.vmid, plan.new);
    let copied = copy(&run, plan).await;
    if let Err(problem) = copied {
        run.core.edit(|state| {
            state.remove_volumes(|volume| volume.kind == Kind::Disk { vmid: new });
            state.remove_container(new);
        });
        return Err(format!("clone failed: {problem}"));
    }
    run.log(format!("CT {vmid} was copied to CT {new}"));
    Ok(())
}

async fn copy(run: &Run, plan: Plan) -> std::result::Result<(), String> {
    run.pause(run.core.config.delays.create).await?;
    run.core.edit(|state| {
        let mut options = plan.options;
        for (name, value) in &mut options {
            let object = match name.as_str() {
                "rootfs" => lxc::rootfs(),
                name if is_member(name, "mp") => lxc::mount_point(),
                _ => continue,
            };
            let mut parts = object.parse(name, value)?;
            let volume = parts.get("volume").cloned().unwrap_or_default();
            let source = state.volume(&run.node, &volume).cloned();
            let source = source.ok_or_else(|| format!("volume '{volume}' does not exist"))?;
            let storage = plan.storage.as_deref().unwrap_or(&source.storage);
            let requested = (storage, source.size);
            let id = volumes::allocate(state, &run.node, plan.new, requested)?;
            parts.insert("volume".into(), id);
            *value = object.write(&parts);
        }
        let original = container(state, &run.node, plan.vmid)?;
        let (raw, source) = (original.raw.clone(), original.source.clone());
        let copy = container_mut(state, &run.node, plan.new)?;
        (copy.options, copy.raw, copy.source) = (options, raw, source);
        Ok(())
    })
}

/// `POST …/template`: converts the container to a template.
pub(crate) fn template(call: &Call) -> Result<ApiResponse> {
    let vmid = call.params.vmid();
    call.core.read(|state| {
        let container = container(state, call.node(), vmid)?;
        check_lock(container)?;
        if container.flag("template") {
            return Err(ApiError::failed(
                "you can't convert a template to a template",
            ));
        }
        if container.is_running() {
            let message = "you can't convert a CT to template if the CT is running";
            return Err(ApiError::failed(message));
        }
        Ok(())
    })?;
    let id = vmid.to_string();
    let spec = call.spec("vztemplate", &id);
    tasks::start(&call.core, &spec, move |run| async move {
        run.core
            .edit(|state| convert_to_template(&run.node, state, vmid))
    });
    Ok(ApiResponse::null())
}

/// Marks the container as a template and renames its disks to base images.
fn convert_to_template(
    node: &str,
    state: &mut State,
    vmid: u32,
) -> std::result::Result<(), String> {
    let base = |name: &str| name.replace(&format!("vm-{vmid}-"), &format!("base-{vmid}-"));
    for volume in &mut state.volumes {
        if volume.kind == (Kind::Disk { vmid }) {
            volume.name = base(&volume.name);
        }
    }
    let container = container_mut(state, node, vmid)?;
    for (name, value) in &mut container.options {
        if name == "rootfs" || is_member(name, "mp") {
            *value = base(value);
        }
    }
    container.options.insert("template".into(), "1".into());
    Ok(())
}
