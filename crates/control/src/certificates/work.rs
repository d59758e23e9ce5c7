//! Looks after one certificate: sees whether its authority wants it renewed, has the next one, and
//! notes what became of it.

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

/// How long an authority may take to look at the proofs and to give a certificate.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long all of one try may take.
const LONGEST_TRY: Duration = Duration::from_secs(600);
/// How long one waits whose provider proves another certificate's names, in milliseconds.
const TAKEN_MS: i64 = 15_000;
/// How often a sign of life is given.
const BEAT: Duration = Duration::from_secs(15);

/// Why there is no certificate.
pub(super) enum Reason {
    /// The authority.
    Authority(AcmeError),
    /// Something of ours.
    Ours(String),
    /// The provider is needed for another certificate until then.
    Taken,
    /// A fault of the database: it is tried again when the lease ends.
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

/// Looks after a certificate that is ours, and gives it back.
pub(super) async fn look_after(control: &Control, claimed: Claimed) {
    let stop = control.0.stop.clone();
    let working = tokio::time::timeout(LONGEST_TRY, one(control, &claimed));
    let done = tokio::select! {
        done = working => match done {
            Ok(done) => done,
            Err(_) => Err(Reason::Ours("It took longer than ten minutes.".to_owned())),
        },
        () = beat(control, &claimed) => {
            tracing::info!(subject = %claimed.subject, "the certificate is somebody else's to see to now");
            solver::take_away(control, claimed.id, &claimed.owner).await;
            return;
        }
        () = stop.cancelled() => Ok(()),
    };
    // What was broken off has taken nothing away itself, and an order that was ready had no need to
    // prove what an earlier one had put there.
    solver::take_away(control, claimed.id, &claimed.owner).await;
    let is_kept = match note(control, &claimed, done).await {
        Ok(()) => true,
        // The lease is left to run out: nothing is tried at once that the database cannot keep.
        Err(error) => {
            tracing::warn!(subject = %claimed.subject, %error, "a certificate could not be looked after");
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
            tracing::warn!(?error, "a certificate's lease runs out by itself");
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

/// Keeps the lease; ends when it is lost.
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

/// What a certificate is had by.
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
        // No authority gives it any more; who settles sees to the rest.
        return Ok(noted::rest(control, claimed, None, None).await?);
    };
    if let Some((chain, renew_at)) = resting(claimed, way.authority.row.id, way.now) {
        let (renew_at, look_at) = ask(control, &way, chain, renew_at).await;
        if renew_at > way.now {
            return Ok(noted::rest(control, claimed, Some(renew_at), Some(look_at)).await?);
        }
        // The authority wants it renewed now: so it stays, whatever becomes of this try.
        noted::rest(control, claimed, Some(way.now), Some(way.now)).await?;
    }
    let account = account::open(control, &way.authority).await?;
    let done = issue(control, claimed, &way, &account).await;
    if let Err(Reason::Authority(AcmeError::AccountGone)) = &done {
        account::forget(control, &way.authority).await?;
    }
    done
}

/// The chain of a certificate that is good and not due, and when it will be. One that another
/// authority gave is due, as is one whose moment has come: neither is asked about any more.
fn resting(claimed: &Claimed, authority: AuthorityId, now: Timestamp) -> Option<(&str, Timestamp)> {
    let (chain, (from, until)) = (claimed.chain.as_deref()?, claimed.good?);
    if claimed.authority != Some(authority) || until <= now {
        return None;
    }
    // One that nobody needed for a while has no moment.
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

/// When the next certificate is to be had as the authority sees it (RFC 9773), and when it is asked
/// again. One that does not say, or is away, leaves it at what is known.
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
            // What was chosen within the time before holds as long as the time does.
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
            tracing::info!(%error, "an authority does not say when to renew");
            (renew_at, plan::look_at(now, renew_at, None))
        }
    }
}

/// The names of a certificate: all below a domain come with the domain itself.
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
        // Only who gave one knows it.
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
    fn an_authority_is_asked_only_about_what_it_gave_and_what_is_not_due() {
        let at = |claimed: &Claimed, authority, now| {
            resting(claimed, authority, Timestamp(now)).map(|(_, due)| due.0)
        };
        assert_eq!(at(&claimed(Some(60)), GAVE, 59), Some(60));
        // Its moment has come, by itself or since somebody wants the next one now.
        assert_eq!(at(&claimed(Some(60)), GAVE, 60), None);
        // Another authority does not know it, whatever its moment.
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
