//! Failed sign-ins make a client wait, but no client can lock out another.

use std::net::IpAddr;

use control::{
    Actor, Control,
    sessions::{self, ClientInfo, NewSession},
    users,
};
use model::{Error, Timestamp, session::SignInForm, users::UserForm};

use crate::test_app::TestApp;

const PASSWORD: &str = "correct horse";
const ATTACKER: &str = "203.0.113.7";

async fn sign_in(
    control: &Control,
    address: &str,
    browser_token: Option<&str>,
    password: &str,
) -> Result<NewSession, Error> {
    let form = SignInForm {
        name: "ann".into(),
        password: password.into(),
    };
    let client = ClientInfo {
        address: address.parse::<IpAddr>().unwrap(),
        user_agent: "test".into(),
        browser_token: browser_token.map(str::to_owned),
        session_token: None,
    };
    sessions::sign_in(control, form, client).await
}

/// Guesses from one address until the client must wait.
async fn guess(control: &Control, browser_token: Option<&str>) {
    for _ in 0..40 {
        match sign_in(control, ATTACKER, browser_token, "wrong horse").await {
            Err(Error::TooManyRequests { .. }) => return,
            Err(Error::WrongCredentials) => {}
            other => panic!("{:?}", other.err()),
        }
    }
    panic!("never throttled");
}

async fn is_throttled(control: &Control, address: &str, browser_token: Option<&str>) -> bool {
    match sign_in(control, address, browser_token, PASSWORD).await {
        Ok(_) => false,
        Err(Error::TooManyRequests { .. }) => true,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_lock_out_neither_known_browsers_nor_other_networks() {
    let app = TestApp::new().await;
    app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    let session = sign_in(control, ATTACKER, None, PASSWORD).await.unwrap();
    let browser = session.browser_token.unwrap().token;
    guess(control, None).await;
    assert!(is_throttled(control, ATTACKER, None).await);
    assert!(
        is_throttled(control, "203.0.113.8", None).await,
        "same network"
    );
    assert!(is_throttled(control, ATTACKER, Some("unknown")).await);
    assert!(!is_throttled(control, ATTACKER, Some(&browser)).await);
    assert!(!is_throttled(control, "198.51.100.7", None).await);
    let session = sign_in(control, ATTACKER, Some(&browser), PASSWORD).await;
    let token = session.unwrap().browser_token.unwrap().token;
    assert_eq!(token, browser, "a known browser keeps its token");
}

#[tokio::test(flavor = "multi_thread")]
async fn known_browser_of_another_account_is_unknown() {
    let app = TestApp::new().await;
    app.create_user("ann", UserForm::default()).await;
    app.create_user("bob", UserForm::default()).await;
    let form = SignInForm {
        name: "bob".into(),
        password: PASSWORD.into(),
    };
    let client = ClientInfo {
        address: ATTACKER.parse().unwrap(),
        user_agent: "test".into(),
        browser_token: None,
        session_token: None,
    };
    let session = sessions::sign_in(&app.control, form, client).await.unwrap();
    let browser = session.browser_token.unwrap().token;
    guess(&app.control, Some(&browser)).await;
    assert!(
        is_throttled(&app.control, ATTACKER, None).await,
        "the same counter"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn known_browser_is_throttled_too() {
    let app = TestApp::new().await;
    app.create_user("ann", UserForm::default()).await;
    let session = sign_in(&app.control, ATTACKER, None, PASSWORD).await;
    let browser = session.unwrap().browser_token.unwrap().token;
    guess(&app.control, Some(&browser)).await;
    assert!(is_throttled(&app.control, ATTACKER, Some(&browser)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_count_for_all_servers_and_end_with_a_new_password() {
    let app = TestApp::new().await;
    app.create_user("ann", UserForm::default()).await;
    guess(&app.control, None).await;
    let other = app.reopen().await;
    assert!(is_throttled(&other, ATTACKER, None).await);
    let session = sign_in(&other, "198.51.100.7", None, PASSWORD).await;
    let browser = session.unwrap().browser_token.unwrap().token;
    let ann = users::get(&other, &Actor::System, &"ann".parse().unwrap()).await;
    let ann = ann.unwrap();
    let form = UserForm {
        password: PASSWORD.into(),
        ..UserForm::from(&ann)
    };
    users::update(&other, &Actor::System, ann.id, form.parse().unwrap())
        .await
        .unwrap();
    assert!(!is_throttled(&app.control, ATTACKER, None).await);
    guess(&app.control, None).await;
    let known = is_throttled(&app.control, ATTACKER, Some(&browser)).await;
    assert!(known, "a new password forgets known browsers");
    other.shutdown(std::time::Duration::from_secs(10)).await;
}

/// Each sign-in costs a password hash, so a user with many addresses could delay those of others.
#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_with_the_correct_password_are_limited_for_each_user() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let id = ann.me().unwrap().id;
    sign_in(&app.control, ATTACKER, None, PASSWORD)
        .await
        .unwrap();
    let use_up = move |c: &mut store::Conn| {
        let before = store::rate_limits::get(c, id, "sign-ins")?;
        let full_at = Timestamp(store::now(c)?.0 + 201 * 5_000);
        store::rate_limits::replace(c, id, "sign-ins", before, full_at)
    };
    app.control.store().write(use_up).await.unwrap();
    assert!(is_throttled(&app.control, ATTACKER, None).await);
    assert!(is_throttled(&app.control, "198.51.100.7", None).await);
    let other = SignInForm {
        name: "admin".into(),
        password: "wrong horse".into(),
    };
    let client = ClientInfo {
        address: ATTACKER.parse().unwrap(),
        user_agent: String::new(),
        browser_token: None,
        session_token: None,
    };
    let refused = sessions::sign_in(&app.control, other, client).await.err();
    assert_eq!(
        refused,
        Some(Error::WrongCredentials),
        "others are not limited"
    );
}
