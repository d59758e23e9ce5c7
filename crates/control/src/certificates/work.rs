//! Processes one certificate: asks its CA whether to renew, issues a replacement and stores the
//! outcome.

use std::time::Duration;

use model::{
    AuthorityId, DomainId, Timestamp,
    certificates::{CertificateName, Issuance, Source},
    domains::DomainRow,
};
use pki::acme::{Account, AcmeError, Order, Proof};
use store::{
    authorities::AuthorityRecord,
    certificates::{Claimed, NewCertificate},
};

use super::{
    account,
    keeper::LEASE_MS,
    noted,
    plan::{self, Chance, Failure},
    solver,
};
use crate::{Control, failure::Told as _};

/// How long a CA may take to validate the challenges and issue a certificate.
const PATIENCE: Duration = Duration::from_secs(120);
/// The time limit of one attempt.
const LONGEST_TRY: Duration = Duration::from_secs(600);
/// The wait while another certificate uses the DNS provider, in milliseconds.
const TAKEN_MS: i64 = 15_000;
/// The interval between two heartbeats.
const BEAT: Duration = Duration::from_secs(15);

/// Why issuance failed.
pub(super) enum Reason {
    /// The CA refused or did not respond.
    Authority(AcmeError),
    /// A local configuration or service is at fault.
    Ours(String),
    /// Another certificate is using the DNS provider.
    Taken,
    /// A database error: the attempt is repeated when the lease expires.
    Fault(model::Error),
}

impl From<AcmeError> for Reason {
    fn from(error: AcmeError) -> Self {
        Self::Authority(error)
    }
}

impl From<model::Error> for Reason {
    fn from(error: model::Error) -> Self {
        Self::Fault(error)
    }
}

/// Processes a claimed certificate and releases its lease.
pub(super) async fn look_after(control: &Control, claimed: Claimed) {
    let stop = control.0.stop.clone();
    let working = tokio::time::timeout(LONGEST_TRY, one(control, &claimed));
    let done = tokio::select! {
        done = working => match done {
            Ok(done) => done,
            Err(_) => Err(Reason::Ours("It took longer than ten minutes.".to_owned())),
        },
        () = beat(control, &claimed) => {
            tracing::info!(subject = %claimed.subject, "certificate lease lost");
            solver::take_away(control, claimed.id, &claimed.owner).await;
            return;
        }
        () = stop.cancelled() => Ok(()),
    };
    // A canceled attempt has not removed its challenges, and an order that was already ready never
    // used the challenges of an earlier attempt.
    solver::take_away(control, claimed.id, &claimed.owner).await;
    let is_kept = match note(control, &claimed, done).await {
        Ok(()) => true,
        // Lets the lease expire, so that no attempt starts whose outcome the database cannot store.
        Err(error) => {
            tracing::warn!(subject = %claimed.subject, %error, "failed to store certificate outcome");
            false
        }
    };
    if is_kept {
        let (id, owner) = (claimed.id, claimed.owner.clone());
        let released = control
            .store()
            .write(move |c| store::certificates::release(c, id, &owner))
            .await;
        if let Err(error) = released {
            tracing::warn!(
                ?error,
                "failed to release certificate lease; it will expire"
            );
        }
    }
    noted::tell(control, claimed.domain, Some(claimed.id.0));
}

async fn note(
    control: &Control,
    claimed: &Claimed,
    done: Result<(), Reason>,
) -> Result<(), model::Error> {
    match done {
        Ok(()) => Ok(()),
        Err(Reason::Fault(error)) => Err(error),
        Err(Reason::Taken) => noted::put_off(control, claimed, TAKEN_MS).await,
        Err(Reason::Ours(words)) => {
            noted::failed(control, claimed, Failure::Ours, words, None).await
        }
        Err(Reason::Authority(error)) => {
            let detail = error.detail().map(str::to_owned);
            let failure = match &error {
                AcmeError::Limited { until, .. } => Failure::Limited(*until),
                AcmeError::Unsolved { .. } | AcmeError::AccountGone => Failure::Ours,
                _ => Failure::Theirs,
            };
            noted::failed(control, claimed, failure, error.to_string(), detail).await
        }
    }
}

/// Renews the lease. Returns when the lease is lost.
async fn beat(control: &Control, claimed: &Claimed) {
    loop {
        tokio::time::sleep(BEAT).await;
        let (clock, id, owner) = (control.clock(), claimed.id, claimed.owner.clone());
        let kept = control
            .store()
            .write(move |c| {
                let until = Timestamp(clock.now(c)?.0 + LEASE_MS);
                store::certificates::keep(c, id, &owner, until)
            })
            .await;
        if kept == Ok(false) {
            return;
        }
    }
}

/// The settings for issuing a certificate.
struct Way {
    domain: DomainRow,
    issuance: Issuance,
    authority: AuthorityRecord,
    now: Timestamp,
}

async fn one(control: &Control, claimed: &Claimed) -> Result<(), Reason> {
    if claimed.source == Source::Uploaded {
        return Ok(noted::watch(control, claimed).await?);
    }
    let Some(way) = way(control, claimed.domain).await? else {
        // The domain no longer uses a CA; the reconciler decides what becomes of the certificate.
        return Ok(noted::rest(control, claimed, None, None).await?);
    };
    if let Some((chain, renew_at)) = resting(claimed, way.authority.row.id, way.now) {
        let (renew_at, look_at) = ask(control, &way, chain, renew_at).await;
        if renew_at > way.now {
            return Ok(noted::rest(control, claimed, Some(renew_at), Some(look_at)).await?);
        }
        // The CA asks for renewal now. Stored before the attempt so that a failure does not lose
        // it.
        noted::rest(control, claimed, Some(way.now), Some(way.now)).await?;
    }
    let account = account::open(control, &way.authority).await?;
    let done = issue(control, claimed, &way, &account).await;
    if let Err(Reason::Authority(AcmeError::AccountGone)) = &done {
        account::forget(control, &way.authority).await?;
    }
    done
}

/// The chain of a valid certificate that is not due, and its renewal time. Returns `None` for a
/// certificate that is due or that another CA issued: the current CA is not asked about either.
fn resting(claimed: &Claimed, authority: AuthorityId, now: Timestamp) -> Option<(&str, Timestamp)> {
    let (chain, (from, until)) = (claimed.chain.as_deref()?, claimed.good?);
    if claimed.authority != Some(authority) || until <= now {
        return None;
    }
    // A certificate that was not desired for a while has no renewal time.
    let due = claimed.renew_at;
    let due = due.unwrap_or_else(|| plan::renew_at(from, until, Chance::new()));
    (due > now).then_some((chain, due))
}

async fn way(control: &Control, domain: DomainId) -> Result<Option<Way>, Reason> {
    let (key, clock) = (control.store().key().clone(), control.clock());
    let found = control
        .store()
        .read(move |c| {
            let Some(domain) = store::domains::get(c, domain)? else {
                return Ok(None);
            };
            let issuance = domain.spec.issuance;
            let Some(id) = issuance.authority() else {
                return Ok(None);
            };
            let authority = store::authorities::record(c, &key, id)?;
            let authority = authority.ok_or(store::Error::NotFound)?;
            Ok(Some(Way {
                domain,
                issuance,
                authority,
                now: clock.now(c)?,
            }))
        })
        .await;
    Ok(found.told("certificate")?)
}

/// The renewal time and the time of the next check, from the CA's renewal information (RFC 9773).
/// Keeps the present renewal time if the CA offers none or is unreachable.
async fn ask(
    control: &Control,
    way: &Way,
    chain: &str,
    renew_at: Timestamp,
) -> (Timestamp, Timestamp) {
    let now = way.now;
    let said = match account::open(control, &way.authority).await {
        Ok(account) => account.renewal(chain).await,
        Err(error) => Err(error),
    };
    match said {
        Ok(Some(window)) => {
            // A time chosen earlier stays valid while it is inside the window.
            let holds = window.start <= renew_at && renew_at <= window.end;
            let at = match holds {
                true => renew_at,
                false => plan::renew_within(window.start, window.end, Chance::new()),
            };
            let after = i64::try_from(window.look_after.as_millis()).unwrap_or(i64::MAX);
            (at, plan::look_at(now, at, Some(after)))
        }
        Ok(None) => (renew_at, plan::look_at(now, renew_at, None)),
        Err(error) => {
            tracing::info!(%error, "failed to fetch ACME renewal information");
            (renew_at, plan::look_at(now, renew_at, None))
        }
    }
}

/// The names of a certificate. A wildcard certificate also covers the domain itself.
fn names(subject: &CertificateName, domain: &DomainRow) -> Vec<CertificateName> {
    let mut names = vec![subject.clone()];
    if subject.as_str() != subject.base() {
        names.push(CertificateName::from(&domain.spec.name));
    }
    names
}

async fn issue(
    control: &Control,
    claimed: &Claimed,
    way: &Way,
    account: &Account,
) -> Result<(), Reason> {
    let authority = way.authority.row.id;
    let proof = match way.issuance.needs_provider() {
        true => Proof::Dns,
        false => Proof::Http,
    };
    let order = Order {
        names: names(&claimed.subject, &way.domain),
        proof,
        // Only the CA that issued the certificate can mark it as replaced.
        replaces: claimed
            .chain
            .clone()
            .filter(|_| claimed.authority == Some(authority)),
        patience: PATIENCE,
    };
    let given = match proof {
        Proof::Http => {
            let solver = solver::Edges::new(control, way.domain.spec.site, claimed);
            account.issue(&order, &solver).await?
        }
        Proof::Dns => {
            let provider = way.domain.spec.provider;
            let provider = provider.ok_or_else(|| {
                Reason::Ours("The domain has no provider of DNS. Choose one.".to_owned())
            })?;
            let solver = solver::Records::new(control, provider, claimed).await?;
            account.issue(&order, &solver).await?
        }
    };
    let leaf = pki::read(&given.chain)
        .map_err(|error| Reason::Ours(format!("What was given cannot be read: {error}")))?;
    let (from, until) = (leaf.issued.not_before, leaf.issued.not_after);
    let renew_at = plan::renew_at(from, until, Chance::new());
    let new = NewCertificate {
        source: Source::Acme,
        authority: Some(authority),
        issued: leaf.issued,
        chain: given.chain,
        renew_at: Some(renew_at),
        next_try: Some(plan::look_at(way.now, renew_at, None)),
    };
    Ok(noted::given(control, claimed, new, given.key).await?)
}

#[cfg(test)]
mod tests {
    use model::{AuthorityId, CertificateId};

    use super::*;

    const GAVE: AuthorityId = AuthorityId(1);

    fn claimed(renew_at: Option<i64>) -> Claimed {
        Claimed {
            owner: "one".to_owned(),
            id: CertificateId(1),
            domain: DomainId(1),
            subject: "wiki.example.org".parse().unwrap(),
            source: Source::Acme,
            authority: Some(GAVE),
            good: Some((Timestamp(0), Timestamp(90))),
            chain: Some("chain".to_owned()),
            renew_at: renew_at.map(Timestamp),
            failures: 0,
        }
    }

    #[test]
    fn renewal_information_is_requested_only_for_own_certificates_not_due() {
        let at = |claimed: &Claimed, authority, now| {
            resting(claimed, authority, Timestamp(now)).map(|(_, due)| due.0)
        };
        assert_eq!(at(&claimed(Some(60)), GAVE, 59), Some(60));
        // The renewal time has passed, or a user requested renewal.
        assert_eq!(at(&claimed(Some(60)), GAVE, 60), None);
        // Another CA does not know the certificate.
        assert_eq!(at(&claimed(Some(60)), AuthorityId(2), 1), None);
        let brought = Claimed {
            authority: None,
            ..claimed(Some(60))
        };
        assert_eq!(at(&brought, GAVE, 1), None);
        let rested = at(&claimed(None), GAVE, 1).unwrap();
        assert!((55..=60).contains(&rested), "{rested}");
        assert_eq!(at(&claimed(None), GAVE, 61), None);
        let none = Claimed {
            good: None,
            chain: None,
            ..claimed(None)
        };
        assert_eq!(at(&none, GAVE, 1), None);
    }
}
