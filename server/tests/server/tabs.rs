//! Each tab of an object's page has its own URL, and the server renders its contents.

use axum::{
    body::Body,
    http::{StatusCode, header},
};
use control::{Actor, domains, hosts};
use model::domains::{DomainForm, Hsts, Publishers};
use proxmox_sim::{Config, start};

use crate::support::{TestApp, create_site, get};

/// The tabs of each object: path and a text that only this tab contains.
const OBJECTS: [&[(&str, &str)]; 4] = [
    &[
        ("/sites/lab", "Free addresses"),
        ("/sites/lab/settings", "Delete site"),
    ],
    &[
        ("/clusters/test", "Signed in as"),
        (
            "/clusters/test/import",
            "aria-label=\"Unmanaged containers\"",
        ),
        ("/clusters/test/settings", "Remove cluster"),
    ],
    &[
        ("/domains/{id}", "HSTS policy"),
        ("/domains/{id}/certificates", "aria-label=\"Certificates\""),
        ("/domains/{id}/settings", "Delete domain"),
    ],
    &[
        ("/sites/lab/hosts/edge-1", "Last seen"),
        ("/sites/lab/hosts/edge-1/files", "No files yet"),
        ("/sites/lab/hosts/edge-1/settings", "Delete host"),
    ],
];

#[tokio::test]
async fn each_tab_is_rendered_at_its_own_url() {
    let sim = start(Config::test()).await.unwrap();
    let app = TestApp::new().await;
    let site = create_site(&app.control, &sim).await;
    let form = DomainForm {
        site: site.to_string(),
        name: "shop.example.net".into(),
        hsts: Hsts::Names.to_string(),
        publishers: Publishers::AllUsers.as_str().to_owned(),
        ..DomainForm::default()
    };
    let domain = domains::create(&app.control, &Actor::System, form.parse().unwrap()).await;
    let domain = domain.unwrap().to_string();
    let host = hosts::create(
        &app.control,
        &Actor::System,
        site,
        "edge-1".parse().unwrap(),
    );
    host.await.unwrap();
    let cookie = app.cookie().await;
    for tabs in OBJECTS {
        for (path, own) in tabs {
            let path = path.replace("{id}", &domain);
            let request = get(&path).header(header::COOKIE, &cookie);
            let response = app.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(response.status, StatusCode::OK, "{path}");
            let text = response.text();
            for (_, marker) in tabs {
                assert_eq!(text.contains(marker), marker == own, "{path}: {marker}");
            }
            assert!(text.contains("aria-current=\"page\""), "{path}");
        }
    }
}
