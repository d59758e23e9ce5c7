//! Stores the result of an update, and when the next attempt follows.

use model::{
    DomainId, Timestamp,
    certificates::AttemptFailure,
    events::{Event, Topic},
};
use store::{
    Conn,
    dns_records::{DnsRecordRow, RecordState},
};

use super::update::UpdateError;
use crate::{Control, background::Lease, clock::millis, failure::StoreResultExt as _};

/// The waits after consecutive failures, in milliseconds; the last one repeats.
const WAITS: [i64; 5] = [10_000, 60_000, 300_000, 1_200_000, 3_600_000];
/// The longest wait that a provider's rate limit may cause: one day, in milliseconds.
const MAX_PAUSE_MS: i64 = 86_400_000;

/// Stores the result of an update and releases the lease. Ends the work here when the lease is
/// lost.
pub(super) async fn store_result(
    control: &Control,
    lease: &Lease,
    row: &DnsRecordRow,
    done: Result<(), UpdateError>,
) -> Result<(), model::Error> {
    if let Err(UpdateError { message, .. }) = &done {
        tracing::warn!(record = %row.record, error = message, "DNS record update failed");
    }
    let (clock, domain) = (control.clock(), row.domain);
    let (owner, term) = (lease.owner(), lease.term_ms());
    let row = row.clone();
    let write = move |c: &mut Conn| {
        if !store::dns_records::renew_lease(c, row.id, &owner, term)? {
            return Ok(false);
        }
        let now = clock.now(c)?;
        match (&done, row.state) {
            (Ok(()), RecordState::Removing) => store::dns_records::finish_removal(c, &row, now)?,
            (Ok(()), _) => store::dns_records::mark_present(c, row.id)?,
            (Err(error), _) => store_failure(c, &row, error, now)?,
        }
        store::dns_records::release(c, row.id, &owner)?;
        Ok(true)
    };
    let written = control.store().write(write).await;
    if !written.into_model("store DNS record result")? {
        return lease.end().await;
    }
    if let Some(DomainId(id)) = domain {
        let event = Event::of(Topic::Domain, id);
        control.notifier().publish(event);
    }
    Ok(())
}

fn store_failure(
    c: &mut Conn,
    row: &DnsRecordRow,
    error: &UpdateError,
    now: Timestamp,
) -> Result<(), store::Error> {
    let last_error = AttemptFailure {
        at: now,
        message: error.message.clone(),
        detail: None,
    };
    let at_least = millis(error.pause.unwrap_or_default()).min(MAX_PAUSE_MS);
    let after = |ms: i64| Timestamp(now.0.saturating_add(ms.max(at_least)));
    store::dns_records::record_failure(c, row.id, &last_error, after(wait(row.failures)))?;
    match error.pause {
        Some(_) => store::dns_records::delay_provider(c, row.provider, after(wait(0))),
        None => Ok(()),
    }
}

fn wait(failures: u32) -> i64 {
    let index = usize::try_from(failures).unwrap_or(usize::MAX);
    WAITS.get(index).or(WAITS.last()).copied().unwrap_or(10_000)
}
