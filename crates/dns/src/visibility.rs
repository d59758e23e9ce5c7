//! Checks whether a record is visible on every authoritative name server of its zone.
//!
//! A CA may query any of the name servers, so all of them must have the record. A server that never
//! responds is skipped, as resolvers do.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    time::{Duration, Instant},
};

use hickory_proto::rr::{Name, RData};
use model::backoff::Backoff;

use crate::{
    DnsError, Record, Resolver,
    aliases::{Zone, is_authoritative},
    record::{WireRecord, format_name},
    resolver::{query_server, select},
};

/// The pause after the first round of queries.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The maximum pause.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Waits until every name server of the record's zone has the record; follows CNAME aliases.
/// Returns `false` after the timeout, which may be exceeded by a few seconds because at least one
/// round of queries is sent.
///
/// # Errors
/// [`DnsError::Unavailable`] when no name server responds, [`DnsError::NoZone`] when the zone has
/// none, and [`DnsError::Refused`] when the record is invalid or its aliases form a loop.
pub async fn wait_until_visible(
    resolver: &Resolver,
    record: &Record,
    timeout: Duration,
) -> Result<bool, DnsError> {
    let expected = record.to_wire()?;
    let deadline = Instant::now() + timeout;
    let mut backoff = Backoff::new(FIRST_PAUSE, MAX_PAUSE);
    let mut round = Round::default();
    let mut target = None;
    loop {
        let resolved = match target.take() {
            Some(target) => Ok(target),
            None => resolver.resolve_alias(&expected.name).await,
        };
        let result = match resolved {
            Ok((name, zone)) => {
                round = Round::query(&zone, &name, &expected, &round.unresponsive).await;
                let result = round.result(&zone);
                target = Some((name, zone));
                result
            }
            Err(error) => Err(error),
        };
        let pause = backoff.advance();
        let is_last = Instant::now() + pause > deadline;
        match result {
            Ok(true) => return Ok(true),
            // An unreachable server may respond before the deadline.
            Err(error) if is_last || !error.is_transient() => return Err(error),
            Ok(false) if is_last => return Ok(false),
            Ok(false) | Err(_) => tokio::time::sleep(pause).await,
        }
    }
}

/// The responses of a zone's servers to one query each.
#[derive(Debug, Default)]
struct Round {
    present: usize,
    missing: usize,
    unresponsive: BTreeSet<SocketAddr>,
    /// Servers that did not respond in the previous round either; they are ignored.
    ignored: usize,
}

impl Round {
    async fn query(
        zone: &Zone,
        name: &Name,
        expected: &WireRecord,
        previous: &BTreeSet<SocketAddr>,
    ) -> Self {
        let queries = zone.servers.iter().map(|server| async move {
            let has_value = has_value(*server, name, &expected.data).await;
            (*server, has_value)
        });
        let mut round = Self::default();
        for (server, has_value) in futures::future::join_all(queries).await {
            match has_value {
                Some(true) => round.present += 1,
                Some(false) => round.missing += 1,
                None => {
                    round.ignored += usize::from(previous.contains(&server));
                    round.unresponsive.insert(server);
                }
            }
        }
        tracing::debug!(name = %format_name(name), zone = %format_name(&zone.apex), ?round, "record visibility checked");
        round
    }

    fn result(&self, zone: &Zone) -> Result<bool, DnsError> {
        if self.present + self.missing == 0 {
            return Err(DnsError::unavailable(format!(
                "No name server of {} is reachable.",
                format_name(&zone.apex)
            )));
        }
        Ok(self.missing == 0 && self.ignored == self.unresponsive.len())
    }
}

/// Whether a server has the value; `None` when it does not respond with authority for the zone.
async fn has_value(server: SocketAddr, name: &Name, data: &RData) -> Option<bool> {
    let kind = data.record_type();
    let response = query_server(server, name, kind)
        .await
        .ok()
        .filter(is_authoritative)?;
    let values = select(&response.answers, name, kind);
    Some(values.iter().any(|record| record.data == *data))
}
