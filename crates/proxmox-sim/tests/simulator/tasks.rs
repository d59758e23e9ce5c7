//! Task lists, status, logs and cancellation.

use std::time::Duration;

use crate::support::{api, api_with, assert_has, task_path};
use proxmox_sim::Config;
use serde_json::json;

const UNKNOWN: &str = "UPID:pve1:00000001:00000001:6B00B574:vzcreate:100:root@pam:";

#[tokio::test]
async fn task_status_contains_user_type_and_exit_status() {
    let api = api().await;
    let reply = api.create(200, &[]).await;
    assert_eq!(api.finish(&reply).await, "OK");
    let upid = reply.data().as_str().unwrap().to_owned();
    let status = api.get(&task_path(&upid, "/status")).await.data();
    assert_has(
        &status,
        json!({
            "upid": upid, "node": "pve1", "type": "vzcreate", "id": "200", "user": "root@pam",
            "tokenid": "holdfast", "status": "stopped", "exitstatus": "OK",
        }),
    );
    let parts: Vec<&str> = upid.split(':').collect();
    assert_eq!(
        u64::from_str_radix(parts[2], 16).unwrap(),
        status["pid"].as_u64().unwrap()
    );
    assert_eq!(
        u64::from_str_radix(parts[4], 16).unwrap(),
        status["starttime"].as_u64().unwrap()
    );
    let log = api.log(&reply).await;
    assert_eq!(log[0], "  Logical volume \"vm-200-disk-0\" created.");
    assert_eq!(log.last().unwrap(), "TASK OK");
}

#[tokio::test]
async fn running_tasks_are_listed_only_with_matching_source() {
    let mut config = Config::test();
    config.delays.create = Duration::from_secs(600);
    let api = api_with(config).await;
    let reply = api.create(200, &[]).await;
    let count = async |query: &str| {
        let list = api.get(&format!("/nodes/pve1/tasks{query}")).await;
        assert_eq!(list.json()["total"], list.data().as_array().unwrap().len());
        list.data()
    };
    assert_eq!(count("").await, json!([]));
    let active = count("?source=active").await;
    assert_has(
        &active[0],
        json!({ "upid": reply.data(), "status": "RUNNING", "id": "200" }),
    );
    assert_eq!(active[0].get("endtime"), None);
    assert_eq!(
        count("?source=all&vmid=200")
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(count("?source=all&vmid=201").await, json!([]));
    assert_eq!(count("?source=all&typefilter=vzstart").await, json!([]));
    let path = task_path(reply.data().as_str().unwrap(), "/status");
    assert_eq!(api.get(&path).await.data()["status"], "running");
}

#[tokio::test]
async fn speed_shortens_tasks() {
    let mut config = Config::test();
    config.delays.create = Duration::from_secs(600);
    config.speed = 30_000;
    let api = api_with(config).await;
    let reply = api.create(200, &[]).await;
    assert_eq!(api.finish(&reply).await, "OK");
}

#[tokio::test]
async fn speed_can_be_changed_at_runtime() {
    let mut config = Config::test();
    config.delays.create = Duration::from_secs(600);
    let api = api_with(config).await;
    api.sim.handle().set_speed(30_000);
    let reply = api.create(200, &[]).await;
    assert_eq!(api.finish(&reply).await, "OK");
    api.sim.handle().set_speed(0);
    let slow = api.create(201, &[]).await;
    let path = task_path(slow.data().as_str().unwrap(), "/status");
    assert_eq!(api.get(&path).await.data()["status"], "running");
}

#[tokio::test]
async fn canceled_creation_is_cleaned_up() {
    let mut config = Config::test();
    config.delays.create = Duration::from_secs(600);
    let api = api_with(config).await;
    let reply = api.create(200, &[]).await;
    let upid = reply.data().as_str().unwrap().to_owned();
    assert_eq!(
        api.delete(&task_path(&upid, "")).await.data(),
        serde_json::Value::Null
    );
    assert_eq!(
        api.finish(&reply).await,
        "unable to create CT 200 - received interrupt"
    );
    assert_eq!(api.sim.handle().containers(), []);
    let volumes = api.sim.handle().volumes("pve1");
    assert!(
        volumes.iter().all(|volume| volume.starts_with("local:")),
        "{volumes:?}"
    );
}

#[tokio::test]
async fn task_lists_are_filtered_and_paginated_newest_first() {
    let api = api().await;
    api.created(200, &[]).await;
    let bad = api
        .create(201, &[("ostemplate", "local:vztmpl/none.tar.gz")])
        .await;
    api.finish(&bad).await;
    api.created(202, &[]).await;
    let ids = async |query: &str| -> Vec<String> {
        let list = api.get(&format!("/nodes/pve1/tasks?{query}")).await.data();
        let all = list.as_array().unwrap();
        all.iter()
            .map(|task| task["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids("").await, ["202", "201", "200"]);
    assert_eq!(ids("limit=1&start=1").await, ["201"]);
    assert_eq!(ids("errors=1").await, ["201"]);
    assert_eq!(ids("statusfilter=ok").await, ["202", "200"]);
    assert_eq!(ids("userfilter=alice").await, [""; 0]);
    assert_eq!(ids("vmid=200").await, ["200"]);
    assert_eq!(
        api.get("/nodes/pve1/tasks?limit=1").await.json()["total"],
        3
    );
    assert_eq!(api.get("/nodes/pve2/tasks").await.data(), json!([]));

    let problem = |query: &'static str, name: &'static str| {
        let path = format!("/nodes/pve1/tasks?{query}");
        let api = &api;
        async move { api.get(&path).await.problem(name) }
    };
    assert_eq!(
        problem("limit=-1", "limit").await,
        "value must have a minimum value of 0"
    );
    assert_eq!(
        problem("source=foo", "source").await,
        "value 'foo' does not have a value in the enumeration 'archive, active, all'"
    );
    let status = problem("statusfilter=foo", "statusfilter").await;
    assert_eq!(status, "invalid format - invalid status 'foo'\n");
}

#[tokio::test]
async fn task_logs_are_paginated_by_line() {
    let api = api().await;
    let reply = api.create(200, &[]).await;
    api.finish(&reply).await;
    let all = api.log(&reply).await;
    let upid = reply.data().as_str().unwrap().to_owned();
    let page = api
        .get(&(task_path(&upid, "/log") + "?start=1&limit=2"))
        .await;
    assert_eq!(page.json()["total"], all.len());
    assert_eq!(
        page.data(),
        json!([{ "n": 2, "t": all[1] }, { "n": 3, "t": all[2] }])
    );
}

#[tokio::test]
async fn empty_task_log_returns_no_content() {
    let mut config = Config::test();
    config.delays.start = Duration::from_secs(600);
    let api = api_with(config).await;
    api.created(200, &[]).await;
    let reply = api.post("/nodes/pve1/lxc/200/status/start", &[]).await;
    assert_eq!(api.log(&reply).await, ["no content"]);
}

#[tokio::test]
async fn unknown_task_and_invalid_upid_have_different_errors() {
    let api = api().await;
    let of = |upid: &str, rest: &str| format!("/nodes/pve1/tasks/{upid}{rest}");
    let unknown = api.get(&of(UNKNOWN, "/status")).await;
    assert_eq!(unknown.problem("upid"), "no such task");
    assert_eq!(
        api.delete(&of(UNKNOWN, "")).await.problem("upid"),
        "no such task"
    );
    let log = api.get(&of(UNKNOWN, "/log")).await;
    let line = json!([{ "n": 1, "t": "unable to open file - No such file or directory" }]);
    assert_eq!(log.data(), line);
    let garbage = api.get(&of("nope", "/status")).await;
    assert_eq!(garbage.problem("upid"), "unable to parse worker upid");
}
