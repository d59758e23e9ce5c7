//! Limits of users, and the last administrator.

use control::{Actor, containers, users};
use model::{
    Error,
    session::CurrentUser,
    users::{DecidedState, LimitFields, UserForm},
};

use crate::test_app::{DEBIAN, TestApp};

fn with_limits(limits: LimitFields) -> UserForm {
    UserForm {
        limits,
        ..UserForm::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn user_limits_hold_under_concurrent_requests() {
    let app = TestApp::new().await;
    let limits = LimitFields {
        containers: "2".into(),
        memory: "2 GiB".into(),
        ..LimitFields::default()
    };
    let ann = app.create_user("ann", with_limits(limits)).await;
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
    let limits = LimitFields {
        memory: "300".into(),
        ..LimitFields::default()
    };
    let bob = app.create_user("bob", with_limits(limits)).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn last_administrator_cannot_be_suspended_or_expire() {
    let app = TestApp::new().await;
    let control = &app.control;
    let name = "admin".parse().unwrap();
    let admin = users::get(control, &Actor::System, &name).await.unwrap();
    let suspend =
        || users::change_state(control, &Actor::System, admin.id, DecidedState::Suspended);
    let expiring = UserForm {
        access_ends: "2099-12-31".into(),
        ..UserForm::from(&admin)
    };
    let expire = || users::update(control, &Actor::System, admin.id, expiring.parse().unwrap());
    assert!(matches!(suspend().await, Err(Error::Conflict { .. })));
    assert_eq!(
        expire().await.unwrap_err().field_errors()[0].field,
        "access_ends"
    );
    // An administrator whose account ends is no replacement.
    let temporary = UserForm {
        role: "administrator".into(),
        access_ends: "2099-12-31".into(),
        ..UserForm::default()
    };
    app.create_user("tess", temporary).await;
    assert!(matches!(suspend().await, Err(Error::Conflict { .. })));
    let second = UserForm {
        role: "administrator".into(),
        ..UserForm::default()
    };
    app.create_user("sam", second).await;
    expire().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_that_are_easy_to_guess_are_refused() {
    let app = TestApp::new().await;
    for password in ["password1", "anna-example@example.org"] {
        let form = UserForm {
            name: "ann".into(),
            full_name: "Anna Example".into(),
            email: "anna-example@example.org".into(),
            role: "member".into(),
            password: password.into(),
            ..UserForm::default()
        };
        let refused = users::create(&app.control, &Actor::System, form.parse().unwrap()).await;
        assert_eq!(
            refused.unwrap_err().field_errors()[0].field,
            "password",
            "{password}"
        );
    }
}
