//! DNS records: stored before creation, deleted after removal, and orphaned challenges.

use model::domains::DomainSpec;
use store::{
    Error, certificates,
    dns_records::{self, DnsRecord, RecordPurpose, RecordState},
    providers,
};

use crate::{
    certificates::{MINUTE, at, change, insert_issued, issued, provider},
    support::{http, permit},
};

db_test!(
    record_is_stored_before_creation_and_deleted_after_removal,
    |db| async {
        let fixture = db.fixture().await;
        let (dns, id) = (provider(&db, "dns").await, fixture.domain);
        change(&db, id, |spec| {
            spec.provider = Some(dns);
            spec.addresses = true;
        })
        .await;
        let mut container = fixture.container(1);
        container.services = vec![http(id, "80", "wiki")];
        db.insert_container(container).await;
        let plan = db.read(dns_records::list_address_records).await.remove(0);
        assert_eq!((plan.domain, plan.provider), (id, Some(dns)));
        assert_eq!(plan.hosts, ["wiki.example.org"]);

        let record = DnsRecord {
            name: "wiki.example.org".into(),
            record_type: "A",
            value: "198.51.100.7".into(),
        };
        let want = async || {
            let record = record.clone();
            db.write(move |c| {
                dns_records::upsert_desired(
                    c,
                    dns,
                    RecordPurpose::Address(id),
                    &record,
                    Some(at(0)),
                )
            })
            .await
        };
        let first = want().await;
        assert_eq!(want().await, first, "the row is updated");
        let claim = async |day: i64| {
            db.write(move |c| dns_records::claim(c, "one", at(day), MINUTE))
                .await
        };
        let row = claim(0).await.unwrap();
        assert_eq!(
            (row.id, row.state, &row.record),
            (first, RecordState::Pending, &record)
        );
        assert_eq!(claim(0).await, None, "the record is leased");
        // The record is submitted, and from then on it is managed.
        assert!(
            db.write(move |c| dns_records::mark_submitted(c, first))
                .await
        );
        assert!(
            !db.write(move |c| dns_records::mark_submitted(c, first))
                .await,
            "only once"
        );
        db.write(move |c| dns_records::mark_present(c, first)).await;
        let renew = async |owner: &'static str| {
            db.write(move |c| dns_records::renew_lease(c, first, owner, MINUTE))
                .await
        };
        // Only the owner of a lease renews or releases it.
        db.write(move |c| dns_records::release(c, first, "two"))
            .await;
        assert!(renew("one").await && !renew("two").await);
        db.write(move |c| dns_records::release(c, first, "one"))
            .await;
        assert!(!renew("one").await);
        assert_eq!(claim(5).await, None, "nothing is due");
        let known = db
            .read(dns_records::list_address_records)
            .await
            .remove(0)
            .stored;
        assert_eq!(known[0].state, RecordState::Present);

        // The record of the domain is removed first; until then the DNS provider is in use.
        let spec = db
            .read(move |c| store::domains::get(c, id))
            .await
            .unwrap()
            .spec;
        let none = DomainSpec {
            provider: None,
            addresses: false,
            ..spec
        };
        db.write(move |c| store::domains::update(c, permit(), id, &none))
            .await;
        let plan = db.read(dns_records::list_address_records).await.remove(0);
        assert_eq!((plan.provider, plan.stored.len()), (None, 1));
        db.write(move |c| dns_records::mark_for_removal(c, first, at(6)))
            .await;
        assert_eq!(
            db.store
                .write(move |c| providers::delete(c, permit(), dns))
                .await,
            Err(Error::InUse)
        );
        let row = claim(6).await.unwrap();
        assert_eq!(row.state, RecordState::Removing);
        db.write(move |c| dns_records::finish_removal(c, &row, at(6)))
            .await;
        assert!(db.read(dns_records::list_address_records).await.is_empty());
        db.write(move |c| providers::delete(c, permit(), dns)).await;
    }
);

db_test!(
    challenge_records_of_deleted_certificate_are_orphans,
    |db| async {
        let id = db.fixture().await.domain;
        let dns = provider(&db, "dns").await;
        let names = ["wiki.example.org"];
        let certificate = insert_issued(&db, id, names[0], issued(&names, "AB", 90)).await;
        let record = DnsRecord {
            name: "_acme-challenge.wiki.example.org".into(),
            record_type: "TXT",
            value: "token".into(),
        };
        let purpose = RecordPurpose::Challenge(certificate);
        let record = db
            .write(move |c| dns_records::upsert_desired(c, dns, purpose, &record, None))
            .await;
        assert!(db.read(dns_records::list_orphans).await.is_empty());
        assert_eq!(
            db.read(|c| dns_records::next_due_in_ms(c, at(0))).await,
            None,
            "the caller submits a challenge record itself"
        );
        db.write(move |c| certificates::delete(c, permit(), certificate))
            .await;
        assert_eq!(db.read(dns_records::list_orphans).await, [record]);
    }
);
