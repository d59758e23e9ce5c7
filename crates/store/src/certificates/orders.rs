//! Orders of certificates for new names: which were counted, and which wait because a limit is
//! reached. Must not decide what is allowed.

use diesel::prelude::*;
use model::{
    CertificateId, ContainerId, DomainId, ServiceId, Timestamp, UserId,
    certificates::AttemptFailure, names::Label, users::Role,
};

use crate::{
    Conn, Error,
    rows::{RowRef, to_json},
    schema::{certificates, containers, domains, services, users},
};

/// A service whose certificate waits until a limit permits the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateWait {
    /// The service.
    pub service: ServiceId,
    /// The time of the next attempt.
    pub until: Timestamp,
}

/// Returns the owner of the container that is published under a label of a domain, with the
/// owner's role.
///
/// # Errors
/// When the database is unavailable.
pub fn get_name_owner(
    c: &mut Conn,
    domain: DomainId,
    label: &Label,
) -> Result<Option<(UserId, Role)>, Error> {
    let is_label = services::label.eq(label.as_str()).or(services::label
        .is_null()
        .and(services::name.eq(label.as_str())));
    let owner: Option<(i64, String)> = services::table
        .inner_join(containers::table.on(containers::id.eq(services::container_id)))
        .inner_join(users::table.on(users::id.eq(containers::owner_id)))
        .filter(services::domain_id.eq(domain.0))
        .filter(is_label)
        .select((users::id, users::role))
        .first(&mut c.0)
        .optional()?;
    owner
        .map(|(id, role)| Ok((UserId(id), RowRef::new("users", &id).parse("role", &role)?)))
        .transpose()
}

/// Stores that the first order of a certificate was counted.
///
/// # Errors
/// When the database is unavailable.
pub fn mark_ordered(c: &mut Conn, id: CertificateId, now: Timestamp) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .set((
            certificates::ordered_at.eq(now.0),
            certificates::last_error.eq(None::<String>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Delays the order of a certificate, with the reason. Does not count as a failure.
///
/// # Errors
/// When the database is unavailable.
pub fn delay_for_limit(
    c: &mut Conn,
    id: CertificateId,
    reason: &AttemptFailure,
    until: Timestamp,
) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .set((
            certificates::last_error.eq(to_json(reason)?),
            certificates::next_attempt_at.eq(until.0),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Returns the services of a container whose certificates wait because a limit is reached.
///
/// # Errors
/// When the database is unavailable.
pub fn list_waits(c: &mut Conn, container: ContainerId) -> Result<Vec<CertificateWait>, Error> {
    type Columns = (i64, Option<String>, Option<String>, i64, String);
    let published: Vec<Columns> = services::table
        .inner_join(domains::table.on(services::domain_id.eq(domains::id.nullable())))
        .filter(services::container_id.eq(container.0))
        .select((
            services::id,
            services::label,
            services::name,
            domains::id,
            domains::name,
        ))
        .load(&mut c.0)?;
    if published.is_empty() {
        return Ok(Vec::new());
    }
    let host = |label: Option<String>, name: Option<String>, domain: &str| {
        format!("{}.{domain}", label.or(name).unwrap_or_default())
    };
    let hosts: Vec<(i64, i64, String)> = published
        .into_iter()
        .map(|(id, label, name, domain, text)| (id, domain, host(label, name, &text)))
        .collect();
    let waiting: Vec<(i64, String, Option<i64>)> = certificates::table
        .filter(certificates::domain_id.eq_any(hosts.iter().map(|(_, domain, _)| domain)))
        .filter(certificates::subject.eq_any(hosts.iter().map(|(_, _, host)| host)))
        .filter(certificates::ordered_at.is_null())
        .filter(certificates::chain.is_null())
        .filter(certificates::last_error.is_not_null())
        .select((
            certificates::domain_id,
            certificates::subject,
            certificates::next_attempt_at,
        ))
        .load(&mut c.0)?;
    let waits = hosts.iter().filter_map(|(service, domain, host)| {
        let mut waiting = waiting.iter();
        let (.., until) = waiting.find(|(id, subject, _)| id == domain && subject == host)?;
        Some(CertificateWait {
            service: ServiceId(*service),
            until: Timestamp((*until)?),
        })
    });
    Ok(waits.collect())
}
