use std::collections::BTreeMap;

use model::{
    HostId, SiteId,
    hosts::{
        ApplyOutcome, ConfigPart, DhcpRole, FailedProbe, HostFacts, ProbedComponent,
        QuarantinedPart, Report,
    },
};
use store::{
    Error, Unique,
    hosts::{self, JoinRequest, NewHost},
};

use crate::support::{TestStore, parse, permit};

const HOUR: i64 = 3_600_000;

fn hash(token: &str) -> String {
    format!("{token:0>64}")
}

fn host_facts() -> HostFacts {
    HostFacts {
        version: "0.1.0".into(),
        address: parse("10.20.0.2"),
    }
}

async fn create(db: &TestStore, site: SiteId, name: &str, lifetime_ms: i64) -> HostId {
    let new = NewHost {
        site,
        name: parse(name),
        token_hash: hash(name),
        lifetime_ms,
    };
    db.write(move |c| hosts::insert(c, permit(), &new)).await
}

async fn join(db: &TestStore, token: &str, key: &str) -> Option<HostId> {
    let joining = JoinRequest {
        token_hash: hash(token),
        key_hash: hash(key),
        host_facts: host_facts(),
        layout: "{}".into(),
    };
    db.write(move |c| hosts::join(c, &joining)).await
}

async fn dhcp(db: &TestStore, id: HostId) -> DhcpRole {
    db.read(move |c| hosts::get(c, id)).await.unwrap().row.dhcp
}

db_test!(join_token_is_valid_once, |db| async {
    let site = db.fixture().await.site;
    let id = create(&db, site, "edge-1", HOUR).await;
    let before = db.read(move |c| hosts::get(c, id)).await.unwrap();
    assert!(before.row.join_expires_at.is_some() && before.row.facts.is_none());
    assert_eq!(
        db.read(|c| hosts::get_by_key(c, &hash("edge-1"))).await,
        None,
        "a join token is not a key"
    );
    assert_eq!(join(&db, "other", "key").await, None);
    assert_eq!(join(&db, "edge-1", "key").await, Some(id));
    assert_eq!(
        join(&db, "edge-1", "second").await,
        None,
        "a join token is valid once"
    );
    let joined = db
        .read(|c| hosts::get_by_key(c, &hash("key")))
        .await
        .unwrap();
    assert_eq!((joined.row.id, joined.row.facts), (id, Some(host_facts())));
    assert!(joined.row.last_seen.is_some() && joined.row.join_expires_at.is_none());
    let again = hash("again");
    db.write(move |c| hosts::reset_join_token(c, permit(), id, &again, HOUR))
        .await;
    assert_eq!(
        db.read(|c| hosts::get_by_key(c, &hash("key"))).await,
        None,
        "the old key is revoked"
    );
    let late = hash("late");
    db.write(move |c| hosts::reset_join_token(c, permit(), id, &late, -1))
        .await;
    assert_eq!(join(&db, "late", "key").await, None, "a join token expires");
    db.write(move |c| hosts::delete(c, permit(), id)).await;
    assert_eq!(db.read(move |c| hosts::get(c, id)).await, None);
});

db_test!(host_facts_and_report_are_stored, |db| async {
    let site = db.fixture().await.site;
    let id = create(&db, site, "edge-1", HOUR).await;
    let new = NewHost {
        site,
        name: parse("edge-1"),
        token_hash: hash("x"),
        lifetime_ms: HOUR,
    };
    let refused = db
        .store
        .write(move |c| hosts::insert(c, permit(), &new))
        .await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::HostName)));
    let new = NewHost {
        site,
        name: parse("edge-2"),
        token_hash: hash("edge-1"),
        lifetime_ms: HOUR,
    };
    let refused = db
        .store
        .write(move |c| hosts::insert(c, permit(), &new))
        .await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::HostSecret)));
    join(&db, "edge-1", "key").await;
    let sent_report = Report {
        generation: 7,
        outcome: ApplyOutcome::Refused {
            message: "[emerg] no".into(),
        },
        quarantined: vec![QuarantinedPart {
            part: ConfigPart::Service(model::ServiceId(3)),
            message: "bad".into(),
        }],
        unservable_certificates: Vec::new(),
        failed_probes: vec![FailedProbe {
            name: "wiki.example.org".into(),
            service: Some(model::ServiceId(4)),
            component: ProbedComponent::Container,
            message: "The container is unreachable.".into(),
        }],
    };
    let report = sent_report.clone();
    db.write(move |c| hosts::store_report(c, id, &report)).await;
    let newer = HostFacts {
        version: "0.2.0".into(),
        ..host_facts()
    };
    let newer_facts = newer.clone();
    db.write(move |c| hosts::update_host_facts(c, id, &newer_facts, "{\"a\":1}"))
        .await;
    let (statements, all) = db.count_statements(hosts::list).await;
    assert_eq!((statements, all.len()), (1, 1));
    assert_eq!(all[0].row.report, Some(sent_report));
    assert_eq!(all[0].row.facts, Some(newer));
    assert_eq!(all[0].host_layout.as_deref(), Some("{\"a\":1}"));
});

db_test!(one_host_of_a_site_is_dhcp_server, |db| async {
    let site = db.fixture().await.site;
    let first = create(&db, site, "edge-1", HOUR).await;
    let second = create(&db, site, "edge-2", HOUR).await;
    join(&db, "edge-1", "one").await;
    join(&db, "edge-2", "two").await;
    let both = async || (dhcp(&db, first).await, dhcp(&db, second).await);
    assert_eq!(
        both().await,
        (DhcpRole::Yes, DhcpRole::No),
        "the first host of a site is its DHCP server"
    );
    let generation = db
        .write(move |c| store::sites::increment_generation(c, site))
        .await;
    db.write(move |c| hosts::request_dhcp_handover(c, permit(), second, site, generation))
        .await;
    assert_eq!(both().await, (DhcpRole::Ending, DhcpRole::Next));
    let early = db
        .write(move |c| hosts::complete_dhcp_handover(c, site, generation - 1))
        .await;
    assert!(
        !early,
        "the current DHCP server has not applied the generation"
    );
    assert_eq!(both().await, (DhcpRole::Ending, DhcpRole::Next));
    assert!(
        db.write(move |c| hosts::complete_dhcp_handover(c, site, generation))
            .await
    );
    assert_eq!(both().await, (DhcpRole::No, DhcpRole::Yes));
    assert!(
        !db.write(move |c| hosts::complete_dhcp_handover(c, site, generation))
            .await,
        "the change happens once"
    );

    db.write(move |c| hosts::request_dhcp_handover(c, permit(), first, site, generation + 1))
        .await;
    db.write(move |c| hosts::force_dhcp_handover(c, permit(), site))
        .await;
    assert_eq!(both().await, (DhcpRole::Yes, DhcpRole::No));
    db.write(move |c| hosts::request_dhcp_handover(c, permit(), second, site, generation + 2))
        .await;
    db.write(move |c| hosts::request_dhcp_handover(c, permit(), first, site, generation + 3))
        .await;
    assert_eq!(
        both().await,
        (DhcpRole::Yes, DhcpRole::No),
        "selecting the current DHCP server cancels the change"
    );
    db.write(move |c| hosts::delete(c, permit(), first)).await;
    db.write(move |c| hosts::request_dhcp_handover(c, permit(), second, site, generation + 4))
        .await;
    assert_eq!(
        dhcp(&db, second).await,
        DhcpRole::Yes,
        "without a current DHCP server it takes over immediately"
    );
});

db_test!(live_files_are_stored_per_file, |db| async {
    let site = db.fixture().await.site;
    let id = create(&db, site, "edge-1", HOUR).await;
    join(&db, "edge-1", "key").await;
    let tree = |files: &[(&str, &str)]| -> BTreeMap<String, String> {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        files.iter().map(owned).collect()
    };
    let first = tree(&[("a", "1"), ("nginx/Ä", "2"), ("nginx/ä", "3")]);
    let files = first.clone();
    db.write(move |c| hosts::update_live_files(c, id, &files, &[]))
        .await;
    assert_eq!(db.read(move |c| hosts::list_live_files(c, id)).await, first);
    // The agent repeats the report after a lost response, with a changed and a removed file.
    let second = tree(&[("a", "Ön"), ("nginx/Ä", "2")]);
    let removed = ["nginx/ä".to_owned(), "never/there".to_owned()];
    db.write(move |c| hosts::update_live_files(c, id, &second, &removed))
        .await;
    let (statements, live) = db
        .count_statements(move |c| hosts::list_live_files(c, id))
        .await;
    assert_eq!(statements, 1);
    assert_eq!(live, tree(&[("a", "Ön"), ("nginx/Ä", "2")]));
    // In bytes, of the texts.
    let size = async || db.read(move |c| hosts::measure_live_files(c, id)).await;
    assert_eq!(size().await, (2, 4));
    let another = tree(&[("a", "1")]);
    let missing = db
        .store
        .write(move |c| hosts::update_live_files(c, HostId(999), &another, &[]))
        .await;
    assert_eq!(missing, Err(Error::NotFound));
    // After a new join, the agent runs on another machine.
    let again = hash("again");
    db.write(move |c| hosts::reset_join_token(c, permit(), id, &again, HOUR))
        .await;
    assert_eq!(size().await, (2, 4));
    join(&db, "again", "second").await;
    assert_eq!(size().await, (0, 0));
});

db_test!(host_shows_applied_generation_and_contact, |db| async {
    let site = db.fixture().await.site;
    let id = create(&db, site, "edge-1", HOUR).await;
    let row = async || db.read(move |c| hosts::get(c, id)).await.unwrap().row;
    assert!(!row().await.is_online, "the agent has never connected");
    join(&db, "edge-1", "key").await;
    assert!(row().await.is_online);
    let send_report = async |generation, outcome| {
        let report = Report {
            generation,
            outcome,
            quarantined: Vec::new(),
            failed_probes: Vec::new(),
            unservable_certificates: Vec::new(),
        };
        db.write(move |c| hosts::store_report(c, id, &report)).await;
    };
    send_report(3, ApplyOutcome::Live).await;
    send_report(
        4,
        ApplyOutcome::Refused {
            message: "no".into(),
        },
    )
    .await;
    let now = db
        .write(move |c| store::sites::increment_generation(c, site))
        .await;
    let shown = row().await;
    assert_eq!((shown.applied_generation, shown.generation), (Some(3), now));
    let by_name = db
        .read(|c| hosts::get_by_name(c, &parse("lab"), &parse("edge-1")))
        .await
        .unwrap();
    assert_eq!(by_name.row.id, id);
    let missing = db
        .read(|c| hosts::get_by_name(c, &parse("lab"), &parse("edge-2")))
        .await;
    assert_eq!(missing, None);
});
