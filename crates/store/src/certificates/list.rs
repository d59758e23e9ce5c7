//! Lists of certificates for pages.

use std::collections::BTreeMap;

use diesel::prelude::*;
use model::{
    CertificateId, DomainId, Timestamp,
    certificates::{
        AttemptFailure, CertificateContents, CertificateRow, HistoryEntry, IssuanceMethod,
        StateInputs,
    },
    names::Label,
};

use crate::{
    Conn, Error,
    rows::{RowRef, to_u32},
    schema::{certificate_events, certificates, domains, services, sites},
};

/// The maximum number of certificates in a list.
const MAX_ROWS: i64 = 2000;
/// The maximum number of history entries that are returned.
const MAX_HISTORY: i64 = 50;

#[derive(Queryable, Selectable)]
#[diesel(table_name = certificates)]
struct Row {
    id: i64,
    domain_id: i64,
    subject: String,
    method: String,
    details: Option<String>,
    renew_at: Option<i64>,
    next_attempt_at: Option<i64>,
    failures: i64,
    last_error: Option<String>,
}

/// The name of a certificate's domain, and the ID and name of its site.
type Names = (String, i64, String);

impl Row {
    fn into_row(
        self,
        (domain, site_id, site): &Names,
        now: Timestamp,
    ) -> Result<CertificateRow, Error> {
        let row_ref = RowRef::new("certificates", &self.id);
        let issued: Option<CertificateContents> = self
            .details
            .as_deref()
            .map(|text| row_ref.parse_json("details", text))
            .transpose()?;
        let last_error: Option<AttemptFailure> = self
            .last_error
            .as_deref()
            .map(|text| row_ref.parse_json("last_error", text))
            .transpose()?;
        let method = row_ref.parse("method", &self.method)?;
        let inputs = StateInputs {
            method,
            validity: issued
                .as_ref()
                .map(|issued| (issued.not_before, issued.not_after)),
            renew_at: self.renew_at.map(Timestamp),
            failures: to_u32(self.failures),
        };
        Ok(CertificateRow {
            id: CertificateId(self.id),
            domain: DomainId(self.domain_id),
            domain_name: RowRef::new("domains", &self.domain_id).parse("name", domain)?,
            site_name: RowRef::new("sites", site_id).parse("name", site)?,
            subject: row_ref.parse("subject", &self.subject)?,
            method,
            state: inputs.state_at(now),
            issued,
            renew_at: inputs.renew_at,
            next_attempt: self.next_attempt_at.map(Timestamp),
            failures: inputs.failures,
            last_error,
            is_used: false,
        })
    }
}

/// Returns all certificates or those of one domain, ordered by domain and subject, at most 2,000.
/// Two statements.
///
/// # Errors
/// When the database is unavailable.
pub fn list(
    c: &mut Conn,
    domain: Option<DomainId>,
    now: Timestamp,
) -> Result<Vec<CertificateRow>, Error> {
    let mut query = certificates::table
        .inner_join(domains::table.inner_join(sites::table))
        .order((domains::name, certificates::subject, certificates::id))
        .limit(MAX_ROWS)
        .select((Row::as_select(), (domains::name, sites::id, sites::name)))
        .into_boxed();
    if let Some(domain) = domain {
        query = query.filter(certificates::domain_id.eq(domain.0));
    }
    let rows: Vec<(Row, Names)> = query.load(&mut c.0)?;
    let rows = rows
        .into_iter()
        .map(|(row, names)| row.into_row(&names, now));
    set_is_used(c, rows.collect::<Result<_, _>>()?)
}

/// Returns the certificate with this id. Two statements.
///
/// # Errors
/// When the database is unavailable.
pub fn get(
    c: &mut Conn,
    id: CertificateId,
    now: Timestamp,
) -> Result<Option<CertificateRow>, Error> {
    let certificate: Option<(Row, Names)> = certificates::table
        .inner_join(domains::table.inner_join(sites::table))
        .filter(certificates::id.eq(id.0))
        .select((Row::as_select(), (domains::name, sites::id, sites::name)))
        .first(&mut c.0)
        .optional()?;
    let row = certificate.map(|(row, names)| row.into_row(&names, now));
    let row: Vec<CertificateRow> = row.transpose()?.into_iter().collect();
    Ok(set_is_used(c, row)?.pop())
}

/// Sets on each certificate whether a service is published under one of its names.
fn set_is_used(c: &mut Conn, mut rows: Vec<CertificateRow>) -> Result<Vec<CertificateRow>, Error> {
    let domains: Vec<i64> = rows.iter().map(|row| row.domain.0).collect();
    let labels = list_published_labels(c, &domains)?;
    for row in &mut rows {
        let hosts = labels.get(&row.domain.0).into_iter().flatten();
        let subject = [row.subject.clone()];
        let names = row
            .issued
            .as_ref()
            .map_or(&subject[..], |issued| &issued.names);
        row.is_used = hosts
            .map(|label| format!("{label}.{}", row.domain_name))
            .any(|host| names.iter().any(|name| name.covers(&host)));
    }
    Ok(rows)
}

/// Returns the labels under these domains that services with TLS are published under. One
/// statement.
///
/// # Errors
/// When the database is unavailable.
pub(crate) fn list_published_labels(
    c: &mut Conn,
    domain_ids: &[i64],
) -> Result<BTreeMap<i64, Vec<Label>>, Error> {
    let ids: Vec<Option<i64>> = domain_ids.iter().copied().map(Some).collect();
    let rows: Vec<(i64, i64, Option<String>, Option<String>)> = services::table
        .filter(services::domain_id.eq_any(ids))
        .select((
            services::id,
            services::domain_id.assume_not_null(),
            services::label,
            services::name,
        ))
        .load(&mut c.0)?;
    let mut published: BTreeMap<i64, Vec<Label>> = BTreeMap::new();
    for (id, domain, label, name) in rows {
        // An HTTP service has a label, a TCP service with TLS has a name.
        let row_ref = RowRef::new("services", &id);
        let text = label.or(name);
        let text = text.ok_or_else(|| row_ref.invalid("label", &"is missing"))?;
        let label = row_ref.parse("label", &text)?;
        published.entry(domain).or_default().push(label);
    }
    for labels in published.values_mut() {
        labels.sort();
        labels.dedup();
    }
    Ok(published)
}

/// Returns the values that determine the states of these domains' certificates. One statement.
///
/// # Errors
/// When the database is unavailable.
pub fn list_state_inputs(
    c: &mut Conn,
    domain_ids: &[i64],
) -> Result<BTreeMap<i64, Vec<StateInputs>>, Error> {
    type StateColumns = (i64, i64, String, Option<String>, Option<i64>, i64);
    let rows: Vec<StateColumns> = certificates::table
        .filter(certificates::domain_id.eq_any(domain_ids))
        .select((
            certificates::id,
            certificates::domain_id,
            certificates::method,
            certificates::details,
            certificates::renew_at,
            certificates::failures,
        ))
        .load(&mut c.0)?;
    let mut inputs: BTreeMap<i64, Vec<StateInputs>> = BTreeMap::new();
    for (id, domain, method, issued, renew_at, failures) in rows {
        let row_ref = RowRef::new("certificates", &id);
        let issued: Option<CertificateContents> = issued
            .map(|text| row_ref.parse_json("details", &text))
            .transpose()?;
        inputs.entry(domain).or_default().push(StateInputs {
            method: row_ref.parse::<IssuanceMethod>("method", &method)?,
            validity: issued.map(|issued| (issued.not_before, issued.not_after)),
            renew_at: renew_at.map(Timestamp),
            failures: to_u32(failures),
        });
    }
    Ok(inputs)
}

/// Returns the history of a certificate, newest entry first, at most 50.
///
/// # Errors
/// When the database is unavailable.
pub fn list_history(c: &mut Conn, id: CertificateId) -> Result<Vec<HistoryEntry>, Error> {
    let rows: Vec<(i64, i64, String, String)> = certificate_events::table
        .filter(certificate_events::certificate_id.eq(id.0))
        .order(certificate_events::id.desc())
        .limit(MAX_HISTORY)
        .select((
            certificate_events::id,
            certificate_events::at,
            certificate_events::kind,
            certificate_events::message,
        ))
        .load(&mut c.0)?;
    let lines = rows.into_iter().map(|(id, at, event, message)| {
        Ok(HistoryEntry {
            at: Timestamp(at),
            event: RowRef::new("certificate_events", &id).parse("kind", &event)?,
            message,
        })
    });
    lines.collect()
}
