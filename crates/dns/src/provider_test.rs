//! Tests a provider: adds a test record, checks its visibility, and removes it.

use model::{names::Domain, providers::ProviderCheck};
use rand::distr::{Alphanumeric, SampleString};

use crate::{DnsError, Options, Provider, Record, RecordValue, visibility};

/// Length of a challenge value: SHA-256 in base64url (RFC 8555, section 8.4).
const LENGTH: usize = 43;

pub(crate) fn success(message: impl Into<String>) -> ProviderCheck {
    ProviderCheck {
        is_good: true,
        message: message.into(),
    }
}

pub(crate) fn problem(message: impl Into<String>) -> ProviderCheck {
    ProviderCheck {
        is_good: false,
        message: message.into(),
    }
}

/// A random value, so that a cached value is never mistaken for it.
pub(crate) fn random_value() -> RecordValue {
    RecordValue::Txt(Alphanumeric.sample_string(&mut rand::rng(), LENGTH))
}

/// The findings of a failed first call: whether the provider was reachable, accepted the account,
/// and which request failed.
pub(crate) fn first_call_findings(
    error: &DnsError,
    reached: ProviderCheck,
    account: ProviderCheck,
) -> Vec<ProviderCheck> {
    let failure = problem(error.to_string());
    match error {
        DnsError::Unavailable { .. } | DnsError::RateLimited { .. } => vec![failure],
        DnsError::Unauthorized { .. } => vec![reached, failure],
        DnsError::NoZone { .. } | DnsError::Refused { .. } => vec![reached, account, failure],
    }
}

/// Tests whether records of a domain can be added, become visible, and can be removed.
pub(crate) async fn test_changes(
    provider: &dyn Provider,
    options: &Options,
    domain: &Domain,
) -> Vec<ProviderCheck> {
    let record = Record {
        name: format!("_holdfast-test.{domain}"),
        value: random_value(),
    };
    if let Err(error) = provider.add(&record).await {
        let message = format!("The record {} could not be created. {error}", record.name);
        return vec![problem(message)];
    }
    let mut findings = vec![success(format!("Records of {domain} can be created."))];
    findings.push(test_visibility(options, domain, &record).await);
    findings.push(match provider.remove(&record).await {
        Ok(()) => success(format!("Records of {domain} can be deleted.")),
        Err(error) => problem(format!(
            "The record {} was created but could not be deleted. Delete the record manually. \
                {error}",
            record.name
        )),
    });
    findings
}

/// Tests whether a new record becomes visible.
pub(crate) async fn test_visibility(
    options: &Options,
    domain: &Domain,
    record: &Record,
) -> ProviderCheck {
    match visibility::wait_until_visible(&options.resolver, record, options.visibility_timeout)
        .await
    {
        Ok(true) => success(format!(
            "The name servers of {domain} serve the test record."
        )),
        Ok(false) => problem(format!(
            "The name servers of {domain} do not serve the test record after {} seconds. Check at \
                the registrar that the domain uses these name servers.",
            options.visibility_timeout.as_secs()
        )),
        Err(error) => problem(format!(
            "The public visibility of the test record could not be checked. {error}"
        )),
    }
}
