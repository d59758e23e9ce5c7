//! Limits of users, and the last administrator.

use control::{Actor, containers, users};
use model::{Error, session::CurrentUser, users::UserForm};

use crate::test_app::{DEBIAN, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn user_limits_hold_under_concurrent_requests() {
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
        let message = "You have reached your limit of 2 containers. Delete a container, or ask an \
            administrator to raise the limit.";
        assert_eq!(refused, Error::conflict(message));
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

#[tokio::test(flavor = "multi_thread")]
async fn administrator_changes_other_passwords_but_not_the_own() {
    let app = TestApp::new().await;
    let name = "admin".parse().unwrap();
    let admin = users::get(&app.control, &Actor::System, &name).await;
    let admin = admin.unwrap();
    let actor = Actor::User(CurrentUser {
        id: admin.id,
        name,
        role: admin.role,
    });
    let update = async |user, form: UserForm| {
        users::update(&app.control, &actor, user, form.parse().unwrap()).await
    };
    let with_password = |form| UserForm {
        password: "battery staple".into(),
        ..form
    };
    let own = UserForm::from(&admin);
    let refused = update(admin.id, with_password(own.clone())).await;
    assert_eq!(refused.unwrap_err().field_errors()[0].field, "password");
    let email = UserForm {
        email: "root@example.org".into(),
        ..own
    };
    update(admin.id, email).await.unwrap();
    app.create_user("ann", UserForm::default()).await;
    let ann = users::get(&app.control, &actor, &"ann".parse().unwrap()).await;
    let ann = ann.unwrap();
    update(ann.id, with_password(UserForm::from(&ann)))
        .await
        .unwrap();
}
