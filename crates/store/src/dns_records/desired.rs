//! The input for computing the desired address records at DNS providers.

use std::{collections::BTreeMap, net::IpAddr};

use diesel::prelude::*;
use model::{DomainId, ProviderId};

use super::{DnsRecordRow, Row};
use crate::{
    Conn, Error, certificates,
    rows::RowRef,
    schema::{dns_records, domain_certificate_sources, domains, sites},
};

/// A domain with its desired and its stored address records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainAddressRecords {
    /// The domain.
    pub domain: DomainId,
    /// The DNS provider; `None` when the domain no longer has address records.
    pub provider: Option<ProviderId>,
    /// The published hostnames.
    pub hosts: Vec<String>,
    /// The public addresses of the site.
    pub addresses: Vec<IpAddr>,
    /// The stored records.
    pub stored: Vec<DnsRecordRow>,
}

type AddressColumns = (i64, String, i64, Option<String>, Option<String>, i64);

/// Returns every domain that has, or should have, address records. Three statements.
///
/// # Errors
/// When the database is unavailable.
pub fn list_address_records(c: &mut Conn) -> Result<Vec<DomainAddressRecords>, Error> {
    let mut plans = list_desired(c)?;
    let known: Vec<Row> = dns_records::table
        .filter(dns_records::domain_id.is_not_null())
        .order(dns_records::id)
        .select(Row::as_select())
        .load(&mut c.0)?;
    for row in known {
        let row = row.into_row()?;
        let Some(domain) = row.domain else { continue };
        let plan = plans
            .entry(domain.0)
            .or_insert_with(|| DomainAddressRecords {
                domain,
                provider: None,
                hosts: Vec::new(),
                addresses: Vec::new(),
                stored: Vec::new(),
            });
        plan.stored.push(row);
    }
    Ok(plans.into_values().collect())
}

/// Returns the domains that should have address records, without the stored records. Two
/// statements.
fn list_desired(c: &mut Conn) -> Result<BTreeMap<i64, DomainAddressRecords>, Error> {
    let rows: Vec<AddressColumns> = domain_certificate_sources::table
        .inner_join(domains::table.inner_join(sites::table))
        .filter(domain_certificate_sources::manage_addresses.eq(true))
        .filter(domain_certificate_sources::provider_id.is_not_null())
        .order(domain_certificate_sources::domain_id)
        .select((
            domain_certificate_sources::domain_id,
            domains::name,
            sites::id,
            sites::public_v4,
            sites::public_v6,
            domain_certificate_sources::provider_id.assume_not_null(),
        ))
        .load(&mut c.0)?;
    let ids: Vec<i64> = rows.iter().map(|(id, ..)| *id).collect();
    let mut labels = match ids.is_empty() {
        true => BTreeMap::new(),
        false => certificates::list_published_labels(c, &ids)?,
    };
    let mut plans: BTreeMap<i64, DomainAddressRecords> = BTreeMap::new();
    for (id, name, site, v4, v6, provider) in rows {
        let row_ref = RowRef::new("sites", &site);
        let addresses = [
            row_ref.parse_optional("public_v4", v4.as_deref())?,
            row_ref.parse_optional("public_v6", v6.as_deref())?,
        ];
        let labels = labels.remove(&id).unwrap_or_default();
        let plan = DomainAddressRecords {
            domain: DomainId(id),
            provider: Some(ProviderId(provider)),
            hosts: labels
                .iter()
                .map(|label| format!("{label}.{name}"))
                .collect(),
            addresses: addresses.into_iter().flatten().collect(),
            stored: Vec::new(),
        };
        plans.insert(id, plan);
    }
    Ok(plans)
}
