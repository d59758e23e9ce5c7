//! Renewal information (RFC 9773).

use std::time::Duration;

use model::Timestamp;
use pki::acme::{Account, AcmeError, RenewalWindow};
use serde_json::json;

use crate::{
    fake_ca::{CannedResponse, FakeCa},
    fake_ca_with_account, issue,
};

fn window(start: &str, end: &str) -> CannedResponse {
    let body = json!({
        "suggestedWindow": { "start": start, "end": end },
        "explanationURL": "https://acme.example.org/why",
    });
    CannedResponse::new(200, body)
}

const START: &str = "2026-01-02T04:00:00Z";
const END: &str = "2026-01-03T04:00:00.5+00:00";

async fn fetch_window(response: CannedResponse) -> Result<Option<RenewalWindow>, AcmeError> {
    let (fake_ca, account) = fake_ca_with_account().await;
    let issued = issue(&account).await.0.unwrap();
    fake_ca.respond_once("/renewal/", response);
    account.renewal_info(&issued.chain).await
}

#[tokio::test]
async fn window_is_fetched_by_certificate_identifier() {
    let (fake_ca, account) = fake_ca_with_account().await;
    let issued = issue(&account).await.0.unwrap();
    fake_ca.respond_once("/renewal/", window(START, END).with("retry-after", 21_600));
    let window = account.renewal_info(&issued.chain).await.unwrap();
    let want = RenewalWindow {
        start: Timestamp(1_767_326_400_000),
        end: Timestamp(1_767_412_800_500),
        retry_after: Duration::from_secs(21_600),
        explanation: Some("https://acme.example.org/why".to_owned()),
    };
    assert_eq!(window, Some(want));
    let id = issued.leaf.renewal.unwrap();
    let path = format!("/renewal/{}.{}", id.authority, id.serial);
    assert_eq!(fake_ca.paths().last(), Some(&path));
}

#[tokio::test]
async fn retry_after_of_window_is_clamped() {
    for (header, want) in [
        (Some("1"), 60),
        (Some("9999999999"), 86_400),
        (None, 21_600),
    ] {
        let mut response = window(START, END);
        if let Some(header) = header {
            response = response.with("retry-after", header);
        }
        let window = fetch_window(response).await.unwrap().unwrap();
        assert_eq!(window.retry_after, Duration::from_secs(want));
    }
}

#[tokio::test]
async fn invalid_window_is_an_error() {
    for response in [
        window(END, START),
        window(START, START),
        window("tomorrow", END),
        CannedResponse::new(200, "{}"),
        CannedResponse::new(200, "no JSON"),
        CannedResponse::new(500, "no JSON"),
    ] {
        let error = fetch_window(response).await.unwrap_err();
        assert!(matches!(error, AcmeError::Unavailable { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn explanation_url_must_be_https() {
    let body = json!({
        "suggestedWindow": { "start": START, "end": END },
        "explanationURL": "javascript:alert(1)",
    });
    let window = fetch_window(CannedResponse::new(200, body))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(window.explanation, None);
}

#[tokio::test]
async fn unknown_certificate_is_refused() {
    let error = fetch_window(CannedResponse::problem(404, "malformed", "unknown"))
        .await
        .unwrap_err();
    assert!(matches!(error, AcmeError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn missing_renewal_info_yields_none() {
    let fake_ca = FakeCa::start().await;
    let mut directory = fake_ca.full_directory();
    directory.as_object_mut().unwrap().remove("renewalInfo");
    fake_ca.respond_times(
        "/directory",
        usize::MAX,
        CannedResponse::new(200, directory),
    );
    let created = Account::create(&fake_ca.directory(), None, None, None).await;
    let account = created.unwrap().0;
    let issued = issue(&account).await.0.unwrap();
    assert_eq!(account.renewal_info(&issued.chain).await, Ok(None));
}
