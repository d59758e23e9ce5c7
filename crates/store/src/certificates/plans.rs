//! What is needed to tell which certificates there should be.

use std::collections::BTreeMap;

use diesel::prelude::*;
use model::{
    AuthorityId, CertificateId, DomainId, SiteId, Timestamp,
    certificates::{CertificateName, Issuance, Source},
    names::Domain,
};

use super::published;
use crate::{
    Conn, Error,
    rows::Place,
    schema::{certificates, domain_issuance, domains},
};

/// A domain, how it has its certificates, what is published under it, and which there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The domain.
    pub domain: DomainId,
    /// Its site.
    pub site: SiteId,
    /// Its name.
    pub name: Domain,
    /// How it has its certificates.
    pub issuance: Issuance,
    /// The names under it that have TLS.
    pub hosts: Vec<String>,
    /// The certificates that are known.
    pub certificates: Vec<Planned>,
}

/// A certificate as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The certificate.
    pub id: CertificateId,
    /// What it is for.
    pub subject: CertificateName,
    /// Where it comes from.
    pub source: Source,
    /// When it is looked after next.
    pub next_try: Option<Timestamp>,
    /// Until when the one that there is is good.
    pub not_after: Option<Timestamp>,
}

impl Planned {
    /// Whether nobody sees to the next one: it is looked at when it ends, or never.
    pub fn rests(&self) -> bool {
        self.next_try.is_none() || self.next_try == self.not_after
    }
}

type Known = (i64, i64, String, String, Option<i64>, Option<i64>);

/// Every domain that has certificates or should have some. Four statements.
///
/// # Errors
/// When the database does not answer.
pub fn plans(c: &mut Conn) -> Result<Vec<Plan>, Error> {
    let ways: Vec<(i64, String, Option<i64>)> = domain_issuance::table
        .select((
            domain_issuance::domain_id,
            domain_issuance::how,
            domain_issuance::authority_id,
        ))
        .load(&mut c.0)?;
    let known: Vec<Known> = certificates::table
        .order(certificates::id)
        .select((
            certificates::domain_id,
            certificates::id,
            certificates::subject,
            certificates::source,
            certificates::next_try,
            certificates::not_after,
        ))
        .load(&mut c.0)?;
    let ids: Vec<i64> = ways
        .iter()
        .map(|(id, ..)| *id)
        .chain(known.iter().map(|(id, ..)| *id))
        .collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let named: Vec<(i64, i64, String)> = domains::table
        .filter(domains::id.eq_any(&ids))
        .order(domains::id)
        .select((domains::id, domains::site_id, domains::name))
        .load(&mut c.0)?;
    let mut labels = published(c, &ids)?;
    let mut planned = by_domain(known)?;
    let plans = named.into_iter().map(|(id, site, name)| {
        let place = Place::new("domains", &id);
        let name: Domain = place.text("name", &name)?;
        let way = ways.iter().find(|(of, ..)| *of == id);
        let issuance = match way {
            None => Issuance::SelfSigned,
            Some((_, how, authority)) => Issuance::of(how, authority.map(AuthorityId))
                .ok_or_else(|| place.fault("how", &"is none of the known words"))?,
        };
        let labels = labels.remove(&id).unwrap_or_default();
        Ok(Plan {
            domain: DomainId(id),
            site: SiteId(site),
            hosts: labels
                .iter()
                .map(|label| format!("{label}.{name}"))
                .collect(),
            certificates: planned.remove(&id).unwrap_or_default(),
            name,
            issuance,
        })
    });
    plans.collect()
}

fn by_domain(known: Vec<Known>) -> Result<BTreeMap<i64, Vec<Planned>>, Error> {
    let mut all: BTreeMap<i64, Vec<Planned>> = BTreeMap::new();
    for (domain, id, subject, source, next_try, not_after) in known {
        let place = Place::new("certificates", &id);
        let planned = Planned {
            id: CertificateId(id),
            subject: place.text("subject", &subject)?,
            source: place.text("source", &source)?,
            next_try: next_try.map(Timestamp),
            not_after: not_after.map(Timestamp),
        };
        all.entry(domain).or_default().push(planned);
    }
    Ok(all)
}
