//! Sessions: sign-in, sign-out and throttling.

use std::net::{IpAddr, Ipv4Addr};

use control::sessions;
use model::{Error, session::SignInForm, users::UserForm};

use crate::test_app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn failed_sign_ins_are_throttled_and_sign_out_ends_the_session() {
    let app = TestApp::new().await;
    app.create_user("ann", UserForm::default()).await;
    let client = sessions::ClientInfo {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        user_agent: "test".into(),
        browser_token: None,
        session_token: None,
    };
    let sign_in = async |name: &str, password: &str| {
        let form = SignInForm {
            name: name.into(),
            password: password.into(),
        };
        sessions::sign_in(&app.control, form, client.clone()).await
    };
    let session = sign_in("Ann", "correct horse").await.unwrap();
    let actor = sessions::get_actor(&app.control, &session.token)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(actor.me().unwrap().name.as_str(), "ann");
    sessions::sign_out(&app.control, &session.token)
        .await
        .unwrap();
    assert_eq!(
        sessions::get_actor(&app.control, &session.token)
            .await
            .unwrap(),
        None
    );
    for _ in 0..5 {
        let refused = sign_in("ann", "wrong horse").await.err().unwrap();
        assert_eq!(refused, Error::WrongCredentials);
        let unknown = sign_in("unknown-user", "wrong horse").await.err().unwrap();
        assert_eq!(unknown, Error::WrongCredentials);
    }
    // The first delays are short and may pass unnoticed on a busy machine.
    let mut attempts = 0;
    while sign_in("ann", "wrong horse").await.err().unwrap() == Error::WrongCredentials {
        attempts += 1;
        assert!(attempts < 10, "repeated failures must be throttled");
    }
    let refused = sign_in("ann", "correct horse").await.err().unwrap();
    assert!(
        matches!(refused, Error::TooManyRequests { .. }),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_account_runs_as_many_statements_as_a_known_one() {
    let app = TestApp::new().await;
    app.create_user("ann", UserForm::default()).await;
    let mut statements = [u64::MAX; 2];
    // The fewest of several attempts: background work runs statements too.
    for attempt in 0..4 {
        for (name, fewest) in ["ann", "unknown-user"].iter().zip(&mut statements) {
            let form = SignInForm {
                name: (*name).to_owned(),
                password: "wrong horse".to_owned(),
            };
            let client = sessions::ClientInfo {
                address: IpAddr::V4(Ipv4Addr::LOCALHOST),
                user_agent: "test".into(),
                browser_token: Some(format!("token {attempt}")),
                session_token: None,
            };
            let before = app.control.store().statement_count();
            let refused = sessions::sign_in(&app.control, form, client).await;
            assert_eq!(refused.err(), Some(Error::WrongCredentials));
            *fewest = (*fewest).min(app.control.store().statement_count() - before);
        }
    }
    assert_eq!(statements[0], statements[1]);
}
