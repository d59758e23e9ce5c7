//! Certificates and records whose CA, DNS provider or lease changes.

use model::{
    CertificateId, DomainId,
    certificates::{AttemptFailure, CertificateRow, CertificateSource, IssuanceMethod},
};
use store::{
    authorities,
    certificates::{self, CertificateScope, NewCertificate},
    dns_records::{self, DnsRecord, RecordPurpose, RecordState},
};

use crate::{
    certificates::{MINUTE, at, authority, change, issued, provider},
    support::{TestStore, parse, permit},
};

const NAME: &str = "wiki.example.org";

/// Stores a certificate issued by a CA.
async fn insert_issued(db: &TestStore, domain: DomainId, by: model::AuthorityId) -> CertificateId {
    let key = db.store.secret_key().clone();
    let new = NewCertificate {
        method: IssuanceMethod::Acme,
        certificate_authority: Some(by),
        renew_at: Some(at(60)),
        next_attempt: Some(at(1)),
        chain: "chain".into(),
        issued: issued(&[NAME], "AB", 90),
    };
    let subject = parse(NAME);
    db.write(move |c| {
        certificates::upsert_issued(c, &key, (domain, &subject), &new, "geheim", at(0))
    })
    .await
}

async fn row(db: &TestStore, id: CertificateId) -> CertificateRow {
    db.read(move |c| certificates::get(c, id, at(2)))
        .await
        .unwrap()
}

db_test!(
    reschedule_replaces_certificates_of_another_ca_and_retries_failures,
    |db| async {
        let domain = db.fixture().await.domain;
        let first_ca = authority(&db, "one", "a2V5").await;
        let second_ca = authority(&db, "two", "a2V5").await;
        change(&db, domain, |spec| {
            spec.certificate_source = CertificateSource::Http(second_ca)
        })
        .await;
        let id = insert_issued(&db, domain, first_ca).await;
        let by = db
            .read(move |c| certificates::get_issued_chain(c, id))
            .await;
        assert_eq!(by, Some((first_ca, "chain".to_owned())));
        let planned = db
            .read(certificates::list_domain_certificates)
            .await
            .remove(0)
            .certificates;
        assert!(!planned[0].is_dormant());

        // A certificate of the same CA is not replaced.
        db.write(move |c| certificates::schedule_replacement(c, permit(), domain, first_ca, at(2)))
            .await;
        db.write(move |c| {
            certificates::retry_failed(c, permit(), CertificateScope::Domain(domain), at(2))
        })
        .await;
        assert_eq!(row(&db, id).await.renew_at, Some(at(60)));
        db.write(move |c| {
            certificates::schedule_replacement(c, permit(), domain, second_ca, at(2))
        })
        .await;
        let due = row(&db, id).await;
        assert_eq!((due.renew_at, due.next_attempt), (Some(at(2)), Some(at(2))));

        // A failed attempt is retried for its domain and for its CA.
        for of in [
            CertificateScope::Domain(domain),
            CertificateScope::CertificateAuthority(second_ca),
        ] {
            let last_error = AttemptFailure {
                at: at(2),
                message: "No.".into(),
                detail: None,
            };
            db.write(move |c| certificates::record_failure(c, id, &last_error, at(9)))
                .await;
            db.write(move |c| {
                certificates::retry_failed(
                    c,
                    permit(),
                    CertificateScope::CertificateAuthority(first_ca),
                    at(3),
                )
            })
            .await;
            assert_eq!(
                row(&db, id).await.next_attempt,
                Some(at(9)),
                "another CA has no effect"
            );
            db.write(move |c| certificates::retry_failed(c, permit(), of, at(3)))
                .await;
            let retried = row(&db, id).await;
            assert_eq!((retried.next_attempt, retried.failures), (Some(at(3)), 0));
            assert_eq!(retried.last_error, None);
        }

        // A dormant certificate is not replaced.
        db.write(move |c| certificates::schedule(c, id, None, Some(at(90))))
            .await;
        db.write(move |c| {
            certificates::schedule_replacement(c, permit(), domain, second_ca, at(4))
        })
        .await;
        assert_eq!(row(&db, id).await.next_attempt, Some(at(90)));
        assert!(
            db.read(certificates::list_domain_certificates).await[0].certificates[0].is_dormant()
        );
        // A certificate is detached when the CA's directory changes, and kept when the CA is
        // deleted.
        db.write(move |c| certificates::detach_from_ca(c, permit(), first_ca, at(4)))
            .await;
        assert_eq!(
            db.read(move |c| certificates::get_issued_chain(c, id))
                .await,
            None
        );
        db.write(move |c| authorities::delete(c, permit(), first_ca))
            .await;
        assert!(row(&db, id).await.issued.is_some());
    }
);

db_test!(deleting_a_ca_keeps_its_certificates, |db| async {
    let domain = db.fixture().await.domain;
    let first_ca = authority(&db, "one", "a2V5").await;
    let id = insert_issued(&db, domain, first_ca).await;
    db.write(move |c| authorities::delete(c, permit(), first_ca))
        .await;
    assert!(row(&db, id).await.issued.is_some());
    assert_eq!(
        db.read(move |c| certificates::get_issued_chain(c, id))
            .await,
        None
    );
});

db_test!(certificate_lease_can_be_revoked, |db| async {
    let domain = db.fixture().await.domain;
    let first_ca = authority(&db, "one", "a2V5").await;
    let id = insert_issued(&db, domain, first_ca).await;
    let claim = async |owner: &'static str| {
        db.write(move |c| certificates::claim(c, owner, at(1), MINUTE))
            .await
    };
    assert_eq!(claim("first").await.unwrap().authority, Some(first_ca));
    db.write(move |c| certificates::revoke_lease(c, permit(), id))
        .await;
    let renewed = db
        .write(move |c| certificates::renew_lease(c, id, "first", MINUTE))
        .await;
    assert!(!renewed);
    assert_eq!(claim("second").await.map(|it| it.id), Some(id));
    let may_lock = async |owner: &'static str| {
        db.write(move |c| certificates::lock_unless_claimed(c, id, owner))
            .await
    };
    assert!(may_lock("second").await);
    assert!(!may_lock("first").await);
    db.write(move |c| {
        certificates::revoke_leases(
            c,
            permit(),
            CertificateScope::CertificateAuthority(first_ca),
        )
    })
    .await;
    assert!(!may_lock("first").await, "the domain does not use this CA");
    db.write(move |c| certificates::revoke_leases(c, permit(), CertificateScope::Domain(domain)))
        .await;
    assert!(may_lock("first").await);
    // A leftover lease does not make the certificate due before its next attempt.
    claim("third").await.unwrap();
    let due = async || db.read(|c| certificates::next_due_in_ms(c, at(1))).await;
    let lease_end = due().await.unwrap();
    assert!((1..=MINUTE).contains(&lease_end), "{lease_end}");
    db.write(move |c| certificates::schedule(c, id, Some(at(60)), Some(at(20))))
        .await;
    assert_eq!(due().await, Some(at(20).0 - at(1).0));
});

db_test!(record_is_owned_only_after_submission, |db| async {
    let domain = db.fixture().await.domain;
    let (first_dns, second_dns) = (provider(&db, "one").await, provider(&db, "two").await);
    change(&db, domain, |spec| {
        spec.provider = Some(second_dns);
        spec.addresses = true;
    })
    .await;
    let record = DnsRecord {
        name: NAME.into(),
        record_type: "A",
        value: "198.51.100.7".into(),
    };
    let want = async |by: model::ProviderId| {
        let record = record.clone();
        db.write(move |c| {
            dns_records::upsert_desired(c, by, RecordPurpose::Address(domain), &record, Some(at(0)))
        })
        .await
    };
    let state = async |id: i64| {
        let known = db
            .read(dns_records::list_address_records)
            .await
            .remove(0)
            .stored;
        known
            .into_iter()
            .find(|row| row.id == id)
            .map(|row| row.state)
    };
    let (first_id, second_id) = (want(first_dns).await, want(second_dns).await);
    // At the first DNS provider the record existed before it was submitted.
    db.write(move |c| dns_records::mark_present(c, first_id))
        .await;
    assert_eq!(state(first_id).await, Some(RecordState::Unmanaged));
    assert!(
        db.write(move |c| dns_records::mark_submitted(c, second_id))
            .await
    );
    db.write(move |c| dns_records::mark_present(c, second_id))
        .await;
    assert_eq!(state(second_id).await, Some(RecordState::Present));
    assert!(
        !db.read(move |c| dns_records::has_records(c, first_dns))
            .await
    );
    assert!(
        db.read(move |c| dns_records::has_records(c, second_dns))
            .await
    );

    // A managed record is removed, and equal records of other DNS providers are checked
    // again. An unmanaged record is only deleted from the database.
    db.write(move |c| dns_records::mark_for_removal(c, second_id, at(1)))
        .await;
    assert_eq!(state(second_id).await, Some(RecordState::Removing));
    let claimed = db
        .write(|c| dns_records::claim(c, "one", at(1), MINUTE))
        .await
        .unwrap();
    assert_eq!(claimed.id, second_id);
    db.write(move |c| dns_records::finish_removal(c, &claimed, at(1)))
        .await;
    assert_eq!(state(second_id).await, None);
    assert_eq!(state(first_id).await, Some(RecordState::Pending));
    db.write(move |c| dns_records::mark_for_removal(c, first_id, at(1)))
        .await;
    assert!(
        db.read(dns_records::list_address_records).await[0]
            .stored
            .is_empty()
    );
    assert!(
        !db.read(move |c| dns_records::has_records(c, first_dns))
            .await
    );

    // A record that is marked for removal and needed again stays managed.
    let again = want(second_dns).await;
    db.write(move |c| dns_records::mark_submitted(c, again))
        .await;
    db.write(move |c| dns_records::mark_for_removal(c, again, at(2)))
        .await;
    assert_eq!(want(second_dns).await, again);
    assert_eq!(state(again).await, Some(RecordState::Submitted));

    // Attempts at a DNS provider can be delayed, and errors are listed.
    let last_error = AttemptFailure {
        at: at(2),
        message: "No.".into(),
        detail: None,
    };
    db.write(move |c| dns_records::record_failure(c, again, &last_error, at(3)))
        .await;
    db.write(move |c| dns_records::delay_provider(c, second_dns, at(5)))
        .await;
    let errors = db.read(move |c| dns_records::list_errors(c, domain)).await;
    assert_eq!(errors.len(), 1);
    assert_eq!(
        (errors[0].name.as_str(), errors[0].next_attempt),
        (NAME, Some(at(5)))
    );
    // A failed record blocks neither a change nor the deletion of the DNS provider.
    assert!(
        !db.read(move |c| dns_records::has_records(c, second_dns))
            .await
    );
    db.write(move |c| dns_records::retry_failed(c, permit(), second_dns, at(4)))
        .await;
    assert!(
        db.read(move |c| dns_records::has_records(c, second_dns))
            .await
    );
    change(&db, domain, |spec| {
        spec.provider = None;
        spec.addresses = false;
    })
    .await;
    let result = db
        .store
        .write(move |c| store::providers::delete(c, permit(), second_dns));
    assert_eq!(result.await, Err(store::Error::InUse));
    let last_error = AttemptFailure {
        at: at(4),
        message: "No.".into(),
        detail: None,
    };
    db.write(move |c| dns_records::record_failure(c, again, &last_error, at(6)))
        .await;
    db.write(move |c| store::providers::delete(c, permit(), second_dns))
        .await;
});
