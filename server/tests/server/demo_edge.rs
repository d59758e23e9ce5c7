//! The demo edge: containers of the simulated cluster under names below `localhost`.

use std::{net::SocketAddr, time::Duration};

use axum::{
    body::Body,
    http::{Method, StatusCode, header},
};
use control::{Actor, containers, hosts};
use model::{
    containers::{Power, Status},
    hosts::files::FileState,
    services::{ServiceForm, ServicePublishingState},
};
use reqwest::Client;

use crate::{
    demo_app::DemoApp,
    process::{Program, sign_in},
    support::{TestApp, request},
};

#[tokio::test]
async fn service_is_published_while_its_container_exists() {
    let demo = DemoApp::start().await;
    demo.wait_until_live("wiki").await;
    let view = demo.view("wiki").await.unwrap();
    assert_eq!(view.row.link.as_deref(), Some("http://wiki.localhost:3000"));
    let page = demo.get("wiki.localhost:3000", &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    let html = page.text();
    for part in ["<h1>wiki</h1>", "docker.io/library/nginx:1.27", "GET /page"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("style-src 'unsafe-inline'"), "{policy}");

    demo.power("wiki", Power::Stop).await;
    demo.wait_for_view("wiki", |view| view.unwrap().row.status == Status::Stopped)
        .await;
    let stopped = demo.get("wiki.localhost:3000", &[]).await;
    assert_eq!(stopped.status, StatusCode::BAD_GATEWAY);
    assert!(stopped.text().contains("Service unreachable"));
    demo.power("wiki", Power::Start).await;
    demo.wait_until_live("wiki").await;
    assert_eq!(demo.get("wiki.localhost", &[]).await.status, StatusCode::OK);

    demo.power("wiki", Power::Stop).await;
    demo.wait_for_view("wiki", |view| view.unwrap().row.activity.is_none())
        .await;
    let id = demo.view("wiki").await.unwrap().row.id;
    containers::delete(&demo.control, &Actor::System, id, "wiki")
        .await
        .unwrap();
    demo.wait_for_view("wiki", |view| view.is_none()).await;
    demo.wait_until_applied().await;
    let gone = demo.get("wiki.localhost:3000", &[]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(gone.text().contains("Service not found"));
}

fn web_page() -> ServiceForm {
    ServiceForm {
        kind: "http".into(),
        port: "8080".into(),
        ..ServiceForm::default()
    }
}

#[tokio::test]
async fn new_container_is_published_under_its_name() {
    let demo = DemoApp::start().await;
    demo.create("notes", web_page()).await;
    let row = demo.view("notes").await.unwrap().row;
    assert_eq!(row.link.as_deref(), Some("http://notes.localhost:3000"));
    let page = demo.get("notes.localhost:3000", &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    let address = format!("<dd>{}:8080</dd>", row.address);
    assert!(page.text().contains(&address), "{}", page.text());
}

#[tokio::test]
async fn service_with_sign_in_is_not_public() {
    let demo = DemoApp::start().await;
    let guarded = ServiceForm {
        sign_in: true,
        ..web_page()
    };
    demo.create("intranet", guarded).await;
    let page = demo.get("intranet.localhost:3000", &[]).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.text().contains("Sign-in unavailable"));
}

#[tokio::test]
async fn session_cookie_is_not_sent_to_containers() {
    let demo = DemoApp::start().await;
    demo.wait_until_live("wiki").await;
    let cookies = "theme=dark; holdfast_session=secret";
    let page = demo
        .get("wiki.localhost:3000", &[("cookie", cookies)])
        .await;
    let html = page.text();
    assert!(html.contains("cookie: theme=dark\n"), "{html}");
    assert!(!html.contains("secret"), "{html}");
    assert_eq!(
        page.cookie(),
        None,
        "the manager sets no cookie on container hosts"
    );
}

#[tokio::test]
async fn remote_clients_and_other_hosts_do_not_reach_containers() {
    let demo = DemoApp::start().await;
    demo.wait_until_live("wiki").await;
    let remote = demo
        .get_from("wiki.localhost:3000", &[], [192, 0, 2, 7])
        .await;
    assert_eq!(remote.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(remote.text().contains("only to this machine"));
    let manager = demo.get("localhost:3000", &[]).await;
    assert!(!manager.text().contains("simulated container"));
    assert_eq!(manager.header("cross-origin-opener-policy"), "same-origin");
    let unknown = demo.get("nothing.localhost:3000", &[]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.text().contains("Service not found"));
}

#[tokio::test]
async fn server_without_demo_treats_localhost_names_as_its_own() {
    let app = TestApp::new().await;
    let get_with_host = async |host: &str| {
        let mut request = request(Method::GET, "/sign-in")
            .body(Body::empty())
            .unwrap();
        request
            .headers_mut()
            .insert(header::HOST, host.parse().unwrap());
        app.send(request).await
    };
    let (local, own) = (
        get_with_host("wiki.localhost:3000").await,
        get_with_host("localhost:3000").await,
    );
    assert_eq!((local.status, own.status), (StatusCode::OK, StatusCode::OK));
    assert!(local.text().contains("Sign in"));
    assert_eq!(app.get("/").await.header("location"), "/containers");
}

#[tokio::test]
async fn edge_reports_its_files_and_ends_with_the_process() {
    let demo = DemoApp::start().await;
    demo.wait_until_live("wiki").await;
    demo.wait_until_applied().await;
    let host = demo.host().await;
    assert_eq!(host.facts.unwrap().address.to_string(), "10.20.0.2");
    assert!(host.is_online);
    let (site, name) = ("lab".parse().unwrap(), "demo-edge".parse().unwrap());
    let path = "nginx/services/wiki.localhost.conf".to_owned();
    demo.wait(async || {
        let file = hosts::get_file(&demo.control, &Actor::System, &site, &name, path.clone());
        file.await.is_ok_and(|file| file.state == FileState::Live)
    })
    .await;

    // A long poll is open at this point; the task ends without waiting for it.
    demo.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(10), demo.edge).await;
    ended.expect("the edge does not stop").unwrap();
    demo.control.shutdown(Duration::from_secs(10)).await;
    demo.sim.stop().await;
}

#[tokio::test]
async fn deleted_host_is_not_rejoined_until_restart() {
    let demo = DemoApp::start().await;
    demo.wait_until_live("wiki").await;
    let host = demo.host().await;
    hosts::delete(&demo.control, &Actor::System, host.id, "demo-edge")
        .await
        .unwrap();
    demo.wait_for_view("wiki", |view| {
        let state = &view.unwrap().publications[0].1;
        matches!(state, ServicePublishingState::NoHost)
    })
    .await;
    // Like an edge host, the edge keeps its last configuration.
    let page = demo.get("wiki.localhost:3000", &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    // The new site makes the edge reload all sites; it joins only the new one.
    demo.create_site("office", "office.localhost").await;
    let list_hosts = async || hosts::list(&demo.control, &Actor::System).await.unwrap();
    demo.wait(async || !list_hosts().await.is_empty()).await;
    demo.stop.cancel();
    demo.edge.await.unwrap();
    let sites: Vec<_> = list_hosts()
        .await
        .into_iter()
        .map(|host| host.site_name)
        .collect();
    assert_eq!(sites, ["office".parse().unwrap()]);
}

/// A client that connects to the server for names below `localhost`, as browsers do.
fn browser(url: &str) -> Client {
    let port = url.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let builder = Client::builder().no_proxy();
    builder.resolve("wiki.localhost", address).build().unwrap()
}

/// Signs in and reloads the container page on each server event, until it shows that the container
/// is live.
async fn wait_until_page_shows_live(url: &str, password: &str) {
    let cookie = sign_in(url, "admin", password).await.unwrap();
    let get = async |path: &str| {
        let request = browser(url)
            .get(format!("{url}{path}"))
            .header("cookie", &cookie);
        request.send().await.unwrap()
    };
    let mut events = get("/events").await;
    loop {
        let page = get("/sites/lab/containers/wiki")
            .await
            .text()
            .await
            .unwrap();
        // Removes hydration markers.
        let page = page.replace("<!>", "");
        let link = url.replace("localhost", "wiki.localhost");
        // The button is shown while the container is running.
        if page.contains(">live<") && page.contains("Open</a>") {
            assert!(page.contains(&format!("href=\"{link}\"")), "{link}: {page}");
            return;
        }
        events.chunk().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn demo_is_published_on_the_server_port_after_every_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut password = None;
    for _ in 0..2 {
        let mut program = Program::serve(folder.path(), &[]);
        let url = program.line_after("Holdfast is at ");
        let password = password.get_or_insert_with(|| program.line_after("Password: "));
        wait_until_page_shows_live(&url, password).await;
        let link = url.replace("localhost", "wiki.localhost");
        let page = browser(&url).get(&link).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        assert!(page.text().await.unwrap().contains("<h1>wiki</h1>"));
        assert!(program.terminate().await.success());
    }
    let program = Program::serve(folder.path(), &[("HOLDFAST_DEMO", "false")]);
    let url = program.line_after("Holdfast is at ");
    let link = url.replace("localhost", "wiki.localhost");
    let page = browser(&url)
        .get(format!("{link}/sign-in"))
        .send()
        .await
        .unwrap();
    let html = page.text().await.unwrap();
    assert!(html.contains("Sign in") && !html.contains("simulated container"));
    program.kill();
}
