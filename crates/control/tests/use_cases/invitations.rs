//! Invitations: role and limits, single use, and expiry.

use std::net::Ipv4Addr;

use control::{
    Actor, Control, invitations,
    sessions::{self, ClientInfo},
    users,
};
use model::{
    Error,
    invitations::{AcceptanceForm, InvitationForm},
    users::{AccountState, DecidedState, LimitFields, Role, UserForm},
};

use crate::test_app::TestApp;

fn invitation() -> InvitationForm {
    InvitationForm {
        email: "anna@example.org".into(),
        role: "operator".into(),
        access_ends: "2099-12-31".into(),
        limits: LimitFields {
            containers: "3".into(),
            ..LimitFields::default()
        },
    }
}

async fn create(control: &Control, inviter: &Actor) -> String {
    let spec = invitation().parse().unwrap();
    let created = invitations::create(control, inviter, spec).await.unwrap();
    let (path, token) = created.link.split_once("?token=").unwrap();
    assert_eq!(path, invitations::PATH);
    token.to_owned()
}

async fn accept(control: &Control, token: &str, name: &str) -> Result<String, Error> {
    let form = AcceptanceForm {
        name: name.into(),
        full_name: "Anna Example".into(),
        password: "correct horse".into(),
    };
    let client = ClientInfo {
        address: Ipv4Addr::LOCALHOST.into(),
        user_agent: String::new(),
        browser_token: None,
        session_token: None,
    };
    let session = invitations::accept(control, token, form.parse().unwrap(), &client).await?;
    Ok(session.token)
}

async fn administrator(app: &TestApp, name: &str) -> Actor {
    let form = UserForm {
        role: "administrator".into(),
        ..UserForm::default()
    };
    app.create_user(name, form).await
}

#[tokio::test(flavor = "multi_thread")]
async fn invited_person_gets_what_the_administrator_chose_once() {
    let app = TestApp::new().await;
    let control = &app.control;
    let admin = administrator(&app, "alma").await;
    let token = create(control, &admin).await;
    let invitation = invitations::get(control, &token).await.unwrap();
    assert_eq!(invitation.invited_by.as_str(), "alma");
    let taken = accept(control, &token, "alma").await.unwrap_err();
    assert_eq!(
        taken.field_errors()[0].field,
        "name",
        "the link stays valid"
    );
    let session = accept(control, &token, "anna").await.unwrap();
    let anna = sessions::get_actor(control, &session)
        .await
        .unwrap()
        .unwrap();
    let row = users::get(control, &anna, &"anna".parse().unwrap()).await;
    let row = row.unwrap();
    assert_eq!(
        (row.role, row.state),
        (Role::Operator, AccountState::Active)
    );
    assert_eq!(row.limits.containers, Some(3));
    assert_eq!(row.email.as_str(), "anna@example.org");
    assert_eq!(row.full_name.as_str(), "Anna Example");
    assert_eq!(UserForm::from(&row).access_ends, "2099-12-31");
    let again = accept(control, &token, "anna2").await;
    assert!(matches!(again, Err(Error::Conflict { .. })));
    assert_eq!(
        invitations::list(control, &admin, 1).await.unwrap().total,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_of_concurrent_acceptances_succeeds() {
    let app = TestApp::new().await;
    let other = app.reopen().await;
    let admin = administrator(&app, "alma").await;
    let token = create(&app.control, &admin).await;
    let names = ["a1", "a2", "a3", "a4"];
    let acceptances = names.iter().enumerate().map(|(index, name)| {
        let control = if index % 2 == 0 { &app.control } else { &other };
        accept(control, &token, name)
    });
    let outcomes = futures::future::join_all(acceptances).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let query = users::list(&app.control, &Actor::System, "anna@", None, 1).await;
    assert_eq!(query.unwrap().total, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn invitation_is_void_without_its_inviter() {
    let app = TestApp::new().await;
    let control = &app.control;
    let assert_void = async |token: &str| {
        let refused = invitations::get(control, token).await;
        assert!(
            matches!(refused, Err(Error::Conflict { .. })),
            "{refused:?}"
        );
        let refused = accept(control, token, "anna").await;
        assert!(
            matches!(refused, Err(Error::Conflict { .. })),
            "{refused:?}"
        );
    };
    assert_void("unknown").await;
    let alma = administrator(&app, "alma").await;
    let token = create(control, &alma).await;
    let id = alma.me().unwrap().id;
    users::change_state(control, &Actor::System, id, DecidedState::Suspended)
        .await
        .unwrap();
    assert_void(&token).await;
    users::change_state(control, &Actor::System, id, DecidedState::Active)
        .await
        .unwrap();
    let row = invitations::get(control, &token).await.unwrap();
    invitations::delete(control, &alma, row.id).await.unwrap();
    assert_void(&token).await;
    let token = create(control, &alma).await;
    let demoted = UserForm {
        role: "operator".into(),
        ..UserForm::from(
            &users::get(control, &alma, &"alma".parse().unwrap())
                .await
                .unwrap(),
        )
    };
    users::update(control, &Actor::System, id, demoted.parse().unwrap())
        .await
        .unwrap();
    assert_void(&token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_invite() {
    let app = TestApp::new().await;
    let operator = UserForm {
        role: "operator".into(),
        ..UserForm::default()
    };
    let olga = app.create_user("olga", operator).await;
    let spec = invitation().parse().unwrap();
    let refused = invitations::create(&app.control, &olga, spec).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
    let refused = invitations::list(&app.control, &olga, 1).await;
    assert!(matches!(refused, Err(Error::Forbidden { .. })));
}

#[test]
fn people_cannot_take_names_of_the_system() {
    for name in ["root", "admin", "systemd-network", "new", "Anna"] {
        let form = AcceptanceForm {
            name: name.into(),
            full_name: String::new(),
            password: "correct horse".into(),
        };
        let refused = form.parse().unwrap_err();
        assert_eq!(refused[0].field, "name", "{name}");
    }
}
