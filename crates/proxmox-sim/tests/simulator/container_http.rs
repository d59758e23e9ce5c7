//! HTTP responses of running containers.

use crate::support::api;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use proxmox_sim::Unreachable;

const NET: &str = "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:0A,ip=10.20.0.30/16,gw=10.20.0.1";

fn request() -> Request<Body> {
    let request = Request::get("/notes?a=1&b=2").header("x-said", "<b>&\"");
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn page_shows_container_and_escapes_request() {
    let api = api().await;
    api.running(200, &[("net0", NET), ("hostname", "wiki")])
        .await;
    let http = api.sim.handle().container_http();
    let response = http
        .send("10.20.0.30:8080".parse().unwrap(), request())
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let page = String::from_utf8(body.to_vec()).unwrap();
    for part in [
        "<h1>wiki</h1>",
        "simulated container",
        "<dd>debian-13-standard_13.1-2_amd64.tar.zst</dd>",
        "<dd>pve1</dd>",
        "<dd>10.20.0.30:8080</dd>",
        "GET /notes?a=1&amp;b=2",
        "x-said: &lt;b&gt;&amp;",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<b>"), "{page}");
}

#[tokio::test]
async fn stopped_container_unknown_address_and_offline_node_are_unreachable() {
    let api = api().await;
    api.running(200, &[("net0", NET)]).await;
    let http = api.sim.handle().container_http();
    let send = |to: &str| http.send(to.parse().unwrap(), request()).map(drop);
    let unreachable = |ip: &str| Err(Unreachable(ip.parse().unwrap()));
    assert_eq!(send("10.20.0.30:80"), Ok(()));
    assert_eq!(send("10.20.0.31:80"), unreachable("10.20.0.31"));
    api.sim.handle().set_node_online("pve1", false);
    assert_eq!(send("10.20.0.30:80"), unreachable("10.20.0.30"));
    api.sim.handle().set_node_online("pve1", true);
    assert_eq!(send("10.20.0.30:80"), Ok(()));
    assert!(api.sim.handle().stop_container(200));
    assert_eq!(send("10.20.0.30:80"), unreachable("10.20.0.30"));
}

#[tokio::test]
async fn leased_address_is_reachable_until_simulator_stops() {
    let api = api().await;
    let leased = "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:0B,ip=dhcp";
    api.running(200, &[("net0", leased)]).await;
    let address = api.sim.handle().container(200).unwrap().leases["net0"];
    let http = api.sim.handle().container_http();
    let to = std::net::SocketAddrV4::new(address, 80);
    assert!(http.send(to, request()).is_ok());
    api.sim.stop().await;
    assert_eq!(
        http.send(to, request()).map(drop),
        Err(Unreachable(address))
    );
}
