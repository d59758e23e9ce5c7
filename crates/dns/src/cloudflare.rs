//! Cloudflare's API, version 4 (<https://developers.cloudflare.com/api/resources/dns/>), with a
//! token that has the permissions Zone Read and DNS Edit.

mod responses;

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;
use model::{
    names::Domain,
    providers::{AccountSecret, ProviderCheck},
};
use reqwest::Method;
use serde_json::json;

use crate::{
    DnsError, Options, Provider, Record, RecordValue,
    http::Http,
    provider_test::{self, problem, success},
    record,
};
use responses::{ApiError, ApiRecord, Page, Zone, parse_response};

/// TTL of TXT records in seconds: the minimum of every plan.
const TTL: u32 = 60;

/// TTL value for "automatic".
const AUTOMATIC: u32 = 1;

/// Comment of the records in Cloudflare's dashboard.
const COMMENT: &str = "Holdfast";

/// Error codes for "record already exists".
const ALREADY_EXISTS: [i64; 2] = [81057, 81058];

/// Error code for "record does not exist".
const NOT_FOUND: i64 = 81044;

/// Maximum number of pages that are read for one name.
const MAX_PAGES: u32 = 50;

pub(crate) struct Cloudflare {
    http: Http,
    token: AccountSecret,
    options: Options,
    /// Cache of zones by record name.
    zones: Mutex<BTreeMap<String, Zone>>,
}

impl Cloudflare {
    pub(crate) fn new(token: &AccountSecret, options: &Options) -> Result<Self, DnsError> {
        let http = Http::new("Cloudflare".to_owned(), &options.cloudflare_url, options)?;
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
    ) -> Result<Page<T>, ApiError> {
        let mut request = self.http.request(method, path)?;
        request = request.bearer_auth(self.token.reveal());
        if !query.is_empty() {
            request = request.query(query);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        parse_response(&self.http.send(request).await?)
    }

    /// The nearest zone at or above a name that the token can access.
    async fn zone(&self, name: &str) -> Result<Zone, DnsError> {
        // Validates the name before it is sent. The lock is not held during requests.
        record::parse_name(name)?;
        let cached = self
            .zones
            .lock()
            .ok()
            .and_then(|zones| zones.get(name).cloned());
        if let Some(zone) = cached {
            return Ok(zone);
        }
        for candidate in zones_above(name) {
            let query = [("name", candidate), ("per_page", "50")];
            let page: Page<Vec<Zone>> = self.call(Method::GET, &["zones"], &query, None).await?;
            let mut zones = page.result;
            zones.retain(|zone| zone.name.eq_ignore_ascii_case(candidate));
            // At most one of several zones with this name is active.
            zones.sort_by_key(|zone| !zone.is_active());
            if let Some(zone) = zones.into_iter().next() {
                if let Ok(mut zones) = self.zones.lock() {
                    zones.insert(name.to_owned(), zone.clone());
                }
                return Ok(zone);
            }
        }
        Err(DnsError::no_zone(format!(
            "Cloudflare lists no zone for {name}. Check the account, and that the token has Zone \
                Read and DNS Edit for the zone."
        )))
    }

    /// The records of a name, optionally of one type.
    async fn records(
        &self,
        zone: &Zone,
        name: &str,
        kind: Option<&str>,
    ) -> Result<Vec<ApiRecord>, DnsError> {
        let path = ["zones", &zone.id, "dns_records"];
        let mut records = Vec::new();
        for page in 1..=MAX_PAGES {
            let number = page.to_string();
            let mut query = vec![("name", name), ("per_page", "100"), ("page", &number)];
            query.extend(kind.map(|kind| ("type", kind)));
            let page: Page<Vec<ApiRecord>> = self.call(Method::GET, &path, &query, None).await?;
            let is_last = page.is_last();
            records.extend(page.result);
            if is_last {
                break;
            }
        }
        let matches = |record: &ApiRecord| {
            record.name.eq_ignore_ascii_case(name) && kind.is_none_or(|kind| record.kind == kind)
        };
        records.retain(matches);
        Ok(records)
    }

    /// The records with exactly this value.
    async fn find_equal(&self, zone: &Zone, record: &Record) -> Result<Vec<ApiRecord>, DnsError> {
        let kind = record.value.kind();
        let mut records = self.records(zone, &record.name, Some(kind)).await?;
        records.retain(|existing| existing.value().as_ref() == Some(&record.value));
        Ok(records)
    }
}

/// Candidate zone names, the nearest first. Labels that begin with `_` and top-level domains are no
/// zones.
fn zones_above(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| Some(name.split_once('.')?.1))
        .filter(|name| name.contains('.') && !name.starts_with('_'))
}

fn request_body(record: &Record) -> serde_json::Value {
    let (content, ttl) = match &record.value {
        // Quoted, as in a zone file; `to_wire` has excluded quotes in the text.
        RecordValue::Txt(text) => (format!("\"{text}\""), TTL),
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
        record.to_wire()?;
        let zone = self.zone(&record.name).await?;
        let path = ["zones", &zone.id, "dns_records"];
        let created = self.call::<ApiRecord>(Method::POST, &path, &[], Some(request_body(record)));
        let Err(error) = created.await else {
            return Ok(());
        };
        let exists =
            error.has_code(&ALREADY_EXISTS) && !self.find_equal(&zone, record).await?.is_empty();
        if exists { Ok(()) } else { Err(error.into()) }
    }

    async fn remove(&self, record: &Record) -> Result<(), DnsError> {
        record.to_wire()?;
        let zone = self.zone(&record.name).await?;
        for existing in self.find_equal(&zone, record).await? {
            let path = ["zones", &zone.id, "dns_records", &existing.id];
            let deleted = self.call::<serde_json::Value>(Method::DELETE, &path, &[], None);
            match deleted.await {
                Err(error) if !error.has_code(&[NOT_FOUND]) => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    async fn addresses(&self, name: &str) -> Result<Vec<RecordValue>, DnsError> {
        let zone = self.zone(name).await?;
        let records = self.records(&zone, name, None).await?;
        let addresses = records.iter().filter_map(ApiRecord::value);
        Ok(addresses
            .filter(|value| !matches!(value, RecordValue::Txt(_)))
            .collect())
    }

    async fn test(&self, domain: &Domain) -> Vec<ProviderCheck> {
        let reached = success("Cloudflare is reachable.");
        let account = success("The token is accepted.");
        let zone = match self.zone(domain.as_str()).await {
            Ok(zone) => zone,
            Err(error) => return provider_test::first_call_findings(&error, reached, account),
        };
        let mut findings = vec![reached, account];
        findings.push(if zone.is_active() {
            success(format!("The zone {} exists and is active.", zone.name))
        } else {
            problem(format!(
                "The zone {} exists, but its status at Cloudflare is {}. Set the name servers \
                    that Cloudflare assigned at the domain's registrar.",
                zone.name, zone.status
            ))
        });
        findings.extend(provider_test::test_changes(self, &self.options, domain).await);
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_candidates_start_with_the_nearest_name() {
        let above = |name| zones_above(name).collect::<Vec<_>>();
        assert_eq!(
            above("_acme-challenge.www.example.org"),
            ["www.example.org", "example.org"]
        );
        assert_eq!(above("example.org"), ["example.org"]);
        assert!(above("org").is_empty());
    }
}
