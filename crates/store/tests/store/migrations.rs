//! Migrations of a database that contains rows. An earlier version is created by reverting
//! migrations, because its functions no longer exist.

use std::collections::BTreeMap;

use diesel::{Connection, MysqlConnection, PgConnection, SqliteConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use model::{
    names::{ContainerNames, Domain},
    services::{ServiceEndpoint, TlsName},
};
use store::{
    containers::{BoundService, NewContainerRow, ServiceBinding},
    hosts::NewHost,
    nodes,
};

use crate::{
    certificates::provider,
    schema::folder,
    support::{Fixture, Kind, TestDatabase, TestStore, http, parse, permit, tcp},
};

/// The names with their sites and containers.
const NAMES: &str = "SELECT CONCAT(s.name, ' ', n.name, ' ', n.purpose, ' ', \
    COALESCE(c.name, '')) AS line FROM names n JOIN sites s ON s.id = n.site_id \
    LEFT JOIN containers c ON c.id = n.container_id";

/// Reverts the latest migrations, until `version` is the first to be pending.
fn revert_to_before(database: &TestDatabase, version: &str) {
    let steps = || FileBasedMigrations::from_path(folder(database.kind)).unwrap();
    macro_rules! revert {
        ($connection:ty, $url:expr) => {{
            let mut c = <$connection>::establish($url).unwrap();
            while c.revert_last_migration(steps()).unwrap().to_string() != version {}
        }};
    }
    match database.kind {
        Kind::Sqlite => revert!(SqliteConnection, database.path()),
        Kind::Postgres => revert!(PgConnection, &database.url),
        Kind::Mariadb => revert!(MysqlConnection, &database.url),
    }
}

fn srv(name: &str) -> BoundService {
    let binding = ServiceBinding::Srv { name: parse(name) };
    let container_port = parse("80");
    BoundService {
        container_port,
        binding,
    }
}

/// A container with services and the names that the application claims for them.
fn named(
    fixture: &Fixture,
    n: u32,
    name: &str,
    site: &str,
    services: Vec<BoundService>,
) -> NewContainerRow {
    let (site, domain): (Domain, Domain) = (parse(site), parse("example.org"));
    let mut names = ContainerNames::new(&parse(name), &site);
    for service in &services {
        let endpoint = match service.binding.clone() {
            ServiceBinding::Http { label, options, .. } => ServiceEndpoint::Http {
                label,
                domain: domain.clone(),
                options,
            },
            ServiceBinding::Tcp {
                external,
                options,
                tls,
            } => ServiceEndpoint::Tcp {
                external,
                options,
                tls: tls.map(|(_, label)| TlsName {
                    label,
                    domain: domain.clone(),
                }),
            },
            ServiceBinding::Srv { name } => ServiceEndpoint::Srv { name },
            ServiceBinding::Udp { .. } => unreachable!("no test has one"),
        };
        names.add_service(&endpoint, &site);
    }
    NewContainerRow {
        name: parse(name),
        names,
        services,
        ..fixture.container(n)
    }
}

/// A name in each role, and names that two objects of a site have.
async fn fill(db: &TestStore, fixture: &Fixture) {
    let mut mail = tcp("25", "2001");
    if let ServiceBinding::Tcp { tls, .. } = &mut mail.binding {
        *tls = Some((fixture.domain, parse("mail")));
    }
    let services = vec![
        http(fixture.domain, "80", "www"),
        tcp("7", "2000"),
        mail,
        srv("_ldap._tcp"),
    ];
    let web = named(fixture, 1, "web", "lab.example.org", services);
    db.insert_container(web).await;
    let hub = vec![http(fixture.domain, "80", "hub")];
    let hub = named(fixture, 2, "hub", "lab.example.org", hub);
    db.insert_container(hub).await;

    let site = db.site("dmz", fixture.cluster).await;
    let other = Fixture { site, ..*fixture };
    let same_name = named(&other, 3, "web", "dmz.example.org", Vec::new());
    db.insert_container(same_name).await;

    for name in ["edge1", "pve2"] {
        let host = NewHost {
            site: fixture.site,
            name: parse(name),
            token_hash: name.to_owned(),
            lifetime_ms: 1000,
        };
        db.write(move |c| store::hosts::insert(c, permit(), &host))
            .await;
    }
    let nodes = ["PVE1", "pve2", "web"].map(|node| (parse(node), parse("10.20.0.2")));
    let (cluster, nodes) = (fixture.cluster, BTreeMap::from(nodes));
    db.write(move |c| nodes::replace_addresses(c, cluster, &nodes))
        .await;
}

db_test!(names_are_filled_from_existing_rows, |db| async {
    let fixture = db.fixture().await;
    fill(&db, &fixture).await;
    let names = || {
        let mut lines = db.database.lines(NAMES);
        lines.sort();
        lines
    };
    let claimed = names();
    assert_eq!(claimed.len(), 15, "{claimed:#?}");

    revert_to_before(&db.database, "0013");
    let migrated = db.database.open(db.store.secret_key()).await.unwrap();
    assert_eq!(names(), claimed);
    migrated.ping().await.unwrap();
});

db_test!(
    unmanaged_records_and_image_values_are_converted,
    |db| async {
        let fixture = db.fixture().await;
        let dns = provider(&db, "dns").await;
        db.insert_container(fixture.container(1)).await;

        revert_to_before(&db.database, "0018");
        for (name, state) in [("a", "foreign"), ("b", "present"), ("c", "pending")] {
            db.database.execute(&format!(
                "INSERT INTO dns_records (provider_id, name, record_type, value, state, failures, \
                 created_at) VALUES ({dns}, '{name}', 'A', '192.0.2.1', '{state}', 0, 0)"
            ));
        }
        db.database.execute(
            "UPDATE containers SET image_values = \
             '{\"env\":{\"TOKEN\":\"hunter2\"},\"entrypoint\":null}'",
        );
        let migrated = db.database.open(db.store.secret_key()).await.unwrap();
        assert_eq!(
            db.database
                .lines("SELECT state AS line FROM dns_records ORDER BY name"),
            ["unmanaged", "present", "pending"]
        );
        let stored = db
            .database
            .lines("SELECT image_values AS line FROM containers");
        assert!(stored[0].starts_with("sealed:"), "{stored:?}");
        let record = migrated
            .read(|c| store::containers::get_by_name(c, &parse("lab"), &parse("c001")))
            .await;
        let image = record.unwrap().unwrap().image_defaults.unwrap();
        assert_eq!(image.env["TOKEN"], "hunter2");

        revert_to_before(&db.database, "0018");
        assert_eq!(
            db.database
                .lines("SELECT state AS line FROM dns_records ORDER BY name"),
            ["foreign", "present", "pending"]
        );
    }
);
