//! Stores which records are desired, and marks the others for removal.

use std::{collections::BTreeSet, net::IpAddr};

use store::{
    Conn,
    dns_records::{DnsRecord, DnsRecordRow, DomainAddressRecords, RecordPurpose, RecordState},
};

use crate::{Control, failure::StoreResultExt as _};

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

/// Stores which records are desired and marks the others for removal.
///
/// # Errors
/// Returns an error when the database is unavailable.
pub(super) async fn reconcile_desired(control: &Control) -> Result<(), model::Error> {
    let rows = control.store().read(|c| {
        let plans = store::dns_records::list_address_records(c)?;
        Ok((plans, store::dns_records::list_orphans(c)?))
    });
    let (plans, orphans) = rows.await.into_model("list desired DNS records")?;
    if !orphans.is_empty() {
        let clock = control.clock();
        let write = move |c: &mut Conn| {
            let now = clock.now(c)?;
            let mut all = orphans.iter();
            all.try_for_each(|id| store::dns_records::mark_for_removal(c, *id, now))
        };
        control
            .store()
            .write(write)
            .await
            .into_model("mark DNS records for removal")?;
    }
    for plan in plans {
        reconcile_domain(control, &plan).await?;
    }
    Ok(())
}

async fn reconcile_domain(
    control: &Control,
    plan: &DomainAddressRecords,
) -> Result<(), model::Error> {
    let desired = plan
        .provider
        .map(|_| desired_records(plan))
        .unwrap_or_default();
    let matches_plan =
        |row: &DnsRecordRow| Some(row.provider) == plan.provider && desired.contains(&row.record);
    let missing: Vec<DnsRecord> = desired
        .iter()
        .filter(|record| {
            let mut existing_rows = plan.stored.iter();
            !existing_rows.any(|row| row.record == **record && matches_plan(row) && is_desired(row))
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
        return Ok(());
    }
    let (clock, provider, domain) = (control.clock(), plan.provider, plan.domain);
    let write = move |c: &mut Conn| {
        let now = clock.now(c)?;
        for id in &unwanted {
            store::dns_records::mark_for_removal(c, *id, now)?;
        }
        let Some(provider) = provider else {
            return Ok(());
        };
        for record in &missing {
            let purpose = RecordPurpose::Address(domain);
            store::dns_records::upsert_desired(c, provider, purpose, record, Some(now))?;
        }
        Ok(())
    };
    control
        .store()
        .write(write)
        .await
        .into_model("update desired DNS records")
}

fn is_desired(row: &DnsRecordRow) -> bool {
    row.state != RecordState::Removing
}
