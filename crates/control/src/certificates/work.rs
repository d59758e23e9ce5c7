//! Looks after one certificate: sees whether its authority wants it renewed, has the next one, and
//! notes what became of it.

use std::time::Duration;

use model::{
    DomainId, Timestamp,
    certificates::{CertificateName, Happening, Issuance, Issued, Source, Trouble, notice_at},
    domains::DomainRow,
    events::{Event, Topic},
};
use pki::acme::{Account, AcmeError, Binding, Credentials, Directory, Order, Proof};
use store::{
    Conn,
    authorities::AuthorityRecord,
    certificates::{Claimed, NewCertificate},
};

use super::{
    keeper::LEASE_MS,
    plan::{self, Chance, Failure},
    solver,
};
use crate::{Control, failure::Told as _, hub::Audience};

/// How long an authority may take to look at the proofs and to give a certificate.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long all of one try may take.
const LONGEST_TRY: Duration = Duration::from_secs(600);
/// How often a sign of life is given.
const BEAT: Duration = Duration::from_secs(15);

/// Why there is no certificate.
pub(super) enum Reason {
    /// The authority.
    Authority(AcmeError),
    /// Something of ours.
    Ours(String),
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
pub(super) async fn look_after(control: &Control, claimed: Claimed, owner: &str) {
    let stop = control.0.stop.clone();
    let working = tokio::time::timeout(LONGEST_TRY, one(control, &claimed));
    let done = tokio::select! {
        done = working => match done {
            Ok(done) => done,
            Err(_) => Err(Reason::Ours("It took longer than ten minutes.".to_owned())),
        },
        () = beat(control, &claimed, owner) => {
            tracing::warn!(subject = %claimed.subject, "another server has the certificate now");
            return;
        }
        () = stop.cancelled() => Ok(()),
    };
    if done.is_err() {
        // What was broken off has taken nothing away itself.
        solver::take_away(control, claimed.id).await;
    }
    let noted = match done {
        Ok(()) => Ok(()),
        Err(Reason::Fault(error)) => Err(error),
        Err(Reason::Ours(words)) => failed(control, &claimed, Failure::Ours, words, None).await,
        Err(Reason::Authority(error)) => {
            let detail = error.detail().map(str::to_owned);
            let failure = match &error {
                AcmeError::Limited { until, .. } => Failure::Limited(*until),
                AcmeError::Unsolved { .. } | AcmeError::AccountGone => Failure::Ours,
                _ => Failure::Theirs,
            };
            failed(control, &claimed, failure, error.to_string(), detail).await
        }
    };
    if let Err(error) = noted {
        tracing::warn!(subject = %claimed.subject, %error, "a certificate could not be looked after");
    }
    let (id, owner) = (claimed.id, owner.to_owned());
    let released = control
        .store()
        .write(move |c| store::certificates::release(c, id, &owner))
        .await;
    if let Err(error) = released {
        tracing::warn!(?error, "a certificate's lease runs out by itself");
    }
    tell(control, claimed.domain, Some(id.0));
}

/// Keeps the lease; ends when it is lost.
async fn beat(control: &Control, claimed: &Claimed, owner: &str) {
    loop {
        tokio::time::sleep(BEAT).await;
        let (clock, id, owner) = (control.clock(), claimed.id, owner.to_owned());
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
        return watch(control, claimed).await;
    }
    let Some(way) = way(control, claimed.domain).await? else {
        // No authority gives it any more; who settles sees to the rest.
        return rest(control, claimed, None, None).await;
    };
    let done = with_authority(control, claimed, &way).await;
    if let Err(Reason::Authority(AcmeError::AccountGone)) = &done {
        // The next try makes another one.
        let id = way.authority.row.id;
        let forget = move |c: &mut Conn| store::authorities::forget_account(c, id);
        control.store().write(forget).await.told("authority")?;
    }
    done
}

/// Sees whether the next certificate is due, and has it then.
async fn with_authority(control: &Control, claimed: &Claimed, way: &Way) -> Result<(), Reason> {
    let account = account(control, &way.authority).await?;
    if let (Some(chain), Some((from, until))) = (&claimed.chain, claimed.good)
        && way.now < until
    {
        // One that nobody needed for a while has no moment.
        let due = claimed.renew_at;
        let renew_at = due.unwrap_or_else(|| plan::renew_at(from, until, Chance::new()));
        let (renew_at, look_at) = ask(&account, chain, renew_at, way.now).await?;
        if renew_at > way.now {
            return rest(control, claimed, Some(renew_at), Some(look_at)).await;
        }
    }
    issue(control, claimed, way, &account).await
}

/// Says that a certificate which somebody brought comes to its end, and when it has.
async fn watch(control: &Control, claimed: &Claimed) -> Result<(), Reason> {
    let Some((from, until)) = claimed.good else {
        return rest(control, claimed, None, None).await;
    };
    let (clock, id, subject) = (control.clock(), claimed.id, claimed.subject.clone());
    let done = control
        .store()
        .write(move |c| {
            let now = clock.now(c)?;
            let (what, next) = if now >= until {
                (Some(Happening::Expired), None)
            } else if now >= notice_at(from, until) {
                (Some(Happening::Expiring), Some(until))
            } else {
                (None, Some(notice_at(from, until)))
            };
            if let Some(what) = what {
                let words = format!("Good until {}. Bring the next one.", until.rfc3339());
                tracing::warn!(%subject, words, "a certificate that was brought ends");
                store::certificates::note(c, id, what, &words, now)?;
            }
            store::certificates::looked_after(c, id, None, next)
        })
        .await;
    Ok(done.told("certificate")?)
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

/// Our account with an authority, made when there is none yet.
pub(super) async fn account(
    control: &Control,
    authority: &AuthorityRecord,
) -> Result<Account, AcmeError> {
    let directory = Directory {
        url: authority.row.directory.clone(),
        roots: authority.row.roots.clone(),
    };
    if let Some(credentials) = &authority.credentials {
        let credentials = Credentials::from(credentials.clone());
        return Account::open(&directory, &credentials).await;
    }
    let binding = match (&authority.row.binding, &authority.binding_key) {
        (Some(id), Some(key)) => key.parse().ok().map(|key| Binding {
            id: id.clone(),
            key,
        }),
        _ => None,
    };
    let email = authority.row.email.as_ref();
    let (account, credentials) = Account::create(&directory, email, binding.as_ref()).await?;
    let (key, row) = (control.store().key().clone(), authority.row.clone());
    let (url, secret) = (account.url().to_owned(), credentials.reveal().to_owned());
    let id = row.id;
    let kept = control
        .store()
        .write(move |c| store::authorities::set_account(c, &key, &row, &url, &secret))
        .await;
    if let Err(error) = kept {
        tracing::warn!(
            ?error,
            "an account could not be kept; the next try makes another"
        );
    }
    let event = Event::of(Topic::Authority, id.0);
    control.hub().tell(event, Audience::Operators);
    Ok(account)
}

/// When the next certificate is to be had as the authority sees it (RFC 9773), and when it is asked
/// again. One that does not say leaves it at what is known.
async fn ask(
    account: &Account,
    chain: &str,
    renew_at: Timestamp,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), Reason> {
    match account.renewal(chain).await {
        Ok(Some(window)) => {
            // What was chosen within the time before holds as long as the time does.
            let holds = window.start <= renew_at && renew_at <= window.end;
            let at = match holds {
                true => renew_at,
                false => plan::renew_within(window.start, window.end, Chance::new()),
            };
            let after = i64::try_from(window.look_after.as_millis()).unwrap_or(i64::MAX);
            Ok((at, plan::look_at(now, at, Some(after))))
        }
        Ok(None) => Ok((renew_at, plan::look_at(now, renew_at, None))),
        // It is good: an authority that is away now is asked again tomorrow, unless it is due.
        Err(error) if renew_at > now => {
            tracing::info!(%error, "an authority does not say when to renew");
            Ok((renew_at, plan::look_at(now, renew_at, None)))
        }
        Err(error) => Err(error.into()),
    }
}

async fn rest(
    control: &Control,
    claimed: &Claimed,
    renew_at: Option<Timestamp>,
    next_try: Option<Timestamp>,
) -> Result<(), Reason> {
    let id = claimed.id;
    let done = control
        .store()
        .write(move |c| store::certificates::looked_after(c, id, renew_at, next_try))
        .await;
    Ok(done.told("certificate")?)
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
    let proof = match way.issuance.needs_provider() {
        true => Proof::Dns,
        false => Proof::Http,
    };
    let order = Order {
        names: names(&claimed.subject, &way.domain),
        proof,
        replaces: claimed.chain.clone(),
        patience: PATIENCE,
    };
    let given = match proof {
        Proof::Http => {
            let solver = solver::Edges::new(control, way.domain.spec.site, claimed.id);
            account.issue(&order, &solver).await?
        }
        Proof::Dns => {
            let provider = way.domain.spec.provider;
            let provider = provider.ok_or_else(|| {
                Reason::Ours("The domain has no provider of DNS. Choose one.".to_owned())
            })?;
            let solver = solver::Records::new(control, provider, claimed.id).await?;
            account.issue(&order, &solver).await?
        }
    };
    let leaf = pki::read(&given.chain)
        .map_err(|error| Reason::Ours(format!("What was given cannot be read: {error}")))?;
    let (from, until) = (leaf.issued.not_before, leaf.issued.not_after);
    let renew_at = plan::renew_at(from, until, Chance::new());
    let new = NewCertificate {
        source: Source::Acme,
        issued: leaf.issued,
        chain: given.chain,
        renew_at: Some(renew_at),
        next_try: Some(plan::look_at(way.now, renew_at, None)),
    };
    let is_first = claimed.chain.is_none();
    put(control, claimed, new, given.key, is_first).await
}

async fn put(
    control: &Control,
    claimed: &Claimed,
    new: NewCertificate,
    secret: String,
    is_first: bool,
) -> Result<(), Reason> {
    let (key, clock) = (control.store().key().clone(), control.clock());
    let (domain, subject) = (claimed.domain, claimed.subject.clone());
    tracing::info!(%subject, issuer = new.issued.issuer, "a certificate was given");
    let done = control
        .store()
        .write(move |c| {
            let now = clock.now(c)?;
            let of = (domain, &subject);
            let id = store::certificates::put(c, &key, of, &new, &secret, now)?;
            let (what, words) = (happened(is_first), words(&new.issued));
            store::certificates::note(c, id, what, &words, now)
        })
        .await;
    Ok(done.told("certificate")?)
}

fn happened(is_first: bool) -> Happening {
    if is_first {
        Happening::Issued
    } else {
        Happening::Renewed
    }
}

/// What is noted of a certificate.
pub(super) fn words(issued: &Issued) -> String {
    let until = issued.not_after.rfc3339();
    format!("By {}, good until {until}.", issued.issuer)
}

async fn failed(
    control: &Control,
    claimed: &Claimed,
    failure: Failure,
    words: String,
    detail: Option<String>,
) -> Result<(), model::Error> {
    tracing::warn!(subject = %claimed.subject, words, detail, "a certificate could not be had");
    let (clock, id, tries) = (control.clock(), claimed.id, claimed.failures + 1);
    let done = control
        .store()
        .write(move |c| {
            let now = clock.now(c)?;
            let row = store::certificates::by_id(c, id, now)?;
            let issued = row.and_then(|row| row.issued);
            let until = issued.map(|issued| issued.not_after);
            let next = plan::retry_at(now, tries, failure, until, Chance::new());
            let trouble = Trouble {
                at: now,
                words: words.clone(),
                detail: detail.clone(),
            };
            store::certificates::failed(c, id, &trouble, next)?;
            store::certificates::note(c, id, Happening::Failed, &words, now)
        })
        .await;
    match done {
        // The certificate went meanwhile, with its domain.
        Err(store::Error::NotFound) => Ok(()),
        done => done.told("certificate"),
    }
}

/// Tells that something about a certificate is another than before.
pub(super) fn tell(control: &Control, domain: DomainId, id: Option<i64>) {
    let event = match id {
        Some(id) => Event::of(Topic::Certificate, id),
        None => Event::all(Topic::Certificate),
    };
    control.hub().tell(event, Audience::Everyone);
    let event = Event::of(Topic::Domain, domain.0);
    control.hub().tell(event, Audience::Everyone);
}
