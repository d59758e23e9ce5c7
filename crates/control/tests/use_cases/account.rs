//! Users change their own password.

use std::net::Ipv4Addr;

use control::{
    Actor, Control, account,
    sessions::{self, ClientInfo, NewSession},
};
use model::{
    Error, Kind,
    account::PasswordForm,
    session::{CurrentUser, SignInForm},
    users::UserForm,
};

use crate::test_app::{TestApp, wait_for};

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
    [current, new]: [&str; 2],
) -> Result<NewSession, Error> {
    let form = PasswordForm {
        current: current.into(),
        new: new.into(),
    };
    let client = client(Some(session));
    account::change_password(control, actor, form.parse().unwrap(), &client).await
}

async fn is_valid(control: &Control, session: &str) -> bool {
    sessions::get_actor(control, session)
        .await
        .unwrap()
        .is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn own_password_change_replaces_all_sessions() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    let own = sign_in(control, OLD).await.unwrap();
    let other = sign_in(control, OLD).await.unwrap();
    let new = change(control, &ann, &own, [OLD, NEW]).await.unwrap();
    assert!(is_valid(control, &new.token).await);
    assert!(!is_valid(control, &own).await && !is_valid(control, &other).await);
    assert_eq!(
        sign_in(control, OLD).await.unwrap_err(),
        Error::WrongCredentials
    );
    sign_in(control, NEW).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_is_known_after_own_password_change() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    let own = sign_in(control, OLD).await.unwrap();
    let new = change(control, &ann, &own, [OLD, NEW]).await.unwrap();
    // Other browsers of the network must wait.
    for _ in 0..20 {
        if let Err(Error::TooManyRequests { .. }) = sign_in(control, "wrong horse").await {
            break;
        }
    }
    let refused = sign_in(control, NEW).await.unwrap_err();
    assert!(
        matches!(refused, Error::TooManyRequests { .. }),
        "{refused:?}"
    );
    let form = SignInForm {
        name: "ann".into(),
        password: NEW.into(),
    };
    let browser_token = new.browser_token.map(|browser| browser.token);
    let client = ClientInfo {
        browser_token,
        ..client(None)
    };
    sessions::sign_in(control, form, client).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn own_password_changes_are_limited() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    let mut session = sign_in(control, OLD).await.unwrap();
    let mut passwords = [OLD, NEW];
    for _ in 0..5 {
        let changed = change(control, &ann, &session, passwords).await;
        session = changed.unwrap().token;
        passwords.reverse();
    }
    let refused = change(control, &ann, &session, passwords).await;
    let refused = refused.map(|_| ()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "You have changed your password too often. Wait 12 min and try again."
    );
    assert!(is_valid(control, &session).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_own_account_is_changed() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    app.create_user("bob", UserForm::default()).await;
    let control = &app.control;
    let session = sign_in(control, OLD).await.unwrap();
    // The account was renamed, and its name given to another user.
    let stale = Actor::User(CurrentUser {
        name: "bob".parse().unwrap(),
        ..ann.me().unwrap().clone()
    });
    let refused = change(control, &stale, &session, [OLD, NEW]).await;
    assert_eq!(refused.map(|_| ()), Err(Error::Unauthenticated));
    let form = SignInForm {
        name: "bob".into(),
        password: OLD.into(),
    };
    sessions::sign_in(control, form, client(None))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_current_passwords_change_nothing_and_are_throttled() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    let own = sign_in(control, OLD).await.unwrap();
    let other = sign_in(control, OLD).await.unwrap();
    let refused = change(control, &ann, &own, ["wrong horse", NEW]).await;
    let refused = refused.map(|_| ()).unwrap_err();
    assert_eq!(refused.field_errors()[0].field, "current");
    assert!(is_valid(control, &other).await);
    // The first waits are short and may pass unnoticed on a busy machine.
    for _ in 0..20 {
        let refused = change(control, &ann, &own, ["wrong horse", NEW]).await;
        if matches!(refused, Err(Error::TooManyRequests { .. })) {
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
    let (changed, sign_ins) = tokio::join!(change(control, &ann, &own, [OLD, NEW]), sign_ins);
    changed.unwrap();
    for session in sign_ins.into_iter().flatten() {
        assert!(!is_valid(control, &session).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_user_are_made_one_after_another() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    let sessions = [
        sign_in(control, OLD).await.unwrap(),
        sign_in(control, OLD).await.unwrap(),
    ];
    let changes = sessions
        .iter()
        .map(|session| change(control, &ann, session, [OLD, NEW]));
    let changed = futures::future::join_all(changes).await;
    let [Ok(_), Err(refused)] = &changed[..] else {
        panic!("both changes were made or refused");
    };
    assert_eq!(refused.http_status(), 409, "{refused:?}");
}

/// Ann's failed sign-ins from [`client`].
async fn failures(control: &Control) -> Option<u32> {
    let bucket = ["account ann 127.0.0.0".to_owned()];
    let read = control
        .store()
        .read(move |c| store::sign_ins::list(c, &bucket));
    read.await.unwrap().first().map(|failures| failures.count)
}

/// Replaces the hash of Ann's password once an attempt was recorded, while its password is
/// verified.
async fn replace_hash(control: &Control, ann: &Actor) {
    let id = ann.me().unwrap().id;
    let permit = ann.permit_owned(id, Kind::User).unwrap();
    wait_for("the attempt", async || failures(control).await).await;
    let replace = move |c: &mut store::Conn| {
        let old = store::users::get(c, id)?.unwrap().password_hash;
        store::users::replace_password(c, permit, id, &old, "another hash")
    };
    assert!(control.store().write(replace).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_that_a_new_password_overtakes_counts_as_failed() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    let (refused, ()) = tokio::join!(sign_in(control, OLD), replace_hash(control, &ann));
    assert_eq!(refused.unwrap_err(), Error::WrongCredentials);
    assert_eq!(failures(control).await, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn change_that_a_new_password_overtakes_counts_as_failed() {
    let app = TestApp::new().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let control = &app.control;
    let own = sign_in(control, OLD).await.unwrap();
    let (refused, ()) = tokio::join!(
        change(control, &ann, &own, [OLD, NEW]),
        replace_hash(control, &ann)
    );
    let refused = refused.map(|_| ()).unwrap_err();
    assert_eq!(refused.field_errors()[0].field, "current", "{refused:?}");
    assert_eq!(failures(control).await, Some(1));
    assert!(is_valid(control, &own).await);
}
