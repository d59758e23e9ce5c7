//! Whether the world sees a record: whether every name server that answers for its zone has it.
//!
//! An authority asks any one of them, so all have to have it. One that does not answer at all is
//! passed over by whoever asks, and so it is here.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    time::{Duration, Instant},
};

use hickory_proto::rr::{Name, RData};

use crate::{
    DnsError, Record, Resolver,
    aliases::{Zone, is_authority},
    record::{Wire, shown},
    resolver::{ask, own},
};

/// The pause after the first round of questions; it doubles up to [`LONGEST`].
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);

/// Waits until every name server of the record's zone has it; aliases (CNAME) of its name are
/// followed. False when the time was over before, which may take a few seconds longer than it says,
/// because at least one round is asked.
///
/// # Errors
/// [`DnsError::Away`] when no name server answers at all, [`DnsError::NoZone`] when there is none,
/// and [`DnsError::Refused`] when the record is none or its aliases go around.
pub async fn seen(
    resolver: &Resolver,
    record: &Record,
    patience: Duration,
) -> Result<bool, DnsError> {
    let wanted = record.wire()?;
    let end = Instant::now() + patience;
    let mut pause = PAUSE;
    let mut round = Round::default();
    let mut place = None;
    loop {
        let found = match place.take() {
            Some(found) => Ok(found),
            None => resolver.end(&wanted.name).await,
        };
        let result = match found {
            Ok((name, zone)) => {
                round = Round::ask(&zone, &name, &wanted, &round.silent).await;
                let result = round.result(&zone);
                place = Some((name, zone));
                result
            }
            Err(error) => Err(error),
        };
        let is_last = Instant::now() + pause > end;
        match result {
            Ok(true) => return Ok(true),
            // Who is away now may be back before the time is over.
            Err(error) if is_last || !error.is_transient() => return Err(error),
            Ok(false) if is_last => return Ok(false),
            Ok(false) | Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(LONGEST);
    }
}

/// What the servers of a zone said when each was asked once.
#[derive(Debug, Default)]
struct Round {
    having: usize,
    lacking: usize,
    silent: BTreeSet<SocketAddr>,
    /// Those who were silent before too, and no longer count.
    passed_over: usize,
}

impl Round {
    async fn ask(zone: &Zone, name: &Name, wanted: &Wire, silent: &BTreeSet<SocketAddr>) -> Self {
        let asked = zone.servers.iter().map(|server| async move {
            let answer = has(*server, name, &wanted.data).await;
            (*server, answer)
        });
        let mut round = Self::default();
        for (server, answer) in futures::future::join_all(asked).await {
            match answer {
                Some(true) => round.having += 1,
                Some(false) => round.lacking += 1,
                None => {
                    round.passed_over += usize::from(silent.contains(&server));
                    round.silent.insert(server);
                }
            }
        }
        tracing::debug!(name = %shown(name), zone = %shown(&zone.apex), ?round, "looked for a record");
        round
    }

    fn result(&self, zone: &Zone) -> Result<bool, DnsError> {
        if self.having + self.lacking == 0 {
            return Err(DnsError::away(format!(
                "No name server of {} answers.",
                shown(&zone.apex)
            )));
        }
        Ok(self.lacking == 0 && self.passed_over == self.silent.len())
    }
}

/// Whether a server has the value; none when it does not answer for the zone.
async fn has(server: SocketAddr, name: &Name, data: &RData) -> Option<bool> {
    let kind = data.record_type();
    let answer = ask(server, name, kind).await.ok().filter(is_authority)?;
    let values = own(&answer.answers, name, kind);
    Some(values.iter().any(|record| record.data == *data))
}
