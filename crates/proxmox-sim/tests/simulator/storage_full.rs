//! The fault `StorageFull`: tasks fail as on a node whose storage is full.

use std::time::Duration;

use crate::support::{Reply, TestApi, api, api_with, send, task_path};
use proxmox_sim::{Config, Effect, Fault};
use reqwest::Method;

fn inject_storage_full(api: &TestApi, method: &str, path: &str) {
    api.sim.handle().inject(Fault {
        method: method.into(),
        path: path.into(),
        effect: Effect::StorageFull,
    });
}

#[tokio::test]
async fn full_thin_pool_fails_create_clone_and_resize() {
    let api = api().await;
    let thin_pool_error = |vmid: u32| {
        format!(
            "lvcreate 'pve/vm-{vmid}-disk-0' error:   Cannot create new thin volume, free space \
             in thin pool pve/data reached threshold."
        )
    };
    inject_storage_full(&api, "POST", "/nodes/{node}/lxc");
    let reply = api.create(200, &[]).await;
    let status = api.finish(&reply).await;
    assert_eq!(
        status,
        format!("unable to create CT 200 - {}", thin_pool_error(200))
    );
    assert_eq!(api.log(&reply).await.len(), 1, "no disk is allocated");
    assert_eq!(api.sim.handle().containers(), []);

    api.created(200, &[]).await;
    inject_storage_full(&api, "POST", "/nodes/{node}/lxc/{vmid}/clone");
    let clone = "/nodes/pve1/lxc/200/clone";
    let reply = api.post(clone, &[("newid", "201")]).await;
    let status = api.finish(&reply).await;
    assert_eq!(status, format!("clone failed: {}", thin_pool_error(201)));
    assert!(api.sim.handle().container(201).is_none());

    inject_storage_full(&api, "PUT", "/nodes/{node}/lxc/{vmid}/resize");
    let more = [("disk", "rootfs"), ("size", "+1G")];
    let reply = api.put("/nodes/pve1/lxc/200/resize", &more).await;
    assert_eq!(
        api.finish(&reply).await,
        "error resizing volume '/dev/pve/vm-200-disk-0':   Insufficient free space: 256 extents \
         needed, but only 0 available"
    );
    let rootfs = api.config(200).await["rootfs"].clone();
    assert_eq!(rootfs, "local-lvm:vm-200-disk-0,size=8G");
    let reply = api.put("/nodes/pve1/lxc/200/resize", &more).await;
    assert_eq!(
        api.finish(&reply).await,
        "OK",
        "the fault affects one request only"
    );
}

#[tokio::test]
async fn full_directory_storage_fails_image_pull() {
    let api = api_with(Config::test()).await;
    inject_storage_full(
        &api,
        "POST",
        "/nodes/{node}/storage/local/oci-registry-pull",
    );
    let pull = "/nodes/pve1/storage/local/oci-registry-pull";
    let image = [("reference", "docker.io/library/nginx:1.27")];
    let reply = api.post(pull, &image).await;
    let status = api.finish(&reply).await;
    let start = "command 'skopeo copy docker://docker.io/library/nginx:1.27 \
                 oci-archive:/var/lib/vz/template/cache/nginx_1.27.tar.tmp.";
    assert!(status.starts_with(start), "{status}");
    assert!(status.ends_with("' failed: exit code 1"), "{status}");
    assert!(!status.contains('{'), "{status}");
    let log = api.log(&reply).await;
    let is_logged = log
        .iter()
        .any(|line| line.ends_with("no space left on device\""));
    assert!(is_logged, "{log:?}");
    let stored = api.sim.handle().volumes("pve1");
    assert!(!stored.iter().any(|id| id.contains("nginx")), "{stored:?}");
}

#[tokio::test]
async fn full_directory_storage_fails_create_and_clone() {
    let sim = proxmox_sim::start(Config::recorded("secret"))
        .await
        .unwrap();
    let http = crate::support::client();
    let url = format!("{}/api2/json", sim.url());
    let form = [("username", "root@pam"), ("password", "secret")];
    let ticket = send(http.post(format!("{url}/access/ticket")).form(&form)).await;
    let ticket = ticket.data();
    let word = |name: &str| ticket[name].as_str().unwrap().to_owned();
    let request = |method, path: &str| {
        let request = http.request(method, format!("{url}{path}"));
        request
            .header("Cookie", format!("PVEAuthCookie={}", word("ticket")))
            .header("CSRFPreventionToken", word("CSRFPreventionToken"))
    };
    let finish = async |reply: Reply| {
        let path = task_path(reply.data().as_str().unwrap(), "/status");
        loop {
            let status = send(request(Method::GET, &path)).await.data();
            if let Some(end) = status["exitstatus"].as_str() {
                return end.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let inject = |path: &str| {
        sim.handle().inject(Fault {
            method: "POST".into(),
            path: path.into(),
            effect: Effect::StorageFull,
        });
    };
    inject("/nodes/{node}/lxc");
    let template = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.gz";
    let form = [("vmid", "200"), ("ostemplate", template)];
    let reply = send(request(Method::POST, "/nodes/pve1/lxc").form(&form)).await;
    let status = finish(reply).await;
    let start = "unable to create CT 200 - command 'lxc-usernsexec ";
    assert!(status.starts_with(start), "{status}");
    assert!(status.ends_with("failed: exit code 2"), "{status}");
    assert!(sim.handle().container(200).is_none());

    sim.handle().stop_container(100);
    inject("/nodes/{node}/lxc/{vmid}/clone");
    let form = [("newid", "200")];
    let clone = request(Method::POST, "/nodes/pve1/lxc/100/clone").form(&form);
    let status = finish(send(clone).await).await;
    assert!(
        status.starts_with("clone failed: command 'rsync "),
        "{status}"
    );
    assert!(status.ends_with("failed: exit code 11"), "{status}");
}
