//! A test of a provider: a record of its own that is added, looked for and taken away.

use model::{names::Domain, providers::Finding};
use rand::distr::{Alphanumeric, SampleString};

use crate::{DnsError, Options, Provider, Record, Value, seen};

/// As long as what an authority asks for: a SHA-256 in base64url (RFC 8555, section 8.4).
const LENGTH: usize = 43;

pub(crate) fn good(words: impl Into<String>) -> Finding {
    Finding {
        is_good: true,
        words: words.into(),
    }
}

pub(crate) fn bad(words: impl Into<String>) -> Finding {
    Finding {
        is_good: false,
        words: words.into(),
    }
}

/// A value that nobody has seen before, so that none that somebody remembers is taken for it.
pub(crate) fn value() -> Value {
    Value::Txt(Alphanumeric.sample_string(&mut rand::rng(), LENGTH))
}

/// What a failed first call says: whether the provider was reached at all, whether it took the
/// account, and what it refused.
pub(crate) fn first(error: &DnsError, reached: Finding, account: Finding) -> Vec<Finding> {
    let words = bad(error.to_string());
    match error {
        DnsError::Away { .. } | DnsError::Limited { .. } => vec![words],
        DnsError::Unauthorized { .. } => vec![reached, words],
        DnsError::NoZone { .. } | DnsError::Refused { .. } => vec![reached, account, words],
    }
}

/// Whether records of a domain can be added, are seen by the world, and can be taken away.
pub(crate) async fn changes(
    provider: &dyn Provider,
    options: &Options,
    domain: &Domain,
) -> Vec<Finding> {
    let record = Record {
        name: format!("_holdfast-test.{domain}"),
        value: value(),
    };
    if let Err(error) = provider.add(&record).await {
        let words = format!("The record {} cannot be added. {error}", record.name);
        return vec![bad(words)];
    }
    let mut findings = vec![good(format!("Records of {domain} can be added."))];
    findings.push(sight(options, domain, &record).await);
    findings.push(match provider.remove(&record).await {
        Ok(()) => good(format!("Records of {domain} can be taken away again.")),
        Err(error) => bad(format!(
            "The record {} was added and cannot be taken away: do it by hand. {error}",
            record.name
        )),
    });
    findings
}

/// Whether the world sees a record that was just added.
pub(crate) async fn sight(options: &Options, domain: &Domain, record: &Record) -> Finding {
    match seen(&options.resolver, record, options.sight).await {
        Ok(true) => good(format!(
            "The name servers that answer for {domain} show what was added."
        )),
        Ok(false) => bad(format!(
            "The name servers that answer for {domain} do not show what was added {} seconds ago. \
             They may be slow, or those of somebody else: look where the domain is registered.",
            options.sight.as_secs()
        )),
        Err(error) => bad(format!(
            "Whether the world sees what was added is not known. {error}"
        )),
    }
}
