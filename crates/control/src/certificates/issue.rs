//! Processes one certificate: asks its CA whether to renew, issues a replacement and stores the
//! outcome.

use std::time::Duration;

use model::{
    AuthorityId, DomainId, Timestamp,
    certificates::{CertificateName, CertificateSource, IssuanceMethod},
    domains::DomainRow,
};
use pki::acme::{Account, AcmeError, ChallengeType, Order};
use store::{
    authorities::CertificateAuthority,
    certificates::{ClaimedCertificate, NewCertificate},
};

use super::{
    account,
    lease::{self, Claim},
    order_limit, outcome,
    plan::{self, FailureClass, Jitter},
    solver,
};
use crate::{Control, clock::millis, failure::StoreResultExt as _};

/// How long a CA may take to validate the challenges and issue a certificate.
const CA_TIMEOUT: Duration = Duration::from_secs(120);
/// The time limit of one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(600);
/// The wait while another certificate uses the DNS provider, in milliseconds.
const PROVIDER_BUSY_WAIT_MS: i64 = 15_000;
/// The longest time that one attempt holds its lease, with the removal of its challenges.
const HOLD_LIMIT: Duration = Duration::from_secs(900);

/// Why issuance failed.
pub(super) enum IssueError {
    /// The CA refused or did not respond.
    Authority(AcmeError),
    /// A local configuration or service is at fault.
    Local(String),
    /// Another certificate is using the DNS provider.
    ProviderBusy,
    /// A database error: the attempt is repeated when the lease expires.
    Internal(model::Error),
}

impl From<AcmeError> for IssueError {
    fn from(error: AcmeError) -> Self {
        Self::Authority(error)
    }
}

impl From<model::Error> for IssueError {
    fn from(error: model::Error) -> Self {
        Self::Internal(error)
    }
}

/// Processes a claimed certificate under its lease and releases the lease.
pub(super) async fn process(control: &Control, claim: Claim) {
    let claimed = &claim.certificate;
    let renewal = lease::renewal(control, claimed);
    let work = process_leased(control, &claim);
    if let Err(reason) = claim.lease.hold(&renewal, HOLD_LIMIT, work).await {
        tracing::warn!(certificate = %claimed.subject, %reason, "certificate lease lost");
        outcome::record_interruption(control, &claim, reason).await;
        solver::remove_challenges(control, &claim).await;
    }
    outcome::publish_change(control, claimed.domain, Some(claimed.id.0));
}

async fn process_leased(control: &Control, claim: &Claim) {
    let attempt = tokio::time::timeout(ATTEMPT_TIMEOUT, run_attempt(control, claim));
    let done = match control.0.stop.run_until_cancelled(attempt).await {
        Some(Ok(done)) => done,
        Some(Err(_)) => Err(IssueError::Local(
            "The issuance timed out after ten minutes.".to_owned(),
        )),
        None => Ok(()),
    };
    let claimed = &claim.certificate;
    // A canceled attempt has not removed its challenges, and an order that was already ready never
    // used the challenges of an earlier attempt.
    solver::remove_challenges(control, claim).await;
    if let Err(error) = record_result(control, claim, done).await {
        // Lets the lease expire, so that no attempt starts whose outcome the database cannot store.
        tracing::warn!(certificate = %claimed.subject, %error, "certificate outcome write failed");
        return;
    }
    lease::release(control, claim).await;
}

async fn record_result(
    control: &Control,
    claim: &Claim,
    done: Result<(), IssueError>,
) -> Result<(), model::Error> {
    match done {
        Ok(()) => Ok(()),
        Err(IssueError::Internal(error)) => Err(error),
        Err(IssueError::ProviderBusy) => {
            outcome::postpone(control, claim, PROVIDER_BUSY_WAIT_MS).await
        }
        Err(IssueError::Local(message)) => {
            outcome::record_failure(control, claim, FailureClass::Local, message, None).await
        }
        Err(IssueError::Authority(error)) => {
            let detail = error.detail().map(str::to_owned);
            let class = match &error {
                AcmeError::RateLimited { until, .. } => FailureClass::RateLimited(*until),
                AcmeError::ChallengeNotPublished { .. } | AcmeError::AccountGone => {
                    FailureClass::Local
                }
                _ => FailureClass::Authority,
            };
            outcome::record_failure(control, claim, class, error.to_string(), detail).await
        }
    }
}

/// The settings for issuing a certificate.
struct IssuanceContext {
    domain: DomainRow,
    certificate_source: CertificateSource,
    authority: CertificateAuthority,
    now: Timestamp,
}

async fn run_attempt(control: &Control, claim: &Claim) -> Result<(), IssueError> {
    let claimed = &claim.certificate;
    if claimed.method == IssuanceMethod::Uploaded {
        return Ok(outcome::check_expiry(control, claim).await?);
    }
    let Some(context) = load_context(control, claimed.domain).await? else {
        // The domain no longer uses a CA; the reconciler decides what becomes of the certificate.
        return Ok(outcome::schedule(control, claim, None, None).await?);
    };
    if let Some((chain, renew_at)) =
        chain_if_not_due(claimed, context.authority.row.id, context.now)
    {
        let (renew_at, next_check) =
            fetch_renewal_info(control, claim, &context, chain, renew_at).await;
        if renew_at > context.now {
            return Ok(outcome::schedule(control, claim, Some(renew_at), Some(next_check)).await?);
        }
        // The CA asks for renewal now. Stored before the attempt so that a failure does not lose
        // it.
        outcome::schedule(control, claim, Some(context.now), Some(context.now)).await?;
    }
    if !claimed.is_ordered
        && claimed.chain.is_none()
        && !order_limit::obtain(control, claim, &context.domain.spec.name).await?
    {
        return Ok(());
    }
    let guard = Some(lease::request_guard(control, claim));
    let account = account::open(control, guard, &context.authority).await?;
    let done = issue(control, claim, &context, &account).await;
    if let Err(IssueError::Authority(AcmeError::AccountGone)) = &done {
        account::forget(control, &context.authority).await?;
    }
    done
}

/// The chain of a valid certificate that is not due, and its renewal time. Returns `None` for a
/// certificate that is due or that another CA issued: the current CA is not asked about either.
fn chain_if_not_due(
    claimed: &ClaimedCertificate,
    authority: AuthorityId,
    now: Timestamp,
) -> Option<(&str, Timestamp)> {
    let (chain, (from, until)) = (claimed.chain.as_deref()?, claimed.validity?);
    if claimed.authority != Some(authority) || until <= now {
        return None;
    }
    // A certificate that was not desired for a while has no renewal time.
    let due = claimed.renew_at;
    let due = due.unwrap_or_else(|| plan::renew_at(from, until, Jitter::new()));
    (due > now).then_some((chain, due))
}

async fn load_context(
    control: &Control,
    domain: DomainId,
) -> Result<Option<IssuanceContext>, IssueError> {
    let (key, clock) = (control.store().secret_key().clone(), control.clock());
    let row = control
        .store()
        .read(move |c| {
            let Some(domain) = store::domains::get(c, domain)? else {
                return Ok(None);
            };
            let certificate_source = domain.spec.certificate_source;
            let Some(id) = certificate_source.certificate_authority() else {
                return Ok(None);
            };
            let authority = store::authorities::get(c, &key, id)?;
            let authority = authority.ok_or(store::Error::NotFound)?;
            Ok(Some(IssuanceContext {
                domain,
                certificate_source,
                authority,
                now: clock.now(c)?,
            }))
        })
        .await;
    Ok(row.into_model("load issuance context")?)
}

/// The renewal time and the time of the next check, from the CA's renewal information (RFC 9773).
/// Keeps the present renewal time if the CA offers none or is unreachable.
async fn fetch_renewal_info(
    control: &Control,
    claim: &Claim,
    context: &IssuanceContext,
    chain: &str,
    renew_at: Timestamp,
) -> (Timestamp, Timestamp) {
    let now = context.now;
    let guard = Some(lease::request_guard(control, claim));
    let window_result = match account::open(control, guard, &context.authority).await {
        Ok(account) => account.renewal_info(chain).await,
        Err(error) => Err(error),
    };
    match window_result {
        Ok(Some(window)) => {
            // A time chosen earlier stays valid while it is inside the window.
            let is_in_window = window.start <= renew_at && renew_at <= window.end;
            let at = match is_in_window {
                true => renew_at,
                false => plan::renew_within(window.start, window.end, Jitter::new()),
            };
            let after = millis(window.retry_after);
            (at, plan::next_check(now, at, Some(after)))
        }
        Ok(None) => (renew_at, plan::next_check(now, renew_at, None)),
        Err(error) => {
            tracing::info!(domain = %context.domain.spec.name, %error, "ACME renewal information fetch failed");
            (renew_at, plan::next_check(now, renew_at, None))
        }
    }
}

/// The names of a certificate. A wildcard certificate also covers the domain itself.
fn order_names(subject: &CertificateName, domain: &DomainRow) -> Vec<CertificateName> {
    let mut names = vec![subject.clone()];
    if subject.as_str() != subject.domain() {
        names.push(CertificateName::from(&domain.spec.name));
    }
    names
}

async fn issue(
    control: &Control,
    claim: &Claim,
    context: &IssuanceContext,
    account: &Account,
) -> Result<(), IssueError> {
    let claimed = &claim.certificate;
    let authority = context.authority.row.id;
    let challenge_type = match context.certificate_source.needs_provider() {
        true => ChallengeType::Dns01,
        false => ChallengeType::Http01,
    };
    let order = Order {
        names: order_names(&claimed.subject, &context.domain),
        challenge_type,
        // Only the CA that issued the certificate can mark it as replaced.
        replaces: claimed
            .chain
            .clone()
            .filter(|_| claimed.authority == Some(authority)),
        timeout: CA_TIMEOUT,
    };
    let issued = match challenge_type {
        ChallengeType::Http01 => {
            let solver = solver::HttpSolver::new(control, context.domain.spec.site, claim);
            account.issue(&order, &solver).await?
        }
        ChallengeType::Dns01 => {
            let provider = context.domain.spec.provider;
            let provider = provider.ok_or_else(|| {
                IssueError::Local(
                    "The domain has no DNS provider. Choose one in its settings.".to_owned(),
                )
            })?;
            let solver = solver::DnsSolver::new(control, provider, claim).await?;
            account.issue(&order, &solver).await?
        }
    };
    let leaf = pki::read(&issued.chain).map_err(|error| {
        IssueError::Local(format!("The issued certificate cannot be parsed: {error}"))
    })?;
    let (from, until) = (leaf.issued.not_before, leaf.issued.not_after);
    let renew_at = plan::renew_at(from, until, Jitter::new());
    let new = NewCertificate {
        method: IssuanceMethod::Acme,
        certificate_authority: Some(authority),
        issued: leaf.issued,
        chain: issued.chain,
        renew_at: Some(renew_at),
        next_attempt: Some(plan::next_check(context.now, renew_at, None)),
    };
    Ok(outcome::store_issued(control, claim, new, issued.key).await?)
}

#[cfg(test)]
mod tests {
    use model::{AuthorityId, CertificateId};

    use super::*;

    const ISSUER: AuthorityId = AuthorityId(1);

    fn claimed(renew_at: Option<i64>) -> ClaimedCertificate {
        ClaimedCertificate {
            id: CertificateId(1),
            domain: DomainId(1),
            subject: "wiki.example.org".parse().unwrap(),
            method: IssuanceMethod::Acme,
            authority: Some(ISSUER),
            validity: Some((Timestamp(0), Timestamp(90))),
            chain: Some("chain".to_owned()),
            renew_at: renew_at.map(Timestamp),
            failures: 0,
            is_ordered: true,
        }
    }

    #[test]
    fn renewal_information_requires_the_current_ca_and_a_future_renewal() {
        let at = |claimed: &ClaimedCertificate, authority, now| {
            chain_if_not_due(claimed, authority, Timestamp(now)).map(|(_, due)| due.0)
        };
        assert_eq!(at(&claimed(Some(60)), ISSUER, 59), Some(60));
        // The renewal time has passed, or a user requested renewal.
        assert_eq!(at(&claimed(Some(60)), ISSUER, 60), None);
        // Another CA does not know the certificate.
        assert_eq!(at(&claimed(Some(60)), AuthorityId(2), 1), None);
        let uploaded = ClaimedCertificate {
            authority: None,
            ..claimed(Some(60))
        };
        assert_eq!(at(&uploaded, ISSUER, 1), None);
        let unscheduled = at(&claimed(None), ISSUER, 1).unwrap();
        assert!((55..=60).contains(&unscheduled), "{unscheduled}");
        assert_eq!(at(&claimed(None), ISSUER, 61), None);
        let none = ClaimedCertificate {
            validity: None,
            chain: None,
            ..claimed(None)
        };
        assert_eq!(at(&none, ISSUER, 1), None);
    }
}
