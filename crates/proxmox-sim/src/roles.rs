//! All privileges and the built-in roles of Proxmox VE 9.

use std::collections::BTreeSet;

/// All privileges, sorted by name.
pub(crate) const ALL: [&str; 47] = [
    "Datastore.Allocate",
    "Datastore.AllocateSpace",
    "Datastore.AllocateTemplate",
    "Datastore.Audit",
    "Group.Allocate",
    "Mapping.Audit",
    "Mapping.Modify",
    "Mapping.Use",
    "Permissions.Modify",
    "Pool.Allocate",
    "Pool.Audit",
    "Realm.Allocate",
    "Realm.AllocateUser",
    "SDN.Allocate",
    "SDN.Audit",
    "SDN.Use",
    "Sys.AccessNetwork",
    "Sys.Audit",
    "Sys.Console",
    "Sys.Incoming",
    "Sys.Modify",
    "Sys.PowerMgmt",
    "Sys.Syslog",
    "User.Modify",
    "VM.Allocate",
    "VM.Audit",
    "VM.Backup",
    "VM.Clone",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Cloudinit",
    "VM.Config.Disk",
    "VM.Config.HWType",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.Console",
    "VM.GuestAgent.Audit",
    "VM.GuestAgent.FileRead",
    "VM.GuestAgent.FileSystemMgmt",
    "VM.GuestAgent.FileWrite",
    "VM.GuestAgent.Unrestricted",
    "VM.Migrate",
    "VM.PowerMgmt",
    "VM.Replicate",
    "VM.Snapshot",
    "VM.Snapshot.Rollback",
];

/// Privileges that `PVEAdmin` does not have.
const NOT_FOR_ADMINS: [&str; 7] = [
    "Mapping.Modify",
    "Permissions.Modify",
    "Realm.Allocate",
    "Sys.AccessNetwork",
    "Sys.Incoming",
    "Sys.Modify",
    "Sys.PowerMgmt",
];

const VM_USER: [&str; 10] = [
    "VM.Audit",
    "VM.Backup",
    "VM.Config.CDROM",
    "VM.Config.Cloudinit",
    "VM.Console",
    "VM.GuestAgent.Audit",
    "VM.GuestAgent.FileRead",
    "VM.GuestAgent.FileSystemMgmt",
    "VM.GuestAgent.FileWrite",
    "VM.PowerMgmt",
];

/// The names of the built-in roles.
pub(crate) const BUILT_IN: [&str; 17] = [
    "Administrator",
    "NoAccess",
    "PVEAdmin",
    "PVEAuditor",
    "PVEDatastoreAdmin",
    "PVEDatastoreUser",
    "PVEMappingAdmin",
    "PVEMappingUser",
    "PVEPoolAdmin",
    "PVEPoolUser",
    "PVESDNAdmin",
    "PVESDNUser",
    "PVESysAdmin",
    "PVETemplateUser",
    "PVEUserAdmin",
    "PVEVMAdmin",
    "PVEVMUser",
];

/// The privileges of a built-in role, or `None` for any other name.
pub(crate) fn built_in(role: &str) -> Option<BTreeSet<&'static str>> {
    let filter =
        |include: &dyn Fn(&str) -> bool| ALL.into_iter().filter(|name| include(name)).collect();
    let only = |names: &[&str]| filter(&|name| names.contains(&name));
    Some(match role {
        "Administrator" => filter(&|_| true),
        "NoAccess" => BTreeSet::new(),
        "PVEAdmin" => filter(&|name| !NOT_FOR_ADMINS.contains(&name)),
        "PVEAuditor" => filter(&|name| name.ends_with(".Audit")),
        "PVEDatastoreAdmin" => filter(&|name| name.starts_with("Datastore.")),
        "PVEDatastoreUser" => only(&["Datastore.AllocateSpace", "Datastore.Audit"]),
        "PVEMappingAdmin" => filter(&|name| name.starts_with("Mapping.")),
        "PVEMappingUser" => only(&["Mapping.Audit", "Mapping.Use"]),
        "PVEPoolAdmin" => filter(&|name| name.starts_with("Pool.")),
        "PVEPoolUser" => only(&["Pool.Audit"]),
        "PVESDNAdmin" => filter(&|name| name.starts_with("SDN.")),
        "PVESDNUser" => only(&["SDN.Audit", "SDN.Use"]),
        "PVESysAdmin" => only(&["Sys.Audit", "Sys.Console", "Sys.Syslog"]),
        "PVETemplateUser" => only(&["VM.Audit", "VM.Clone"]),
        "PVEUserAdmin" => only(&["Group.Allocate", "Realm.AllocateUser", "User.Modify"]),
        "PVEVMAdmin" => filter(&|name| name.starts_with("VM.")),
        "PVEVMUser" => only(&VM_USER),
        _ => return None,
    })
}
