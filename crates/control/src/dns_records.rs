//! Publishes the addresses of hostnames at DNS providers. Each record is stored before it is
//! created and deleted when it is no longer desired. Records that Holdfast did not create are never
//! changed.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    net::IpAddr,
    time::Duration,
};

use model::{
    DomainId, ProviderId, Timestamp,
    certificates::AttemptFailure,
    events::{Event, Topic},
};
use store::{
    Conn,
    records::{DnsRecord, DnsRecordRow, DomainAddressRecords, RecordPurpose, RecordState},
};

use crate::{
    Control,
    background::{InStore, Lease, LeaseLost, NextPass, Reconciler, WakeSources},
    certificates::{TOPICS, next_pass},
    failure::StoreResultExt as _,
    notifier::Audience,
    providers,
};

/// How long the lease of a record lasts without a renewal.
const LEASE_TERM: Duration = Duration::from_secs(60);
/// The longest time that one update holds its lease.
const HOLD_LIMIT: Duration = Duration::from_secs(120);
/// The time limit for updating one record at a provider.
const UPDATE_TIMEOUT: Duration = Duration::from_secs(45);
/// The waits after consecutive failures, in milliseconds; the last one repeats.
const WAITS: [i64; 5] = [10_000, 60_000, 300_000, 1_200_000, 3_600_000];
/// The longest wait that a provider's rate limit may cause: one day, in milliseconds.
const MAX_PAUSE_MS: i64 = 86_400_000;

/// The desired records of a domain.
fn desired_records(plan: &DomainAddressRecords) -> BTreeSet<DnsRecord> {
    let mut records = BTreeSet::new();
    for host in &plan.hosts {
        for address in &plan.addresses {
            let kind = match address {
                IpAddr::V4(_) => "A",
                IpAddr::V6(_) => "AAAA",
            };
            records.insert(DnsRecord {
                name: host.clone(),
                record_type: kind,
                value: address.to_string(),
            });
        }
    }
    records
}

/// The reconciler of all DNS records. Separate from the certificates' reconciler, so that an
/// unreachable provider does not delay certificates.
pub(crate) struct DnsRecords {
    control: Control,
    wake: WakeSources,
}

impl DnsRecords {
    pub(crate) fn new(control: Control) -> Self {
        let wake = WakeSources::subscribe(&control, TOPICS);
        Self { control, wake }
    }
}

impl Reconciler for DnsRecords {
    const NAME: &'static str = "DNS records";

    async fn reconcile(&mut self) -> Result<NextPass, model::Error> {
        let control = &self.control;
        reconcile_desired(control).await?;
        apply_due(control).await?;
        let clock = control.clock();
        let due = control.store().read(move |c| {
            let now = clock.now(c)?;
            store::records::next_due_in_ms(c, now)
        });
        Ok(next_pass(due.await.into_model("records")?))
    }

    async fn woken(&mut self) {
        self.wake.woken().await;
    }
}

/// Stores which records are desired and marks the others for removal.
///
/// # Errors
/// Returns an error when the database is unavailable.
async fn reconcile_desired(control: &Control) -> Result<(), model::Error> {
    let rows = control.store().read(|c| {
        let plans = store::records::list_address_records(c)?;
        Ok((plans, store::records::list_orphans(c)?))
    });
    let (plans, orphans) = rows.await.into_model("records")?;
    if !orphans.is_empty() {
        let clock = control.clock();
        let write = move |c: &mut Conn| {
            let now = clock.now(c)?;
            let mut all = orphans.iter();
            all.try_for_each(|id| store::records::mark_for_removal(c, *id, now))
        };
        control.store().write(write).await.into_model("records")?;
    }
    for plan in plans {
        let desired = plan
            .provider
            .map(|_| desired_records(&plan))
            .unwrap_or_default();
        let matches_plan = |row: &DnsRecordRow| {
            Some(row.provider) == plan.provider && desired.contains(&row.record)
        };
        let missing: Vec<DnsRecord> = desired
            .iter()
            .filter(|record| {
                let mut existing_rows = plan.stored.iter();
                !existing_rows
                    .any(|row| row.record == **record && matches_plan(row) && is_desired(row))
            })
            .cloned()
            .collect();
        let unwanted: Vec<i64> = plan
            .stored
            .iter()
            .filter(|row| !matches_plan(row) && is_desired(row))
            .map(|row| row.id)
            .collect();
        if missing.is_empty() && unwanted.is_empty() {
            continue;
        }
        let (clock, provider, domain) = (control.clock(), plan.provider, plan.domain);
        let write = move |c: &mut Conn| {
            let now = clock.now(c)?;
            for id in &unwanted {
                store::records::mark_for_removal(c, *id, now)?;
            }
            let Some(provider) = provider else {
                return Ok(());
            };
            for record in &missing {
                let purpose = RecordPurpose::Address(domain);
                store::records::upsert_desired(c, provider, purpose, record, Some(now))?;
            }
            Ok(())
        };
        control.store().write(write).await.into_model("records")?;
    }
    Ok(())
}

fn is_desired(row: &DnsRecordRow) -> bool {
    row.state != RecordState::Removing
}

/// Creates and removes due records at their providers.
///
/// # Errors
/// Returns an error when the database is unavailable. Errors of a provider are stored with the
/// record.
async fn apply_due(control: &Control) -> Result<(), model::Error> {
    let mut opened: BTreeMap<ProviderId, Result<Box<dyn dns::Provider>, String>> = BTreeMap::new();
    while let Some((row, lease)) = claim(control).await? {
        if let Entry::Vacant(slot) = opened.entry(row.provider) {
            let client = match providers::record(control, row.provider).await? {
                Some(record) => providers::open(control, &record),
                None => Err("The DNS provider no longer exists.".to_owned()),
            };
            slot.insert(client);
        }
        let Some(provider) = opened.get(&row.provider) else {
            continue;
        };
        let id = row.id;
        let renewal = InStore(control.store(), move |c: &mut Conn, owner: &str, term| {
            store::records::renew_lease(c, id, owner, term)
        });
        let work = async {
            let update = update(control, provider, &row, &lease);
            match control.0.stop.run_until_cancelled(update).await {
                Some(done) => store_result(control, &lease, &row, done).await,
                None => release(control, &lease, id).await,
            }
        };
        match lease.hold(&renewal, HOLD_LIMIT, work).await {
            Ok(stored) => stored?,
            Err(LeaseLost) => tracing::info!(record = %row.record, "DNS record lease lost"),
        }
        if control.0.stop.is_cancelled() {
            break;
        }
    }
    Ok(())
}

async fn claim(control: &Control) -> Result<Option<(DnsRecordRow, Lease)>, model::Error> {
    let (clock, lease) = (control.clock(), Lease::new(LEASE_TERM));
    let (owner, term) = (lease.owner(), lease.term_ms());
    let claim = move |c: &mut Conn| {
        let now = clock.now(c)?;
        store::records::claim(c, &owner, now, term)
    };
    let claimed = control.store().write(claim).await.into_model("records")?;
    Ok(claimed.map(|row| (row, lease)))
}

async fn release(control: &Control, lease: &Lease, id: i64) -> Result<(), model::Error> {
    let owner = lease.owner();
    let write = move |c: &mut Conn| store::records::release(c, id, &owner);
    control.store().write(write).await.into_model("records")
}

async fn update(
    control: &Control,
    provider: &Result<Box<dyn dns::Provider>, String>,
    row: &DnsRecordRow,
    lease: &Lease,
) -> Result<(), UpdateError> {
    let provider = provider.as_ref().map_err(Clone::clone)?.as_ref();
    let update = apply(control, provider, row, lease);
    let update = tokio::time::timeout(UPDATE_TIMEOUT, update).await;
    update.unwrap_or_else(|_| {
        Err(UpdateError {
            message: "The provider did not answer in time.".to_owned(),
            pause: Some(Duration::ZERO),
        })
    })
}

async fn apply(
    control: &Control,
    provider: &dyn dns::Provider,
    row: &DnsRecordRow,
    lease: &Lease,
) -> Result<(), UpdateError> {
    let record = record(&row.record)?;
    match row.state {
        RecordState::Removing => Ok(provider.remove(&record).await?),
        RecordState::Present | RecordState::Foreign => Ok(()),
        RecordState::Pending | RecordState::Submitted => {
            let existing = provider.addresses(&record.name).await?;
            if existing.contains(&record.value) {
                return Ok(());
            }
            let mut conflicting_values = existing
                .iter()
                .filter(|value| is_same_kind(value, &record.value));
            if let Some(conflicting) = conflicting_values.next() {
                // Another record exists; the name may resolve elsewhere on purpose.
                return Err(UpdateError::from(format!(
                    "{} resolves to {}, in a record that Holdfast did not create. Delete that \
                        record at the DNS provider.",
                    record.name,
                    format_value(conflicting)
                )));
            }
            if mark_submitted(control, row, lease).await? {
                provider.add(&record).await?;
            }
            Ok(())
        }
    }
}

/// Stores that Holdfast creates the record before it does, so that the record is removed even if
/// this process stops. Returns `false` when the record is no longer desired, or another process has
/// its lease.
async fn mark_submitted(
    control: &Control,
    row: &DnsRecordRow,
    lease: &Lease,
) -> Result<bool, UpdateError> {
    if row.state == RecordState::Submitted {
        return Ok(true);
    }
    let (id, owner, term) = (row.id, lease.owner(), lease.term_ms());
    let write = move |c: &mut Conn| {
        Ok(store::records::renew_lease(c, id, &owner, term)?
            && store::records::mark_submitted(c, id)?)
    };
    let marked = control.store().write(write).await.into_model("record");
    marked.map_err(|error| UpdateError::from(error.to_string()))
}

/// Why a provider has not made a change.
#[derive(Clone)]
struct UpdateError {
    message: String,
    /// The shortest pause before the next request to this provider. `None` if requests for other
    /// records may succeed.
    pause: Option<Duration>,
}

impl From<String> for UpdateError {
    fn from(message: String) -> Self {
        Self {
            message,
            pause: None,
        }
    }
}

impl From<dns::DnsError> for UpdateError {
    fn from(error: dns::DnsError) -> Self {
        let pause = match &error {
            dns::DnsError::RateLimited { retry_after, .. } => Some(retry_after.unwrap_or_default()),
            dns::DnsError::Unavailable { .. } => Some(Duration::ZERO),
            dns::DnsError::Unauthorized { .. }
            | dns::DnsError::NoZone { .. }
            | dns::DnsError::Refused { .. } => None,
        };
        Self {
            message: error.to_string(),
            pause,
        }
    }
}

fn is_same_kind(a: &dns::RecordValue, b: &dns::RecordValue) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

fn format_value(value: &dns::RecordValue) -> String {
    match value {
        dns::RecordValue::A(address) => address.to_string(),
        dns::RecordValue::Aaaa(address) => address.to_string(),
        dns::RecordValue::Txt(text) => text.clone(),
    }
}

fn record(stored: &DnsRecord) -> Result<dns::Record, UpdateError> {
    let wrong = || UpdateError::from(format!("The record {stored} cannot be parsed."));
    let value = match stored.record_type {
        "A" => dns::RecordValue::A(stored.value.parse().map_err(|_| wrong())?),
        "AAAA" => dns::RecordValue::Aaaa(stored.value.parse().map_err(|_| wrong())?),
        _ => dns::RecordValue::Txt(stored.value.clone()),
    };
    Ok(dns::Record {
        name: stored.name.clone(),
        value,
    })
}

/// Stores the result of an update and releases the lease. Stores nothing once the lease is lost.
async fn store_result(
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
        if !store::records::renew_lease(c, row.id, &owner, term)? {
            return Ok(());
        }
        let now = clock.now(c)?;
        match (&done, row.state) {
            (Ok(()), RecordState::Removing) => store::records::finish_removal(c, &row, now)?,
            (Ok(()), _) => store::records::mark_present(c, row.id)?,
            (Err(error), _) => store_failure(c, &row, error, now)?,
        }
        store::records::release(c, row.id, &owner)
    };
    control.store().write(write).await.into_model("records")?;
    if let Some(DomainId(id)) = domain {
        let event = Event::of(Topic::Domain, id);
        control.notifier().publish(event, Audience::Operators);
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
    let at_least = error.pause.unwrap_or_default().as_millis();
    let at_least = i64::try_from(at_least)
        .unwrap_or(i64::MAX)
        .min(MAX_PAUSE_MS);
    let after = |ms: i64| Timestamp(now.0.saturating_add(ms.max(at_least)));
    store::records::record_failure(c, row.id, &last_error, after(wait(row.failures)))?;
    match error.pause {
        Some(_) => store::records::delay_provider(c, row.provider, after(wait(0))),
        None => Ok(()),
    }
}

fn wait(failures: u32) -> i64 {
    let index = usize::try_from(failures).unwrap_or(usize::MAX);
    WAITS.get(index).or(WAITS.last()).copied().unwrap_or(10_000)
}
