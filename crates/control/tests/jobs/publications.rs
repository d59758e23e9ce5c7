//! How services are published, as their owners see it, and the files of an edge host.

use control::{Actor, agents};
use edge::link::Live;
use futures::StreamExt as _;
use model::{
    Error,
    agents::{
        Aside, Outcome, Report,
        files::{FileQuery, FileState, Mark},
    },
    events::Topic,
    services::{Publication, ServiceForm},
    users::UserForm,
};

use crate::{
    agents::Host,
    house::{DEBIAN, House},
};

const SYSTEM: Actor = Actor::System;

/// A container with a web page, made.
async fn web(house: &House) -> Publication {
    let form = model::containers::ContainerForm {
        services: vec![ServiceForm {
            kind: "http".into(),
            port: "80".into(),
            ..ServiceForm::default()
        }],
        ..house.form("web", DEBIAN)
    };
    let created = house.create(&form).await.unwrap();
    house.ended(created.job).await;
    state(house).await
}

async fn state(house: &House) -> Publication {
    house.view("web").await.publications.remove(0).1
}

fn why(publication: Publication) -> String {
    match publication {
        Publication::Blocked { why } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_blocked_publishing_and_live_in_its_turn() {
    let house = House::new().await;
    let control = &house.control;
    assert!(why(web(&house).await).contains("No agent of the site lab has joined"));
    let host = Host::join(&house, "edge-1", "10.20.0.2").await;
    assert_eq!(state(&house).await, Publication::Publishing);

    let ann = house.member("ann", UserForm::default()).await;
    let mut news = Box::pin(control.events(&SYSTEM, None));
    let given = host.next(control, None).await.unwrap();
    host.live(control, given.generation).await;
    assert_eq!(state(&house).await, Publication::Live);
    let told = async {
        while let Some((_, event)) = news.next().await {
            if event.topic == Topic::Container {
                return;
            }
        }
    };
    let told = tokio::time::timeout(std::time::Duration::from_secs(10), told).await;
    told.expect("whoever looks at the container is told");

    let service = house.view("web").await.services[0].id;
    let aside = Report {
        generation: given.generation,
        outcome: Outcome::Live,
        aside: vec![Aside {
            service,
            words: "[emerg] host not found".into(),
        }],
        silent: Vec::new(),
        unserved: Vec::new(),
    };
    agents::report(control, &host.agent, aside).await.unwrap();
    assert_eq!(why(state(&house).await), "edge-1: [emerg] host not found");
    let (site, name) = ("lab".parse().unwrap(), "edge-1".parse().unwrap());
    let shown = agents::get(control, &SYSTEM, &site, &name).await.unwrap();
    assert_eq!(shown.aside, [(service, "web".parse().unwrap())]);
    let hers = agents::get(control, &ann, &site, &name).await;
    assert!(matches!(hers, Err(Error::Forbidden { .. })), "{hers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_a_host_are_shown_beside_what_is_live() {
    let house = House::new().await;
    let control = &house.control;
    web(&house).await;
    let (site, name) = ("lab".parse().unwrap(), "edge-1".parse().unwrap());
    let host = Host::join(&house, "edge-1", "10.20.0.2").await;
    let files = async || {
        let query = FileQuery::default();
        agents::files(control, &SYSTEM, &site, &name, query)
            .await
            .unwrap()
            .listed
    };
    let file = async |path: &str| agents::file(control, &SYSTEM, &site, &name, path.into()).await;
    let before = files().await;
    assert!(!before.is_told && before.differing == before.all && before.all > 5);

    // The host has all of it, but for one line, and one file too many.
    let mut live = Live {
        begins: true,
        ..Live::default()
    };
    for row in &before.page.rows {
        let text = file(&row.path).await.unwrap().text;
        live.files.insert(row.path.clone(), text);
    }
    let page = "nginx/services/web.lab.example.org.conf".to_owned();
    let right = live.files[&page].clone();
    let wrong = right.replacen("10.20.1.1", "10.20.9.9", 1);
    assert_ne!(right, wrong, "{right}");
    live.files.insert(page.clone(), wrong);
    live.files
        .insert("nginx/services/old.conf".into(), "old\n".into());
    agents::live(control, &host.agent, live).await.unwrap();
    let after = files().await;
    assert_eq!(
        (after.is_told, after.differing, after.all),
        (true, 2, before.all + 1)
    );
    let changed = file(&page).await.unwrap();
    assert_eq!(
        (changed.state, changed.text.as_str()),
        (FileState::Changed, right.as_str())
    );
    let lines: Vec<_> = changed.hunks.iter().flat_map(|hunk| &hunk.lines).collect();
    let of = |mark| lines.iter().filter(|line| line.mark == mark).count();
    assert_eq!((of(Mark::Added), of(Mark::Removed)), (1, 1));
    let old = file("nginx/services/old.conf").await.unwrap();
    assert_eq!((old.state, old.text.as_str()), (FileState::Gone, "old\n"));
    assert!(matches!(file("nothing").await, Err(Error::NotFound { .. })));

    // One change, one file.
    let told = Live {
        files: [(page, right)].into(),
        gone: vec!["nginx/services/old.conf".into()],
        begins: false,
    };
    agents::live(control, &host.agent, told).await.unwrap();
    assert_eq!(files().await.differing, 0);
    for wrong in ["/etc/passwd", "../a", "a\nb"] {
        let told = Live {
            files: [(wrong.to_owned(), String::new())].into(),
            ..Live::default()
        };
        let refused = agents::live(control, &host.agent, told).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{wrong}");
    }
    let large = Live {
        files: [("a".to_owned(), "x".repeat(edge::link::LARGEST_FILE + 1))].into(),
        ..Live::default()
    };
    let refused = agents::live(control, &host.agent, large).await;
    assert!(matches!(refused, Err(Error::Invalid { .. })));
}
