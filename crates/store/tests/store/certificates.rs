use model::{
    AuthorityId, CertificateId, DomainId, ProviderId, Timestamp,
    certificates::{
        CertificateName, CertificateState, Happening, Issuance, Issued, Source, Trouble,
    },
    domains::DomainSpec,
};
use store::{
    Error, Unique, authorities,
    certificates::{self, NewCertificate},
    challenges::{self, Answer},
    providers,
    records::{self, Purpose, Record, RecordState},
};

use crate::lab::{Lab, http, tcp, v};

const DAY: i64 = 86_400_000;

pub fn at(day: i64) -> Timestamp {
    Timestamp(day * DAY)
}

pub async fn authority(lab: &Lab, name: &str, binding_key: &str) -> AuthorityId {
    let form = model::authorities::AuthorityForm {
        name: name.into(),
        directory: "https://ca.example.org/dir".into(),
        binding: "kid".into(),
        binding_key: binding_key.into(),
        ..Default::default()
    };
    let (key, spec) = (lab.store.key().clone(), form.parse(true).unwrap());
    lab.w(move |c| authorities::insert(c, &key, &spec)).await
}

pub async fn provider(lab: &Lab, name: &str) -> ProviderId {
    let form = model::providers::ProviderForm {
        name: name.into(),
        kind: "cloudflare".into(),
        secret: "token-geheim".into(),
        ..Default::default()
    };
    let (key, spec) = (lab.store.key().clone(), form.parse(true).unwrap());
    lab.w(move |c| providers::insert(c, &key, &spec)).await
}

/// Has a domain have its certificates another way.
pub async fn change(lab: &Lab, id: DomainId, change: impl FnOnce(&mut DomainSpec)) {
    let mut spec = lab
        .r(move |c| store::domains::get(c, id))
        .await
        .unwrap()
        .spec;
    change(&mut spec);
    lab.w(move |c| store::domains::update(c, id, &spec)).await;
}

pub fn issued(names: &[&str], print: &str, until: i64) -> Issued {
    Issued {
        names: names.iter().map(|name| v(name)).collect(),
        issuer: "Test".into(),
        not_before: at(0),
        not_after: at(until),
        fingerprint: v(&print.repeat(32)),
        key: "ECDSA P-256".into(),
    }
}

async fn put(lab: &Lab, domain: DomainId, subject: &str, issued: Issued) -> CertificateId {
    let key = lab.store.key().clone();
    let subject: CertificateName = v(subject);
    let new = NewCertificate {
        source: Source::Acme,
        authority: None,
        renew_at: Some(at(60)),
        next_try: Some(at(1)),
        chain: "chain".into(),
        issued,
    };
    lab.w(move |c| certificates::put(c, &key, (domain, &subject), &new, "geheim", at(0)))
        .await
}

db_test!(
    a_certificate_is_wanted_had_and_served_by_its_own_site,
    |lab| async {
        let ground = lab.ground().await;
        let other = lab.site("other", ground.cluster).await;
        let id = ground.domain;
        let authority = authority(&lab, "ca", "a2V5").await;
        change(&lab, id, |spec| spec.issuance = Issuance::Http(authority)).await;
        let mut container = ground.container(1);
        container.services = vec![http(id, "80", "wiki"), tcp("22", "2022")];
        lab.put(container).await;
        let plans = lab.r(certificates::plans).await;
        assert_eq!(plans.len(), 1);
        assert_eq!(plans[0].hosts, ["wiki.example.org"]);
        assert_eq!(plans[0].issuance, Issuance::Http(authority));

        let subject: CertificateName = v("wiki.example.org");
        let same = subject.clone();
        lab.w(move |c| certificates::want(c, id, &subject, at(0)))
            .await;
        let twice = lab
            .store
            .write(move |c| certificates::want(c, id, &same, at(0)))
            .await;
        assert_eq!(twice, Err(Error::Duplicate(Unique::CertificateSubject)));
        let rows = lab.r(|c| certificates::list(c, None, at(0))).await;
        assert_eq!(
            (rows[0].state, rows[0].is_used),
            (CertificateState::Waiting, true)
        );

        let before = lab
            .r(move |c| store::sites::generation(c, ground.site))
            .await;
        let names = ["wiki.example.org"];
        let had = put(&lab, id, names[0], issued(&names, "AB", 90)).await;
        assert_eq!(had, rows[0].id, "the one that was wanted");
        let after = lab
            .r(move |c| store::sites::generation(c, ground.site))
            .await;
        assert!(after > before, "its edge hosts have something new to know");
        let served = lab.r(move |c| certificates::of_site(c, ground.site)).await;
        assert_eq!(served.len(), 1);
        assert!(
            lab.r(move |c| certificates::of_site(c, other))
                .await
                .is_empty()
        );
        let (key, print) = (lab.store.key().clone(), served[0].fingerprint.clone());
        let pair = {
            let (key, print) = (key.clone(), print.clone());
            lab.r(move |c| certificates::pair(c, &key, ground.site, &print))
                .await
        };
        assert_eq!(
            pair.map(|pair| (pair.chain, pair.key)),
            Some(("chain".into(), "geheim".into()))
        );
        let nobodys = lab
            .r(move |c| certificates::pair(c, &key, other, &print))
            .await;
        assert!(nobodys.is_none(), "another site has none of it");

        lab.w(move |c| certificates::note(c, had, Happening::Issued, "first", at(0)))
            .await;
        lab.w(move |c| certificates::note(c, had, Happening::Renewed, "next", at(60)))
            .await;
        let lines = lab.r(move |c| certificates::history(c, had)).await;
        let told: Vec<&str> = lines.iter().map(|line| line.words.as_str()).collect();
        assert_eq!(told, ["next", "first"]);
        lab.w(move |c| certificates::delete(c, had)).await;
        assert!(
            lab.r(|c| certificates::list(c, None, at(0)))
                .await
                .is_empty()
        );
    }
);

db_test!(one_server_works_on_a_certificate, |lab| async {
    let id = lab.ground().await.domain;
    for name in ["a.example.org", "b.example.org"] {
        let subject: CertificateName = v(name);
        lab.w(move |c| certificates::want(c, id, &subject, at(0)))
            .await;
    }
    let claim = async |owner: &'static str, day: i64| {
        lab.w(move |c| certificates::claim(c, owner, at(day), at(day + 1)))
            .await
    };
    let first = claim("one", 0).await.unwrap();
    let second = claim("two", 0).await.unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(
        (first.owner.as_str(), second.owner.as_str()),
        ("one", "two")
    );
    assert_eq!(claim("three", 0).await, None);
    assert_eq!(
        lab.r(certificates::next_due).await,
        Some(at(1)),
        "when a lease ends"
    );
    let a = first.id;
    let kept =
        async |owner: &'static str| lab.w(move |c| certificates::keep(c, a, owner, at(2))).await;
    assert!(kept("one").await && !kept("two").await);
    // Who was killed loses it when its lease ends.
    assert_eq!(claim("three", 1).await.map(|it| it.id), Some(second.id));
    assert_eq!(claim("three", 1).await, None);

    let trouble = Trouble {
        at: at(1),
        words: "No.".into(),
        detail: Some("urn".into()),
    };
    lab.w(move |c| certificates::failed(c, a, &trouble, at(5)))
        .await;
    lab.w(move |c| certificates::release(c, a, "one")).await;
    let row = lab
        .r(move |c| certificates::by_id(c, a, at(1)))
        .await
        .unwrap();
    assert_eq!((row.state, row.failures), (CertificateState::Failed, 1));
    assert_eq!(row.trouble.unwrap().words, "No.");
    assert_eq!(
        claim("three", 4).await.map(|it| it.id),
        Some(second.id),
        "its lease ended"
    );
    assert_eq!(claim("three", 4).await, None, "not yet");
    lab.w(move |c| certificates::try_at(c, a, at(4))).await;
    assert_eq!(claim("three", 4).await.map(|it| it.failures), Some(1));
});

db_test!(states_are_counted_with_their_domain, |lab| async {
    let id = lab.ground().await.domain;
    put(
        &lab,
        id,
        "*.example.org",
        issued(&["*.example.org"], "AB", 1_000_000),
    )
    .await;
    put(
        &lab,
        id,
        "old.example.org",
        issued(&["old.example.org"], "CD", 1),
    )
    .await;
    let row = lab.r(move |c| store::domains::get(c, id)).await.unwrap();
    assert_eq!((row.certificates, row.alarms), (1, 1));
});

db_test!(
    secrets_open_where_they_belong_and_accounts_are_made_once,
    |lab| async {
        let id = authority(&lab, "ca", "a2V5").await;
        let key = lab.store.key().clone();
        let record = async || {
            let key = key.clone();
            lab.r(move |c| authorities::record(c, &key, id))
                .await
                .unwrap()
        };
        assert_eq!(record().await.binding_key.as_deref(), Some("a2V5"));
        let row = record().await.row;
        for account in ["first", "second"] {
            let (key, row) = (key.clone(), row.clone());
            let secret = format!("{account}-geheim");
            lab.w(move |c| authorities::set_account(c, &key, &row, account, &secret))
                .await;
        }
        assert_eq!(record().await.row.account.as_deref(), Some("first"));
        assert_eq!(record().await.credentials.as_deref(), Some("first-geheim"));
        // With another directory the account is another, and the old key is nobody's.
        let form = model::authorities::AuthorityForm {
            directory: "https://other.example.org/dir".into(),
            ..model::authorities::AuthorityForm::from(&row)
        };
        let (seal, spec) = (key.clone(), form.parse(false).unwrap());
        lab.w(move |c| authorities::update(c, &seal, id, &spec))
            .await;
        let moved = record().await;
        assert_eq!(
            (moved.row.account, moved.credentials, moved.binding_key),
            (None, None, None)
        );

        let dns = provider(&lab, "dns").await;
        let found = {
            let key = key.clone();
            lab.r(move |c| providers::record(c, &key, dns))
                .await
                .unwrap()
        };
        assert_eq!(found.secret.reveal(), "token-geheim");
        assert!(!format!("{found:?}").contains("geheim"));
    }
);

db_test!(what_a_domain_needs_is_not_deleted, |lab| async {
    let id = lab.ground().await.domain;
    let (authority, dns) = (
        authority(&lab, "ca", "a2V5").await,
        provider(&lab, "dns").await,
    );
    change(&lab, id, |spec| {
        spec.issuance = Issuance::Wildcard(authority);
        spec.provider = Some(dns);
        spec.addresses = true;
    })
    .await;
    let row = lab.r(move |c| store::domains::get(c, id)).await.unwrap();
    assert_eq!(row.spec.issuance, Issuance::Wildcard(authority));
    assert_eq!((row.spec.provider, row.spec.addresses), (Some(dns), true));
    let gone = lab
        .store
        .write(move |c| authorities::delete(c, authority))
        .await;
    assert_eq!(gone, Err(Error::InUse));
    let gone = lab.store.write(move |c| providers::delete(c, dns)).await;
    assert_eq!(gone, Err(Error::InUse));
    let listed = lab.r(authorities::list).await;
    assert_eq!(listed[0].domains, [v("example.org")]);
    change(&lab, id, |spec| {
        spec.issuance = Issuance::SelfSigned;
        spec.provider = None;
        spec.addresses = false;
    })
    .await;
    lab.w(move |c| authorities::delete(c, authority)).await;
    lab.w(move |c| providers::delete(c, dns)).await;
});

db_test!(
    answers_are_told_to_their_site_while_they_are_asked_for,
    |lab| async {
        let ground = lab.ground().await;
        let (site, id) = (ground.site, ground.domain);
        let names = ["wiki.example.org"];
        let certificate = put(&lab, id, names[0], issued(&names, "AB", 90)).await;
        let answer = |token: &str| Answer {
            token: token.into(),
            answer: format!("{token}.print"),
        };
        let both = [answer("b"), answer("a")];
        let first = lab
            .w(move |c| challenges::put(c, site, certificate, &both, at(0)))
            .await;
        assert_eq!(
            lab.r(move |c| challenges::of_site(c, site)).await,
            [answer("a"), answer("b")]
        );
        lab.w(move |c| challenges::take_away(c, certificate)).await;
        assert!(
            lab.r(move |c| challenges::of_site(c, site))
                .await
                .is_empty()
        );
        let last = lab.r(move |c| store::sites::generation(c, site)).await;
        assert!(last > Some(first));
    }
);

db_test!(
    records_are_written_down_before_and_forgotten_after,
    |lab| async {
        let ground = lab.ground().await;
        let (dns, id) = (provider(&lab, "dns").await, ground.domain);
        change(&lab, id, |spec| {
            spec.provider = Some(dns);
            spec.addresses = true;
        })
        .await;
        let mut container = ground.container(1);
        container.services = vec![http(id, "80", "wiki")];
        lab.put(container).await;
        let plan = lab.r(records::plans).await.remove(0);
        assert_eq!((plan.domain, plan.provider), (id, Some(dns)));
        assert_eq!(plan.hosts, ["wiki.example.org"]);

        let record = Record {
            name: "wiki.example.org".into(),
            kind: "A",
            value: "198.51.100.7".into(),
        };
        let want = async || {
            let record = record.clone();
            lab.w(move |c| records::want(c, dns, Purpose::Address(id), &record, Some(at(0))))
                .await
        };
        let first = want().await;
        assert_eq!(want().await, first, "once");
        let claim = async |day: i64| {
            lab.w(move |c| records::claim(c, at(day), at(day + 1)))
                .await
        };
        let row = claim(0).await.unwrap();
        assert_eq!(
            (row.id, row.state, &row.record),
            (first, RecordState::Wanted, &record)
        );
        assert_eq!(claim(0).await, None, "somebody has it");
        // The provider is told of it, and from then on it is ours.
        assert!(lab.w(move |c| records::is_told(c, first)).await);
        assert!(!lab.w(move |c| records::is_told(c, first)).await, "once");
        lab.w(move |c| records::is_there(c, first)).await;
        lab.w(move |c| records::release(c, first)).await;
        assert_eq!(claim(5).await, None, "nothing is due");
        let known = lab.r(records::plans).await.remove(0).known;
        assert_eq!(known[0].state, RecordState::There);

        // With the domain it is to be taken away, and the provider stays until it is.
        let spec = lab
            .r(move |c| store::domains::get(c, id))
            .await
            .unwrap()
            .spec;
        let none = DomainSpec {
            provider: None,
            addresses: false,
            ..spec
        };
        lab.w(move |c| store::domains::update(c, id, &none)).await;
        let plan = lab.r(records::plans).await.remove(0);
        assert_eq!((plan.provider, plan.known.len()), (None, 1));
        lab.w(move |c| records::unwant(c, first, at(6))).await;
        assert_eq!(
            lab.store.write(move |c| providers::delete(c, dns)).await,
            Err(Error::InUse)
        );
        let row = claim(6).await.unwrap();
        assert_eq!(row.state, RecordState::Unwanted);
        lab.w(move |c| records::is_gone(c, &row, at(6))).await;
        assert!(lab.r(records::plans).await.is_empty());
        lab.w(move |c| providers::delete(c, dns)).await;
    }
);

db_test!(
    proofs_of_a_certificate_that_is_gone_are_taken_away,
    |lab| async {
        let id = lab.ground().await.domain;
        let dns = provider(&lab, "dns").await;
        let names = ["wiki.example.org"];
        let certificate = put(&lab, id, names[0], issued(&names, "AB", 90)).await;
        let record = Record {
            name: "_acme-challenge.wiki.example.org".into(),
            kind: "TXT",
            value: "proof".into(),
        };
        let purpose = Purpose::Proof(certificate);
        let proof = lab
            .w(move |c| records::want(c, dns, purpose, &record, None))
            .await;
        assert!(lab.r(records::orphans).await.is_empty());
        assert_eq!(
            lab.r(records::next_due).await,
            None,
            "who wrote it down tells the provider"
        );
        lab.w(move |c| certificates::delete(c, certificate)).await;
        assert_eq!(lab.r(records::orphans).await, [proof]);
    }
);
