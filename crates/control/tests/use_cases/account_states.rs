//! Suspended, expired and pending accounts.

use std::net::Ipv4Addr;

use control::{
    Actor,
    sessions::{self, ClientInfo, own},
    users,
};
use model::{
    Error, Timestamp, UserId,
    session::SignInForm,
    users::{AccountState, DecidedState, UserForm},
};

use crate::test_app::TestApp;

const PASSWORD: &str = "correct horse";

fn client(session_token: Option<&str>) -> ClientInfo {
    ClientInfo {
        address: Ipv4Addr::new(198, 51, 100, 7).into(),
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0".to_owned(),
        browser_token: None,
        session_token: session_token.map(str::to_owned),
    }
}

async fn sign_in(app: &TestApp, password: &str) -> Result<String, Error> {
    let form = SignInForm {
        name: "ann".to_owned(),
        password: password.to_owned(),
    };
    let session = sessions::sign_in(&app.control, form, client(None)).await;
    session.map(|session| session.token)
}

async fn decide(app: &TestApp, user: UserId, state: DecidedState) {
    users::change_state(&app.control, &Actor::System, user, state)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn suspension_ends_sessions_on_every_server_at_once() {
    let app = TestApp::new().await;
    let other = app.reopen().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let id = ann.me().unwrap().id;
    let token = sign_in(&app, PASSWORD).await.unwrap();
    assert_eq!(
        sessions::get_actor(&other, &token).await.unwrap(),
        Some(ann)
    );
    decide(&app, id, DecidedState::Suspended).await;
    for control in [&app.control, &other] {
        assert_eq!(sessions::get_actor(control, &token).await.unwrap(), None);
    }
    let refused = sign_in(&app, PASSWORD).await.unwrap_err();
    assert!(matches!(&refused, Error::Forbidden { message } if message.contains("suspended")));
    // Others must not learn of the suspension.
    assert_eq!(
        sign_in(&app, "another password").await,
        Err(Error::WrongCredentials)
    );
    decide(&app, id, DecidedState::Active).await;
    assert_eq!(
        sessions::get_actor(&app.control, &token).await.unwrap(),
        None
    );
    sign_in(&app, PASSWORD).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn session_ends_with_the_access() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let token = sign_in(&app, PASSWORD).await.unwrap();
    let name = "ann".parse().unwrap();
    let row = users::get(&app.control, &Actor::System, &name).await;
    let row = row.unwrap();
    let past = UserForm {
        access_ends: "2026-01-31".into(),
        ..UserForm::from(&row)
    };
    users::update(&app.control, &Actor::System, row.id, past.parse().unwrap())
        .await
        .unwrap();
    assert_eq!(
        sessions::get_actor(&app.control, &token).await.unwrap(),
        None
    );
    let refused = sign_in(&app, PASSWORD).await.unwrap_err();
    assert!(matches!(&refused, Error::Forbidden { message } if message.contains("expired")));
    let row = users::get(&app.control, &ann, &name).await.unwrap();
    assert_eq!(row.state, AccountState::Expired);
    assert_eq!(row.access_ends, Some(Timestamp(1_769_904_000_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_account_cannot_sign_in_until_it_is_approved() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let id = ann.me().unwrap().id;
    decide(&app, id, DecidedState::Pending).await;
    let refused = sign_in(&app, PASSWORD).await.unwrap_err();
    assert!(matches!(&refused, Error::Forbidden { message } if message.contains("approved")));
    decide(&app, id, DecidedState::Active).await;
    sign_in(&app, PASSWORD).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn users_end_their_own_sessions_only() {
    let app = TestApp::new().await;
    let control = &app.control;
    let ann = app.create_user("ann", UserForm::default()).await;
    let bob = app.create_user("bob", UserForm::default()).await;
    let (first, second, third) = (
        sign_in(&app, PASSWORD).await.unwrap(),
        sign_in(&app, PASSWORD).await.unwrap(),
        sign_in(&app, PASSWORD).await.unwrap(),
    );
    let here = client(Some(&second));
    let list = own::list(control, &ann, &here).await.unwrap();
    assert_eq!(list.len(), 3);
    assert_eq!(list.iter().filter(|session| session.is_current).count(), 1);
    assert_eq!(list[0].browser().as_deref(), Some("Firefox on Linux"));
    assert_eq!(own::list(control, &bob, &client(None)).await.unwrap(), []);
    let other = list.iter().find(|session| !session.is_current).unwrap();
    let refused = own::end(control, &bob, other.id.clone()).await;
    assert!(matches!(refused, Err(Error::NotFound { .. })));
    own::end(control, &ann, other.id.clone()).await.unwrap();
    assert_eq!(own::list(control, &ann, &here).await.unwrap().len(), 2);
    own::end_others(control, &ann, &here).await.unwrap();
    for (token, is_valid) in [(first, false), (second, true), (third, false)] {
        let actor = sessions::get_actor(control, &token).await.unwrap();
        assert_eq!(actor.is_some(), is_valid);
    }
}
