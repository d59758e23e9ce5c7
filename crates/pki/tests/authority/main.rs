//! The client against a stand-in of an authority that does what no real one does when it is asked to.

#![cfg(test)]

mod broken;
mod orders;
mod renewal;
mod standin;

use std::{sync::Mutex, time::Duration};

use async_trait::async_trait;
use pki::acme::{Account, AcmeError, Challenge, Given, Order, Proof, Solver};

use crate::standin::Standin;

/// A solver that writes down what it was asked for.
#[derive(Default)]
pub struct Notes(Mutex<Vec<&'static str>>);

impl Notes {
    /// What it was asked for.
    pub fn calls(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Solver for Notes {
    async fn put(&self, _challenges: &[Challenge]) -> Result<(), String> {
        self.0.lock().unwrap().push("put");
        Ok(())
    }

    async fn take_away(&self, _challenges: &[Challenge]) {
        self.0.lock().unwrap().push("take away");
    }
}

/// A stand-in with an account.
pub async fn ready() -> (Standin, Account) {
    let standin = Standin::start().await;
    let (account, _) = Account::create(&standin.directory(), None, None)
        .await
        .unwrap();
    (standin, account)
}

/// An order over HTTP, with more patience than it needs.
pub fn order(names: &[&str]) -> Order {
    Order {
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        proof: Proof::Http,
        replaces: None,
        patience: Duration::from_secs(60),
    }
}

/// Asks for the certificate of one name, with the calls of the solver.
pub async fn issue(account: &Account) -> (Result<Given, AcmeError>, Vec<&'static str>) {
    let notes = Notes::default();
    let outcome = account.issue(&order(&["web.example.org"]), &notes).await;
    (outcome, notes.calls())
}
