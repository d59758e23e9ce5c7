//! Response envelope, and errors that occur before a handler runs.

use std::time::{Duration, Instant};

use crate::support::{Reply, api, api_with, send};
use proxmox_sim::{Config, TEST_SECRET};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn success_response_wraps_data() {
    let api = api().await;
    let response = api.request(Method::GET, "/version").send().await.unwrap();
    let headers = response.headers().clone();
    assert_eq!(headers["server"], "pve-api-daemon/3.0");
    assert_eq!(headers["content-type"], "application/json;charset=UTF-8");
    assert_eq!(headers["cache-control"], "max-age=0");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["data"]["release"], "9.2");
    assert_eq!(body.as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn error_response_closes_connection() {
    let api = api().await;
    let good = api.request(Method::GET, "/version").send().await.unwrap();
    assert_eq!(good.headers().get("connection"), None);
    let bad = api.request(Method::GET, "/nope").send().await.unwrap();
    assert_eq!(bad.headers()["connection"], "close");
}

#[tokio::test]
async fn token_header_accepts_same_forms_as_real_node() {
    let api = api().await;
    let cases = [
        (None, 401, "No ticket"),
        (Some("Bearer SECRET".to_owned()), 401, "No ticket"),
        (
            Some("pveapitoken=root@pam!holdfast=SECRET".to_owned()),
            401,
            "No ticket",
        ),
        (
            Some("PVEAPIToken=root@pam!holdfast=SECRET".to_owned()),
            200,
            "OK",
        ),
        (
            Some("PVEAPIToken root@pam!holdfast=SECRET".to_owned()),
            200,
            "OK",
        ),
        (
            Some("PVEAPIToken=root%40pam%21holdfast=SECRET".to_owned()),
            200,
            "OK",
        ),
        (
            Some("PVEAPIToken=root@pam!holdfast:SECRET".to_owned()),
            401,
            "Authentication failed!",
        ),
        (
            Some("PVEAPIToken=root@pam!other=SECRET".to_owned()),
            401,
            "Authentication failed!",
        ),
        (
            Some("PVEAPIToken=root@pam!holdfast=wrong".to_owned()),
            401,
            "Authentication failed!",
        ),
    ];
    for (header, status, reason) in cases {
        let mut request = api.http.get(format!("{}/api2/json/version", api.sim.url()));
        if let Some(header) = &header {
            request = request.header("Authorization", header.replace("SECRET", TEST_SECRET));
        }
        let reply = send(request).await;
        assert_eq!(
            (reply.status, reply.reason.as_str()),
            (status, reason),
            "{header:?}"
        );
        assert!(
            status == 200 || reply.text.is_empty(),
            "a 401 has no body: {reply:?}"
        );
    }
}

#[tokio::test]
async fn authentication_is_checked_before_path() {
    let api = api().await;
    let reply = send(api.http.get(format!("{}/api2/json/nope", api.sim.url()))).await;
    assert_eq!((reply.status, reply.reason.as_str()), (401, "No ticket"));
}

#[tokio::test]
async fn failed_authentication_is_delayed() {
    let mut config = Config::test();
    config.auth_delay = Duration::from_millis(300);
    let api = api_with(config).await;
    let begin = Instant::now();
    let reply = send(api.http.get(format!("{}/api2/json/version", api.sim.url()))).await;
    assert_eq!(reply.status, 401);
    assert!(begin.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn unknown_routes_are_not_implemented() {
    let api = api().await;
    let reply = api.get("/nodes/pve1/nope").await;
    let message = "Method 'GET /nodes/pve1/nope' not implemented";
    assert_eq!((reply.status, reply.reason.as_str()), (501, message));
    assert_eq!(reply.json(), json!({ "data": null, "message": message }));
    assert_eq!(api.put("/version", &[]).await.status, 501);
    let patch = send(api.request(Method::PATCH, "/version")).await;
    let reason = "method 'PATCH' not available".to_owned();
    assert_eq!(
        patch,
        Reply {
            status: 501,
            reason,
            text: String::new()
        }
    );
}

#[tokio::test]
async fn extra_slashes_are_ignored_and_unknown_formats_rejected() {
    let api = api().await;
    assert_eq!(api.get("//version/").await.status, 200);
    assert_eq!(api.get("/version?_dc=123").await.status, 200);
    let base = api.sim.url();
    let xml = send(api.http.get(format!("{base}/api2/xml/version"))).await;
    assert_eq!(
        (xml.status, xml.reason.as_str()),
        (501, "no formatter for uri /version, xml")
    );
    let bare = send(api.http.get(format!("{base}/api2"))).await;
    assert_eq!((bare.status, bare.text.as_str()), (501, "no such uri"));
}

#[tokio::test]
async fn unknown_parameters_are_rejected() {
    let api = api().await;
    let problem =
        "property is not defined in schema and the schema does not allow additional properties";
    for query in ["foo=1", "foo"] {
        let reply = api.get(&format!("/version?{query}")).await;
        assert_eq!(reply.problem("foo"), problem, "{query}");
    }
}

#[tokio::test]
async fn invalid_bodies_are_rejected() {
    let api = api().await;
    let path = "/nodes/pve1/lxc";
    let xml = api
        .request(Method::POST, path)
        .header("Content-Type", "text/xml")
        .body("<a/>");
    let xml = send(xml).await;
    let text = "upload 'Content-Type 'text/xml' not implemented";
    assert_eq!(
        (xml.status, xml.reason.as_str(), xml.text.as_str()),
        (506, text, text)
    );

    let json = |body: &'static str| {
        send(
            api.request(Method::POST, path)
                .header("Content-Type", "application/json")
                .body(body),
        )
    };
    let broken = json("{\"vmid\":").await;
    assert_eq!(broken.status, 500);
    assert!(
        broken.reason.starts_with("malformed JSON string"),
        "{broken:?}"
    );
    let list = json("[]").await;
    assert!(list.reason.starts_with("Not a HASH reference"), "{list:?}");

    let large = "x=".to_owned() + &"a".repeat(600 * 1024);
    let large = send(api.request(Method::POST, path).body(large)).await;
    assert_eq!(
        (large.status, large.reason.as_str()),
        (501, "for data too large")
    );

    let with_body = send(
        api.request(Method::DELETE, "/nodes/pve1/lxc/100")
            .body("force=1"),
    )
    .await;
    assert_eq!(
        (with_body.status, with_body.reason.as_str()),
        (501, "Unexpected content for method 'DELETE'")
    );
}

#[tokio::test]
async fn query_takes_precedence_over_body() {
    let api = api().await;
    let reply = api
        .post("/nodes/pve1/lxc?vmid=99", &[("vmid", "200")])
        .await;
    let problem = "invalid format - value does not look like a valid VM ID\n";
    assert_eq!(reply.problem("vmid"), problem);
    assert_eq!(
        reply.problem("ostemplate"),
        "property is missing and it is not optional"
    );
}

#[tokio::test]
async fn path_parameters_are_validated() {
    let api = api().await;
    let of = |vmid: &'static str| format!("/nodes/pve1/lxc/{vmid}/config");
    let problem = api.get(&of("abc")).await.problem("vmid");
    assert_eq!(problem, "type check ('integer') failed - got 'abc'");
    for vmid in ["0100", "1000000000"] {
        let problem = api.get(&of(vmid)).await.problem("vmid");
        assert_eq!(
            problem,
            "invalid format - value does not look like a valid VM ID\n"
        );
    }
    let message = "Configuration file 'nodes/pve1/lxc/555.conf' does not exist";
    assert_eq!(api.get(&of("555")).await.failure(), message);
}

#[tokio::test]
async fn requests_are_proxied_to_node_in_path() {
    let api = api().await;
    assert_eq!(api.get("/nodes/localhost/status").await.status, 200);
    let unknown = api.get("/nodes/pve9/status").await.failure();
    assert!(
        unknown.starts_with("hostname lookup 'pve9' failed"),
        "{unknown}"
    );
    api.sim.handle().set_node_online("pve2", false);
    let away = api.get("/nodes/pve2/status").await;
    let reason = "Connection refused".to_owned();
    assert_eq!(
        away,
        Reply {
            status: 595,
            reason,
            text: String::new()
        }
    );
    api.sim.handle().set_node_online("pve2", true);
    assert_eq!(api.get("/nodes/pve2/status").await.status, 200);
}

#[tokio::test]
async fn requests_are_counted_by_path() {
    let api = api().await;
    api.get("/version").await;
    api.get("/version?x=1").await;
    api.post("/nodes/pve1/lxc", &[]).await;
    let upid = "UPID:pve1:00000001:00000001:6B00B574:vzcreate:100:root@pam:";
    api.get(&crate::support::task_path(upid, "/status")).await;
    let requests = api.sim.handle().request_counts();
    assert_eq!(requests["GET /nodes/pve1/tasks/{upid}/status"], 1);
    assert_eq!(requests["GET /version"], 2);
    assert_eq!(requests["POST /nodes/pve1/lxc"], 1);
}
