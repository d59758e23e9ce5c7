//! Cloudflare's API, version 4 (<https://developers.cloudflare.com/api/resources/dns/>): with a
//! token that may read zones and edit their DNS.

mod answers;

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;
use model::{
    names::Domain,
    providers::{AccountSecret, Finding},
};
use reqwest::Method;
use serde_json::json;

use crate::{
    DnsError, Options, Provider, Record, Value,
    http::Http,
    record,
    trial::{self, bad, good},
};
use answers::{Kept, Page, Refusal, Zone, read};

/// Seconds for which others may remember a text: the least that every plan may set.
const TTL: u32 = 60;

/// What stands for "as Cloudflare thinks best".
const AUTOMATIC: u32 = 1;

/// What stands beside our records in its dashboard.
const COMMENT: &str = "Holdfast";

/// The codes with which it says that a record is there already.
const THERE: [i64; 2] = [81057, 81058];

/// The code with which it says that a record is not there.
const GONE: i64 = 81044;

/// The most pages of one name's records that are read.
const MOST_PAGES: u32 = 50;

pub(crate) struct Cloudflare {
    http: Http,
    token: AccountSecret,
    options: Options,
    /// The zones that were found, by the name that was looked for.
    zones: Mutex<BTreeMap<String, Zone>>,
}

impl Cloudflare {
    pub(crate) fn new(token: &AccountSecret, options: &Options) -> Result<Self, DnsError> {
        let http = Http::new("Cloudflare".to_owned(), &options.cloudflare, options)?;
        Ok(Self {
            http,
            token: token.clone(),
            options: options.clone(),
            zones: Mutex::default(),
        })
    }

    async fn call<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<serde_json::Value>,
    ) -> Result<Page<T>, Refusal> {
        let mut request = self.http.request(method, path)?;
        request = request.bearer_auth(self.token.reveal());
        if !query.is_empty() {
            request = request.query(query);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        read(&self.http.send(request).await?)
    }

    /// The nearest zone at or above a name that the token may see.
    async fn zone(&self, name: &str) -> Result<Zone, DnsError> {
        // The name is checked before it is let out, and the lock is not held while asking.
        record::name(name)?;
        let known = self
            .zones
            .lock()
            .ok()
            .and_then(|zones| zones.get(name).cloned());
        if let Some(zone) = known {
            return Ok(zone);
        }
        for candidate in zones_above(name) {
            let query = [("name", candidate), ("per_page", "50")];
            let page: Page<Vec<Zone>> = self.call(Method::GET, &["zones"], &query, None).await?;
            let mut found = page.result;
            found.retain(|zone| zone.name.eq_ignore_ascii_case(candidate));
            // Of several of this name one at most is in use.
            found.sort_by_key(|zone| !zone.is_active());
            if let Some(zone) = found.into_iter().next() {
                if let Ok(mut zones) = self.zones.lock() {
                    zones.insert(name.to_owned(), zone.clone());
                }
                return Ok(zone);
            }
        }
        Err(DnsError::no_zone(format!(
            "Cloudflare shows no zone that holds {name}. Either it is in another account, or the \
             token may not see it: it needs Zone Read and DNS Edit for this zone."
        )))
    }

    /// The records of a name, of one type or of all.
    async fn records(
        &self,
        zone: &Zone,
        name: &str,
        kind: Option<&str>,
    ) -> Result<Vec<Kept>, DnsError> {
        let path = ["zones", &zone.id, "dns_records"];
        let mut records = Vec::new();
        for page in 1..=MOST_PAGES {
            let number = page.to_string();
            let mut query = vec![("name", name), ("per_page", "100"), ("page", &number)];
            query.extend(kind.map(|kind| ("type", kind)));
            let page: Page<Vec<Kept>> = self.call(Method::GET, &path, &query, None).await?;
            let is_last = page.is_last();
            records.extend(page.result);
            if is_last {
                break;
            }
        }
        let is_asked = |kept: &Kept| {
            kept.name.eq_ignore_ascii_case(name) && kind.is_none_or(|kind| kept.kind == kind)
        };
        records.retain(is_asked);
        Ok(records)
    }

    /// Those that have the very value of a record.
    async fn same(&self, zone: &Zone, record: &Record) -> Result<Vec<Kept>, DnsError> {
        let kind = record.value.kind();
        let mut records = self.records(zone, &record.name, Some(kind)).await?;
        records.retain(|kept| kept.value().as_ref() == Some(&record.value));
        Ok(records)
    }
}

/// The names that may be a zone's, from the nearest on. A label that begins with `_` is no zone's,
/// and neither is a top-level domain.
fn zones_above(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| Some(name.split_once('.')?.1))
        .filter(|name| name.contains('.') && !name.starts_with('_'))
}

fn body(record: &Record) -> serde_json::Value {
    let (content, ttl) = match &record.value {
        // In quotes, as in a zone's file; that none is in the text was seen to.
        Value::Txt(text) => (format!("\"{text}\""), TTL),
        address => (address.to_string(), AUTOMATIC),
    };
    json!({
        "type": record.value.kind(),
        "name": record.name,
        "content": content,
        "ttl": ttl,
        "proxied": false,
        "comment": COMMENT,
    })
}

#[async_trait]
impl Provider for Cloudflare {
    async fn add(&self, record: &Record) -> Result<(), DnsError> {
        record.wire()?;
        let zone = self.zone(&record.name).await?;
        let path = ["zones", &zone.id, "dns_records"];
        let added = self.call::<Kept>(Method::POST, &path, &[], Some(body(record)));
        let Err(refusal) = added.await else {
            return Ok(());
        };
        let is_there = refusal.has(&THERE) && !self.same(&zone, record).await?.is_empty();
        if is_there {
            Ok(())
        } else {
            Err(refusal.into())
        }
    }

    async fn remove(&self, record: &Record) -> Result<(), DnsError> {
        record.wire()?;
        let zone = self.zone(&record.name).await?;
        for kept in self.same(&zone, record).await? {
            let path = ["zones", &zone.id, "dns_records", &kept.id];
            let gone = self.call::<serde_json::Value>(Method::DELETE, &path, &[], None);
            match gone.await {
                Err(refusal) if !refusal.has(&[GONE]) => return Err(refusal.into()),
                _ => {}
            }
        }
        Ok(())
    }

    async fn addresses(&self, name: &str) -> Result<Vec<Value>, DnsError> {
        let zone = self.zone(name).await?;
        let records = self.records(&zone, name, None).await?;
        let addresses = records.iter().filter_map(Kept::value);
        Ok(addresses
            .filter(|value| !matches!(value, Value::Txt(_)))
            .collect())
    }

    async fn test(&self, domain: &Domain) -> Vec<Finding> {
        let reached = good("Cloudflare answers.");
        let account = good("It takes the token.");
        let zone = match self.zone(domain.as_str()).await {
            Ok(zone) => zone,
            Err(error) => return trial::first(&error, reached, account),
        };
        let mut findings = vec![reached, account];
        findings.push(if zone.is_active() {
            good(format!("The zone {} is there and in use.", zone.name))
        } else {
            bad(format!(
                "The zone {} is there, but Cloudflare says that it is {}: the domain's \
                 registration has to name the name servers that Cloudflare gave it.",
                zone.name, zone.status
            ))
        });
        findings.extend(trial::changes(self, &self.options, domain).await);
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_looked_for_from_the_nearest_name_on() {
        let above = |name| zones_above(name).collect::<Vec<_>>();
        assert_eq!(
            above("_acme-challenge.www.example.org"),
            ["www.example.org", "example.org"]
        );
        assert_eq!(above("example.org"), ["example.org"]);
        assert!(above("org").is_empty());
    }
}
