use model::{
    AuthorityId, CertificateId, DomainId, ProviderId, Timestamp,
    certificates::{
        CertificateContents, CertificateEvent, CertificateName, CertificateSource,
        CertificateState, IssuanceMethod,
    },
    domains::DomainSpec,
};
use store::{
    Error, Unique, authorities,
    certificates::{self, NewCertificate},
    challenges::{self, ChallengeResponse},
    providers,
};

use crate::support::{TestStore, http, parse, permit, tcp};

const DAY: i64 = 86_400_000;
/// The length of leases.
pub const MINUTE: i64 = 60_000;

pub fn at(day: i64) -> Timestamp {
    Timestamp(day * DAY)
}

pub async fn authority(db: &TestStore, name: &str, eab_mac_key: &str) -> AuthorityId {
    let form = model::authorities::AuthorityForm {
        name: name.into(),
        directory: "https://ca.example.org/dir".into(),
        eab_key_id: "kid".into(),
        eab_mac_key: eab_mac_key.into(),
        ..Default::default()
    };
    let (key, spec) = (db.store.secret_key().clone(), form.parse(true).unwrap());
    db.write(move |c| authorities::insert(c, permit(), &key, &spec))
        .await
}

pub async fn provider(db: &TestStore, name: &str) -> ProviderId {
    let form = model::providers::ProviderForm {
        name: name.into(),
        kind: "cloudflare".into(),
        secret: "token-geheim".into(),
        ..Default::default()
    };
    let (key, spec) = (db.store.secret_key().clone(), form.parse(true).unwrap());
    db.write(move |c| providers::insert(c, permit(), &key, &spec))
        .await
}

/// Updates a domain's specification.
pub async fn change(db: &TestStore, id: DomainId, change: impl FnOnce(&mut DomainSpec)) {
    let mut spec = db
        .read(move |c| store::domains::get(c, id))
        .await
        .unwrap()
        .spec;
    change(&mut spec);
    db.write(move |c| store::domains::update(c, permit(), id, &spec))
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

pub async fn insert_issued(
    db: &TestStore,
    domain: DomainId,
    subject: &str,
    issued: CertificateContents,
) -> CertificateId {
    let key = db.store.secret_key().clone();
    let subject: CertificateName = parse(subject);
    let new = NewCertificate {
        method: IssuanceMethod::Acme,
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
            spec.certificate_source = CertificateSource::Http(authority)
        })
        .await;
        let mut container = fixture.container(1);
        container.services = vec![http(id, "80", "wiki"), tcp("22", "2022")];
        db.insert_container(container).await;
        let plans = db.read(certificates::list_domain_certificates).await;
        assert_eq!(plans.len(), 1);
        assert_eq!(plans[0].hosts, ["wiki.example.org"]);
        assert_eq!(
            plans[0].certificate_source,
            CertificateSource::Http(authority)
        );

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
        let certificate = insert_issued(&db, id, names[0], issued(&names, "AB", 90)).await;
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
        let pair_for_other_site = db
            .read(move |c| certificates::get_with_key(c, &key, other, &fingerprint))
            .await;
        assert!(pair_for_other_site.is_none(), "another site has no access");

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
        db.write(move |c| certificates::delete(c, permit(), certificate))
            .await;
        assert!(
            db.read(|c| certificates::list(c, None, at(0)))
                .await
                .is_empty()
        );
    }
);

db_test!(domain_counts_certificate_states, |db| async {
    let id = db.fixture().await.domain;
    insert_issued(
        &db,
        id,
        "*.example.org",
        issued(&["*.example.org"], "AB", 1_000_000),
    )
    .await;
    insert_issued(
        &db,
        id,
        "old.example.org",
        issued(&["old.example.org"], "CD", 1),
    )
    .await;
    let row = db.read(move |c| store::domains::get(c, id)).await.unwrap();
    assert_eq!((row.certificates, row.attention_count), (1, 1));
});

db_test!(challenge_responses_are_listed_until_deleted, |db| async {
    let fixture = db.fixture().await;
    let (site, id) = (fixture.site, fixture.domain);
    let names = ["wiki.example.org"];
    let certificate = insert_issued(&db, id, names[0], issued(&names, "AB", 90)).await;
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
