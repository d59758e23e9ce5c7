use model::{
    AuthorityId, CertificateId, DomainId, ProviderId, Timestamp,
    certificates::{
        AttemptFailure, CertificateContents, CertificateEvent, CertificateName, CertificateSource,
        CertificateState, IssuanceMethod,
    },
    domains::DomainSpec,
};
use store::{
    Error, Unique, authorities,
    certificates::{self, NewCertificate},
    challenges::{self, ChallengeResponse},
    dns_records::{self, DnsRecord, RecordPurpose, RecordState},
    providers,
};

use crate::support::{TestStore, http, parse, tcp};

const DAY: i64 = 86_400_000;
/// The length of leases.
pub const MINUTE: i64 = 60_000;

pub fn at(day: i64) -> Timestamp {
    Timestamp(day * DAY)
}

pub async fn authority(db: &TestStore, name: &str, binding_key: &str) -> AuthorityId {
    let form = model::authorities::AuthorityForm {
        name: name.into(),
        directory: "https://ca.example.org/dir".into(),
        binding: "kid".into(),
        binding_key: binding_key.into(),
        ..Default::default()
    };
    let (key, spec) = (db.store.secret_key().clone(), form.parse(true).unwrap());
    db.write(move |c| authorities::insert(c, &key, &spec)).await
}

pub async fn provider(db: &TestStore, name: &str) -> ProviderId {
    let form = model::providers::ProviderForm {
        name: name.into(),
        kind: "cloudflare".into(),
        secret: "token-geheim".into(),
        ..Default::default()
    };
    let (key, spec) = (db.store.secret_key().clone(), form.parse(true).unwrap());
    db.write(move |c| providers::insert(c, &key, &spec)).await
}

/// Updates a domain's specification.
pub async fn change(db: &TestStore, id: DomainId, change: impl FnOnce(&mut DomainSpec)) {
    let mut spec = db
        .read(move |c| store::domains::get(c, id))
        .await
        .unwrap()
        .spec;
    change(&mut spec);
    db.write(move |c| store::domains::update(c, id, &spec))
        .await;
}

pub fn issued(names: &[&str], fingerprint: &str, until: i64) -> CertificateContents {
    CertificateContents {
        names: names.iter().map(|name| parse(name)).collect(),
        issuer: "Test".into(),
        not_before: at(0),
        not_after: at(until),
        fingerprint: parse(&fingerprint.repeat(32)),
        key: "ECDSA P-256".into(),
    }
}

async fn put(
    db: &TestStore,
    domain: DomainId,
    subject: &str,
    issued: CertificateContents,
) -> CertificateId {
    let key = db.store.secret_key().clone();
    let subject: CertificateName = parse(subject);
    let new = NewCertificate {
        source: IssuanceMethod::Acme,
        certificate_authority: None,
        renew_at: Some(at(60)),
        next_attempt: Some(at(1)),
        chain: "chain".into(),
        issued,
    };
    db.write(move |c| {
        certificates::upsert_issued(c, &key, (domain, &subject), &new, "geheim", at(0))
    })
    .await
}

db_test!(
    certificate_is_issued_and_served_by_its_own_site,
    |db| async {
        let fixture = db.fixture().await;
        let other = db.site("other", fixture.cluster).await;
        let id = fixture.domain;
        let authority = authority(&db, "ca", "a2V5").await;
        change(&db, id, |spec| {
            spec.issuance = CertificateSource::Http(authority)
        })
        .await;
        let mut container = fixture.container(1);
        container.services = vec![http(id, "80", "wiki"), tcp("22", "2022")];
        db.insert_container(container).await;
        let plans = db.read(certificates::list_domain_certificates).await;
        assert_eq!(plans.len(), 1);
        assert_eq!(plans[0].hosts, ["wiki.example.org"]);
        assert_eq!(plans[0].issuance, CertificateSource::Http(authority));

        let subject: CertificateName = parse("wiki.example.org");
        let same = subject.clone();
        db.write(move |c| certificates::insert_pending(c, id, &subject, at(0)))
            .await;
        let twice = db
            .store
            .write(move |c| certificates::insert_pending(c, id, &same, at(0)))
            .await;
        assert_eq!(twice, Err(Error::Duplicate(Unique::CertificateSubject)));
        let rows = db.read(|c| certificates::list(c, None, at(0))).await;
        assert_eq!(
            (rows[0].state, rows[0].is_used),
            (CertificateState::Waiting, true)
        );

        let before = db
            .read(move |c| store::sites::get_generation(c, fixture.site))
            .await;
        let names = ["wiki.example.org"];
        let certificate = put(&db, id, names[0], issued(&names, "AB", 90)).await;
        assert_eq!(certificate, rows[0].id, "the existing row is used");
        let after = db
            .read(move |c| store::sites::get_generation(c, fixture.site))
            .await;
        assert!(after > before, "the generation of the site is incremented");
        let served = db
            .read(move |c| certificates::list_issued_by_site(c, fixture.site))
            .await;
        assert_eq!(served.len(), 1);
        assert!(
            db.read(move |c| certificates::list_issued_by_site(c, other))
                .await
                .is_empty()
        );
        let (key, fingerprint) = (db.store.secret_key().clone(), served[0].fingerprint.clone());
        let pair = {
            let (key, fingerprint) = (key.clone(), fingerprint.clone());
            db.read(move |c| certificates::get_with_key(c, &key, fixture.site, &fingerprint))
                .await
        };
        assert_eq!(
            pair.map(|pair| (pair.chain, pair.key)),
            Some(("chain".into(), "geheim".into()))
        );
        let foreign_pair = db
            .read(move |c| certificates::get_with_key(c, &key, other, &fingerprint))
            .await;
        assert!(foreign_pair.is_none(), "another site has no access");

        db.write(move |c| {
            certificates::add_history(c, certificate, CertificateEvent::Issued, "first", at(0))
        })
        .await;
        db.write(move |c| {
            certificates::add_history(c, certificate, CertificateEvent::Renewed, "next", at(60))
        })
        .await;
        let lines = db
            .read(move |c| certificates::list_history(c, certificate))
            .await;
        let texts: Vec<&str> = lines.iter().map(|line| line.message.as_str()).collect();
        assert_eq!(texts, ["next", "first"]);
        db.write(move |c| certificates::delete(c, certificate))
            .await;
        assert!(
            db.read(|c| certificates::list(c, None, at(0)))
                .await
                .is_empty()
        );
    }
);

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
    assert_eq!(
        (first.lease_owner.as_str(), second.lease_owner.as_str()),
        ("one", "two")
    );
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
    db.write(move |c| certificates::advance_attempt(c, a, at(4)))
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

db_test!(domain_counts_certificate_states, |db| async {
    let id = db.fixture().await.domain;
    put(
        &db,
        id,
        "*.example.org",
        issued(&["*.example.org"], "AB", 1_000_000),
    )
    .await;
    put(
        &db,
        id,
        "old.example.org",
        issued(&["old.example.org"], "CD", 1),
    )
    .await;
    let row = db.read(move |c| store::domains::get(c, id)).await.unwrap();
    assert_eq!((row.certificates, row.attention_count), (1, 1));
});

db_test!(
    secrets_are_bound_to_context_and_accounts_are_stored_once,
    |db| async {
        let id = authority(&db, "ca", "a2V5").await;
        let key = db.store.secret_key().clone();
        let record = async || {
            let key = key.clone();
            db.read(move |c| authorities::get(c, &key, id))
                .await
                .unwrap()
        };
        assert_eq!(record().await.eab_mac_key.as_deref(), Some("a2V5"));
        let row = record().await.row;
        for account in ["first", "second"] {
            let (key, row) = (key.clone(), row.clone());
            let secret = format!("{account}-geheim");
            db.write(move |c| authorities::store_account(c, &key, &row, account, &secret))
                .await;
        }
        assert_eq!(record().await.row.account.as_deref(), Some("first"));
        assert_eq!(record().await.credentials.as_deref(), Some("first-geheim"));
        // A new directory deletes the account and the binding key.
        let form = model::authorities::AuthorityForm {
            directory: "https://other.example.org/dir".into(),
            ..model::authorities::AuthorityForm::from(&row)
        };
        let (seal, spec) = (key.clone(), form.parse(false).unwrap());
        db.write(move |c| authorities::update(c, &seal, id, &spec))
            .await;
        let moved = record().await;
        assert_eq!(
            (moved.row.account, moved.credentials, moved.eab_mac_key),
            (None, None, None)
        );

        let dns = provider(&db, "dns").await;
        let record = {
            let key = key.clone();
            db.read(move |c| providers::get(c, &key, dns))
                .await
                .unwrap()
        };
        assert_eq!(record.secret.reveal(), "token-geheim");
        assert!(!format!("{record:?}").contains("geheim"));
    }
);

db_test!(ca_and_dns_provider_in_use_are_not_deleted, |db| async {
    let id = db.fixture().await.domain;
    let (authority, dns) = (
        authority(&db, "ca", "a2V5").await,
        provider(&db, "dns").await,
    );
    change(&db, id, |spec| {
        spec.issuance = CertificateSource::Wildcard(authority);
        spec.provider = Some(dns);
        spec.addresses = true;
    })
    .await;
    let row = db.read(move |c| store::domains::get(c, id)).await.unwrap();
    assert_eq!(row.spec.issuance, CertificateSource::Wildcard(authority));
    assert_eq!((row.spec.provider, row.spec.addresses), (Some(dns), true));
    let result = db
        .store
        .write(move |c| authorities::delete(c, authority))
        .await;
    assert_eq!(result, Err(Error::InUse));
    let result = db.store.write(move |c| providers::delete(c, dns)).await;
    assert_eq!(result, Err(Error::InUse));
    let listed = db.read(authorities::list).await;
    assert_eq!(listed[0].domains, [parse("example.org")]);
    change(&db, id, |spec| {
        spec.issuance = CertificateSource::SelfSigned;
        spec.provider = None;
        spec.addresses = false;
    })
    .await;
    db.write(move |c| authorities::delete(c, authority)).await;
    db.write(move |c| providers::delete(c, dns)).await;
});

db_test!(challenge_responses_are_listed_until_deleted, |db| async {
    let fixture = db.fixture().await;
    let (site, id) = (fixture.site, fixture.domain);
    let names = ["wiki.example.org"];
    let certificate = put(&db, id, names[0], issued(&names, "AB", 90)).await;
    let response = |token: &str| ChallengeResponse {
        token: token.into(),
        key_authorization: format!("{token}.print"),
    };
    let both = [response("b"), response("a")];
    let first = db
        .write(move |c| challenges::upsert(c, site, certificate, &both, at(0)))
        .await;
    assert_eq!(
        db.read(move |c| challenges::list_by_site(c, site)).await,
        [response("a"), response("b")]
    );
    db.write(move |c| challenges::delete_by_certificate(c, certificate))
        .await;
    assert!(
        db.read(move |c| challenges::list_by_site(c, site))
            .await
            .is_empty()
    );
    let last = db
        .read(move |c| store::sites::get_generation(c, site))
        .await;
    assert!(last > Some(first));
});

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
        // The record is submitted, and from then on it is ours.
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
        db.write(move |c| store::domains::update(c, id, &none))
            .await;
        let plan = db.read(dns_records::list_address_records).await.remove(0);
        assert_eq!((plan.provider, plan.stored.len()), (None, 1));
        db.write(move |c| dns_records::mark_for_removal(c, first, at(6)))
            .await;
        assert_eq!(
            db.store.write(move |c| providers::delete(c, dns)).await,
            Err(Error::InUse)
        );
        let row = claim(6).await.unwrap();
        assert_eq!(row.state, RecordState::Removing);
        db.write(move |c| dns_records::finish_removal(c, &row, at(6)))
            .await;
        assert!(db.read(dns_records::list_address_records).await.is_empty());
        db.write(move |c| providers::delete(c, dns)).await;
    }
);

db_test!(
    challenge_records_of_deleted_certificate_are_orphans,
    |db| async {
        let id = db.fixture().await.domain;
        let dns = provider(&db, "dns").await;
        let names = ["wiki.example.org"];
        let certificate = put(&db, id, names[0], issued(&names, "AB", 90)).await;
        let record = DnsRecord {
            name: "_acme-challenge.wiki.example.org".into(),
            record_type: "TXT",
            value: "proof".into(),
        };
        let purpose = RecordPurpose::Challenge(certificate);
        let proof = db
            .write(move |c| dns_records::upsert_desired(c, dns, purpose, &record, None))
            .await;
        assert!(db.read(dns_records::list_orphans).await.is_empty());
        assert_eq!(
            db.read(|c| dns_records::next_due_in_ms(c, at(0))).await,
            None,
            "the caller submits a challenge record itself"
        );
        db.write(move |c| certificates::delete(c, certificate))
            .await;
        assert_eq!(db.read(dns_records::list_orphans).await, [proof]);
    }
);
