//! What became of a try is written down, as long as the certificate belongs to who tried: somebody
//! may have brought another one meanwhile.

use std::time::Duration;

use model::{
    DomainId, Timestamp,
    certificates::{Happening, Issued, Trouble, notice_at},
    events::{Event, Topic},
};
use store::{
    Conn,
    certificates::{Claimed, NewCertificate},
};

use super::{
    keeper::LEASE_MS,
    plan::{self, Chance, Failure},
};
use crate::{Control, failure::Told as _, hub::Audience};

/// The waits before a certificate that was given is written down once more: another one may not be
/// had again soon.
const AGAIN: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(9),
    Duration::from_secs(27),
];

/// Writes down, at the moment of the database, what became of a certificate that is still ours.
async fn write<W>(control: &Control, claimed: &Claimed, write: W) -> Result<(), model::Error>
where
    W: Fn(&mut Conn, Timestamp) -> Result<(), store::Error> + Send + 'static,
{
    let (clock, id, owner) = (control.clock(), claimed.id, claimed.owner.clone());
    let done = control
        .store()
        .write(move |c| {
            let now = clock.now(c)?;
            if store::certificates::keep(c, id, &owner, Timestamp(now.0 + LEASE_MS))? {
                write(c, now)?;
            }
            Ok(())
        })
        .await;
    match done {
        // The certificate went meanwhile, with its domain.
        Err(store::Error::NotFound) => Ok(()),
        done => done.told("certificate"),
    }
}

/// All is well: when the next one is had, and when this one is looked after next.
pub(super) async fn rest(
    control: &Control,
    claimed: &Claimed,
    renew_at: Option<Timestamp>,
    next_try: Option<Timestamp>,
) -> Result<(), model::Error> {
    let id = claimed.id;
    write(control, claimed, move |c, _| {
        store::certificates::looked_after(c, id, renew_at, next_try)
    })
    .await
}

/// It could not be tried now, for nothing that anybody has to do something about.
pub(super) async fn put_off(
    control: &Control,
    claimed: &Claimed,
    wait_ms: i64,
) -> Result<(), model::Error> {
    let id = claimed.id;
    write(control, claimed, move |c, now| {
        store::certificates::put_off(c, id, Timestamp(now.0 + wait_ms))
    })
    .await
}

/// Says that a certificate which somebody brought comes to its end, and when it has.
pub(super) async fn watch(control: &Control, claimed: &Claimed) -> Result<(), model::Error> {
    let Some((from, until)) = claimed.good else {
        return rest(control, claimed, None, None).await;
    };
    let (id, subject) = (claimed.id, claimed.subject.clone());
    write(control, claimed, move |c, now| {
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
    .await
}

/// There is one, with its key.
pub(super) async fn given(
    control: &Control,
    claimed: &Claimed,
    new: NewCertificate,
    secret: String,
) -> Result<(), model::Error> {
    tracing::info!(subject = %claimed.subject, issuer = new.issued.issuer, "a certificate was given");
    let what = match claimed.chain {
        None => Happening::Issued,
        Some(_) => Happening::Renewed,
    };
    let mut waits = AGAIN.iter();
    loop {
        let (domain, subject) = (claimed.domain, claimed.subject.clone());
        let (key, new, secret) = (control.store().key().clone(), new.clone(), secret.clone());
        let done = write(control, claimed, move |c, now| {
            let of = (domain, &subject);
            let id = store::certificates::put(c, &key, of, &new, &secret, now)?;
            store::certificates::note(c, id, what, &words(&new.issued), now)
        });
        let (done, wait) = (done.await, waits.next());
        let (Err(error), Some(wait)) = (&done, wait) else {
            return done;
        };
        tracing::warn!(%error, "a certificate that was given could not be kept yet");
        tokio::time::sleep(*wait).await;
    }
}

/// What is noted of a certificate.
pub(super) fn words(issued: &Issued) -> String {
    let until = issued.not_after.rfc3339();
    format!("By {}, good until {until}.", issued.issuer)
}

/// It was not to be had.
pub(super) async fn failed(
    control: &Control,
    claimed: &Claimed,
    failure: Failure,
    words: String,
    detail: Option<String>,
) -> Result<(), model::Error> {
    tracing::warn!(subject = %claimed.subject, words, detail, "a certificate could not be had");
    let (id, tries) = (claimed.id, claimed.failures + 1);
    let until = claimed.good.map(|(_, until)| until);
    write(control, claimed, move |c, now| {
        let next = plan::retry_at(now, tries, failure, until, Chance::new());
        let trouble = Trouble {
            at: now,
            words: words.clone(),
            detail: detail.clone(),
        };
        store::certificates::failed(c, id, &trouble, next)?;
        store::certificates::note(c, id, Happening::Failed, &words, now)
    })
    .await
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
