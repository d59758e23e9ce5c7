//! Changes to containers that bypass the API.

use crate::support::{api, assert_has, container};
use serde_json::{Value, json};

#[tokio::test]
async fn containers_can_be_moved_and_renamed_out_of_band() {
    let api = api().await;
    assert!(api.sim.handle().add_container(&container(300)));
    let addresses = api.sim.handle().container(300).unwrap().leases;
    assert_eq!(addresses.len(), 1, "a running container has a lease");
    assert!(api.sim.handle().move_container(300, "pve2"));
    assert!(!api.sim.handle().move_container(300, "pve9"));
    assert!(!api.sim.handle().move_container(301, "pve2"));
    assert!(api.sim.handle().rename_container(300, "ours"));
    assert!(!api.sim.handle().rename_container(301, "ours"));
    let moved = api.get("/nodes/pve2/lxc").await.data()[0].clone();
    assert_has(&moved, json!({ "vmid": 300, "name": "ours" }));
    assert_eq!(api.get("/nodes/pve1/lxc").await.data(), json!([]));
    let disk = "local-lvm:vm-300-disk-0".to_owned();
    assert!(api.sim.handle().volumes("pve2").contains(&disk));
}

#[tokio::test]
async fn removed_container_leaves_no_pool_membership_or_permission_behind() {
    let api = api().await;
    assert!(api.sim.handle().add_container(&container(300)));
    api.post("/pools", &[("poolid", "web")]).await.data();
    let members = [("vms", "300")];
    api.put("/pools/web", &members).await.data();
    let user = [("userid", "alice@pve")];
    api.post("/access/users", &user).await.data();
    let entry = [
        ("path", "/vms/300"),
        ("roles", "PVEVMUser"),
        ("users", "alice@pve"),
    ];
    api.put("/access/acl", &entry).await.data();

    assert!(api.sim.handle().delete_config_file(300));
    let acl = api.get("/access/acl").await.data();
    assert_eq!(acl[0]["path"], "/vms/300", "only the file is deleted");
    assert!(api.sim.handle().add_container(&container(300)));
    assert!(api.sim.handle().remove_container(300));
    assert!(!api.sim.handle().remove_container(300));
    let acl = api.get("/access/acl").await.data();
    let paths: Vec<&Value> = acl.as_array().unwrap().iter().map(|e| &e["path"]).collect();
    assert!(!paths.contains(&&json!("/vms/300")), "{acl}");
    // A new container with the same VMID does not inherit the membership.
    assert!(api.sim.handle().add_container(&container(300)));
    let pool = api.get("/pools?poolid=web").await.data()[0].clone();
    assert_eq!(pool["members"], json!([]));
}
