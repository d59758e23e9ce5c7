//! A server of acme-dns (<https://github.com/joohoi/acme-dns>): it keeps the last two answers to an
//! authority under one name of its own, and nothing else. A domain's `_acme-challenge` leads there.

use async_trait::async_trait;
use hickory_proto::rr::Name;
use model::{
    domains::Origin,
    names::Domain,
    providers::{AccountName, AccountSecret, Finding},
};
use reqwest::{Method, StatusCode, header::HeaderValue};
use serde::Deserialize;
use serde_json::json;

use crate::{
    DnsError, Options, Provider, Record, Value,
    http::Http,
    record::{self, shown},
    trial::{self, bad, good},
};

/// An account there.
pub(crate) struct Account {
    user: HeaderValue,
    key: HeaderValue,
    full_domain: Domain,
    full_name: Name,
}

impl Account {
    pub(crate) fn new(
        user: &AccountName,
        key: &AccountSecret,
        full_domain: &Domain,
    ) -> Result<Self, DnsError> {
        let header = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| {
                DnsError::unauthorized("The user or the password is none of acme-dns.")
            })
        };
        let mut key = header(key.reveal())?;
        key.set_sensitive(true);
        Ok(Self {
            user: header(user.as_str())?,
            key,
            full_domain: full_domain.clone(),
            full_name: record::name(full_domain.as_str())?,
        })
    }

    /// What its API calls the account's name: the first label of the whole one.
    fn subdomain(&self) -> &str {
        self.full_domain
            .as_str()
            .split('.')
            .next()
            .unwrap_or_default()
    }
}

pub(crate) struct AcmeDns {
    http: Http,
    account: Account,
    options: Options,
}

#[derive(Deserialize)]
struct Updated {
    txt: String,
}

#[derive(Deserialize)]
struct Complaint {
    error: String,
}

impl AcmeDns {
    pub(crate) fn new(
        server: &Origin,
        account: Account,
        options: &Options,
    ) -> Result<Self, DnsError> {
        let called = format!("acme-dns at {server}");
        Ok(Self {
            http: Http::new(called, &server.to_string(), options)?,
            account,
            options: options.clone(),
        })
    }

    async fn update(&self, text: &str) -> Result<(), DnsError> {
        let request = self
            .http
            .request(Method::POST, &["update"])?
            .header("X-Api-User", self.account.user.clone())
            .header("X-Api-Key", self.account.key.clone())
            .json(&json!({ "subdomain": self.account.subdomain(), "txt": text }));
        let answer = self.http.send(request).await?;
        let called = &self.http.called;
        if answer.status.is_success() {
            let updated: Option<Updated> = serde_json::from_slice(&answer.body).ok();
            return match updated {
                Some(updated) if updated.txt == text => Ok(()),
                _ => Err(DnsError::refused(format!(
                    "The answer of {called} is not one of acme-dns."
                ))),
            };
        }
        let said: Option<Complaint> = serde_json::from_slice(&answer.body).ok();
        let said = said.map_or_else(|| format!("HTTP {}", answer.status), |said| said.error);
        Err(self.refusal(answer.status, &said))
    }

    fn refusal(&self, status: StatusCode, said: &str) -> DnsError {
        let called = &self.http.called;
        match (status, said) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
                DnsError::unauthorized(format!(
                    "{called} does not take the account ({said}). Either user or password are \
                     wrong, or they are not those of {}, or they are not taken from this address.",
                    self.account.full_domain
                ))
            }
            (_, "bad_txt") => DnsError::refused(format!(
                "{called} keeps texts of 43 signs and no others ({said})."
            )),
            (_, "bad_subdomain") => DnsError::refused(format!(
                "{called} does not know {} ({said}).",
                self.account.full_domain
            )),
            (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, _) => DnsError::refused(
                format!("What answers is not acme-dns: {called} says {said}."),
            ),
            _ => DnsError::refused(format!("{called} refused: {said}.")),
        }
    }

    /// Whether the domain's challenges lead to the account's name.
    async fn leads_here(&self, domain: &Domain) -> Finding {
        let full = &self.account.full_domain;
        let from = format!("_acme-challenge.{domain}");
        let wanted = format!("In the zone of {domain} add the record: {from}. CNAME {full}.");
        let found = match record::name(&from) {
            Ok(name) => self.options.resolver.alias(&name).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(Some(target)) if target == self.account.full_name => {
                good(format!("{from} leads to {full}."))
            }
            Ok(Some(target)) => bad(format!("{from} leads to {}. {wanted}", shown(&target))),
            Ok(None) => bad(format!("{from} leads nowhere. {wanted}")),
            Err(error) => bad(format!("Where {from} leads is not known. {error}")),
        }
    }
}

#[async_trait]
impl Provider for AcmeDns {
    async fn add(&self, record: &Record) -> Result<(), DnsError> {
        record.wire()?;
        match &record.value {
            Value::Txt(text) => self.update(text).await,
            Value::A(_) | Value::Aaaa(_) => Err(no_addresses()),
        }
    }

    /// Nothing can be taken away there: the next two values push it out.
    async fn remove(&self, record: &Record) -> Result<(), DnsError> {
        match &record.value {
            Value::Txt(_) => Ok(()),
            Value::A(_) | Value::Aaaa(_) => Err(no_addresses()),
        }
    }

    async fn addresses(&self, _name: &str) -> Result<Vec<Value>, DnsError> {
        Err(no_addresses())
    }

    async fn test(&self, domain: &Domain) -> Vec<Finding> {
        let full = &self.account.full_domain;
        let reached = good(format!("{} answers.", self.http.called));
        let account = good("It takes the account.");
        let record = Record {
            name: full.to_string(),
            value: trial::value(),
        };
        let mut findings = match self.add(&record).await {
            Ok(()) => vec![
                reached,
                account,
                good(format!("Answers can be added to {full}.")),
                trial::sight(&self.options, full, &record).await,
            ],
            Err(error) => trial::first(&error, reached, account),
        };
        findings.push(self.leads_here(domain).await);
        findings
    }
}

fn no_addresses() -> DnsError {
    DnsError::refused("acme-dns keeps no addresses, only the answers that an authority asks for.")
}
