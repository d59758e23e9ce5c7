use model::{
    ContainerId, SiteId, UserId,
    jobs::{JobKind, JobState},
    publish::HttpOptions,
    services::{ServiceKind, ServiceSpec, TcpOptions},
};
use store::{
    Error, Unique,
    containers::{self, NewContainerRow, ServiceAllocation},
    jobs::{self, JobOutcome},
};

use crate::support::{Fixture, TestStore, allocation, http, parse, permit, tcp};

pub async fn get(db: &TestStore, id: ContainerId) -> containers::ContainerRecord {
    db.read(move |c| containers::get(c, id)).await.unwrap()
}

db_test!(container_round_trips, |db| async {
    let fixture = db.fixture().await;
    let mut new = fixture.container(7);
    new.spec.env = parse("GREETING=grüß 'dich' \"\\ 🦀\nEMPTY=\nPATH=/bin");
    new.spec.entrypoint = Some(parse("/bin/sh -c 'exec web'"));
    new.spec.description = Some(parse("for\neverybody"));
    new.spec.source = parse("ghcr.io/Org/App:V1".to_lowercase().as_str());
    new.services = vec![tcp("22", "2022"), http(fixture.domain, "80", "web")];
    let written = new.clone();
    let id = db.insert_container(new).await;
    let stored = get(&db, id).await;
    assert_eq!(stored.id, id);
    assert_eq!(
        (stored.site, stored.cluster, stored.owner),
        (fixture.site, fixture.cluster, fixture.owner)
    );
    assert_eq!(
        (stored.site_name.as_str(), stored.domain.as_str()),
        ("lab", "lab.example.org")
    );
    assert_eq!(
        (stored.cluster_name.as_str(), stored.owner_name.as_str()),
        ("demo", "ann")
    );
    assert_eq!(stored.name, written.name);
    assert_eq!(
        (stored.vmid, stored.mac, stored.address),
        (written.vmid, written.mac, written.address)
    );
    assert_eq!(stored.node, written.node);
    let services = vec![
        ServiceSpec::Tcp {
            port: parse("22"),
            external: Some(parse("2022")),
            options: TcpOptions::default(),
            tls: None,
        },
        ServiceSpec::Http {
            port: parse("80"),
            label: Some(parse("web")),
            domain: Some(parse("example.org")),
            options: HttpOptions::default(),
        },
    ];
    assert_eq!(
        stored.spec,
        model::containers::ContainerSpec {
            services,
            ..written.spec
        }
    );
    assert_eq!(stored.services.len(), 2);
    assert_eq!(
        (
            stored.provisioned,
            stored.desired_running,
            stored.restart_needed
        ),
        (None, true, false)
    );
    assert_eq!(
        (stored.version, stored.active_job, &stored.creation_failure),
        (1, None, &None)
    );
    let by_name = db
        .read(|c| containers::get_by_name(c, &parse("lab"), &parse("c007")))
        .await;
    assert_eq!(by_name, Some(stored));
    assert_eq!(
        db.read(|c| containers::get_by_name(c, &parse("other"), &parse("c007")))
            .await,
        None
    );
    assert_eq!(
        db.read(|c| containers::get(c, ContainerId(999))).await,
        None
    );
});

db_test!(docker_flag_is_fixed_after_insert, |db| async {
    let fixture = db.fixture().await;
    let mut new = fixture.container(1);
    new.spec.docker = true;
    let spec = new.spec.clone();
    let with = db.insert_container(new).await;
    let without = db.insert_container(fixture.container(2)).await;
    let docker = async |id| {
        let record = db.read(move |c| containers::get(c, id)).await.unwrap();
        record.spec.docker
    };
    assert!(docker(with).await);
    assert!(!docker(without).await);
    let changed = model::containers::ContainerSpec {
        docker: false,
        cores: parse("3"),
        ..spec
    };
    let updated = db.write(move |c| {
        containers::update_spec(
            c,
            permit(),
            with,
            1,
            &changed,
            &ServiceAllocation::default(),
        )
    });
    assert!(updated.await);
    assert!(docker(with).await, "the flag is not updated");
});

db_test!(unique_violations_name_the_constraint, |db| async {
    let fixture = db.fixture().await;
    let mut first = fixture.container(1);
    first.services = vec![http(fixture.domain, "80", "web"), tcp("22", "2022")];
    db.insert_container(first).await;
    let other = |change: &dyn Fn(&mut NewContainerRow)| {
        let mut new = fixture.container(2);
        change(&mut new);
        new
    };
    let cases = [
        (other(&|n| n.name = parse("c001")), Unique::ContainerName),
        (
            other(&|n| n.address = fixture.container(1).address),
            Unique::ContainerAddress,
        ),
        (other(&|n| n.vmid = 1001), Unique::ContainerVmid),
        (
            other(&|n| n.mac = fixture.container(1).mac),
            Unique::ContainerMac,
        ),
        (
            other(&|n| n.services = vec![http(fixture.domain, "8080", "web")]),
            Unique::ServiceLabel,
        ),
        (
            other(&|n| n.services = vec![tcp("23", "2022")]),
            Unique::ServicePort,
        ),
    ];
    for (new, unique) in cases {
        assert_eq!(
            db.try_insert_container(new).await,
            Err(Error::Duplicate(unique))
        );
    }
    // Failed inserts leave nothing, and values that are unique per site can repeat on another site.
    let second_site = db.site("two", fixture.cluster).await;
    let second_domain = db.domain("example.org", second_site).await;
    let mut same = fixture.container(1);
    (same.site, same.vmid, same.mac) = (second_site, 1500, parse("BC:24:11:FF:FF:01"));
    same.services = vec![
        http(second_domain, "80", "web"),
        tcp("22", "2022"),
        http(second_domain, "81", "web2"),
    ];
    db.insert_container(same).await;
    assert_eq!(db.read(|c| containers::count(c, None)).await, 2);
});

db_test!(container_requires_its_site_cluster_and_owner, |db| async {
    let fixture = db.fixture().await;
    let other = db.cluster("other").await;
    let cases = [
        NewContainerRow {
            owner: UserId(999),
            ..fixture.container(1)
        },
        NewContainerRow {
            site: SiteId(999),
            ..fixture.container(1)
        },
        // A cluster that exists, but is not the site's.
        NewContainerRow {
            cluster: other,
            ..fixture.container(1)
        },
    ];
    for new in cases {
        assert_eq!(db.try_insert_container(new).await, Err(Error::NotFound));
    }
});

db_test!(update_requires_the_expected_version, |db| async {
    let fixture = db.fixture().await;
    let id = db.insert_container(fixture.container(1)).await;
    let mut spec = crate::support::spec();
    spec.cores = parse("4");
    spec.memory = parse("1G");
    spec.env = parse("A=1");
    spec.description = Some(parse("new"));
    let (first, stale) = (spec.clone(), spec.clone());
    assert!(
        db.write(move |c| containers::update_spec(
            c,
            permit(),
            id,
            1,
            &first,
            &ServiceAllocation::default()
        ))
        .await
    );
    assert!(
        !db.write(move |c| containers::update_spec(
            c,
            permit(),
            id,
            1,
            &stale,
            &ServiceAllocation::default()
        ))
        .await
    );
    let stored = get(&db, id).await;
    assert_eq!((stored.spec, stored.version), (spec, 2));
    let plain = crate::support::spec();
    assert!(
        db.write(move |c| containers::update_spec(
            c,
            permit(),
            id,
            2,
            &plain,
            &ServiceAllocation::default()
        ))
        .await
    );
    assert_eq!(get(&db, id).await.spec, crate::support::spec());
});

db_test!(failed_update_changes_nothing, |db| async {
    let fixture = db.fixture().await;
    let mut first = fixture.container(1);
    first.services = vec![http(fixture.domain, "80", "web")];
    db.insert_container(first).await;
    let mut second = fixture.container(2);
    second.services = vec![http(fixture.domain, "80", "mine")];
    let id = db.insert_container(second).await;
    let before = get(&db, id).await;
    let spec = crate::support::spec();
    let services = [http(fixture.domain, "80", "web")];
    let refused = db
        .store
        .write(move |c| containers::update_spec(c, permit(), id, 1, &spec, &allocation(&services)))
        .await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::ServiceLabel)));
    assert_eq!(get(&db, id).await, before);
});

db_test!(single_columns_are_updated, |db| async {
    let fixture = db.fixture().await;
    let id = db.insert_container(fixture.container(1)).await;
    db.insert_container(fixture.container(2)).await;
    db.write(move |c| containers::mark_created(c, id)).await;
    db.write(move |c| containers::set_vmid(c, id, 1500)).await;
    db.write(move |c| containers::set_node(c, id, &parse("pve2")))
        .await;
    db.write(move |c| containers::set_desired_running(c, permit(), id, false))
        .await;
    db.write(move |c| containers::set_restart_needed(c, id, true))
        .await;
    let stored = get(&db, id).await;
    assert!(stored.provisioned.unwrap() >= stored.created);
    assert_eq!(
        (stored.vmid, stored.node, stored.version),
        (1500, parse("pve2"), 1)
    );
    assert_eq!(
        (stored.desired_running, stored.restart_needed),
        (false, true)
    );
    let taken = db
        .store
        .write(move |c| containers::set_vmid(c, id, 1002))
        .await;
    assert_eq!(taken, Err(Error::Duplicate(Unique::ContainerVmid)));
    let gone = db
        .store
        .write(|c| containers::mark_created(c, ContainerId(999)))
        .await;
    assert_eq!(gone, Err(Error::NotFound));
});

db_test!(
    used_values_are_listed_until_the_container_is_deleted,
    |db| async {
        let fixture = db.fixture().await;
        let mut new = fixture.container(1);
        new.services = vec![tcp("22", "2022"), http(fixture.domain, "80", "web")];
        let id = db.insert_container(new).await;
        let mut outside = fixture.container(2);
        outside.vmid = 5000;
        let second = db.insert_container(outside).await;
        let Fixture {
            site,
            cluster,
            owner,
            ..
        } = fixture;
        let lists = db.read(move |c| {
            Ok((
                containers::list_used_addresses(c, site)?,
                containers::list_used_vmids(c, cluster, &parse("1000-1999"))?,
                containers::list_used_ports(c, site, ServiceKind::Tcp)?,
                containers::list_used_ports(c, site, ServiceKind::Udp)?,
                containers::list_names(c, &parse("lab"))?,
                containers::list_vmids_by_cluster(c, cluster)?,
            ))
        });
        let (addresses, vmids, tcp_ports, udp_ports, names, ours) = lists.await;
        assert_eq!(
            Vec::from_iter(addresses),
            [
                parse::<std::net::Ipv4Addr>("10.20.0.101"),
                parse("10.20.0.102")
            ]
        );
        assert_eq!(Vec::from_iter(vmids), [1001]);
        assert_eq!(Vec::from_iter(tcp_ports), [2022]);
        assert!(udp_ports.is_empty());
        assert_eq!(Vec::from_iter(names), [parse("c001"), parse("c002")]);
        assert_eq!(ours, [(1001, id, owner), (5000, second, owner)]);
        db.write(move |c| containers::delete(c, id)).await;
        assert_eq!(
            db.store.write(move |c| containers::delete(c, id)).await,
            Err(Error::NotFound)
        );
        assert!(
            db.read(move |c| containers::list_used_ports(c, site, ServiceKind::Tcp))
                .await
                .is_empty()
        );
        assert_eq!(db.read(move |c| containers::count(c, Some(owner))).await, 1);
        db.insert_container(fixture.container(1)).await;
    }
);

db_test!(active_job_and_failed_creation_are_returned, |db| async {
    let fixture = db.fixture().await;
    let id = db.insert_container(fixture.container(1)).await;
    let job = db.insert_job(fixture.job(id, JobKind::Create)).await;
    let activity = get(&db, id).await.active_job.unwrap();
    assert_eq!((activity.job, activity.kind), (job, JobKind::Create));
    let end = async |state, error: Option<&str>| {
        let error = error.map(str::to_owned);
        let claimed = db.write(|c| jobs::claim(c, "w", 60_000, 9)).await.unwrap();
        let outcome = JobOutcome {
            state,
            error,
            details: None,
            leftovers: Vec::new(),
        };
        assert!(
            db.write(move |c| jobs::finish(c, claimed.row.id, "w", &outcome))
                .await
        );
        claimed.row.id
    };
    end(JobState::Failed, Some("The storage is full.")).await;
    let stored = get(&db, id).await;
    assert_eq!(stored.active_job, None);
    assert_eq!(
        stored.creation_failure,
        Some((job, "The storage is full.".to_owned()))
    );
    // A newer failure replaces it, and a container that was created has none.
    db.insert_job(fixture.job(id, JobKind::Create)).await;
    assert_eq!(get(&db, id).await.creation_failure.unwrap().0, job);
    let newer = end(JobState::Canceled, None).await;
    assert_eq!(
        get(&db, id).await.creation_failure,
        Some((newer, "The creation was canceled.".to_owned()))
    );
    db.write(move |c| containers::mark_created(c, id)).await;
    assert_eq!(get(&db, id).await.creation_failure, None);
});
