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
    certificates::Trouble,
    events::{Event, Topic},
};
use store::{
    Conn,
    records::{AddressPlan, Purpose, Record, RecordRow, RecordState},
};

use crate::{
    Control,
    certificates::{AFTER_FAULT, Calls, until},
    failure::Told as _,
    hub::Audience,
    providers,
};

/// How long the lease of a record lasts, in milliseconds.
const LEASE_MS: i64 = 60_000;
/// The time limit for updating one record at a provider.
const LONGEST: Duration = Duration::from_secs(45);
/// The waits after consecutive failures, in milliseconds; the last one repeats.
const WAITS: [i64; 5] = [10_000, 60_000, 300_000, 1_200_000, 3_600_000];
/// The longest wait that a provider's rate limit may cause: one day, in milliseconds.
const LONGEST_LIMIT: i64 = 86_400_000;

/// The desired records of a domain.
fn wanted(plan: &AddressPlan) -> BTreeSet<Record> {
    let mut records = BTreeSet::new();
    for host in &plan.hosts {
        for address in &plan.addresses {
            let kind = match address {
                IpAddr::V4(_) => "A",
                IpAddr::V6(_) => "AAAA",
            };
            records.insert(Record {
                name: host.clone(),
                kind,
                value: address.to_string(),
            });
        }
    }
    records
}

/// Reconciles DNS records until the program stops. Separate from the certificate reconciler, so
/// that an unreachable provider does not delay certificates.
pub(crate) async fn keep(control: Control) {
    let stop = control.0.stop.clone();
    let mut calls = Calls::hear(&control);
    loop {
        let rounds = stop.run_until_cancelled(round(&control));
        let sleep = match rounds.await {
            None => return,
            Some(Ok(sleep)) => sleep,
            Some(Err(error)) => {
                tracing::warn!(%error, "DNS record reconciliation failed");
                AFTER_FAULT
            }
        };
        if stop.run_until_cancelled(calls.wait(sleep)).await.is_none() {
            return;
        }
    }
}

async fn round(control: &Control) -> Result<Duration, model::Error> {
    settle(control).await?;
    tell(control).await?;
    let clock = control.clock();
    let read = move |c: &mut Conn| Ok((store::records::next_due(c)?, clock.now(c)?));
    let (due, now) = control.store().read(read).await.told("records")?;
    Ok(until(due, now))
}

/// Stores which records are desired and marks the others for removal.
///
/// # Errors
/// Returns an error when the database is unavailable.
async fn settle(control: &Control) -> Result<(), model::Error> {
    let found = control.store().read(|c| {
        let plans = store::records::plans(c)?;
        Ok((plans, store::records::orphans(c)?))
    });
    let (plans, orphans) = found.await.told("records")?;
    if !orphans.is_empty() {
        let clock = control.clock();
        let write = move |c: &mut Conn| {
            let now = clock.now(c)?;
            let mut all = orphans.iter();
            all.try_for_each(|id| store::records::unwant(c, *id, now))
        };
        control.store().write(write).await.told("records")?;
    }
    for plan in plans {
        let wanted = plan.provider.map(|_| wanted(&plan)).unwrap_or_default();
        let is_right =
            |row: &RecordRow| Some(row.provider) == plan.provider && wanted.contains(&row.record);
        let missing: Vec<Record> = wanted
            .iter()
            .filter(|record| {
                let mut known = plan.known.iter();
                !known.any(|row| row.record == **record && is_right(row) && is_kept(row))
            })
            .cloned()
            .collect();
        let unwanted: Vec<i64> = plan
            .known
            .iter()
            .filter(|row| !is_right(row) && is_kept(row))
            .map(|row| row.id)
            .collect();
        if missing.is_empty() && unwanted.is_empty() {
            continue;
        }
        let (clock, provider, domain) = (control.clock(), plan.provider, plan.domain);
        let write = move |c: &mut Conn| {
            let now = clock.now(c)?;
            for id in &unwanted {
                store::records::unwant(c, *id, now)?;
            }
            let Some(provider) = provider else {
                return Ok(());
            };
            for record in &missing {
                let purpose = Purpose::Address(domain);
                store::records::want(c, provider, purpose, record, Some(now))?;
            }
            Ok(())
        };
        control.store().write(write).await.told("records")?;
    }
    Ok(())
}

fn is_kept(row: &RecordRow) -> bool {
    row.state != RecordState::Unwanted
}

/// Creates and removes due records at their providers.
///
/// # Errors
/// Returns an error when the database is unavailable. Errors of a provider are stored with the
/// record.
async fn tell(control: &Control) -> Result<(), model::Error> {
    let mut opened: BTreeMap<ProviderId, Result<Box<dyn dns::Provider>, String>> = BTreeMap::new();
    loop {
        let clock = control.clock();
        let claim = move |c: &mut Conn| {
            let now = clock.now(c)?;
            store::records::claim(c, now, Timestamp(now.0 + LEASE_MS))
        };
        let claimed = control.store().write(claim).await.told("records")?;
        let Some(row) = claimed else { return Ok(()) };
        if let Entry::Vacant(slot) = opened.entry(row.provider) {
            let way = match providers::record(control, row.provider).await? {
                Some(found) => providers::open(control, &found),
                None => Err("The provider is gone.".to_owned()),
            };
            slot.insert(way);
        }
        let done = match opened.get(&row.provider) {
            Some(Ok(provider)) => {
                let telling = one(control, provider.as_ref(), &row);
                let telling = tokio::time::timeout(LONGEST, telling).await;
                telling.unwrap_or_else(|_| {
                    Err(Refusal {
                        words: "The provider did not answer in time.".to_owned(),
                        leave_alone: Some(Duration::ZERO),
                    })
                })
            }
            Some(Err(words)) => Err(Refusal::from(words.clone())),
            None => continue,
        };
        note(control, row, done).await?;
    }
}

async fn one(
    control: &Control,
    provider: &dyn dns::Provider,
    row: &RecordRow,
) -> Result<(), Refusal> {
    let record = record(&row.record)?;
    match row.state {
        RecordState::Unwanted => Ok(provider.remove(&record).await?),
        RecordState::There | RecordState::Found => Ok(()),
        RecordState::Wanted | RecordState::Told => {
            let there = provider.addresses(&record.name).await?;
            if there.contains(&record.value) {
                return Ok(());
            }
            let mut others = there
                .iter()
                .filter(|value| is_kind_of(value, &record.value));
            if let Some(other) = others.next() {
                // Another record exists; the name may resolve elsewhere on purpose.
                return Err(Refusal::from(format!(
                    "{} leads to {} at the provider, which Holdfast did not set. Delete that record there, or the name is found elsewhere.",
                    record.name,
                    shown(other)
                )));
            }
            if is_ours(control, row).await? {
                provider.add(&record).await?;
            }
            Ok(())
        }
    }
}

/// Stores that Holdfast creates the record before it does, so that the record is removed even if
/// this process stops. Returns `false` when the record is no longer desired.
async fn is_ours(control: &Control, row: &RecordRow) -> Result<bool, Refusal> {
    if row.state == RecordState::Told {
        return Ok(true);
    }
    let id = row.id;
    let write = move |c: &mut Conn| store::records::is_told(c, id);
    let told = control.store().write(write).await.told("record");
    told.map_err(|error| Refusal::from(error.to_string()))
}

/// Why a provider has not made a change.
#[derive(Clone)]
struct Refusal {
    words: String,
    /// The shortest pause before the next request to this provider. `None` if requests for other
    /// records may succeed.
    leave_alone: Option<Duration>,
}

impl From<String> for Refusal {
    fn from(words: String) -> Self {
        Self {
            words,
            leave_alone: None,
        }
    }
}

impl From<dns::DnsError> for Refusal {
    fn from(error: dns::DnsError) -> Self {
        let leave_alone = match &error {
            dns::DnsError::Limited { retry_after, .. } => Some(retry_after.unwrap_or_default()),
            dns::DnsError::Away { .. } => Some(Duration::ZERO),
            dns::DnsError::Unauthorized { .. }
            | dns::DnsError::NoZone { .. }
            | dns::DnsError::Refused { .. } => None,
        };
        Self {
            words: error.to_string(),
            leave_alone,
        }
    }
}

fn is_kind_of(one: &dns::Value, other: &dns::Value) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

fn shown(value: &dns::Value) -> String {
    match value {
        dns::Value::A(address) => address.to_string(),
        dns::Value::Aaaa(address) => address.to_string(),
        dns::Value::Txt(text) => text.clone(),
    }
}

fn record(kept: &Record) -> Result<dns::Record, Refusal> {
    let wrong = || Refusal::from(format!("The record {kept} cannot be read."));
    let value = match kept.kind {
        "A" => dns::Value::A(kept.value.parse().map_err(|_| wrong())?),
        "AAAA" => dns::Value::Aaaa(kept.value.parse().map_err(|_| wrong())?),
        _ => dns::Value::Txt(kept.value.clone()),
    };
    Ok(dns::Record {
        name: kept.name.clone(),
        value,
    })
}

async fn note(
    control: &Control,
    row: RecordRow,
    done: Result<(), Refusal>,
) -> Result<(), model::Error> {
    if let Err(Refusal { words, .. }) = &done {
        tracing::warn!(record = %row.record, error = words, "DNS record update failed");
    }
    let (clock, domain) = (control.clock(), row.domain);
    let write = move |c: &mut Conn| {
        let now = clock.now(c)?;
        match (&done, row.state) {
            (Ok(()), RecordState::Unwanted) => store::records::is_gone(c, &row, now)?,
            (Ok(()), _) => store::records::is_there(c, row.id)?,
            (Err(refusal), _) => fail(c, &row, refusal, now)?,
        }
        store::records::release(c, row.id)
    };
    control.store().write(write).await.told("records")?;
    if let Some(DomainId(id)) = domain {
        let event = Event::of(Topic::Domain, id);
        control.hub().tell(event, Audience::Operators);
    }
    Ok(())
}

fn fail(
    c: &mut Conn,
    row: &RecordRow,
    refusal: &Refusal,
    now: Timestamp,
) -> Result<(), store::Error> {
    let trouble = Trouble {
        at: now,
        words: refusal.words.clone(),
        detail: None,
    };
    let at_least = refusal.leave_alone.unwrap_or_default().as_millis();
    let at_least = i64::try_from(at_least)
        .unwrap_or(i64::MAX)
        .min(LONGEST_LIMIT);
    let after = |ms: i64| Timestamp(now.0.saturating_add(ms.max(at_least)));
    store::records::failed(c, row.id, &trouble, after(wait(row.failures)))?;
    match refusal.leave_alone {
        Some(_) => store::records::put_off(c, row.provider, after(wait(0))),
        None => Ok(()),
    }
}

fn wait(failures: u32) -> i64 {
    let index = usize::try_from(failures).unwrap_or(usize::MAX);
    WAITS.get(index).or(WAITS.last()).copied().unwrap_or(10_000)
}
