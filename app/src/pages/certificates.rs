//! Certificates of domains: the list, the upload form, and the page of one certificate. The tabs
//! lead to CAs and DNS providers.

pub mod list;
pub mod new;
pub mod show;

use model::{
    Timestamp,
    certificates::{CertificateRow, CertificateState, IssuanceMethod},
};

use crate::{clock::format_relative, components::badge::time, pages::prelude::*};

/// The tabs above the three lists; `current` is the index of the current tab.
pub fn tabs(current: usize) -> AnyView {
    let tabs = vec![
        ("Certificates", "/certificates".to_owned()),
        ("CAs", "/authorities".to_owned()),
        ("DNS providers", "/providers".to_owned()),
    ];
    view! { <Tabs label="Certificates, CAs and DNS providers" tabs=tabs current=Signal::stored(current) /> }
        .erase()
}

/// Why a certificate needs attention.
fn attention_reason(row: &CertificateRow) -> String {
    if let Some(last_error) = &row.last_error {
        return last_error.message.clone();
    }
    match (row.method, row.state) {
        (IssuanceMethod::Uploaded, CertificateState::Expired) => {
            "Expired; browsers reject this certificate. Upload a replacement."
        }
        (IssuanceMethod::Uploaded, _) => {
            "Expires soon and is not renewed automatically. Upload a replacement."
        }
        (IssuanceMethod::Acme, CertificateState::Expired) => {
            "Expired. No replacement has been issued yet."
        }
        (IssuanceMethod::Acme, CertificateState::Failed) => "No certificate has been issued yet.",
        (IssuanceMethod::Acme, _) => "Expires soon. No replacement has been issued yet.",
    }
    .to_owned()
}

/// The end of a certificate's validity.
pub fn valid_until(row: &CertificateRow) -> AnyView {
    match &row.issued {
        Some(issued) => when(issued.not_after),
        None => muted("–"),
    }
}

/// The next action for a certificate, and its time.
fn next_action(row: &CertificateRow) -> AnyView {
    let is_retried =
        row.issued.is_none() || row.failures > 0 || row.state == CertificateState::Renewing;
    match (row.method, row.renew_at, row.next_attempt) {
        (IssuanceMethod::Uploaded, ..) => muted("manual renewal"),
        (_, _, Some(at)) if is_retried => due("retry", at),
        (_, Some(at), _) if !is_retried => due("renewal", at),
        _ => muted("–"),
    }
}

/// A scheduled time; a time in the past means that the action is in progress.
pub fn due(action: &'static str, at: Timestamp) -> AnyView {
    time(at, move |now| match at > now {
        true => format!("{action} {}", format_relative(at, now)),
        false => format!("{action} now"),
    })
}
