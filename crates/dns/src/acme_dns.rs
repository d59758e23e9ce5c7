//! acme-dns client (<https://github.com/joohoi/acme-dns>). A server keeps the last two TXT values
//! under one name; the domain's `_acme-challenge` is a CNAME to it.

use async_trait::async_trait;
use hickory_proto::rr::Name;
use model::{
    domains::Origin,
    names::Domain,
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
                DnsError::unauthorized("The user or the password is none of acme-dns.")
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
                    "The answer of {display_name} is not one of acme-dns."
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
                    "{display_name} does not take the account ({message}). Either user or password are \
                     wrong, or they are not those of {}, or they are not taken from this address.",
                    self.account.full_domain
                ))
            }
            (_, "bad_txt") => DnsError::refused(format!(
                "{display_name} keeps texts of 43 signs and no others ({message})."
            )),
            (_, "bad_subdomain") => DnsError::refused(format!(
                "{display_name} does not know {} ({message}).",
                self.account.full_domain
            )),
            (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, _) => DnsError::refused(
                format!("What answers is not acme-dns: {display_name} says {message}."),
            ),
            _ => DnsError::refused(format!("{display_name} refused: {message}.")),
        }
    }

    /// Checks that the domain's `_acme-challenge` is an alias of the account's name.
    async fn check_alias(&self, domain: &Domain) -> ProviderCheck {
        let full = &self.account.full_domain;
        let from = format!("_acme-challenge.{domain}");
        let instruction = format!("In the zone of {domain} add the record: {from}. CNAME {full}.");
        let alias = match record::parse_name(&from) {
            Ok(name) => self.options.resolver.alias(&name).await,
            Err(error) => Err(error),
        };
        match alias {
            Ok(Some(target)) if target == self.account.full_name => {
                success(format!("{from} leads to {full}."))
            }
            Ok(Some(target)) => problem(format!(
                "{from} leads to {}. {instruction}",
                format_name(&target)
            )),
            Ok(None) => problem(format!("{from} leads nowhere. {instruction}")),
            Err(error) => problem(format!("Where {from} leads is not known. {error}")),
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
        let reached = success(format!("{} answers.", self.http.display_name));
        let account = success("It takes the account.");
        let record = Record {
            name: full.to_string(),
            value: provider_test::random_value(),
        };
        let mut findings = match self.add(&record).await {
            Ok(()) => vec![
                reached,
                account,
                success(format!("Answers can be added to {full}.")),
                provider_test::test_visibility(&self.options, full, &record).await,
            ],
            Err(error) => provider_test::first_call_findings(&error, reached, account),
        };
        findings.push(self.check_alias(domain).await);
        findings
    }
}

fn no_addresses() -> DnsError {
    DnsError::refused("acme-dns keeps no addresses, only the answers that an authority asks for.")
}
