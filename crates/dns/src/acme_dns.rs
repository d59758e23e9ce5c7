//! acme-dns client (<https://github.com/joohoi/acme-dns>). A server keeps the last two TXT values
//! under one name; the domain's `_acme-challenge` is a CNAME to it.

use async_trait::async_trait;
use hickory_proto::rr::Name;
use model::{
    names::Domain,
    origin::Origin,
    providers::{AccountName, AccountSecret, ProviderCheck},
};
use reqwest::{Method, StatusCode, header::HeaderValue};
use serde::Deserialize;
use serde_json::json;

use crate::{
    DnsError, Options, Provider, Record, RecordValue,
    http::Http,
    provider_test::{self, problem, success},
    record::{self, format_name},
};

/// An account on the server.
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
                DnsError::unauthorized(
                    "The acme-dns user or password is invalid. Copy both from the registration.",
                )
            })
        };
        let mut key = header(key.reveal())?;
        key.set_sensitive(true);
        Ok(Self {
            user: header(user.as_str())?,
            key,
            full_domain: full_domain.clone(),
            full_name: record::parse_name(full_domain.as_str())?,
        })
    }

    /// The `subdomain` of the API: the first label of the full domain.
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
struct UpdateResponse {
    txt: String,
}

#[derive(Deserialize)]
struct ErrorResponse {
    error: String,
}

impl AcmeDns {
    pub(crate) fn new(
        server: &Origin,
        account: Account,
        options: &Options,
    ) -> Result<Self, DnsError> {
        let display_name = format!("acme-dns at {server}");
        Ok(Self {
            http: Http::new(display_name, &server.to_string(), options)?,
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
        let response = self.http.send(request).await?;
        let display_name = &self.http.display_name;
        if response.status.is_success() {
            let updated: Option<UpdateResponse> = serde_json::from_slice(&response.body).ok();
            return match updated {
                Some(updated) if updated.txt == text => Ok(()),
                _ => Err(DnsError::refused(format!(
                    "The response of {display_name} is not an acme-dns response."
                ))),
            };
        }
        let error: Option<ErrorResponse> = serde_json::from_slice(&response.body).ok();
        let message =
            error.map_or_else(|| format!("HTTP {}", response.status), |error| error.error);
        Err(self.refusal(response.status, &message))
    }

    fn refusal(&self, status: StatusCode, message: &str) -> DnsError {
        let display_name = &self.http.display_name;
        match (status, message) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
                DnsError::unauthorized(format!(
                    "{display_name} rejected the account ({message}). Check user and password, \
                        that they belong to {}, and that acme-dns allows this IP address.",
                    self.account.full_domain
                ))
            }
            (_, "bad_txt") => DnsError::refused(format!(
                "{display_name} accepts only TXT values of 43 characters ({message})."
            )),
            (_, "bad_subdomain") => DnsError::refused(format!(
                "{display_name} has no subdomain {} ({message}).",
                self.account.full_domain
            )),
            (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, _) => DnsError::refused(
                format!("The server is not acme-dns: {display_name} returned {message}."),
            ),
            _ => DnsError::refused(format!("{display_name} rejected the request: {message}.")),
        }
    }

    /// Checks that the domain's `_acme-challenge` is an alias of the account's name.
    async fn check_alias(&self, domain: &Domain) -> ProviderCheck {
        let full = &self.account.full_domain;
        let from = format!("_acme-challenge.{domain}");
        let instruction = format!("Add this record to the zone of {domain}: {from}. CNAME {full}.");
        let alias = match record::parse_name(&from) {
            Ok(name) => self.options.resolver.alias(&name).await,
            Err(error) => Err(error),
        };
        match alias {
            Ok(Some(target)) if target == self.account.full_name => {
                success(format!("{from} is an alias of {full}."))
            }
            Ok(Some(target)) => problem(format!(
                "{from} is an alias of {}. {instruction}",
                format_name(&target)
            )),
            Ok(None) => problem(format!("{from} has no CNAME record. {instruction}")),
            Err(error) => problem(format!(
                "The CNAME record of {from} could not be queried. {error}"
            )),
        }
    }
}

#[async_trait]
impl Provider for AcmeDns {
    async fn add(&self, record: &Record) -> Result<(), DnsError> {
        record.to_wire()?;
        match &record.value {
            RecordValue::Txt(text) => self.update(text).await,
            RecordValue::A(_) | RecordValue::Aaaa(_) => Err(no_addresses()),
        }
    }

    /// Does nothing: the API has no removal, and the next two values replace this one.
    async fn remove(&self, record: &Record) -> Result<(), DnsError> {
        match &record.value {
            RecordValue::Txt(_) => Ok(()),
            RecordValue::A(_) | RecordValue::Aaaa(_) => Err(no_addresses()),
        }
    }

    async fn addresses(&self, _name: &str) -> Result<Vec<RecordValue>, DnsError> {
        Err(no_addresses())
    }

    async fn test(&self, domain: &Domain) -> Vec<ProviderCheck> {
        let full = &self.account.full_domain;
        let reached = success(format!("{} is reachable.", self.http.display_name));
        let account = success("The account is accepted.");
        let record = Record {
            name: full.to_string(),
            value: provider_test::random_value(),
        };
        let mut findings = match self.add(&record).await {
            Ok(()) => vec![
                reached,
                account,
                success(format!("TXT records can be created at {full}.")),
                provider_test::test_visibility(&self.options, full, &record).await,
            ],
            Err(error) => provider_test::first_call_findings(&error, reached, account),
        };
        findings.push(self.check_alias(domain).await);
        findings
    }
}

fn no_addresses() -> DnsError {
    DnsError::refused("acme-dns stores DNS-01 challenges only, not addresses.")
}
