//! Who works on a certificate, and when it is looked after next. Of several servers one has it: a
//! conditional update decides.

use diesel::{dsl::min, prelude::*};
use model::{
    AuthorityId, CertificateId, DomainId, Timestamp,
    certificates::{CertificateName, Issued, Source, Trouble},
};

use crate::{
    Conn, Error,
    rows::{Place, count, to_json},
    schema::certificates,
};

/// How many due certificates are looked at to find one that nobody else takes.
const CANDIDATES: i64 = 8;

/// A certificate that is due, and ours to look after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Who has it: nobody else is called so.
    pub owner: String,
    /// The certificate.
    pub id: CertificateId,
    /// Its domain.
    pub domain: DomainId,
    /// What it is for.
    pub subject: CertificateName,
    /// Where it comes from.
    pub source: Source,
    /// Who gave the one that there is; none for nobody whom Holdfast knows.
    pub authority: Option<AuthorityId>,
    /// From when and until when the one that there is is good.
    pub good: Option<(Timestamp, Timestamp)>,
    /// The one that there is and those that vouch for it, in PEM.
    pub chain: Option<String>,
    /// When the next is to be had.
    pub renew_at: Option<Timestamp>,
    /// How often in a row it was tried in vain.
    pub failures: u32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = certificates)]
struct Row {
    id: i64,
    domain_id: i64,
    subject: String,
    source: String,
    authority_id: Option<i64>,
    issued: Option<String>,
    chain: Option<String>,
    renew_at: Option<i64>,
    failures: i64,
}

/// Takes the certificate that is due longest and that nobody has, until `until`. The owner is one
/// try, not one server: what became of a try is noted only as long as it has the certificate.
///
/// # Errors
/// When the database does not answer.
pub fn claim(
    c: &mut Conn,
    owner: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Claimed>, Error> {
    macro_rules! free {
        () => {
            certificates::next_try.le(now.0).and(
                certificates::lease_until
                    .is_null()
                    .or(certificates::lease_until.le(now.0)),
            )
        };
    }
    loop {
        let candidates: Vec<i64> = certificates::table
            .filter(free!())
            .order((certificates::next_try, certificates::id))
            .limit(CANDIDATES)
            .select(certificates::id)
            .load(&mut c.0)?;
        if candidates.is_empty() {
            return Ok(None);
        }
        for id in candidates {
            let taken = diesel::update(certificates::table.find(id))
                .filter(free!())
                .set((
                    certificates::lease_owner.eq(owner),
                    certificates::lease_until.eq(until.0),
                ))
                .execute(&mut c.0)?;
            if taken == 0 {
                continue;
            }
            return read(c, id, owner).map(Some);
        }
        // Others were quicker with each of them, so there are fewer now: look again.
    }
}

fn read(c: &mut Conn, id: i64, owner: &str) -> Result<Claimed, Error> {
    let row: Row = certificates::table
        .find(id)
        .select(Row::as_select())
        .first(&mut c.0)?;
    let place = Place::new("certificates", &row.id);
    let issued: Option<Issued> = row
        .issued
        .as_deref()
        .map(|text| place.json("issued", text))
        .transpose()?;
    Ok(Claimed {
        owner: owner.to_owned(),
        authority: row.authority_id.map(AuthorityId),
        subject: place.text("subject", &row.subject)?,
        source: place.text("source", &row.source)?,
        good: issued.map(|it| (it.not_before, it.not_after)),
        id: CertificateId(row.id),
        domain: DomainId(row.domain_id),
        chain: row.chain,
        renew_at: row.renew_at.map(Timestamp),
        failures: count(row.failures),
    })
}

/// Keeps a certificate until `until`; whether it is still ours.
///
/// # Errors
/// When the database does not answer.
pub fn keep(c: &mut Conn, id: CertificateId, owner: &str, until: Timestamp) -> Result<bool, Error> {
    let kept = diesel::update(certificates::table.find(id.0))
        .filter(certificates::lease_owner.eq(owner))
        .set(certificates::lease_until.eq(until.0))
        .execute(&mut c.0)?;
    Ok(kept > 0)
}

/// Takes a certificate from whoever works on it: what becomes of that is noted no more.
///
/// # Errors
/// When the database does not answer.
pub fn take_from(c: &mut Conn, id: CertificateId) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .set((
            certificates::lease_owner.eq(None::<String>),
            certificates::lease_until.eq(None::<i64>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Who works on a certificate, or did until somebody else takes it.
///
/// # Errors
/// When the database does not answer.
pub fn owner(c: &mut Conn, id: CertificateId) -> Result<Option<String>, Error> {
    let owner: Option<Option<String>> = certificates::table
        .find(id.0)
        .select(certificates::lease_owner)
        .first(&mut c.0)
        .optional()?;
    Ok(owner.flatten())
}

/// Gives a certificate back.
///
/// # Errors
/// When the database does not answer.
pub fn release(c: &mut Conn, id: CertificateId, owner: &str) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .filter(certificates::lease_owner.eq(owner))
        .set((
            certificates::lease_owner.eq(None::<String>),
            certificates::lease_until.eq(None::<i64>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Notes that a try was in vain, and when the next one is.
///
/// # Errors
/// When the database does not answer.
pub fn failed(
    c: &mut Conn,
    id: CertificateId,
    trouble: &Trouble,
    next_try: Timestamp,
) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .set((
            certificates::failures.eq(certificates::failures + 1),
            certificates::trouble.eq(to_json(trouble)?),
            certificates::next_try.eq(next_try.0),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Notes that all is well: when the next certificate is had, and when this one is looked after next;
/// none means that nobody needs it.
///
/// # Errors
/// When the database does not answer.
pub fn looked_after(
    c: &mut Conn,
    id: CertificateId,
    renew_at: Option<Timestamp>,
    next_try: Option<Timestamp>,
) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .set((
            certificates::renew_at.eq(renew_at.map(|at| at.0)),
            certificates::next_try.eq(next_try.map(|at| at.0)),
            certificates::failures.eq(0),
            certificates::trouble.eq(None::<String>),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Notes that it is tried later, for no failure of its own.
///
/// # Errors
/// When the database does not answer.
pub fn put_off(c: &mut Conn, id: CertificateId, next_try: Timestamp) -> Result<(), Error> {
    diesel::update(certificates::table.find(id.0))
        .set(certificates::next_try.eq(next_try.0))
        .execute(&mut c.0)?;
    Ok(())
}

/// When the next certificate is due that nobody works on.
///
/// # Errors
/// When the database does not answer.
pub fn next_due(c: &mut Conn) -> Result<Option<Timestamp>, Error> {
    // A lease that was left over and ends before that keeps nobody.
    let free: Option<i64> = certificates::table
        .filter(
            certificates::lease_until
                .is_null()
                .or(certificates::lease_until.lt(certificates::next_try)),
        )
        .select(min(certificates::next_try))
        .first(&mut c.0)?;
    let held: Option<i64> = certificates::table
        .filter(certificates::lease_until.ge(certificates::next_try))
        .select(min(certificates::lease_until))
        .first(&mut c.0)?;
    Ok(free.into_iter().chain(held).min().map(Timestamp))
}
