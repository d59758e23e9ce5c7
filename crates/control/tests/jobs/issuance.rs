//! How a domain has its certificates is changed, and what there is already is replaced, served no
//! more, and taken back where it came from.

use control::{authorities, certificates, domains};
use edge::link::Wanted;
use model::{
    AuthorityId, DomainId, Error,
    authorities::AuthorityForm,
    certificates::{CertificateState, Happening, Source},
    clusters::Fingerprint,
    domains::DomainForm,
    events::{Event, Topic},
};
use test_servers::authority::{Authority, Setup};
use tokio::task::JoinHandle;

use crate::{
    agents::Host,
    certificates::{
        DAY, SYSTEM, add, authority, bring, domain, edge, history, house, issued, print, publish,
        row, snapshot,
    },
    house::{House, event, until},
};

const HOST: &str = "wiki.example.net";

async fn change(house: &House, id: DomainId, form: &DomainForm) {
    let spec = form.parse().unwrap();
    domains::update(&house.control, &SYSTEM, id, spec)
        .await
        .unwrap();
}

/// Two authorities that ask the edge hosts of one house.
struct Two {
    first: Authority,
    second: Authority,
    house: House,
    edges: [JoinHandle<()>; 2],
}

impl Two {
    async fn start() -> Self {
        let [first, second] = [(); 2].map(|()| Authority::start(&Setup::quick()));
        let (house, _) = house().await;
        // Each has one that answers it.
        let one = Host::join(&house, "edge-1", "10.20.0.2").await;
        let other = Host::join(&house, "edge-2", "10.20.0.3").await;
        let edges = [
            edge(&house, one, first.challenges.clone()),
            edge(&house, other, second.challenges.clone()),
        ];
        Self {
            first,
            second,
            house,
            edges,
        }
    }
}

impl Drop for Two {
    fn drop(&mut self) {
        self.edges.iter().for_each(JoinHandle::abort);
    }
}

/// Has an authority be another one from now on.
async fn move_to(house: &House, id: AuthorityId, other: &Authority) {
    let moved = AuthorityForm {
        name: "ca".into(),
        directory: other.directory.clone(),
        roots: other.roots.clone(),
        ..AuthorityForm::default()
    };
    authorities::update(&house.control, &SYSTEM, id, moved.parse(false).unwrap())
        .await
        .unwrap();
}

fn by(house: &House, id: AuthorityId) -> DomainForm {
    DomainForm {
        authority: id.to_string(),
        ..domain(house, "example.net", "http")
    }
}

/// The certificate that edge hosts serve for the first page under the domain.
async fn served(house: &House) -> Option<Fingerprint> {
    let site = snapshot(house).await;
    let mut domains = site.domains.into_iter();
    let under = domains.find(|it| it.name.as_str() == "example.net");
    under.unwrap().services[0].certificate.clone()
}

async fn until_served(house: &House, print: &Fingerprint) {
    until("it is served", async || {
        (served(house).await.as_ref() == Some(print)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_authority_s_certificates_are_replaced_at_once() {
    let two = Two::start().await;
    let house = &two.house;
    let one = authority(house, "one", &two.first).await;
    let other = authority(house, "two", &two.second).await;
    let id = add(house, by(house, one)).await;
    publish(house, "wiki", "example.net").await;
    let before = issued(house, HOST).await;
    change(house, id, &by(house, other)).await;
    let after = until("the other's is there", async || {
        let row = row(house, HOST).await?;
        (print(&row) != print(&before)).then_some(row)
    })
    .await;
    assert_eq!(after.state, CertificateState::Issued);
    let issuer = |row: &model::certificates::CertificateRow| row.issued.clone().unwrap().issuer;
    assert_ne!(issuer(&before), issuer(&after));

    // It is taken back by whoever gave it, also when the domain has none from there any more.
    change(house, id, &domain(house, "example.net", "self-signed")).await;
    certificates::revoke(&house.control, &SYSTEM, after.id, HOST)
        .await
        .unwrap();
    assert_eq!(row(house, HOST).await, None, "nobody wants another");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_has_moved_gives_all_of_its_own_anew() {
    let two = Two::start().await;
    let house = &two.house;
    let ca = authority(house, "ca", &two.first).await;
    add(house, by(house, ca)).await;
    publish(house, "wiki", "example.net").await;
    let before = issued(house, HOST).await;
    move_to(house, ca, &two.second).await;
    until("the new place's is there", async || {
        let row = row(house, HOST).await?;
        (print(&row) != print(&before)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_brought_and_what_is_given_take_each_other_s_place() {
    let pebble = Authority::start(&Setup {
        validity_seconds: Some(90 * 86_400),
        ..Setup::quick()
    });
    let (house, _) = house().await;
    let host = Host::join(&house, "edge-1", "10.20.0.2").await;
    let agent = host.agent.clone();
    let edge = edge(&house, host, pebble.challenges.clone());
    let by_http = DomainForm {
        authority: authority(&house, "pebble", &pebble).await.to_string(),
        ..domain(&house, "example.net", "http")
    };
    let id = add(&house, by_http.clone()).await;
    publish(&house, "wiki", "example.net").await;
    let given = issued(&house, HOST).await;
    until_served(&house, &print(&given)).await;

    // It ends earlier, and is served all the same: that is what it was brought for.
    let pair = bring(&["*.example.net"], 30);
    let brought = certificates::upload(&house.control, &SYSTEM, id, pair).await;
    let brought = certificates::get(&house.control, &SYSTEM, brought.unwrap())
        .await
        .unwrap()
        .row;
    until_served(&house, &print(&brought)).await;
    let refused = certificates::revoke(&house.control, &SYSTEM, brought.id, "*.example.net").await;
    assert!(
        matches!(refused, Err(Error::Conflict { .. })),
        "{refused:?}"
    );

    // It ends later, and is served no more once the authority's are wanted again.
    let pair = bring(&["*.example.net"], 3650);
    certificates::upload(&house.control, &SYSTEM, id, pair)
        .await
        .unwrap();
    change(&house, id, &by_http).await;
    until_served(&house, &print(&given)).await;

    // One that was brought for the very name makes room for the authority's.
    certificates::delete(&house.control, &SYSTEM, brought.id, "*.example.net")
        .await
        .unwrap();
    let pair = bring(&[HOST], 365);
    certificates::upload(&house.control, &SYSTEM, id, pair)
        .await
        .unwrap();
    let own = row(&house, HOST).await.unwrap();
    assert_eq!((own.id, own.source), (given.id, Source::Uploaded));
    until_served(&house, &print(&own)).await;
    change(&house, id, &by_http).await;
    let next = until("the authority's is there", async || {
        let row = row(&house, HOST).await?;
        (print(&row) != print(&own)).then_some(row)
    })
    .await;
    assert_eq!(next.source, Source::Acme);
    until_served(&house, &print(&next)).await;
    let wanted = Wanted {
        certificates: vec![print(&own)],
    };
    let told = control::agents::certificates(&house.control, &agent, wanted).await;
    assert!(
        told.unwrap().pairs.is_empty(),
        "its key is told to nobody any more"
    );
    edge.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_brought_during_a_try_stays() {
    let pebble = Authority::start(&Setup::quick());
    let (house, _) = house().await;
    // It has joined, and takes over nothing yet: the try waits for it.
    let host = Host::join(&house, "edge-1", "10.20.0.2").await;
    let by_http = DomainForm {
        authority: authority(&house, "pebble", &pebble).await.to_string(),
        ..domain(&house, "example.net", "http")
    };
    let id = add(&house, by_http).await;
    publish(&house, "wiki", "example.net").await;
    until("it is tried", async || {
        (!snapshot(&house).await.answers.is_empty()).then_some(())
    })
    .await;
    let pair = bring(&[HOST], 30);
    let brought = certificates::upload(&house.control, &SYSTEM, id, pair)
        .await
        .unwrap();
    // A try says at its end that its domain may have changed, whatever became of it.
    let ended = event(&house.control, Event::of(Topic::Domain, id.0));
    let edge = edge(&house, host, pebble.challenges.clone());
    ended.await;
    assert!(pebble.log().contains("Issued certificate"));
    let row = row(&house, HOST).await.unwrap();
    assert_eq!((row.source, row.failures), (Source::Uploaded, 0));
    assert_eq!(history(&house, brought).await, [Happening::Uploaded]);
    until("nothing is said to the authority any more", async || {
        snapshot(&house).await.answers.is_empty().then_some(())
    })
    .await;
    edge.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_by_whom_nobody_wants_any_more_is_not_kept() {
    let (first, second) = (
        Authority::start(&Setup::quick()),
        Authority::start(&Setup::quick()),
    );
    let (house, _) = house().await;
    let host = Host::join(&house, "edge-1", "10.20.0.2").await;
    let ca = authority(&house, "ca", &first).await;
    add(&house, by(&house, ca)).await;
    publish(&house, "wiki", "example.net").await;
    until("it is tried", async || {
        (!snapshot(&house).await.answers.is_empty()).then_some(())
    })
    .await;
    // The try goes on at the first, while the second is the one that is meant.
    move_to(&house, ca, &second).await;
    let other = Host::join(&house, "edge-2", "10.20.0.3").await;
    let edges = [
        edge(&house, host, first.challenges.clone()),
        edge(&house, other, second.challenges.clone()),
    ];
    let row = issued(&house, HOST).await;
    assert_eq!(history(&house, row.id).await, [Happening::Issued]);
    let issuer = row.issued.unwrap().issuer;
    assert!(second.log().contains("Issued certificate"), "{issuer}");
    for edge in edges {
        edge.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_one_is_had_when_somebody_wants_it_now() {
    let pebble = Authority::start(&Setup::quick());
    let (house, clock) = house().await;
    let host = Host::join(&house, "edge-1", "10.20.0.2").await;
    let edge = edge(&house, host, pebble.challenges.clone());
    let form = DomainForm {
        authority: authority(&house, "pebble", &pebble).await.to_string(),
        ..domain(&house, "example.net", "http")
    };
    add(&house, form).await;
    publish(&house, "wiki", "example.net").await;
    let first = issued(&house, HOST).await;
    // A day later it is looked at, and left as it is.
    clock.advance(DAY);
    until("it was looked at", async || {
        let row = row(&house, HOST).await?;
        (row.next_try > first.next_try).then_some(())
    })
    .await;
    assert_eq!(print(&row(&house, HOST).await.unwrap()), print(&first));
    certificates::renew(&house.control, &SYSTEM, first.id)
        .await
        .unwrap();
    until("the next one", async || {
        let row = row(&house, HOST).await?;
        (print(&row) != print(&first)).then_some(())
    })
    .await;
    edge.abort();
}
