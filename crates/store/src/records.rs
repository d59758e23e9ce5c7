//! Records at providers of DNS that are Holdfast's own: wanted, there, or to be taken away. A record
//! is written down here before the provider is told of it, so that none is forgotten there.

mod claims;
mod plans;

use std::{fmt, str::FromStr};

use diesel::prelude::*;
use model::{
    CertificateId, DomainId, ProviderId, Timestamp, certificates::Trouble, domains::AddressTrouble,
};

use crate::{
    Conn, Error, dialect,
    rows::{Place, count},
    schema::dns_records,
};

pub use claims::{claim, failed, next_due, put_off, release, retry};
pub use plans::{AddressPlan, plans};

/// How a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordState {
    /// It should be there. Nobody was told of it, so what is there is not ours.
    Wanted,
    /// It should be there, and the provider is being told of it: from here on it is ours.
    Told,
    /// It is there, and ours.
    There,
    /// It was there before anybody was told of it: it stays when it is wanted no more.
    Found,
    /// It should be gone, and may be there.
    Unwanted,
}

impl RecordState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Told => "told",
            Self::There => "there",
            Self::Found => "found",
            Self::Unwanted => "unwanted",
        }
    }

    fn is_ours(self) -> bool {
        matches!(self, Self::Told | Self::There | Self::Unwanted)
    }
}

impl FromStr for RecordState {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "wanted" => Ok(Self::Wanted),
            "told" => Ok(Self::Told),
            "there" => Ok(Self::There),
            "found" => Ok(Self::Found),
            "unwanted" => Ok(Self::Unwanted),
            _ => Err("is none of the known words"),
        }
    }
}

/// A record: a name, a kind such as `A`, and a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// The whole name, without the last dot.
    pub name: String,
    /// `A`, `AAAA` or `TXT`.
    pub kind: &'static str,
    /// The value as text.
    pub value: String,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.kind, self.value)
    }
}

/// The states of records that the provider was not told of.
const NOT_OURS: [&str; 2] = [RecordState::Wanted.as_str(), RecordState::Found.as_str()];

/// The kinds of records.
const KINDS: [&str; 3] = ["A", "AAAA", "TXT"];

/// The most records that are not as they should be that are told at once.
const MOST_TROUBLES: i64 = 20;

/// A record as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    /// Its key.
    pub id: i64,
    /// Who keeps it.
    pub provider: ProviderId,
    /// The domain whose name it is the address of; none for another purpose, or when that is gone.
    pub domain: Option<DomainId>,
    /// The record.
    pub record: Record,
    /// How it stands.
    pub state: RecordState,
    /// How often in a row the provider was told in vain.
    pub failures: u32,
    /// Why.
    pub trouble: Option<Trouble>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = dns_records)]
struct Row {
    id: i64,
    provider_id: i64,
    domain_id: Option<i64>,
    name: String,
    kind: String,
    value: String,
    state: String,
    failures: i64,
    trouble: Option<String>,
}

impl Row {
    fn read(self) -> Result<RecordRow, Error> {
        let place = Place::new("dns_records", &self.id);
        let kind = KINDS.into_iter().find(|kind| *kind == self.kind);
        let trouble = self
            .trouble
            .as_deref()
            .map(|text| place.json("trouble", text));
        Ok(RecordRow {
            id: self.id,
            provider: ProviderId(self.provider_id),
            domain: self.domain_id.map(DomainId),
            state: place.text("state", &self.state)?,
            failures: count(self.failures),
            trouble: trouble.transpose()?,
            record: Record {
                kind: kind.ok_or_else(|| place.fault("kind", &"is none of the known words"))?,
                name: self.name,
                value: self.value,
            },
        })
    }
}

/// What a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The address of a name under a domain.
    Address(DomainId),
    /// The proof for a certificate.
    Proof(CertificateId),
}

/// Writes a record down that the provider is to be told of at `next_try`, or at once by who writes it
/// down: a proof. One that is ours already stays ours.
///
/// # Errors
/// [`Error::NotFound`] when the provider is gone.
pub fn want(
    c: &mut Conn,
    provider: ProviderId,
    purpose: Purpose,
    record: &Record,
    next_try: Option<Timestamp>,
) -> Result<i64, Error> {
    let (domain, certificate) = match purpose {
        Purpose::Address(domain) => (Some(domain.0), None),
        Purpose::Proof(certificate) => (None, Some(certificate.0)),
    };
    let same = same(c, provider, record)?;
    let is_ours = same.is_some_and(|(_, state)| state.is_ours());
    let state = match purpose {
        Purpose::Address(_) if !is_ours => RecordState::Wanted,
        Purpose::Address(_) | Purpose::Proof(_) => RecordState::Told,
    };
    let standing = (
        dns_records::domain_id.eq(domain),
        dns_records::certificate_id.eq(certificate),
        dns_records::state.eq(state.as_str()),
        dns_records::next_try.eq(next_try.map(|at| at.0)),
        dns_records::failures.eq(0),
        dns_records::trouble.eq(None::<String>),
    );
    if let Some((id, _)) = same {
        diesel::update(dns_records::table.find(id))
            .set(standing)
            .execute(&mut c.0)?;
        return Ok(id);
    }
    diesel::insert_into(dns_records::table)
        .values((
            dns_records::provider_id.eq(provider.0),
            dns_records::name.eq(&record.name),
            dns_records::kind.eq(record.kind),
            dns_records::value.eq(&record.value),
            dns_records::created_at.eq(dialect::now(&c.0)),
            standing,
        ))
        .execute(&mut c.0)
        .map_err(Error::of_insert)?;
    Ok(dialect::inserted_id(&mut c.0)?)
}

fn same(
    c: &mut Conn,
    provider: ProviderId,
    record: &Record,
) -> Result<Option<(i64, RecordState)>, Error> {
    let found: Option<(i64, String)> = dns_records::table
        .filter(dns_records::provider_id.eq(provider.0))
        .filter(dns_records::name.eq(&record.name))
        .filter(dns_records::kind.eq(record.kind))
        .filter(dns_records::value.eq(&record.value))
        .select((dns_records::id, dns_records::state))
        .first(&mut c.0)
        .optional()?;
    let read = found.map(|(id, state)| {
        let place = Place::new("dns_records", &id);
        Ok((id, place.text("state", &state)?))
    });
    read.transpose()
}

/// Has a record be taken away as soon as may be; one that is not ours is forgotten.
///
/// # Errors
/// When the database does not answer.
pub fn unwant(c: &mut Conn, id: i64, now: Timestamp) -> Result<(), Error> {
    diesel::delete(
        dns_records::table
            .filter(dns_records::id.eq(id))
            .filter(dns_records::state.eq_any(NOT_OURS)),
    )
    .execute(&mut c.0)?;
    diesel::update(dns_records::table.find(id))
        .set((
            dns_records::state.eq(RecordState::Unwanted.as_str()),
            dns_records::next_try.eq(now.0),
            dns_records::failures.eq(0),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Has the proofs for a certificate be taken away.
///
/// # Errors
/// When the database does not answer.
pub fn unwant_proofs(c: &mut Conn, of: CertificateId, now: Timestamp) -> Result<(), Error> {
    diesel::update(dns_records::table.filter(dns_records::certificate_id.eq(of.0)))
        .set((
            dns_records::state.eq(RecordState::Unwanted.as_str()),
            dns_records::next_try.eq(now.0),
        ))
        .execute(&mut c.0)?;
    Ok(())
}

/// Notes that the provider is about to be told of a record; whether it still should be.
///
/// # Errors
/// When the database does not answer.
pub fn is_told(c: &mut Conn, id: i64) -> Result<bool, Error> {
    let told = diesel::update(dns_records::table.find(id))
        .filter(dns_records::state.eq(RecordState::Wanted.as_str()))
        .set(dns_records::state.eq(RecordState::Told.as_str()))
        .execute(&mut c.0)?;
    Ok(told > 0)
}

/// Notes that a record is there which was wanted, or of which the provider was told.
///
/// # Errors
/// When the database does not answer.
pub fn is_there(c: &mut Conn, id: i64) -> Result<(), Error> {
    let settled = [
        // Somebody else may have been quicker.
        (RecordState::Found, RecordState::Found),
        (RecordState::There, RecordState::There),
        (RecordState::Wanted, RecordState::Found),
        (RecordState::Told, RecordState::There),
    ];
    for (before, after) in settled {
        diesel::update(dns_records::table.find(id))
            .filter(dns_records::state.eq(before.as_str()))
            .set((
                dns_records::state.eq(after.as_str()),
                dns_records::next_try.eq(None::<i64>),
                dns_records::failures.eq(0),
                dns_records::trouble.eq(None::<String>),
            ))
            .execute(&mut c.0)?;
    }
    Ok(())
}

/// Forgets a record that is gone, unless it was wanted again meanwhile. Whoever has the same record
/// at another provider looks again: both may keep the same zone.
///
/// # Errors
/// When the database does not answer.
pub fn is_gone(c: &mut Conn, row: &RecordRow, now: Timestamp) -> Result<(), Error> {
    diesel::delete(
        dns_records::table
            .filter(dns_records::id.eq(row.id))
            .filter(dns_records::state.eq(RecordState::Unwanted.as_str())),
    )
    .execute(&mut c.0)?;
    let again = [
        (RecordState::Found, RecordState::Wanted),
        (RecordState::There, RecordState::Told),
    ];
    for (before, after) in again {
        diesel::update(dns_records::table)
            .filter(dns_records::name.eq(&row.record.name))
            .filter(dns_records::kind.eq(row.record.kind))
            .filter(dns_records::value.eq(&row.record.value))
            .filter(dns_records::state.eq(before.as_str()))
            .set((
                dns_records::state.eq(after.as_str()),
                dns_records::next_try.eq(now.0),
            ))
            .execute(&mut c.0)?;
    }
    Ok(())
}

/// The addresses of a domain's names that are not as they should be, by name; at most 20.
///
/// # Errors
/// When the database does not answer.
pub fn troubles(c: &mut Conn, domain: DomainId) -> Result<Vec<AddressTrouble>, Error> {
    let found: Vec<(Row, Option<i64>)> = dns_records::table
        .filter(dns_records::domain_id.eq(domain.0))
        .filter(dns_records::trouble.is_not_null())
        .order((dns_records::name, dns_records::kind, dns_records::id))
        .limit(MOST_TROUBLES)
        .select((Row::as_select(), dns_records::next_try))
        .load(&mut c.0)?;
    let troubles = found.into_iter().map(|(row, next_try)| {
        let RecordRow {
            record, trouble, ..
        } = row.read()?;
        Ok(trouble.map(|trouble| AddressTrouble {
            name: record.name,
            kind: record.kind.to_owned(),
            value: record.value,
            trouble,
            next_try: next_try.map(Timestamp),
        }))
    });
    troubles.filter_map(Result::transpose).collect()
}

/// Whether a provider keeps records that are ours. Of one that it was told of in vain this is not
/// said: it may never have been reached.
///
/// # Errors
/// When the database does not answer.
pub fn are_at(c: &mut Conn, provider: ProviderId) -> Result<bool, Error> {
    let one: Option<i64> = dns_records::table
        .filter(dns_records::provider_id.eq(provider.0))
        .filter(dns_records::state.ne_all(NOT_OURS))
        .filter(dns_records::failures.eq(0))
        .select(dns_records::id)
        .first(&mut c.0)
        .optional()?;
    Ok(one.is_some())
}

/// Forgets what of a provider's records is not ours, or could not be taken away there.
///
/// # Errors
/// When the database does not answer.
pub(crate) fn forget(c: &mut Conn, provider: ProviderId) -> Result<(), Error> {
    diesel::delete(
        dns_records::table
            .filter(dns_records::provider_id.eq(provider.0))
            .filter(
                dns_records::state
                    .eq_any(NOT_OURS)
                    .or(dns_records::failures.gt(0)),
            ),
    )
    .execute(&mut c.0)?;
    Ok(())
}

/// Records that are still wanted although what they are for is gone.
///
/// # Errors
/// When the database does not answer.
pub fn orphans(c: &mut Conn) -> Result<Vec<i64>, Error> {
    Ok(dns_records::table
        .filter(dns_records::domain_id.is_null())
        .filter(dns_records::certificate_id.is_null())
        .filter(dns_records::state.ne(RecordState::Unwanted.as_str()))
        .select(dns_records::id)
        .load(&mut c.0)?)
}
