//! Certificates and records whose ground changes: another authority, another provider, somebody who
//! takes one over.

use model::{
    CertificateId, DomainId,
    certificates::{CertificateRow, Issuance, Source, Trouble},
};
use store::{
    authorities,
    certificates::{self, NewCertificate, Of},
    records::{self, Purpose, Record, RecordState},
};

use crate::{
    certificates::{at, authority, change, issued, provider},
    lab::{Lab, v},
};

const NAME: &str = "wiki.example.org";

/// A certificate that an authority gave.
async fn given(lab: &Lab, domain: DomainId, by: model::AuthorityId) -> CertificateId {
    let key = lab.store.key().clone();
    let new = NewCertificate {
        source: Source::Acme,
        authority: Some(by),
        renew_at: Some(at(60)),
        next_try: Some(at(1)),
        chain: "chain".into(),
        issued: issued(&[NAME], "AB", 90),
    };
    let subject = v(NAME);
    lab.w(move |c| certificates::put(c, &key, (domain, &subject), &new, "geheim", at(0)))
        .await
}

async fn row(lab: &Lab, id: CertificateId) -> CertificateRow {
    lab.r(move |c| certificates::by_id(c, id, at(2)))
        .await
        .unwrap()
}

db_test!(
    what_another_gave_is_replaced_and_what_was_refused_tried,
    |lab| async {
        let domain = lab.ground().await.domain;
        let one = authority(&lab, "one", "a2V5").await;
        let two = authority(&lab, "two", "a2V5").await;
        change(&lab, domain, |spec| spec.issuance = Issuance::Http(two)).await;
        let id = given(&lab, domain, one).await;
        let by = lab.r(move |c| certificates::given(c, id)).await;
        assert_eq!(by, Some((one, "chain".to_owned())));
        let served = lab.r(certificates::plans).await.remove(0).certificates;
        assert!(!served[0].rests());

        // Nothing is to be done for whoever gave it.
        lab.w(move |c| certificates::replace(c, domain, one, at(2)))
            .await;
        lab.w(move |c| certificates::retry(c, Of::Domain(domain), at(2)))
            .await;
        assert_eq!(row(&lab, id).await.renew_at, Some(at(60)));
        lab.w(move |c| certificates::replace(c, domain, two, at(2)))
            .await;
        let due = row(&lab, id).await;
        assert_eq!((due.renew_at, due.next_try), (Some(at(2)), Some(at(2))));

        // What was refused is tried again for each of those whom it depends on.
        for of in [Of::Domain(domain), Of::Authority(two)] {
            let trouble = Trouble {
                at: at(2),
                words: "No.".into(),
                detail: None,
            };
            lab.w(move |c| certificates::failed(c, id, &trouble, at(9)))
                .await;
            lab.w(move |c| certificates::retry(c, Of::Authority(one), at(3)))
                .await;
            assert_eq!(row(&lab, id).await.next_try, Some(at(9)), "not this one");
            lab.w(move |c| certificates::retry(c, of, at(3))).await;
            let tried = row(&lab, id).await;
            assert_eq!((tried.next_try, tried.failures), (Some(at(3)), 0));
            assert_eq!(tried.trouble, None);
        }

        // One that rests is left alone.
        lab.w(move |c| certificates::looked_after(c, id, None, Some(at(90))))
            .await;
        lab.w(move |c| certificates::replace(c, domain, two, at(4)))
            .await;
        assert_eq!(row(&lab, id).await.next_try, Some(at(90)));
        assert!(lab.r(certificates::plans).await[0].certificates[0].rests());
        // It is somebody else's when the authority moves, and stays when that is gone.
        lab.w(move |c| certificates::given_elsewhere(c, one, at(4)))
            .await;
        assert_eq!(lab.r(move |c| certificates::given(c, id)).await, None);
        lab.w(move |c| authorities::delete(c, one)).await;
        assert!(row(&lab, id).await.issued.is_some());
    }
);

db_test!(an_authority_that_goes_leaves_what_it_gave, |lab| async {
    let domain = lab.ground().await.domain;
    let one = authority(&lab, "one", "a2V5").await;
    let id = given(&lab, domain, one).await;
    lab.w(move |c| authorities::delete(c, one)).await;
    assert!(row(&lab, id).await.issued.is_some());
    assert_eq!(lab.r(move |c| certificates::given(c, id)).await, None);
});

db_test!(who_works_on_a_certificate_can_lose_it, |lab| async {
    let domain = lab.ground().await.domain;
    let one = authority(&lab, "one", "a2V5").await;
    let id = given(&lab, domain, one).await;
    let claim = async |owner: &'static str| {
        lab.w(move |c| certificates::claim(c, owner, at(1), at(9)))
            .await
    };
    assert_eq!(claim("first").await.unwrap().authority, Some(one));
    lab.w(move |c| certificates::take_from(c, id)).await;
    let kept = lab
        .w(move |c| certificates::keep(c, id, "first", at(9)))
        .await;
    assert!(!kept);
    assert_eq!(claim("second").await.map(|it| it.id), Some(id));
    let owner = async || lab.r(move |c| certificates::owner(c, id)).await;
    assert_eq!(owner().await.as_deref(), Some("second"));
    lab.w(move |c| certificates::interrupt(c, Of::Authority(one)))
        .await;
    let still = owner().await;
    assert_eq!(still.as_deref(), Some("second"), "none is had from there");
    lab.w(move |c| certificates::interrupt(c, Of::Domain(domain)))
        .await;
    assert_eq!(owner().await, None);
    // A lease that was left over wakes nobody before there is something to do.
    claim("third").await.unwrap();
    assert_eq!(lab.r(certificates::next_due).await, Some(at(9)));
    lab.w(move |c| certificates::looked_after(c, id, Some(at(60)), Some(at(20))))
        .await;
    assert_eq!(lab.r(certificates::next_due).await, Some(at(20)));
});

db_test!(
    a_record_is_ours_only_when_the_provider_was_told,
    |lab| async {
        let domain = lab.ground().await.domain;
        let (one, two) = (provider(&lab, "one").await, provider(&lab, "two").await);
        change(&lab, domain, |spec| {
            spec.provider = Some(two);
            spec.addresses = true;
        })
        .await;
        let record = Record {
            name: NAME.into(),
            kind: "A",
            value: "198.51.100.7".into(),
        };
        let want = async |by: model::ProviderId| {
            let record = record.clone();
            lab.w(move |c| records::want(c, by, Purpose::Address(domain), &record, Some(at(0))))
                .await
        };
        let state = async |id: i64| {
            let known = lab.r(records::plans).await.remove(0).known;
            known
                .into_iter()
                .find(|row| row.id == id)
                .map(|row| row.state)
        };
        let (at_one, at_two) = (want(one).await, want(two).await);
        // At one it was there before anybody was told.
        lab.w(move |c| records::is_there(c, at_one)).await;
        assert_eq!(state(at_one).await, Some(RecordState::Found));
        assert!(lab.w(move |c| records::is_told(c, at_two)).await);
        lab.w(move |c| records::is_there(c, at_two)).await;
        assert_eq!(state(at_two).await, Some(RecordState::There));
        assert!(!lab.r(move |c| records::are_at(c, one)).await);
        assert!(lab.r(move |c| records::are_at(c, two)).await);

        // What is ours has to be taken away, and others look again when it is; what is not is forgotten.
        lab.w(move |c| records::unwant(c, at_two, at(1))).await;
        assert_eq!(state(at_two).await, Some(RecordState::Unwanted));
        let gone = lab.w(|c| records::claim(c, at(1), at(2))).await.unwrap();
        assert_eq!(gone.id, at_two);
        lab.w(move |c| records::is_gone(c, &gone, at(1))).await;
        assert_eq!(state(at_two).await, None);
        assert_eq!(state(at_one).await, Some(RecordState::Wanted));
        lab.w(move |c| records::unwant(c, at_one, at(1))).await;
        assert!(lab.r(records::plans).await[0].known.is_empty());
        assert!(!lab.r(move |c| records::are_at(c, one)).await);

        // One that is on its way out and is wanted again stays ours.
        let again = want(two).await;
        lab.w(move |c| records::is_told(c, again)).await;
        lab.w(move |c| records::unwant(c, again, at(2))).await;
        assert_eq!(want(two).await, again);
        assert_eq!(state(again).await, Some(RecordState::Told));

        // What a provider is to be left alone with, and what is told of it.
        let trouble = Trouble {
            at: at(2),
            words: "No.".into(),
            detail: None,
        };
        lab.w(move |c| records::failed(c, again, &trouble, at(3)))
            .await;
        lab.w(move |c| records::put_off(c, two, at(5))).await;
        let told = lab.r(move |c| records::troubles(c, domain)).await;
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].name.as_str(), told[0].next_try),
            (NAME, Some(at(5)))
        );
        // What was told in vain keeps a provider neither where it is nor from being deleted.
        assert!(!lab.r(move |c| records::are_at(c, two)).await);
        lab.w(move |c| records::retry(c, two, at(4))).await;
        assert!(lab.r(move |c| records::are_at(c, two)).await);
        change(&lab, domain, |spec| {
            spec.provider = None;
            spec.addresses = false;
        })
        .await;
        let kept = lab.store.write(move |c| store::providers::delete(c, two));
        assert_eq!(kept.await, Err(store::Error::InUse));
        let trouble = Trouble {
            at: at(4),
            words: "No.".into(),
            detail: None,
        };
        lab.w(move |c| records::failed(c, again, &trouble, at(6)))
            .await;
        lab.w(move |c| store::providers::delete(c, two)).await;
    }
);
