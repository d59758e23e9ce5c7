//! What members and operators may not see or do.

use control::{
    Actor, authorities, certificates, clusters, containers, dhcp_leases, domains, hosts, jobs,
    providers,
    site_config::{self, EdgeRole},
    sites, users,
};
use model::{
    CertificateId, DomainId, Error,
    containers::{ContainerQuery, Power},
    names::Label,
    users::UserForm,
};

use crate::{
    clusters::{form, second_cluster},
    hosts::{host_facts, layout},
    test_app::{DEBIAN, TestApp},
};

fn assert_forbidden<T>(result: Result<T, Error>) {
    let error = result.err();
    assert!(matches!(error, Some(Error::Forbidden { .. })), "{error:?}");
}

fn query() -> ContainerQuery {
    ContainerQuery {
        page: 1,
        ..ContainerQuery::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_cannot_see_containers_and_jobs_of_other_users() {
    let app = TestApp::new().await;
    let other = app.create_and_wait("theirs").await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    assert_eq!(
        containers::list(control, &ann, &query())
            .await
            .unwrap()
            .total,
        0
    );
    let (site, name) = (other.row.site.clone(), other.row.name.clone());
    let id = other.row.id;
    let not_found = |error: Error| matches!(error, Error::NotFound { .. });
    assert!(not_found(
        containers::get(control, &ann, &site, &name)
            .await
            .unwrap_err()
    ));
    assert!(not_found(
        containers::power(control, &ann, id, Power::Stop)
            .await
            .unwrap_err()
    ));
    assert!(not_found(
        containers::delete(control, &ann, id, "theirs")
            .await
            .unwrap_err()
    ));
    let job = jobs::list(control, &Actor::System, &Default::default())
        .await
        .unwrap()
        .rows[0]
        .id;
    assert!(not_found(jobs::get(control, &ann, job).await.unwrap_err()));
    assert!(not_found(
        jobs::get_log(control, &ann, job, 0).await.unwrap_err()
    ));
    assert_eq!(
        jobs::list(control, &ann, &Default::default())
            .await
            .unwrap()
            .total,
        0
    );
    assert_forbidden(users::list(control, &ann, "", None, 1).await);
    assert_forbidden(sites::list(control, &ann).await);

    let form = app.form("hers", DEBIAN);
    let created = containers::create(control, &ann, form.parse().unwrap())
        .await
        .unwrap();
    app.wait_for_job(created.job).await;
    assert_eq!(
        containers::list(control, &ann, &query())
            .await
            .unwrap()
            .total,
        1
    );
    let operator = UserForm {
        role: "operator".into(),
        ..UserForm::default()
    };
    let oscar = app.create_user("oscar", operator).await;
    assert_eq!(
        containers::list(control, &oscar, &query())
            .await
            .unwrap()
            .total,
        2
    );
    assert_forbidden(users::list(control, &oscar, "", None, 1).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_cannot_read_or_change_certificates() {
    let app = TestApp::new().await;
    let member = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    let id = CertificateId(1);
    assert_forbidden(certificates::list(control, &member, None).await);
    assert_forbidden(certificates::get(control, &member, id).await);
    assert_forbidden(certificates::retry(control, &member, id).await);
    assert_forbidden(certificates::renew(control, &member, id).await);
    assert_forbidden(certificates::revoke(control, &member, id, "x").await);
    assert_forbidden(certificates::delete(control, &member, id, "x").await);
    let pair = (String::new(), String::new());
    assert_forbidden(certificates::upload(control, &member, DomainId(1), pair).await);
    assert_forbidden(authorities::list(control, &member).await);
    assert_forbidden(providers::list(control, &member).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_cannot_see_or_manage_the_network_of_a_site() {
    let app = TestApp::new().await;
    let member = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    let name: Label = "edge-1".parse().unwrap();
    let site = "lab".parse().unwrap();
    assert_forbidden(hosts::list(control, &member).await);
    assert_forbidden(hosts::get(control, &member, &site, &name).await);
    assert_forbidden(hosts::create(control, &member, app.site, name.clone()).await);
    let (facts, layout) = (host_facts("10.20.0.5"), layout());
    let registered = hosts::register(control, &member, app.site, name, facts, &layout);
    assert_forbidden(registered.await);
    assert_forbidden(dhcp_leases::list(control, &member, app.site).await);
    let role = EdgeRole {
        name_servers: Vec::new(),
        dhcp: false,
    };
    assert_forbidden(site_config::preview(control, &member, app.site, role).await);
    let domains = domains::list(control, &Actor::System).await;
    let spec = domains.unwrap().remove(0).spec;
    assert_forbidden(domains::create(control, &member, spec).await);
    assert_forbidden(domains::list(control, &member).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_operators_cannot_manage_clusters() {
    let (app, sim) = (TestApp::new().await, second_cluster().await);
    for role in ["member", "operator"] {
        let user = UserForm {
            role: role.into(),
            ..UserForm::default()
        };
        let actor = app.create_user(role, user).await;
        let spec = form(&sim).parse(true).unwrap();
        assert_forbidden(clusters::create(&app.control, &actor, spec).await);
        assert_forbidden(clusters::get(&app.control, &actor, "test").await);
        let url = sim.url().parse().unwrap();
        assert_forbidden(clusters::fetch_certificate(&app.control, &actor, url).await);
    }
}
