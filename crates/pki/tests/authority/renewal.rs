//! When an authority wants a certificate to be renewed (RFC 9773).

use std::time::Duration;

use model::Timestamp;
use pki::acme::{Account, AcmeError, Window};
use serde_json::json;

use crate::{
    issue, ready,
    standin::{Answer, Standin},
};

fn window(start: &str, end: &str) -> Answer {
    let body = json!({
        "suggestedWindow": { "start": start, "end": end },
        "explanationURL": "https://acme.example.org/why",
    });
    Answer::new(200, body)
}

const START: &str = "2026-01-02T04:00:00Z";
const END: &str = "2026-01-03T04:00:00.5+00:00";

async fn asked(answer: Answer) -> Result<Option<Window>, AcmeError> {
    let (standin, account) = ready().await;
    let given = issue(&account).await.0.unwrap();
    standin.say("/renewal/", answer);
    account.renewal(&given.chain).await
}

#[tokio::test]
async fn a_window_is_asked_for_by_the_certificates_id() {
    let (standin, account) = ready().await;
    let given = issue(&account).await.0.unwrap();
    standin.say("/renewal/", window(START, END).with("retry-after", 21_600));
    let found = account.renewal(&given.chain).await.unwrap();
    let want = Window {
        start: Timestamp(1_767_326_400_000),
        end: Timestamp(1_767_412_800_500),
        look_after: Duration::from_secs(21_600),
        explanation: Some("https://acme.example.org/why".to_owned()),
    };
    assert_eq!(found, Some(want));
    let id = given.leaf.renewal.unwrap();
    let path = format!("/renewal/{}.{}", id.authority, id.serial);
    assert_eq!(standin.paths().last(), Some(&path));
}

#[tokio::test]
async fn it_is_not_asked_again_too_soon_nor_too_late() {
    for (told, want) in [
        (Some("1"), 60),
        (Some("9999999999"), 86_400),
        (None, 21_600),
    ] {
        let mut answer = window(START, END);
        if let Some(told) = told {
            answer = answer.with("retry-after", told);
        }
        let found = asked(answer).await.unwrap().unwrap();
        assert_eq!(found.look_after, Duration::from_secs(want));
    }
}

#[tokio::test]
async fn a_window_that_makes_no_sense_is_none() {
    for answer in [
        window(END, START),
        window(START, START),
        window("tomorrow", END),
        Answer::new(200, "{}"),
        Answer::new(200, "no JSON"),
        Answer::new(500, "no JSON"),
    ] {
        let error = asked(answer).await.unwrap_err();
        assert!(matches!(error, AcmeError::Away { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_page_that_explains_is_one_of_the_web() {
    let body = json!({
        "suggestedWindow": { "start": START, "end": END },
        "explanationURL": "javascript:alert(1)",
    });
    let found = asked(Answer::new(200, body)).await.unwrap().unwrap();
    assert_eq!(found.explanation, None);
}

#[tokio::test]
async fn a_certificate_that_is_unknown_there_is_refused() {
    let error = asked(Answer::problem(404, "malformed", "unknown"))
        .await
        .unwrap_err();
    assert!(matches!(error, AcmeError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn an_authority_may_not_know_such_things() {
    let standin = Standin::start().await;
    let mut directory = standin.full_directory();
    directory.as_object_mut().unwrap().remove("renewalInfo");
    standin.say_often("/directory", usize::MAX, Answer::new(200, directory));
    let made = Account::create(&standin.directory(), None, None).await;
    let account = made.unwrap().0;
    let given = issue(&account).await.0.unwrap();
    assert_eq!(account.renewal(&given.chain).await, Ok(None));
}
