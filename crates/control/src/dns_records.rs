//! Publishes the addresses of hostnames at DNS providers. Each record is stored before it is
//! created and deleted when it is no longer desired. Records that Holdfast did not create are never
//! changed.

mod desired;
mod outcome;
mod update;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use model::{ProviderId, events::Topic};
use store::{Conn, dns_records::DnsRecordRow};

use crate::{
    Control,
    background::{Lease, LeaseObject, NextPass, Reconciler, Renewal, StoreRenewal, WakeSources},
    failure::StoreResultExt as _,
    providers,
};

/// How long the lease of a record lasts without a renewal.
const LEASE_TERM: Duration = Duration::from_secs(60);
/// The longest time that one update holds its lease.
const HOLD_LIMIT: Duration = Duration::from_secs(120);
/// The longest wait between two passes.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// The topics that DNS records depend on.
const TOPICS: &[Topic] = &[
    Topic::Container,
    Topic::Domain,
    Topic::Site,
    Topic::Provider,
];

/// The reconciler of all DNS records. Separate from the certificates' reconciler, so that an
/// unreachable provider does not delay certificates.
pub(crate) struct DnsRecords {
    control: Control,
    wake: WakeSources,
}

impl DnsRecords {
    pub(crate) fn new(control: Control) -> Self {
        let wake = WakeSources::new(
            TOPICS,
            control.notifier(),
            control.issuance_wakeup(),
            &control.clock(),
        );
        Self { control, wake }
    }
}

impl Reconciler for DnsRecords {
    const NAME: &'static str = "DNS records";

    async fn reconcile(&mut self) -> Result<NextPass, model::Error> {
        let control = &self.control;
        desired::reconcile_desired(control).await?;
        apply_due(control).await?;
        let clock = control.clock();
        let due = control.store().read(move |c| {
            let now = clock.now(c)?;
            store::dns_records::next_due_in_ms(c, now)
        });
        let due_in_ms = due.await.into_model("read next due DNS record")?;
        Ok(NextPass::when_due(due_in_ms, MAX_WAIT))
    }

    async fn woken(&mut self) {
        self.wake.woken().await;
    }
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
        let renewal = renewal(control, &row);
        let work = async {
            let update = update::update(control, provider, &row, &lease);
            match control.0.stop.run_until_cancelled(update).await {
                Some(done) => outcome::store_result(control, &lease, &row, done).await,
                None => release(control, &lease, id).await,
            }
        };
        match lease.hold(&renewal, HOLD_LIMIT, work).await {
            Ok(stored) => stored?,
            Err(reason) => tracing::warn!(record = %row.record, %reason, "DNS record lease lost"),
        }
        if control.0.stop.is_cancelled() {
            break;
        }
    }
    Ok(())
}

/// Renews the lease of a record.
fn renewal<'a>(control: &'a Control, row: &DnsRecordRow) -> impl Renewal + use<'a> {
    let id = row.id;
    StoreRenewal {
        store: control.store(),
        object: LeaseObject::Record(row.record.to_string()),
        renew: move |c: &mut Conn, owner: &str, term| {
            store::dns_records::renew_lease(c, id, owner, term)
        },
    }
}

async fn claim(control: &Control) -> Result<Option<(DnsRecordRow, Lease)>, model::Error> {
    let (clock, lease) = (control.clock(), Lease::new(LEASE_TERM));
    let (owner, term) = (lease.owner(), lease.term_ms());
    let claim = move |c: &mut Conn| {
        let now = clock.now(c)?;
        store::dns_records::claim(c, &owner, now, term)
    };
    let claimed = control
        .store()
        .write(claim)
        .await
        .into_model("claim DNS record")?;
    Ok(claimed.map(|row| (row, lease)))
}

async fn release(control: &Control, lease: &Lease, id: i64) -> Result<(), model::Error> {
    let owner = lease.owner();
    let write = move |c: &mut Conn| store::dns_records::release(c, id, &owner);
    control
        .store()
        .write(write)
        .await
        .into_model("release DNS record")
}
