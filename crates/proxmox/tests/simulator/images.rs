//! Images from registries, and the content of storages.

use std::collections::BTreeMap;

use proxmox::{ConfigChange, ContentKind, CreateLxc, Error, LxcOptions};

use crate::{LONG, debian_container, expect_success, start};

const NGINX: &str = "docker.io/library/nginx:1.27";

#[tokio::test]
async fn image_is_pulled_listed_and_deleted() {
    let (_sim, client) = start().await;
    let mut lines = Vec::new();
    let upid = client
        .pull_oci("pve1", "local", NGINX, "nginx-a.tar")
        .await
        .unwrap();
    assert_eq!(upid.kind(), "ociregistrypull");
    client
        .wait_task(&upid, LONG, |new| lines.extend_from_slice(new))
        .await
        .unwrap();
    assert!(!lines.is_empty());

    let templates = async || {
        client
            .content("pve1", "local", Some(ContentKind::Vztmpl))
            .await
            .unwrap()
    };
    let images: Vec<_> = templates()
        .await
        .into_iter()
        .filter(|file| file.volid.contains("nginx"))
        .collect();
    assert_eq!(images.len(), 1);
    assert!(
        images[0].volid.starts_with("local:vztmpl/nginx-a"),
        "{images:?}"
    );
    assert_eq!(images[0].content, Some(ContentKind::Vztmpl));
    assert!(images[0].size > Some(0));

    let again = client
        .pull_oci("pve1", "local", NGINX, "nginx-a.tar")
        .await
        .unwrap_err();
    assert!(matches!(again, Error::AlreadyExists { .. }), "{again:?}");

    expect_success(
        &client,
        client
            .delete_content("pve1", "local", &images[0].volid)
            .await,
    )
    .await;
    assert!(
        templates()
            .await
            .iter()
            .all(|file| !file.volid.contains("nginx"))
    );
}

#[tokio::test]
async fn missing_image_fails_task_and_missing_tag_fails_call() {
    let (_sim, client) = start().await;
    let upid = client
        .pull_oci("pve1", "local", "docker.io/library/nope:1", "nope")
        .await
        .unwrap();
    let error = client.wait_task(&upid, LONG, |_| ()).await.unwrap_err();
    let Error::TaskFailed { log_tail, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(
        error.proxmox_message().unwrap().contains("skopeo"),
        "{error:?}"
    );
    assert!(!log_tail.is_empty());
    let error = client
        .pull_oci("pve1", "local", "nginx", "nginx")
        .await
        .unwrap_err();
    let Error::Invalid { fields, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(fields.contains_key("reference"));
}

#[tokio::test]
async fn image_tags_are_listed() {
    let (_sim, client) = start().await;
    let tags = client
        .oci_tags("pve1", "docker.io/library/nginx")
        .await
        .unwrap();
    assert!(tags.iter().any(|tag| tag == "1.27"), "{tags:?}");
    assert!(
        client
            .oci_tags("pve1", "docker.io/library/nope")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn environment_must_be_set_after_creation() {
    let (sim, client) = start().await;
    assert!(sim.handle().add_image("pve1", NGINX, "nginx.tar"));
    let ours = BTreeMap::from([("OURS".to_owned(), "1".to_owned())]);
    let base = debian_container(400);
    let options = LxcOptions {
        env: Some(ours),
        ..base.options
    };
    let ostemplate = "local:vztmpl/nginx.tar".to_owned();
    let create = CreateLxc {
        ostemplate,
        options,
        ..base
    };
    expect_success(&client, client.create_lxc("pve1", &create).await).await;
    let config = client.lxc_config("pve1", create.vmid).await.unwrap();
    assert!(!config.env.contains_key("OURS") && config.env.contains_key("NGINX_VERSION"));
    assert!(config.entrypoint.is_some());
    assert_eq!(config.net0.unwrap().host_managed, Some(true));

    let mut both = config.env;
    both.insert("OURS".to_owned(), "1".to_owned());
    let options = LxcOptions {
        env: Some(both.clone()),
        ..LxcOptions::default()
    };
    let change = ConfigChange {
        options,
        digest: config.digest,
        ..ConfigChange::default()
    };
    client
        .set_lxc_config("pve1", create.vmid, &change)
        .await
        .unwrap();
    assert_eq!(
        client.lxc_config("pve1", create.vmid).await.unwrap().env,
        both
    );
}
