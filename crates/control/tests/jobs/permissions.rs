//! Permissions and limits of users, and sessions.

use std::net::{IpAddr, Ipv4Addr};

use control::{Actor, containers, jobs, sessions, users};
use model::{
    Error,
    containers::{ContainerQuery, Power},
    session::SignInForm,
    users::UserForm,
};

use crate::test_app::{DEBIAN, TestApp};

fn query() -> ContainerQuery {
    ContainerQuery {
        page: 1,
        ..ContainerQuery::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_cannot_see_containers_and_jobs_of_other_users() {
    let app = TestApp::new().await;
    let foreign = app.create_and_wait("theirs").await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    assert_eq!(
        containers::list(control, &ann, &query())
            .await
            .unwrap()
            .total,
        0
    );
    let (site, name) = (foreign.row.site.clone(), foreign.row.name.clone());
    let id = foreign.row.id;
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
        jobs::log(control, &ann, job, 0).await.unwrap_err()
    ));
    assert_eq!(
        jobs::list(control, &ann, &Default::default())
            .await
            .unwrap()
            .total,
        0
    );
    assert!(matches!(
        users::list(control, &ann, "", 1).await,
        Err(Error::Forbidden { .. })
    ));
    assert!(matches!(
        control::sites::list(control, &ann).await,
        Err(Error::Forbidden { .. })
    ));

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
    assert!(matches!(
        users::list(control, &oscar, "", 1).await,
        Err(Error::Forbidden { .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_under_concurrent_requests() {
    let app = TestApp::new().await;
    let limits = UserForm {
        containers: "2".into(),
        memory: "2 GiB".into(),
        ..UserForm::default()
    };
    let ann = app.create_user("ann", limits).await;
    let forms: Vec<_> = (0..8).map(|n| app.form(&format!("a{n}"), DEBIAN)).collect();
    let creations = forms
        .iter()
        .map(|form| containers::create(&app.control, &ann, form.parse().unwrap()));
    let outcomes = futures::future::join_all(creations).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refused.field_errors()[0].field, "name", "{refused}");
    }
    let limits = UserForm {
        memory: "300".into(),
        ..UserForm::default()
    };
    let bob = app.create_user("bob", limits).await;
    let mut form = app.form("b", DEBIAN);
    form.memory = "512".into();
    let refused = containers::create(&app.control, &bob, form.parse().unwrap()).await;
    assert_eq!(refused.unwrap_err().field_errors()[0].field, "memory");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_sign_ins_are_throttled_and_sign_out_ends_the_session() {
    let app = TestApp::new().await;
    app.create_user("ann", UserForm::default()).await;
    let origin = sessions::ClientInfo {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        user_agent: "test".into(),
        browser_token: None,
    };
    let try_with = async |name: &str, password: &str| {
        let form = SignInForm {
            name: name.into(),
            password: password.into(),
        };
        sessions::sign_in(&app.control, form, origin.clone()).await
    };
    let session = try_with("Ann", "correct horse").await.unwrap();
    let actor = sessions::actor(&app.control, &session.token)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(actor.me().unwrap().name.as_str(), "ann");
    sessions::sign_out(&app.control, &session.token)
        .await
        .unwrap();
    assert_eq!(
        sessions::actor(&app.control, &session.token).await.unwrap(),
        None
    );
    for _ in 0..5 {
        let refused = try_with("ann", "wrong horse").await.err().unwrap();
        assert_eq!(refused, Error::WrongCredentials);
        let unknown = try_with("nobody-here", "wrong horse").await.err().unwrap();
        assert_eq!(unknown, Error::WrongCredentials);
    }
    // The first delays are short and may pass unnoticed on a busy machine.
    let mut tries = 0;
    while try_with("ann", "wrong horse").await.err().unwrap() == Error::WrongCredentials {
        tries += 1;
        assert!(tries < 10, "repeated failures must be throttled");
    }
    let refused = try_with("ann", "correct horse").await.err().unwrap();
    assert!(matches!(refused, Error::Throttled { .. }), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn last_administrator_cannot_be_demoted_or_deleted() {
    let app = TestApp::new().await;
    let admin = users::get(&app.control, &Actor::System, &"admin".parse().unwrap())
        .await
        .unwrap();
    let mut form = UserForm::from(&admin);
    form.role = "member".into();
    let spec = form.parse().unwrap();
    let refused = users::update(&app.control, &Actor::System, admin.id, spec).await;
    assert_eq!(refused.unwrap_err().field_errors()[0].field, "role");
    let refused = users::delete(&app.control, &Actor::System, admin.id, "admin").await;
    assert!(matches!(refused, Err(Error::Conflict { .. })));
}
