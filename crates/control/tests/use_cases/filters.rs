//! Interface filters: what a container gets on its cluster, and what makes them change.

use std::collections::BTreeMap;

use control::{Actor, clusters, filters, hosts};
use model::{
    Error,
    clusters::ImportRequest,
    filters::{FilterState, FirewallStatus, PortAccess, SiteIsolation},
    jobs::{JobKind, JobQuery, JobState},
};
use proxmox_sim::{Effect, Firewall};

use crate::{
    hosts::{Host, host_facts, layout},
    test_app::{NGINX, TestApp, wait_for},
};

const SYSTEM: Actor = Actor::System;
const RULES: &str = "/nodes/{node}/lxc/{vmid}/firewall/rules";

fn rule(settings: &[(&str, &str)]) -> BTreeMap<String, String> {
    let settings = settings.iter();
    settings
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The rule of an administrator of Proxmox.
fn unmanaged_rule() -> BTreeMap<String, String> {
    let settings = [("type", "in"), ("action", "DROP"), ("comment", "by hand")];
    rule(&[&settings[..], &[("enable", "1")]].concat())
}

/// The sources of the rules that admit edge hosts.
fn edge_hosts(firewall: &Firewall) -> Vec<&str> {
    let mut sources: Vec<&str> = firewall
        .rules
        .iter()
        .filter(|rule| {
            rule.get("comment")
                .is_some_and(|text| text == "holdfast: edge")
        })
        .map(|rule| rule["source"].as_str())
        .collect();
    sources.sort_unstable();
    sources
}

async fn isolation(app: &TestApp) -> SiteIsolation {
    filters::get_isolation(&app.control, &SYSTEM, app.site)
        .await
        .unwrap()
}

/// Waits until the filters of a container are set, and returns its firewall.
async fn filtered(app: &TestApp, name: &str) -> Firewall {
    let view = wait_for("interface filters", async || {
        let view = app.view(name).await;
        (view.filters.are_set() && view.row.activity.is_none()).then_some(view)
    })
    .await;
    app.sim.handle().firewall(view.vmid)
}

async fn set_port_access(app: &TestApp, access: PortAccess) {
    app.update_site(|spec| spec.port_access = access).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn created_container_has_interface_filters() {
    let app = TestApp::new().await;
    let view = app.create_and_wait("web").await;
    assert!(view.filters.are_set(), "{:?}", view.filters);
    let guest = app.sim.handle().container(view.vmid).unwrap();
    assert!(guest.options["net0"].contains("firewall=1"), "{guest:?}");
    let firewall = app.sim.handle().firewall(view.vmid);
    for (option, value) in [
        ("enable", "1"),
        ("dhcp", "0"),
        ("ipfilter", "1"),
        ("macfilter", "1"),
        ("radv", "0"),
        ("policy_in", "ACCEPT"),
        ("policy_out", "ACCEPT"),
    ] {
        assert_eq!(firewall.options[option], value, "{option}");
    }
    let addresses: Vec<&String> = firewall.ip_sets["ipfilter-net0"].entries.keys().collect();
    assert_eq!(addresses, [&view.row.address.to_string()]);
    let drops: Vec<&str> = firewall
        .rules
        .iter()
        .map(|rule| (rule["action"] == "DROP").then_some(rule["dport"].as_str()))
        .collect::<Option<_>>()
        .unwrap();
    assert_eq!(drops.len(), 2, "{firewall:?}");
    assert!(drops.contains(&"68") && drops.contains(&"546"), "{drops:?}");
    assert_eq!(isolation(&app).await.weakness(), None);

    let job = app.delete(view.row.id, "web").await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert_eq!(app.sim.handle().firewall(view.vmid), Firewall::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn site_option_adds_and_removes_only_managed_rules() {
    let app = TestApp::new().await;
    let view = app.create_and_wait("web").await;
    Host::join(&app, "edge-1", "10.20.0.2").await;
    let handle = app.sim.handle();
    handle.change_firewall(view.vmid, |firewall| firewall.rules.push(unmanaged_rule()));
    set_port_access(&app, PortAccess::Edge).await;
    let firewall = filtered(&app, "web").await;
    assert_eq!(firewall.options["policy_in"], "DROP");
    assert_eq!(edge_hosts(&firewall), ["10.20.0.2"]);
    assert!(firewall.rules.contains(&unmanaged_rule()));

    // A new container is closed from its first start.
    app.create_and_wait("db").await;
    assert_eq!(edge_hosts(&filtered(&app, "db").await), ["10.20.0.2"]);

    set_port_access(&app, PortAccess::Network).await;
    let firewall = filtered(&app, "web").await;
    assert_eq!(firewall.options["policy_in"], "ACCEPT");
    assert_eq!(edge_hosts(&firewall), Vec::<&str>::new());
    assert_eq!(firewall.rules.last(), Some(&unmanaged_rule()));
    assert_eq!(firewall.rules.len(), 3, "{firewall:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_follow_edge_hosts() {
    let app = TestApp::new().await;
    app.create_and_wait("web").await;
    let first = Host::join(&app, "edge-1", "10.20.0.2").await;
    set_port_access(&app, PortAccess::Edge).await;
    filtered(&app, "web").await;

    let second = Host::join(&app, "edge-2", "10.20.0.3").await;
    let firewall = filtered(&app, "web").await;
    assert_eq!(edge_hosts(&firewall), ["10.20.0.2", "10.20.0.3"]);

    // The agent of the host reports another address.
    let moved = host_facts("10.20.0.4");
    hosts::poll(&app.control, &second.agent, moved, &layout(), None)
        .await
        .unwrap();
    let firewall = filtered(&app, "web").await;
    assert_eq!(edge_hosts(&firewall), ["10.20.0.2", "10.20.0.4"]);

    hosts::delete(&app.control, &SYSTEM, second.id, "edge-2")
        .await
        .unwrap();
    assert_eq!(edge_hosts(&filtered(&app, "web").await), ["10.20.0.2"]);

    // An address outside the network opens no port.
    let outside = host_facts("192.0.2.1");
    hosts::poll(&app.control, &first.agent, outside, &layout(), None)
        .await
        .unwrap();
    assert_eq!(edge_hosts(&filtered(&app, "web").await), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_container_is_filtered_only_on_request() {
    let app = TestApp::new().await;
    let anna = app.create_user("anna", Default::default()).await;
    let cluster = app.cluster().await;
    let net0 = "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:AA:BB:CC,ip=10.20.1.50/16";
    let spec = proxmox_sim::ContainerSpec {
        vmid: 900,
        node: "pve1".into(),
        hostname: "old".into(),
        cores: 1,
        memory: 512,
        disk: 4,
        net0: net0.into(),
        running: true,
    };
    assert!(app.sim.handle().add_container(&spec));
    let import = ImportRequest {
        site: app.site.to_string(),
        owner: "anna".into(),
        vmids: vec![900],
    };
    wait_for("the import", async || {
        let import = import.clone();
        let results = clusters::import(&app.control, &SYSTEM, cluster, import).await;
        results.unwrap()[0].outcome.is_ok().then_some(())
    })
    .await;
    let view = app.view("old").await;
    assert!(!view.filters.managed);
    set_port_access(&app, PortAccess::Edge).await;
    filters::set_for_site(&app.control, &SYSTEM, app.site)
        .await
        .unwrap();
    assert_eq!(app.view("old").await.filters.state, FilterState::Unset);
    assert_eq!(isolation(&app).await.counts.unmanaged, 1);
    assert!(isolation(&app).await.weakness().is_some());

    let bert = app.create_user("bert", Default::default()).await;
    let refused = filters::set_for_container(&app.control, &bert, view.row.id, true).await;
    assert!(
        matches!(refused, Err(Error::NotFound { .. })),
        "{refused:?}"
    );
    filters::set_for_container(&app.control, &anna, view.row.id, true)
        .await
        .unwrap();
    let firewall = filtered(&app, "old").await;
    assert_eq!(firewall.options["policy_in"], "DROP");
    let guest = app.sim.handle().container(900).unwrap();
    assert!(guest.options["net0"].contains("firewall=1"), "{guest:?}");
    assert!(guest.running);

    // Filters protect others from the owner.
    let refused = filters::set_for_container(&app.control, &anna, view.row.id, false).await;
    assert!(
        matches!(refused, Err(Error::Forbidden { .. })),
        "{refused:?}"
    );
    filters::set_for_container(&app.control, &SYSTEM, view.row.id, false)
        .await
        .unwrap();
    wait_for("the removal", async || {
        (app.view("old").await.filters.state == FilterState::Unset).then_some(())
    })
    .await;
    assert_eq!(app.sim.handle().firewall(900), Firewall::default());
    assert_eq!(app.view("old").await.filters.state, FilterState::Unset);
}

#[tokio::test(flavor = "multi_thread")]
async fn created_container_keeps_its_filters() {
    let app = TestApp::new().await;
    let view = app.create_and_wait("web").await;
    for on in [true, false] {
        let refused = filters::set_for_container(&app.control, &SYSTEM, view.row.id, on).await;
        assert!(
            matches!(refused, Err(Error::Conflict { .. })),
            "{refused:?}"
        );
    }
    let member = app.create_user("anna", Default::default()).await;
    for refused in [
        filters::set_for_site(&app.control, &member, app.site).await,
        filters::get_isolation(&app.control, &member, app.site)
            .await
            .map(drop),
    ] {
        assert!(
            matches!(refused, Err(Error::Forbidden { .. })),
            "{refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn container_is_created_without_filters_if_the_account_may_not_set_them() {
    let app = TestApp::new().await;
    let message = "Permission check failed (/vms/1000, VM.Config.Network)";
    let effect = Effect::Respond {
        status: 403,
        message: message.into(),
    };
    app.inject_fault("POST", RULES, effect);
    let created = app.create(&app.form("web", NGINX)).await.unwrap();
    let job = app.wait_for_job(created.job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert!(app.log(created.job).await.contains(message));
    assert_eq!(app.view("web").await.filters.state, FilterState::Unset);
    let weakness = isolation(&app).await.weakness().unwrap();
    assert_eq!(weakness, "1 of 1 containers have no interface filters");

    filters::set_for_site(&app.control, &SYSTEM, app.site)
        .await
        .unwrap();
    filtered(&app, "web").await;
    assert_eq!(isolation(&app).await.weakness(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_job_is_not_repeated_and_can_be_retried() {
    let app = TestApp::new().await;
    app.create_and_wait("web").await;
    let effect = Effect::Respond {
        status: 500,
        message: "unable to open file".into(),
    };
    app.inject_fault("PUT", "/nodes/{node}/lxc/{vmid}/firewall/options", effect);
    set_port_access(&app, PortAccess::Edge).await;
    let failed = wait_for("the failed job", async || {
        let query = JobQuery {
            page: 1,
            ..JobQuery::default()
        };
        let jobs = control::jobs::list(&app.control, &SYSTEM, &query).await;
        let mut jobs = jobs.unwrap().rows.into_iter();
        jobs.find(|job| job.kind == JobKind::Filters && job.state == JobState::Failed)
    })
    .await;
    assert!(!app.view("web").await.filters.are_set());
    assert!(isolation(&app).await.weakness().is_some());
    control::jobs::retry(&app.control, &SYSTEM, failed.id, "")
        .await
        .unwrap();
    let job = app.wait_for_job(failed.id).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert!(app.view("web").await.filters.are_set());
}

#[tokio::test(flavor = "multi_thread")]
async fn isolation_is_claimed_only_while_every_firewall_is_on() {
    let app = TestApp::new().await;
    app.create_and_wait("web").await;
    let handle = app.sim.handle();
    assert_eq!(isolation(&app).await.firewall, FirewallStatus::On);
    handle.set_node_firewall("pve2", false);
    let nodes = vec!["pve2".parse().unwrap()];
    let expected = FirewallStatus::OffOnNodes { nodes };
    assert_eq!(isolation(&app).await.firewall, expected);
    handle.set_cluster_firewall(false);
    assert_eq!(isolation(&app).await.firewall, FirewallStatus::Off);
    let cluster = app.cluster().await;
    let findings = clusters::check(&app.control, &SYSTEM, cluster)
        .await
        .unwrap();
    let missing: Vec<String> = findings.missing.iter().map(ToString::to_string).collect();
    assert!(
        missing.iter().any(|text| text.contains("firewall is off")),
        "{missing:?}"
    );
    let effect = Effect::Respond {
        status: 403,
        message: "Permission check failed (/, Sys.Audit)".into(),
    };
    app.inject_fault("GET", "/cluster/firewall/options", effect);
    assert_eq!(isolation(&app).await.firewall, FirewallStatus::Forbidden);
}
