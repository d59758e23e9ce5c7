//! Users change their own password.

use std::net::Ipv4Addr;

use control::{
    Actor, Control, account,
    sessions::{self, ClientInfo},
};
use model::{Error, account::PasswordForm, session::SignInForm, users::UserForm};

use crate::test_app::TestApp;

const OLD: &str = "correct horse";
const NEW: &str = "battery staple";

fn client(session_token: Option<&str>) -> ClientInfo {
    ClientInfo {
        address: Ipv4Addr::LOCALHOST.into(),
        user_agent: "test".into(),
        browser_token: None,
        session_token: session_token.map(str::to_owned),
    }
}

async fn sign_in(control: &Control, password: &str) -> Result<String, Error> {
    let form = SignInForm {
        name: "ann".into(),
        password: password.into(),
    };
    let session = sessions::sign_in(control, form, client(None)).await?;
    Ok(session.token)
}

async fn change(
    control: &Control,
    actor: &Actor,
    session: &str,
    current: &str,
) -> Result<(), Error> {
    let form = PasswordForm {
        current: current.into(),
        new: NEW.into(),
    };
    let client = client(Some(session));
    account::change_password(control, actor, form.parse().unwrap(), &client).await
}

async fn is_valid(control: &Control, session: &str) -> bool {
    sessions::actor(control, session).await.unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn own_password_change_ends_other_sessions() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    let own = sign_in(control, OLD).await.unwrap();
    let other = sign_in(control, OLD).await.unwrap();
    change(control, &ann, &own, OLD).await.unwrap();
    assert!(is_valid(control, &own).await);
    assert!(!is_valid(control, &other).await);
    assert_eq!(
        sign_in(control, OLD).await.unwrap_err(),
        Error::WrongCredentials
    );
    sign_in(control, NEW).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_current_passwords_change_nothing_and_are_throttled() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    let own = sign_in(control, OLD).await.unwrap();
    let other = sign_in(control, OLD).await.unwrap();
    let refused = change(control, &ann, &own, "wrong horse").await;
    assert_eq!(refused.unwrap_err().field_errors()[0].field, "current");
    assert!(is_valid(control, &other).await);
    // The first waits are short and may pass unnoticed on a busy machine.
    for _ in 0..20 {
        let refused = change(control, &ann, &own, "wrong horse").await;
        if matches!(refused, Err(Error::Throttled { .. })) {
            return;
        }
    }
    panic!("guesses of the current password are not throttled");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_with_the_old_password_outlives_the_change() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    let own = sign_in(control, OLD).await.unwrap();
    let sign_ins = futures::future::join_all((0..3).map(|_| sign_in(control, OLD)));
    let (changed, sign_ins) = tokio::join!(change(control, &ann, &own, OLD), sign_ins);
    changed.unwrap();
    for session in sign_ins.into_iter().flatten() {
        assert!(!is_valid(control, &session).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_have_one_winner() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    let sessions = [
        sign_in(control, OLD).await.unwrap(),
        sign_in(control, OLD).await.unwrap(),
    ];
    let changes = sessions
        .iter()
        .map(|session| change(control, &ann, session, OLD));
    let changed = futures::future::join_all(changes).await;
    assert_eq!(changed.iter().filter(|changed| changed.is_ok()).count(), 1);
}
