//! Tests of the ACME client against a fake CA whose failures and responses the tests control.

#![cfg(test)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the wall clock"
)]

mod broken;
mod fake_ca;
mod orders;
mod renewal;

use std::{sync::Mutex, time::Duration};

use async_trait::async_trait;
use pki::acme::{Account, AcmeError, Challenge, ChallengeType, IssuedCertificate, Order, Solver};

use crate::fake_ca::FakeCa;

/// A solver that only records its calls.
#[derive(Default)]
pub struct RecordingSolver(Mutex<Vec<&'static str>>);

impl RecordingSolver {
    /// The recorded calls.
    pub fn calls(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Solver for RecordingSolver {
    async fn publish(&self, _challenges: &[Challenge]) -> Result<(), String> {
        self.0.lock().unwrap().push("publish");
        Ok(())
    }

    async fn cleanup(&self, _challenges: &[Challenge]) {
        self.0.lock().unwrap().push("cleanup");
    }
}

/// A fake CA with an account.
pub async fn fake_ca_with_account() -> (FakeCa, Account) {
    let fake_ca = FakeCa::start().await;
    let (account, _) = Account::create(&fake_ca.directory(), None, None, None)
        .await
        .unwrap();
    (fake_ca, account)
}

/// An order with HTTP-01 and a generous timeout.
pub fn order(names: &[&str]) -> Order {
    Order {
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        challenge_type: ChallengeType::Http01,
        replaces: None,
        timeout: Duration::from_secs(60),
    }
}

/// Orders a certificate for one name; returns the solver's calls as well.
pub async fn issue(account: &Account) -> (Result<IssuedCertificate, AcmeError>, Vec<&'static str>) {
    let solver = RecordingSolver::default();
    let outcome = account.issue(&order(&["web.example.org"]), &solver).await;
    (outcome, solver.calls())
}
