//! Messages of tasks that fail because the storage is full or the container's configuration is
//! locked. They are the messages of the programs that Proxmox runs, as users have reported them.

use crate::cluster::core::{Core, lock_timeout};
use crate::cluster::oci;
use crate::config::StorageKind;
use crate::faults::{Effect, PID, TaskFailure};
use crate::params::Params;
use crate::size;

/// The failure of the task that a request starts, for an effect that makes tasks fail.
pub(crate) fn from_effect(
    core: &Core,
    path: &[&str],
    params: &Params,
    effect: Effect,
) -> Option<TaskFailure> {
    match effect {
        Effect::FailTask(message) => Some(message.into()),
        Effect::LockTimeout => Some(lock_timeout(params.vmid()).into()),
        Effect::StorageFull => Some(storage_full(core, path, params)),
        Effect::Respond { .. }
        | Effect::Delay(_)
        | Effect::Drop
        | Effect::DropResponse
        | Effect::Hang => None,
    }
}

impl From<String> for TaskFailure {
    fn from(message: String) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }
}

fn storage_full(core: &Core, path: &[&str], params: &Params) -> TaskFailure {
    let vmid = params.vmid();
    match path.last().copied() {
        Some("lxc") => create(core, params),
        Some("clone") => clone(core, params),
        Some("resize") => resize(core, params),
        Some("oci-registry-pull") => pull(params),
        _ => no_thin_volume(vmid),
    }
}

/// The type of a storage. Unknown storages are rejected before the task starts.
fn kind(core: &Core, storage: &str) -> StorageKind {
    core.read(|state| {
        let found = state.storages.get(storage);
        found.map_or(StorageKind::LvmThin, |storage| storage.kind)
    })
}

/// The volume in a disk option of an existing container.
fn volume(core: &Core, vmid: u32, option: &str) -> String {
    core.read(|state| {
        let container = state.containers.get(&vmid);
        let value = container.and_then(|container| container.option(option));
        value
            .and_then(|value| value.split(',').next())
            .map(str::to_owned)
    })
    .unwrap_or_default()
}

fn storage_of(volume: &str) -> &str {
    volume.split(':').next().unwrap_or_default()
}

fn no_thin_volume(vmid: u32) -> TaskFailure {
    TaskFailure {
        message: format!(
            "lvcreate 'pve/vm-{vmid}-disk-0' error:   Cannot create new thin volume, \
             free space in thin pool pve/data reached threshold."
        ),
        before_disks: true,
        ..TaskFailure::default()
    }
}

/// A directory storage has space for the empty disk but not for the unpacked template.
fn create(core: &Core, params: &Params) -> TaskFailure {
    let vmid = params.vmid();
    let storage = match params.get("rootfs") {
        Some(rootfs) => storage_of(rootfs),
        None => params.get("storage").unwrap_or("local"),
    };
    if kind(core, storage) == StorageKind::LvmThin {
        return no_thin_volume(vmid);
    }
    TaskFailure {
        log: vec![
            "tar: ./usr/lib/x86_64-linux-gnu/libc.so.6: Cannot write: No space left on device"
                .into(),
            "tar: Exiting with failure status due to previous errors".into(),
        ],
        message: format!(
            "command 'lxc-usernsexec -m u:0:100000:65536 -m g:0:100000:65536 -- tar xpf - --zstd \
             --totals --one-file-system -p --sparse --numeric-owner --acls --xattrs \
             '--xattrs-include=user.*' '--xattrs-include=security.capability' \
             '--warning=no-file-ignored' '--warning=no-xattr-write' -C /var/lib/lxc/{vmid}/rootfs \
             --skip-old-files --anchored --exclude './dev/*'' failed: exit code 2"
        ),
        before_disks: false,
    }
}

fn clone(core: &Core, params: &Params) -> TaskFailure {
    let (vmid, new) = (params.vmid(), params.text("newid"));
    let source = volume(core, vmid, "rootfs");
    let storage = params.get("storage").unwrap_or(storage_of(&source));
    if kind(core, storage) == StorageKind::LvmThin {
        return no_thin_volume(new.parse().unwrap_or_default());
    }
    let folder = format!("/var/lib/lxc/{vmid}/.copy-volume");
    TaskFailure {
        log: vec![
            format!(
                "rsync: [receiver] write failed on \"{folder}-1/usr/bin/perl\": \
                 No space left on device (28)"
            ),
            "rsync error: error in file IO (code 11) at receiver.c(380) [receiver=3.4.1]".into(),
        ],
        message: format!(
            "command 'rsync --stats -X -A --numeric-ids -aH --whole-file --sparse \
             --one-file-system '--bwlimit=0' {folder}-2/ {folder}-1' failed: exit code 11"
        ),
        before_disks: false,
    }
}

fn resize(core: &Core, params: &Params) -> TaskFailure {
    let id = volume(core, params.vmid(), params.text("disk"));
    let name = id.split_once(':').map_or(id.as_str(), |(_, name)| name);
    let requested = params.text("size").trim_start_matches('+');
    let bytes = size::parse(requested).unwrap_or_default();
    if kind(core, storage_of(&id)) == StorageKind::LvmThin {
        // The extent size is 4 MiB.
        return TaskFailure::from(format!(
            "error resizing volume '/dev/pve/{name}':   Insufficient free space: {} extents \
             needed, but only 0 available",
            bytes.div_ceil(4 << 20)
        ));
    }
    TaskFailure {
        log: vec!["qemu-img: Failed to resize the file: No space left on device".into()],
        message: format!(
            "command '/usr/bin/qemu-img resize -f raw /var/lib/vz/images/{name} {bytes}' failed: \
             exit code 1"
        ),
        before_disks: false,
    }
}

fn pull(params: &Params) -> TaskFailure {
    let reference = params.text("reference").trim_end();
    let file = oci::file_name(reference, params.get("filename"));
    let cache = "/var/lib/vz/template/cache";
    TaskFailure {
        log: vec![format!(
            "level=fatal msg=\"copying image: writing blob: \
             write {cache}/{file}.tmp.{PID}: no space left on device\""
        )],
        message: format!(
            "command 'skopeo copy docker://{reference} oci-archive:{cache}/{file}.tmp.{PID}' \
             failed: exit code 1"
        ),
        before_disks: false,
    }
}
