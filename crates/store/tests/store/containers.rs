use model::{
    ContainerId, SiteId, UserId,
    jobs::{JobKind, JobState},
    publish::{Backend, HttpOptions},
    services::{Published, ServiceKind, ServiceSpec, TcpOptions},
};
use store::{
    Error, Unique,
    containers::{self, Given, GivenService, NewRecord},
    jobs::{self, Outcome},
};

use crate::lab::{Ground, Lab, http, tcp, v};

async fn get(lab: &Lab, id: ContainerId) -> containers::ContainerRecord {
    lab.r(move |c| containers::get(c, id)).await.unwrap()
}

db_test!(a_container_comes_back_as_it_was_written, |lab| async {
    let ground = lab.ground().await;
    let mut new = ground.container(7);
    new.spec.env = v("GREETING=grüß 'dich' \"\\ 🦀\nEMPTY=\nPATH=/bin");
    new.spec.entrypoint = Some(v("/bin/sh -c 'exec web'"));
    new.spec.description = Some(v("for\neverybody"));
    new.spec.source = v("ghcr.io/Org/App:V1".to_lowercase().as_str());
    new.services = vec![tcp("22", "2022"), http(ground.domain, "80", "web")];
    let written = new.clone();
    let id = lab.put(new).await;
    let found = get(&lab, id).await;
    assert_eq!(found.id, id);
    assert_eq!(
        (found.site, found.cluster, found.owner),
        (ground.site, ground.cluster, ground.owner)
    );
    assert_eq!(
        (found.site_name.as_str(), found.domain.as_str()),
        ("lab", "lab.example.org")
    );
    assert_eq!(
        (found.cluster_name.as_str(), found.owner_name.as_str()),
        ("demo", "ann")
    );
    assert_eq!(found.name, written.name);
    assert_eq!(
        (found.vmid, found.mac, found.address),
        (written.vmid, written.mac, written.address)
    );
    assert_eq!(found.node, written.node);
    let services = vec![
        ServiceSpec::Tcp {
            port: v("22"),
            external: Some(v("2022")),
            options: TcpOptions::default(),
            tls: None,
        },
        ServiceSpec::Http {
            port: v("80"),
            label: Some(v("web")),
            domain: Some(v("example.org")),
            options: HttpOptions::default(),
        },
    ];
    assert_eq!(
        found.spec,
        model::containers::ContainerSpec {
            services,
            ..written.spec
        }
    );
    assert_eq!(found.services.len(), 2);
    assert_eq!(
        (found.made, found.wished_running, found.restart_needed),
        (None, true, false)
    );
    assert_eq!(
        (found.version, found.activity, &found.failure),
        (1, None, &None)
    );
    let by_name = lab
        .r(|c| containers::by_name(c, &v("lab"), &v("c007")))
        .await;
    assert_eq!(by_name, Some(found));
    assert_eq!(
        lab.r(|c| containers::by_name(c, &v("other"), &v("c007")))
            .await,
        None
    );
    assert_eq!(lab.r(|c| containers::get(c, ContainerId(999))).await, None);
});

db_test!(
    whether_docker_runs_in_it_is_kept_as_it_was_made,
    |lab| async {
        let ground = lab.ground().await;
        let mut new = ground.container(1);
        new.spec.docker = true;
        let spec = new.spec.clone();
        let with = lab.put(new).await;
        let without = lab.put(ground.container(2)).await;
        let docker = async |id| {
            let record = lab.r(move |c| containers::get(c, id)).await.unwrap();
            record.spec.docker
        };
        assert!(docker(with).await);
        assert!(!docker(without).await);
        let changed = model::containers::ContainerSpec {
            docker: false,
            cores: v("3"),
            ..spec
        };
        let done = lab.w(move |c| containers::update_spec(c, with, 1, &changed, &[]));
        assert!(done.await);
        assert!(docker(with).await, "it is fixed once made");
    }
);

db_test!(what_only_one_may_have_is_refused_by_name, |lab| async {
    let ground = lab.ground().await;
    let mut first = ground.container(1);
    first.services = vec![http(ground.domain, "80", "web"), tcp("22", "2022")];
    lab.put(first).await;
    let other = |change: &dyn Fn(&mut NewRecord)| {
        let mut new = ground.container(2);
        change(&mut new);
        new
    };
    let cases = [
        (other(&|n| n.name = v("c001")), Unique::ContainerName),
        (
            other(&|n| n.address = ground.container(1).address),
            Unique::ContainerAddress,
        ),
        (other(&|n| n.vmid = 1001), Unique::ContainerVmid),
        (
            other(&|n| n.mac = ground.container(1).mac),
            Unique::ContainerMac,
        ),
        (
            other(&|n| n.services = vec![http(ground.domain, "8080", "web")]),
            Unique::ServiceLabel,
        ),
        (
            other(&|n| n.services = vec![tcp("23", "2022")]),
            Unique::ServicePort,
        ),
    ];
    for (new, unique) in cases {
        assert_eq!(lab.try_put(new).await, Err(Error::Duplicate(unique)));
    }
    // Nothing of the refused ones stayed, and what may be the same was.
    let second_site = lab.site("two", ground.cluster).await;
    let second_domain = lab.domain("example.org", second_site).await;
    let mut same = ground.container(1);
    (same.site, same.vmid, same.mac) = (second_site, 1500, v("BC:24:11:FF:FF:01"));
    same.services = vec![
        http(second_domain, "80", "web"),
        tcp("22", "2022"),
        http(second_domain, "81", "web2"),
    ];
    lab.put(same).await;
    assert_eq!(lab.r(|c| containers::count(c, None)).await, 2);
});

db_test!(a_container_needs_its_site_cluster_and_owner, |lab| async {
    let ground = lab.ground().await;
    let other = lab.cluster("other").await;
    let cases = [
        NewRecord {
            owner: UserId(999),
            ..ground.container(1)
        },
        NewRecord {
            site: SiteId(999),
            ..ground.container(1)
        },
        // A cluster that is there, but is not the site's.
        NewRecord {
            cluster: other,
            ..ground.container(1)
        },
    ];
    for new in cases {
        assert_eq!(lab.try_put(new).await, Err(Error::NotFound));
    }
});

db_test!(a_change_needs_the_version_that_was_seen, |lab| async {
    let ground = lab.ground().await;
    let id = lab.put(ground.container(1)).await;
    let mut spec = crate::lab::spec();
    spec.cores = v("4");
    spec.memory = v("1G");
    spec.env = v("A=1");
    spec.description = Some(v("new"));
    let (first, stale) = (spec.clone(), spec.clone());
    assert!(
        lab.w(move |c| containers::update_spec(c, id, 1, &first, &[]))
            .await
    );
    assert!(
        !lab.w(move |c| containers::update_spec(c, id, 1, &stale, &[]))
            .await
    );
    let found = get(&lab, id).await;
    assert_eq!((found.spec, found.version), (spec, 2));
    let plain = crate::lab::spec();
    assert!(
        lab.w(move |c| containers::update_spec(c, id, 2, &plain, &[]))
            .await
    );
    assert_eq!(get(&lab, id).await.spec, crate::lab::spec());
});

db_test!(services_keep_their_rows_and_may_swap_ports, |lab| async {
    let ground = lab.ground().await;
    let mut new = ground.container(1);
    new.services = vec![
        tcp("22", "2022"),
        tcp("25", "2025"),
        http(ground.domain, "80", "web"),
    ];
    let id = lab.put(new).await;
    let before = get(&lab, id).await.services;
    let spec = crate::lab::spec();
    let services = [
        http(ground.domain, "81", "web"),
        tcp("25", "2022"),
        tcp("22", "2025"),
        http(ground.domain, "80", "www"),
    ];
    assert!(
        lab.w(move |c| containers::update_spec(c, id, 1, &spec, &services))
            .await
    );
    let after = get(&lab, id).await.services;
    let text: Vec<_> = after
        .iter()
        .map(|s| format!("{} {}", s.port, s.place(&v("lab"))))
        .collect();
    assert_eq!(
        text,
        [
            "81 https://web.example.org",
            "25 lab:2022/tcp",
            "22 lab:2025/tcp",
            "80 https://www.example.org"
        ]
    );
    assert_eq!(
        (after[1].id, after[2].id, after[3].id),
        (before[1].id, before[0].id, before[2].id)
    );
    assert!(before.iter().all(|old| old.id != after[0].id));
    let spec = crate::lab::spec();
    assert!(
        lab.w(move |c| containers::update_spec(c, id, 2, &spec, &[]))
            .await
    );
    assert_eq!(get(&lab, id).await.services, []);
});

db_test!(
    every_kind_of_service_comes_back_with_its_options,
    |lab| async {
        let ground = lab.ground().await;
        let other = lab.domain("example.net", ground.site).await;
        let options = HttpOptions {
            backend: Backend::HttpsVerified,
            body: v("10"),
            quiet: v("30"),
            buffering: true,
            sign_in: true,
        };
        let told = TcpOptions {
            quiet: v("5"),
            tells_client: true,
        };
        let given = [
            Given::Http {
                label: v("web"),
                domain: other,
                options,
            },
            Given::Tcp {
                external: v("2000"),
                options: told,
                tls: None,
            },
            Given::Udp {
                external: v("2000"),
                quiet: v("7"),
            },
            Given::Srv {
                name: v("_sip._tcp"),
            },
        ];
        let mut new = ground.container(1);
        let service = |given| GivenService {
            port: v("80"),
            given,
        };
        new.services = given.into_iter().map(service).collect();
        // The same name under another domain is another name.
        new.services.push(http(ground.domain, "81", "web"));
        let id = lab.put(new).await;
        let all = get(&lab, id).await.services;
        let places: Vec<String> = all.iter().map(|s| s.place(&v("lab.internal"))).collect();
        assert_eq!(
            places,
            [
                "https://web.example.net",
                "lab.internal:2000/tcp",
                "lab.internal:2000/udp",
                "_sip._tcp.lab.internal",
                "https://web.example.org",
            ]
        );
        let published: Vec<Published> = all.into_iter().map(|s| s.published).collect();
        let domain = v("example.net");
        assert_eq!(
            published[0],
            Published::Http {
                label: v("web"),
                domain,
                options
            }
        );
        assert_eq!(
            published[1],
            Published::Tcp {
                external: v("2000"),
                options: told,
                tls: None,
            }
        );
        assert_eq!(
            published[2],
            Published::Udp {
                external: v("2000"),
                quiet: v("7")
            }
        );
        let refused = lab
            .store
            .write(move |c| store::domains::delete(c, other))
            .await;
        assert_eq!(refused, Err(Error::InUse), "a domain that is in use stays");
        // A changed service keeps nothing of what it was.
        let spec = crate::lab::spec();
        let plain = [http(ground.domain, "80", "web")];
        assert!(
            lab.w(move |c| containers::update_spec(c, id, 1, &spec, &plain))
                .await
        );
        let domain = v("example.org");
        let options = HttpOptions::default();
        let left = get(&lab, id).await.services.remove(0).published;
        assert_eq!(
            left,
            Published::Http {
                label: v("web"),
                domain,
                options
            }
        );
        lab.w(move |c| store::domains::delete(c, other)).await;
    }
);

db_test!(a_refused_change_changes_nothing, |lab| async {
    let ground = lab.ground().await;
    let mut first = ground.container(1);
    first.services = vec![http(ground.domain, "80", "web")];
    lab.put(first).await;
    let mut second = ground.container(2);
    second.services = vec![http(ground.domain, "80", "mine")];
    let id = lab.put(second).await;
    let before = get(&lab, id).await;
    let spec = crate::lab::spec();
    let services = [http(ground.domain, "80", "web")];
    let refused = lab
        .store
        .write(move |c| containers::update_spec(c, id, 1, &spec, &services))
        .await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::ServiceLabel)));
    assert_eq!(get(&lab, id).await, before);
});

db_test!(single_facts_are_noted, |lab| async {
    let ground = lab.ground().await;
    let id = lab.put(ground.container(1)).await;
    lab.put(ground.container(2)).await;
    lab.w(move |c| containers::set_made(c, id)).await;
    lab.w(move |c| containers::set_vmid(c, id, 1500)).await;
    lab.w(move |c| containers::set_node(c, id, &v("pve2")))
        .await;
    lab.w(move |c| containers::set_wished_running(c, id, false))
        .await;
    lab.w(move |c| containers::set_restart_needed(c, id, true))
        .await;
    let found = get(&lab, id).await;
    assert!(found.made.unwrap() >= found.created);
    assert_eq!(
        (found.vmid, found.node, found.version),
        (1500, v("pve2"), 1)
    );
    assert_eq!((found.wished_running, found.restart_needed), (false, true));
    lab.w(move |c| containers::set_unmade(c, id)).await;
    assert_eq!(get(&lab, id).await.made, None);
    let taken = lab
        .store
        .write(move |c| containers::set_vmid(c, id, 1002))
        .await;
    assert_eq!(taken, Err(Error::Duplicate(Unique::ContainerVmid)));
    let gone = lab
        .store
        .write(|c| containers::set_made(c, ContainerId(999)))
        .await;
    assert_eq!(gone, Err(Error::NotFound));
});

db_test!(what_is_taken_is_told_until_it_is_given_back, |lab| async {
    let ground = lab.ground().await;
    let mut new = ground.container(1);
    new.services = vec![tcp("22", "2022"), http(ground.domain, "80", "web")];
    let id = lab.put(new).await;
    let mut outside = ground.container(2);
    outside.vmid = 5000;
    let second = lab.put(outside).await;
    let Ground {
        site,
        cluster,
        owner,
        domain,
    } = ground;
    let looked = lab.r(move |c| {
        Ok((
            containers::taken_addresses(c, site)?,
            containers::taken_vmids(c, cluster, &v("1000-1999"))?,
            containers::taken_ports(c, site, ServiceKind::Tcp)?,
            containers::taken_ports(c, site, ServiceKind::Udp)?,
            containers::names(c, &v("lab"))?,
            containers::on_cluster(c, cluster)?,
            containers::taken_labels(c, site)?,
        ))
    });
    let (addresses, vmids, tcp_ports, udp_ports, names, ours, labels) = looked.await;
    assert_eq!(Vec::from_iter(labels), [(domain, v("web"))]);
    assert_eq!(
        Vec::from_iter(addresses),
        [v::<std::net::Ipv4Addr>("10.20.0.101"), v("10.20.0.102")]
    );
    assert_eq!(Vec::from_iter(vmids), [1001]);
    assert_eq!(Vec::from_iter(tcp_ports), [2022]);
    assert!(udp_ports.is_empty());
    assert_eq!(Vec::from_iter(names), [v("c001"), v("c002")]);
    assert_eq!(ours, [(1001, id, owner), (5000, second, owner)]);
    lab.w(move |c| containers::delete(c, id)).await;
    assert_eq!(
        lab.store.write(move |c| containers::delete(c, id)).await,
        Err(Error::NotFound)
    );
    assert!(
        lab.r(move |c| containers::taken_ports(c, site, ServiceKind::Tcp))
            .await
            .is_empty()
    );
    assert_eq!(lab.r(move |c| containers::count(c, Some(owner))).await, 1);
    lab.put(ground.container(1)).await;
});

db_test!(
    the_job_at_work_and_the_failed_creation_are_shown,
    |lab| async {
        let ground = lab.ground().await;
        let id = lab.put(ground.container(1)).await;
        let job = lab.queue(ground.job(id, JobKind::Create)).await;
        let activity = get(&lab, id).await.activity.unwrap();
        assert_eq!((activity.job, activity.kind), (job, JobKind::Create));
        let end = async |state, error: Option<&str>| {
            let error = error.map(str::to_owned);
            let claimed = lab.w(|c| jobs::claim(c, "w", 60_000)).await.unwrap();
            let outcome = Outcome {
                state,
                error,
                words: None,
                left: Vec::new(),
            };
            assert!(
                lab.w(move |c| jobs::finish(c, claimed.row.id, "w", &outcome))
                    .await
            );
            claimed.row.id
        };
        end(JobState::Failed, Some("The storage is full.")).await;
        let found = get(&lab, id).await;
        assert_eq!(found.activity, None);
        assert_eq!(
            found.failure,
            Some((job, "The storage is full.".to_owned()))
        );
        // A newer one takes its place, and a container that was made has none.
        lab.queue(ground.job(id, JobKind::Create)).await;
        assert_eq!(get(&lab, id).await.failure.unwrap().0, job);
        let newer = end(JobState::Cancelled, None).await;
        assert_eq!(
            get(&lab, id).await.failure,
            Some((newer, "Its creation was cancelled.".to_owned()))
        );
        lab.w(move |c| containers::set_made(c, id)).await;
        assert_eq!(get(&lab, id).await.failure, None);
    }
);
