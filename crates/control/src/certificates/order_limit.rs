//! Limits the certificates for new names that members cause, because CAs limit them for each
//! registered domain. A renewal and a repeated attempt always pass.

use std::time::Duration;

use model::{
    Timestamp,
    certificates::AttemptFailure,
    names::{Domain, Label},
    permissions::CertificateManage,
};
use store::{Conn, rate_limits};

use super::lease::{Claim, write_if_held};
use crate::{Control, rate_limit::Rate};

/// The key of a member's limit in the database.
const KEY: &str = "certificates";

/// Certificates for new names of one member.
const PER_MEMBER: Rate = Rate {
    burst: 10,
    interval: Duration::from_secs(12 * 3600),
};

/// Certificates for new names under one registered domain, 40 a week. Let's Encrypt issues 50 a
/// week (<https://letsencrypt.org/docs/rate-limits/>); the rest is for operators, who have no
/// limit.
const PER_DOMAIN: Rate = Rate {
    burst: 40,
    interval: Duration::from_secs(252 * 60),
};

/// Checks and counts the first order of a certificate. Returns false if a limit is reached; the
/// certificate is then due when the limit permits it.
pub(super) async fn obtain(
    control: &Control,
    claim: &Claim,
    domain: &Domain,
) -> Result<bool, model::Error> {
    let (id, domain_id) = (claim.certificate.id, claim.certificate.domain);
    let subject = &claim.certificate.subject;
    let label = subject.as_str().strip_suffix(&format!(".{domain}"));
    let label: Option<Label> = label.and_then(|label| label.parse().ok());
    let registered = registered_domain(domain).to_owned();
    let until = write_if_held(control, claim, move |c, now| {
        let owner = match &label {
            Some(label) => store::certificates::get_name_owner(c, domain_id, label)?,
            None => None,
        };
        let member = owner.filter(|(_, role)| !role.may::<CertificateManage>());
        let before = rate_limits::get_domain(c, &registered)?;
        let full_at = PER_DOMAIN.full_at_after_use(before, now);
        if let Some((member, _)) = member {
            let domain_wait = PER_DOMAIN.wait_ms(full_at, now);
            if let Some((wait, reason)) = count_for_member(c, member, domain_wait, now)? {
                let until = Timestamp(now.0.saturating_add_unsigned(wait));
                let reason = AttemptFailure {
                    at: now,
                    message: format!("{reason} The certificate is requested at {until}."),
                    detail: None,
                };
                store::certificates::delay_for_limit(c, id, &reason, until)?;
                return Ok(Some(until));
            }
        }
        rate_limits::replace_domain(c, &registered, before, full_at)?;
        store::certificates::mark_ordered(c, id, now)?;
        Ok(None)
    })
    .await?;
    if let Some(until) = until {
        tracing::info!(certificate = %subject, until = until.rfc3339(), "certificate order delayed by a limit");
    }
    Ok(until.is_none())
}

/// Counts an order for a member, unless the member's limit is reached or `domain_wait` is given.
/// Returns the wait in milliseconds then, with the reason.
fn count_for_member(
    c: &mut Conn,
    member: model::UserId,
    domain_wait: Option<u64>,
    now: Timestamp,
) -> Result<Option<(u64, &'static str)>, store::Error> {
    let before = rate_limits::get(c, member, KEY)?;
    let full_at = PER_MEMBER.full_at_after_use(before, now);
    let own_wait = PER_MEMBER.wait_ms(full_at, now);
    if own_wait.is_none() && domain_wait.is_none() {
        rate_limits::replace(c, member, KEY, before, full_at)?;
        return Ok(None);
    }
    let own = own_wait.map(|wait| {
        let reason = "The owner of the container has published too many new names.";
        (wait, reason)
    });
    let shared = domain_wait.map(|wait| {
        let reason = "Too many new names were published under this domain.";
        (wait, reason)
    });
    Ok(own.max(shared))
}

/// The registered domain of a domain, as an estimate: its last two labels. Under a public suffix of
/// two labels, such as `co.uk`, several registered domains share one limit.
fn registered_domain(domain: &Domain) -> &str {
    let name = domain.as_str();
    let mut dots = name.rmatch_indices('.').map(|(at, _)| at + 1);
    dots.nth(1).and_then(|at| name.get(at..)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_domain_is_the_last_two_labels() {
        for (domain, registered) in [
            ("example.org", "example.org"),
            ("apps.example.org", "example.org"),
            ("a.b.example.org", "example.org"),
        ] {
            assert_eq!(registered_domain(&domain.parse().unwrap()), registered);
        }
    }
}
