//! Publication states of services, and the configuration files of an edge host.

use agent_protocol::{LiveFilesUpdate, endpoints::MAX_FILE_SIZE};
use control::{Actor, hosts};
use futures::StreamExt as _;
use model::{
    Error,
    events::Topic,
    hosts::{
        ApplyOutcome, ConfigPart, QuarantinedPart, Report,
        files::{FileQuery, FileState, LineChange},
    },
    services::{ServiceForm, ServicePublishingState},
};

use crate::{
    hosts::Host,
    test_app::{DEBIAN, TestApp},
};

const SYSTEM: Actor = Actor::System;

/// Creates a container with an HTTP service and returns its publication state.
async fn create_web(app: &TestApp) -> ServicePublishingState {
    let form = model::containers::ContainerForm {
        services: vec![ServiceForm {
            kind: "http".into(),
            port: "80".into(),
            ..ServiceForm::default()
        }],
        ..app.form("web", DEBIAN)
    };
    let created = app.create(&form).await.unwrap();
    app.wait_for_job(created.job).await;
    state(app).await
}

async fn state(app: &TestApp) -> ServicePublishingState {
    app.view("web").await.publications.remove(0).1
}

fn reason(publication: ServicePublishingState) -> String {
    match publication {
        ServicePublishingState::Blocked { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn service_is_blocked_then_publishing_then_live() {
    let app = TestApp::new().await;
    let control = &app.control;
    assert_eq!(create_web(&app).await, ServicePublishingState::NoHost);
    let host = Host::join(&app, "edge-1", "10.20.0.2").await;
    assert_eq!(state(&app).await, ServicePublishingState::Publishing);

    let mut events = Box::pin(control.events(&SYSTEM, None));
    let config = host.next(control, None).await.unwrap();
    host.live(control, config.generation).await;
    assert_eq!(state(&app).await, ServicePublishingState::Live);
    let notification = async {
        while let Some((_, event)) = events.next().await {
            if event.topic == Topic::Container {
                return;
            }
        }
    };
    let notification = tokio::time::timeout(std::time::Duration::from_secs(10), notification).await;
    notification.expect("an event for the container");

    let service = app.view("web").await.services[0].id;
    let report = Report {
        generation: config.generation,
        outcome: ApplyOutcome::Live,
        quarantined: vec![QuarantinedPart {
            part: ConfigPart::Service(service),
            message: "[emerg] host not found".into(),
        }],
        failed_probes: Vec::new(),
        unservable_certificates: Vec::new(),
    };
    hosts::report(control, &host.agent, report).await.unwrap();
    assert_eq!(reason(state(&app).await), "edge-1: [emerg] host not found");
    let (site, name) = ("lab".parse().unwrap(), "edge-1".parse().unwrap());
    let detail = hosts::get(control, &SYSTEM, &site, &name).await.unwrap();
    assert_eq!(detail.quarantined, [(service, "web".parse().unwrap())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_host_are_compared_with_live_files() {
    let app = TestApp::new().await;
    let control = &app.control;
    create_web(&app).await;
    let (site, name) = ("lab".parse().unwrap(), "edge-1".parse().unwrap());
    let host = Host::join(&app, "edge-1", "10.20.0.2").await;
    let files = async || {
        let query = FileQuery::default();
        hosts::list_files(control, &SYSTEM, &site, &name, query)
            .await
            .unwrap()
            .list
    };
    let file =
        async |path: &str| hosts::get_file(control, &SYSTEM, &site, &name, path.into()).await;
    let before = files().await;
    assert!(!before.is_reported && before.differing == before.all && before.all > 5);

    // The host has all files, with one changed line and one extra file.
    let mut live = LiveFilesUpdate {
        replace: true,
        ..LiveFilesUpdate::default()
    };
    for row in &before.page.rows {
        let text = file(&row.path).await.unwrap().text;
        live.files.insert(row.path.clone(), text);
    }
    let page = "nginx/services/web.lab.example.org.conf".to_owned();
    let expected = live.files[&page].clone();
    let modified = expected.replacen("10.20.1.1", "10.20.9.9", 1);
    assert_ne!(expected, modified, "{expected}");
    live.files.insert(page.clone(), modified);
    live.files
        .insert("nginx/services/old.conf".into(), "old\n".into());
    hosts::report_files(control, &host.agent, live)
        .await
        .unwrap();
    let after = files().await;
    assert_eq!(
        (after.is_reported, after.differing, after.all),
        (true, 2, before.all + 1)
    );
    let changed = file(&page).await.unwrap();
    assert_eq!(
        (changed.state, changed.text.as_str()),
        (FileState::Changed, expected.as_str())
    );
    let lines: Vec<_> = changed.hunks.iter().flat_map(|hunk| &hunk.lines).collect();
    let of = |mark| lines.iter().filter(|line| line.mark == mark).count();
    assert_eq!((of(LineChange::Added), of(LineChange::Removed)), (1, 1));
    let extra = file("nginx/services/old.conf").await.unwrap();
    assert_eq!(
        (extra.state, extra.text.as_str()),
        (FileState::Gone, "old\n")
    );
    assert!(matches!(file("nothing").await, Err(Error::NotFound { .. })));

    // An incremental report corrects the changed file and removes the extra one.
    let report = LiveFilesUpdate {
        files: [(page, expected)].into(),
        removed: vec!["nginx/services/old.conf".into()],
        replace: false,
    };
    hosts::report_files(control, &host.agent, report)
        .await
        .unwrap();
    assert_eq!(files().await.differing, 0);
    for wrong in ["/etc/passwd", "../a", "a\nb"] {
        let report = LiveFilesUpdate {
            files: [(wrong.to_owned(), String::new())].into(),
            ..LiveFilesUpdate::default()
        };
        let refused = hosts::report_files(control, &host.agent, report).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{wrong}");
    }
    let large = LiveFilesUpdate {
        files: [("a".to_owned(), "x".repeat(MAX_FILE_SIZE + 1))].into(),
        ..LiveFilesUpdate::default()
    };
    let refused = hosts::report_files(control, &host.agent, large).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })));
    // Files of 2 MiB, of which the limit admits 32.
    let many = |names: std::ops::Range<u32>| LiveFilesUpdate {
        files: names
            .map(|n| (format!("f{n}"), "x".repeat(MAX_FILE_SIZE)))
            .collect(),
        replace: false,
        removed: Vec::new(),
    };
    let report = async |update| hosts::report_files(control, &host.agent, update).await;
    report(many(0..20)).await.unwrap();
    let refused = report(many(20..33)).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    report(many(20..30)).await.unwrap();
}
