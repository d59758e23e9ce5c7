//! Container volumes: parsing the volume of a `rootfs` or `mpN`, allocating disks, and finding out
//! what their storages support.

use crate::access::auth::Caller;
use crate::cluster::container::{Container, is_member};
use crate::cluster::state::{Kind, State, Volume};
use crate::cluster::storage::Storage;
use crate::config::StorageKind;
use crate::error::{ApiError, Result};
use crate::schema::lxc;
use crate::size;

const ONLY_ROOT: &str = "Only root can pass arbitrary filesystem paths. \
    at /usr/share/perl5/PVE/Storage.pm line 651.";

/// What the volume of a mount point requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VolumeRequest {
    /// A new disk with this size in bytes.
    New { storage: String, bytes: u64 },
    /// An existing volume. Its existence is not checked.
    Existing(String),
}

/// Returns a storage by name.
pub(crate) fn storage<'a>(state: &'a State, name: &str) -> Result<&'a Storage> {
    let found = state.storages.get(name);
    found.ok_or_else(|| ApiError::Failed(format!("storage '{name}' does not exist")))
}

/// Returns a storage that is enabled and available on a node.
pub(crate) fn usable<'a>(state: &'a State, node: &str, name: &str) -> Result<&'a Storage> {
    let storage = storage(state, name)?;
    if !storage.is_enabled() {
        return Err(ApiError::Failed(format!("storage '{name}' is disabled")));
    }
    if !storage.is_on(node) {
        let message = format!("storage '{name}' is not available on node '{node}'");
        return Err(ApiError::Failed(message));
    }
    Ok(storage)
}

/// Returns a storage that supports container disks.
pub(crate) fn container_storage<'a>(
    state: &'a State,
    node: &str,
    name: &str,
) -> Result<&'a Storage> {
    let storage = usable(state, node, name)?;
    if storage.supports("rootdir") {
        return Ok(storage);
    }
    let problem = format!("storage '{name}' does not support container directories");
    Err(ApiError::parameter("storage", problem))
}

/// Parses the volume of a mount point: `storage:GiB` or an existing volume. Host paths are allowed
/// only for root with a ticket, not with a token.
pub(crate) fn read(
    state: &State,
    node: &str,
    caller: &Caller,
    volume: &str,
) -> Result<VolumeRequest> {
    if volume.starts_with('/') && caller.is_root() {
        return Ok(VolumeRequest::Existing(volume.to_owned()));
    }
    if volume.starts_with('/') {
        let kind = if volume.starts_with("/dev/") {
            "device"
        } else {
            "bind"
        };
        let reason = format!("mount point type {kind} is only allowed for root@pam");
        return Err(ApiError::Forbidden(reason));
    }
    let parts = volume
        .split_once(':')
        .filter(|(name, rest)| !name.is_empty() && !rest.is_empty());
    let Some((name, rest)) = parts else {
        return Err(ApiError::failed(ONLY_ROOT));
    };
    let is_size = rest.starts_with(|first: char| first.is_ascii_digit())
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if let Some(bytes) = size::scale(rest, 1 << 30).filter(|_| is_size) {
        let storage = container_storage(state, node, name)?.name.clone();
        return Ok(VolumeRequest::New { storage, bytes });
    }
    check_name(storage(state, name)?, rest)?;
    Ok(VolumeRequest::Existing(volume.to_owned()))
}

/// Checks the format of a disk's name.
fn check_name(storage: &Storage, name: &str) -> Result<()> {
    let plain = name.split('/').next_back().unwrap_or_default();
    let is_disk = ["vm-", "base-", "subvol-"]
        .iter()
        .any(|start| plain.starts_with(start));
    let (matches, kind) = match storage.kind {
        StorageKind::LvmThin => (is_disk && !name.contains('/'), "lvm"),
        StorageKind::ZfsPool => (is_disk && !name.contains('/'), "zfs"),
        StorageKind::Pbs => (false, "pbs"),
        _ => (is_disk && name.contains('/'), "directory"),
    };
    if matches {
        return Ok(());
    }
    Err(ApiError::Failed(format!(
        "unable to parse {kind} volume name '{name}'"
    )))
}

/// The VMID of the container that a disk belongs to, from the disk's name.
pub(crate) fn owner(volume: &str) -> Option<u32> {
    let name = volume.rsplit([':', '/']).next()?;
    name.split('-').nth(1)?.parse().ok()
}

/// Splits a volume ID into storage and name. Fails if it is not a volume ID.
pub(crate) fn split_id<'a>(state: &'a State, id: &'a str) -> Result<(&'a Storage, &'a str)> {
    let parts = id
        .split_once(':')
        .filter(|(name, rest)| !name.is_empty() && !rest.is_empty());
    let (name, rest) = parts.ok_or_else(|| ApiError::failed(ONLY_ROOT))?;
    Ok((storage(state, name)?, rest))
}

/// Allocates a disk for a container and returns its volume ID.
pub(crate) fn allocate(
    state: &mut State,
    node: &str,
    vmid: u32,
    requested: (&str, u64),
) -> std::result::Result<String, String> {
    let (name, bytes) = requested;
    let storage = state.storages.get(name);
    let storage = storage.ok_or_else(|| format!("storage '{name}' does not exist"))?;
    let free = storage.total - state.used(node, storage);
    if bytes / 6 > free {
        return Err(format!("not enough free space on storage '{name}'"));
    }
    let name_of = |index: u32| match storage.kind {
        StorageKind::LvmThin => format!("vm-{vmid}-disk-{index}"),
        StorageKind::ZfsPool => format!("subvol-{vmid}-disk-{index}"),
        _ if bytes == 0 => format!("{vmid}/subvol-{vmid}-disk-{index}.subvol"),
        _ => format!("{vmid}/vm-{vmid}-disk-{index}.raw"),
    };
    let is_used = |state: &State, index: u32| {
        let number = format!("-{vmid}-disk-{index}");
        let is_visible_here =
            |volume: &&Volume| volume.storage == storage.name && state.is_visible(volume, node);
        state.volumes.iter().filter(is_visible_here).any(|volume| {
            volume
                .name
                .trim_end_matches(".raw")
                .trim_end_matches(".subvol")
                .ends_with(&number)
        })
    };
    let index = (0..u32::MAX)
        .find(|index| !is_used(state, *index))
        .unwrap_or_default();
    let location = (node, storage.name.as_str());
    let volume = Volume::new(location, &name_of(index), bytes, Kind::Disk { vmid });
    let id = volume.id();
    state.volumes.push(volume);
    Ok(id)
}

/// Whether all disks of a container are on storages that support snapshots and linked clones.
pub(crate) fn supports_snapshots(state: &State, container: &Container) -> bool {
    disks(container).all(|volume| {
        let storage = volume.split(':').next().unwrap_or_default();
        let storage = state.storages.get(storage);
        storage.is_some_and(Storage::has_snapshots)
    })
}

/// The volume IDs of a container's disks.
pub(crate) fn disks(container: &Container) -> impl Iterator<Item = String> {
    let options = container.options.iter();
    options.filter_map(|(name, value)| {
        let object = if name == "rootfs" {
            lxc::rootfs()
        } else if is_member(name, "mp") {
            lxc::mount_point()
        } else {
            return None;
        };
        object.parse(name, value).ok()?.remove("volume")
    })
}
