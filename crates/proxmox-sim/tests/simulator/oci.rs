//! OCI images and storages.

use crate::support::{Reply, TestApi, api, assert_has};
use serde_json::{Value, json};

async fn pull(api: &TestApi, form: &[(&str, &str)]) -> Reply {
    api.post("/nodes/pve1/storage/local/oci-registry-pull", form)
        .await
}

#[tokio::test]
async fn pulled_image_becomes_template_and_task_logs_progress() {
    let api = api().await;
    let reply = pull(&api, &[("reference", "docker.io/library/nginx:1.27")]).await;
    let upid = reply.data().as_str().unwrap().to_owned();
    assert!(
        upid.contains(":ociregistrypull:nginx_1.27.tar:root@pam!holdfast:"),
        "{upid}"
    );
    assert_eq!(api.finish(&reply).await, "OK");
    let log = api.log(&reply).await;
    assert_eq!(log[0], "Getting image source signatures");
    let progress: Vec<&String> = log.iter().filter(|line| line.contains("MiB / ")).collect();
    assert_eq!(progress.len(), 20);
    assert!(progress[0].starts_with("Copying blob "), "{}", progress[0]);
    assert!(
        progress[9].ends_with(" 33.5MiB / 33.5MiB"),
        "{}",
        progress[9]
    );

    let content = api
        .get("/nodes/pve1/storage/local/content?content=vztmpl")
        .await
        .data();
    let all = content.as_array().unwrap();
    let image = all
        .iter()
        .find(|file| file["volid"] == "local:vztmpl/nginx_1.27.tar")
        .unwrap();
    assert_has(
        image,
        json!({ "format": "tar", "content": "vztmpl", "size": 70_254_592 }),
    );
    let other_node = api.get("/nodes/pve2/storage/local/content").await.data();
    assert_eq!(other_node.as_array().unwrap().len(), 4);

    let again = pull(&api, &[("reference", "nginx:1.27")]).await.failure();
    assert!(
        again.starts_with("refusing to override existing file"),
        "{again}"
    );
}

#[tokio::test]
async fn pull_of_unknown_image_fails_task() {
    let api = api().await;
    let reply = pull(
        &api,
        &[
            ("reference", "localhost:5000/a/b:v1"),
            ("filename", "my img"),
        ],
    )
    .await;
    assert!(
        reply
            .data()
            .as_str()
            .unwrap()
            .contains(":ociregistrypull:my_img.tar:")
    );
    let end = api.finish(&reply).await;
    let start = "command 'skopeo copy docker://localhost:5000/a/b:v1 \
                 oci-archive:/var/lib/vz/template/cache/my_img.tar.tmp.";
    assert!(end.starts_with(start), "{end}");
    assert!(end.ends_with("' failed: exit code 1"), "{end}");
    assert!(api.log(&reply).await[1].contains("denied"));
    let tag = pull(&api, &[("reference", "nginx:none")]).await;
    api.finish(&tag).await;
    assert!(api.log(&tag).await[1].contains("manifest unknown"));
}

#[tokio::test]
async fn reference_requires_tag_and_rejects_digest() {
    let api = api().await;
    let pattern = "value does not match the regex pattern";
    for reference in ["nginx", "Docker.io/Lib:1", "ghcr.io/a/b@sha256:abcd"] {
        let reply = pull(&api, &[("reference", reference)]).await;
        assert_eq!(reply.problem("reference"), pattern, "{reference}");
    }
    let missing = pull(&api, &[]).await;
    assert_eq!(
        missing.problem("reference"),
        "property is missing and it is not optional"
    );
    let empty = pull(&api, &[("reference", "nginx:1.27"), ("filename", "")]).await;
    assert_eq!(
        empty.problem("filename"),
        "value must be at least 1 characters long"
    );
    let form = [("reference", "nginx:1.27")];
    let lvm = api
        .post("/nodes/pve1/storage/local-lvm/oci-registry-pull", &form)
        .await;
    assert_eq!(
        lvm.failure(),
        "storage 'local-lvm' is not configured for content-type 'vztmpl'"
    );
}

#[tokio::test]
async fn repository_tags_are_listed() {
    let api = api().await;
    let tags = async |reference: &str| {
        api.get(&format!(
            "/nodes/pve1/query-oci-repo-tags?reference={reference}"
        ))
        .await
    };
    assert_eq!(
        tags("nginx").await.data(),
        json!(["1.27", "1.28", "latest"])
    );
    let unknown = tags("ghcr.io/no/such").await.failure();
    assert_eq!(
        unknown,
        "command 'skopeo list-tags docker://ghcr.io/no/such' failed: exit code 1"
    );
    let tagged = tags("nginx:latest").await.problem("reference");
    assert_eq!(tagged, "value does not match the regex pattern");
}

#[tokio::test]
async fn image_settings_override_creation_options() {
    let api = api().await;
    assert!(
        api.sim
            .handle()
            .add_image("pve1", "ghcr.io/example/app:v1", "app.tar")
    );
    let form = [
        ("ostemplate", "local:vztmpl/app.tar"),
        ("entrypoint", "/bin/mine"),
        ("env", "MINE=1"),
        ("cmode", "shell"),
        (
            "net0",
            "name=eth0,bridge=vmbr0,ip=10.20.0.41/16,gw=10.20.0.1",
        ),
    ];
    api.created(401, &form).await;
    let config = api.config(401).await;
    assert_has(
        &config,
        json!({ "cmode": "console", "entrypoint": "/app/serve --port 8080" }),
    );
    let env = config["env"].as_str().unwrap();
    assert!(env.starts_with("PATH="), "{env}");
    assert!(env.ends_with("\0APP_MODE=release"), "{env}");
    assert!(
        config["net0"]
            .as_str()
            .unwrap()
            .contains(",host-managed=1,")
    );
    assert_eq!(config["lxc"][0], json!(["lxc.init.uid", "0"]));

    let merged = [("env", "MINE=1\0B=2"), ("entrypoint", "/bin/sleep 3600")];
    assert_eq!(
        api.put("/nodes/pve1/lxc/401/config", &merged).await.data(),
        Value::Null
    );
    let expected = json!({ "env": "MINE=1\u{0}B=2", "entrypoint": "/bin/sleep 3600" });
    assert_has(&api.config(401).await, expected);
}

#[tokio::test]
async fn deleting_missing_volume_succeeds() {
    let api = api().await;
    api.sim
        .handle()
        .add_image("pve1", "nginx:1.27", "nginx.tar");
    let content = "/nodes/pve1/storage/local/content";
    for volume in [
        "local:vztmpl/nginx.tar",
        "local:vztmpl/nginx.tar",
        "vztmpl/none.tar.gz",
    ] {
        let reply = api.delete(&format!("{content}/{volume}")).await;
        assert!(reply.data().as_str().unwrap().contains(":imgdel:local:"));
        assert_eq!(api.finish(&reply).await, "OK");
    }
    let left = api.sim.handle().volumes("pve1");
    assert!(
        !left.contains(&"local:vztmpl/nginx.tar".to_owned()),
        "{left:?}"
    );
    let odd = api.delete(&format!("{content}/nope")).await;
    assert_eq!(
        odd.failure(),
        "unable to parse directory volume name 'nope'"
    );
}

#[tokio::test]
async fn storage_content_and_usage_are_reported() {
    let api = api().await;
    let list = api.get("/nodes/pve1/storage?content=rootdir").await.data();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_has(
        &list[0],
        json!({ "storage": "local-lvm", "type": "lvmthin", "active": 1 }),
    );
    let before = api.get("/nodes/pve1/storage/local-lvm/status").await.data();
    assert_has(&before, json!({ "enabled": 1, "shared": 0, "used": 0 }));
    api.created(200, &[]).await;
    let after = api.get("/nodes/pve1/storage/local-lvm/status").await.data();
    assert!(after["used"].as_u64() > before["used"].as_u64());
    let disks = api
        .get("/nodes/pve1/storage/local-lvm/content?vmid=200")
        .await
        .data();
    assert_has(
        &disks[0],
        json!({ "volid": "local-lvm:vm-200-disk-0", "vmid": 200, "content": "rootdir",
                "format": "raw", "size": 8_589_934_592_u64 }),
    );
    let unknown = api.get("/nodes/pve1/storage/nostore/status").await;
    assert_eq!(unknown.problem("storage"), "No such storage.");
    let unknown = api.get("/nodes/pve1/storage/nostore/content").await;
    assert_eq!(unknown.failure(), "storage 'nostore' does not exist");
    let odd = api
        .get("/nodes/pve1/storage/local/content?content=foo")
        .await;
    assert_eq!(
        odd.problem("content"),
        "invalid format - invalid content type 'foo'\n"
    );
}
