//! Leases of certificates and the time of their next attempt.

use model::{
    CertificateId,
    certificates::{AttemptFailure, CertificateName, CertificateState},
};
use store::certificates;

use crate::{
    certificates::{MINUTE, at},
    support::{parse, permit},
};

db_test!(certificate_is_claimed_by_one_owner, |db| async {
    let id = db.fixture().await.domain;
    for name in ["a.example.org", "b.example.org"] {
        let subject: CertificateName = parse(name);
        db.write(move |c| certificates::insert_pending(c, id, &subject, at(0)))
            .await;
    }
    let claim_for = async |owner: &'static str, day: i64, lease_ms: i64| {
        db.write(move |c| certificates::claim(c, owner, at(day), lease_ms))
            .await
    };
    let claim = async |owner: &'static str, day: i64| claim_for(owner, day, MINUTE).await;
    let first = claim("one", 0).await.unwrap();
    let second = claim("two", 0).await.unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(claim("three", 0).await, None);
    let due = async |day: i64| {
        db.read(move |c| certificates::next_due_in_ms(c, at(day)))
            .await
    };
    let first_end = due(0).await.unwrap();
    assert!(
        (1..=MINUTE).contains(&first_end),
        "{first_end}: when the first lease expires"
    );
    let (a, b) = (first.id, second.id);
    let renew = async |id: CertificateId, owner: &'static str, lease_ms: i64| {
        db.write(move |c| certificates::renew_lease(c, id, owner, lease_ms))
            .await
    };
    assert!(renew(a, "one", MINUTE).await && !renew(a, "two", MINUTE).await);
    // A process that was killed loses the certificate when its lease expires, even if it lives on.
    assert!(renew(b, "two", -1).await);
    assert!(!renew(b, "two", MINUTE).await);
    assert_eq!(due(0).await, Some(0));
    assert_eq!(claim_for("three", 1, -1).await.map(|it| it.id), Some(b));
    assert_eq!(claim("three", 1).await.map(|it| it.id), Some(b));
    assert_eq!(claim("three", 1).await, None);

    let last_error = AttemptFailure {
        at: at(1),
        message: "No.".into(),
        detail: Some("urn".into()),
    };
    db.write(move |c| certificates::record_failure(c, a, &last_error, at(5)))
        .await;
    db.write(move |c| certificates::release(c, a, "one")).await;
    let row = db
        .read(move |c| certificates::get(c, a, at(1)))
        .await
        .unwrap();
    assert_eq!((row.state, row.failures), (CertificateState::Failed, 1));
    assert_eq!(row.last_error.unwrap().message, "No.");
    db.write(move |c| certificates::release(c, b, "three"))
        .await;
    assert_eq!(claim("three", 4).await.map(|it| it.id), Some(b));
    assert_eq!(claim("three", 4).await, None, "the next attempt is later");
    db.write(move |c| certificates::advance_attempt(c, permit(), a, at(4)))
        .await;
    assert_eq!(claim("three", 4).await.map(|it| it.failures), Some(1));
    // An attempt that lost its lease counts as failed, unless another owner works on it now.
    for (owner, failures) in [("one", 1), ("three", 2)] {
        let interruption = AttemptFailure {
            at: at(4),
            message: format!("Interrupted: {owner}."),
            detail: None,
        };
        db.write(move |c| certificates::record_interruption(c, a, owner, &interruption, at(8)))
            .await;
        let row = db.read(move |c| certificates::get(c, a, at(4))).await;
        let row = row.unwrap();
        assert_eq!(row.failures, failures, "{owner}");
        let is_recorded = row.last_error.unwrap().message == format!("Interrupted: {owner}.");
        assert_eq!(is_recorded, failures == 2, "{owner}");
    }
    assert_eq!(claim("four", 7).await, None, "the next attempt is later");
    assert_eq!(claim("four", 8).await.map(|it| it.id), Some(a));
});
