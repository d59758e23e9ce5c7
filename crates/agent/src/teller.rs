//! The manager as an agent that has joined speaks with it: with its key, and in order. Whoever has
//! something to add to a report says to which; when the manager knows of a newer one it is too late.

use edge::link::{Asking, Given, Leases, Live, Pair};
use model::{agents::Report, clusters::Fingerprint};
use tokio::sync::Mutex;

use crate::{LinkError, link::Link};

pub(crate) struct Teller {
    link: Link,
    key: String,
    /// How many reports were told.
    turn: Mutex<u64>,
}

impl Teller {
    pub(crate) fn new(link: Link, key: String) -> Self {
        Self {
            link,
            key,
            turn: Mutex::default(),
        }
    }

    /// What to serve, as soon as there is something new.
    pub(crate) async fn next(&self, asking: &Asking) -> Result<Option<Given>, LinkError> {
        self.link.next(&self.key, asking).await
    }

    /// Tells a part of what is live.
    pub(crate) async fn live(&self, part: &Live) -> Result<(), LinkError> {
        self.link.live(&self.key, part).await
    }

    /// Tells which addresses are lent.
    pub(crate) async fn leases(&self, leases: &Leases) -> Result<(), LinkError> {
        self.link.leases(&self.key, leases).await
    }

    /// Those of these certificates that there are, with their keys.
    pub(crate) async fn certificates(
        &self,
        certificates: &[Fingerprint],
    ) -> Result<Vec<Pair>, LinkError> {
        self.link.certificates(&self.key, certificates).await
    }

    /// Tells a report; its turn, for whoever has something to add.
    pub(crate) async fn tell(&self, report: &Report) -> Result<u64, LinkError> {
        let mut turn = self.turn.lock().await;
        // What is added to an older one after this would be wrong, whether this arrives or not.
        *turn += 1;
        self.link.report(&self.key, report).await?;
        Ok(*turn)
    }

    /// Tells a report again with more in it, unless there was another one since its turn.
    pub(crate) async fn add(&self, turn: u64, report: &Report) -> Result<(), LinkError> {
        let now = self.turn.lock().await;
        if *now == turn {
            self.link.report(&self.key, report).await?;
        }
        Ok(())
    }
}
