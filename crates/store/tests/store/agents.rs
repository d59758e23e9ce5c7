use std::collections::BTreeMap;

use model::{
    AgentId, SiteId,
    agents::{About, Aside, Dhcp, Outcome, Report, Silent, Who},
};
use store::{
    Error, Unique,
    agents::{self, Joining, NewAgent},
};

use crate::lab::{Lab, v};

const HOUR: i64 = 3_600_000;

fn hash(word: &str) -> String {
    format!("{word:0>64}")
}

fn about() -> About {
    About {
        version: "0.1.0".into(),
        address: v("10.20.0.2"),
    }
}

async fn invite(lab: &Lab, site: SiteId, name: &str, lifetime_ms: i64) -> AgentId {
    let new = NewAgent {
        site,
        name: v(name),
        word_hash: hash(name),
        lifetime_ms,
    };
    lab.w(move |c| agents::invite(c, &new)).await
}

async fn join(lab: &Lab, word: &str, key: &str) -> Option<AgentId> {
    let joining = Joining {
        word_hash: hash(word),
        key_hash: hash(key),
        about: about(),
        layout: "{}".into(),
    };
    lab.w(move |c| agents::join(c, &joining)).await
}

async fn dhcp(lab: &Lab, id: AgentId) -> Dhcp {
    lab.r(move |c| agents::get(c, id)).await.unwrap().row.dhcp
}

db_test!(an_agent_joins_once_with_its_word, |lab| async {
    let site = lab.ground().await.site;
    let id = invite(&lab, site, "edge-1", HOUR).await;
    let before = lab.r(move |c| agents::get(c, id)).await.unwrap();
    assert!(before.row.invited_until.is_some() && before.row.about.is_none());
    assert_eq!(
        lab.r(|c| agents::by_key(c, &hash("edge-1"))).await,
        None,
        "a word is no key"
    );
    assert_eq!(join(&lab, "other", "key").await, None);
    assert_eq!(join(&lab, "edge-1", "key").await, Some(id));
    assert_eq!(
        join(&lab, "edge-1", "second").await,
        None,
        "a word is good once"
    );
    let joined = lab.r(|c| agents::by_key(c, &hash("key"))).await.unwrap();
    assert_eq!((joined.row.id, joined.row.about), (id, Some(about())));
    assert!(joined.row.seen.is_some() && joined.row.invited_until.is_none());
    let again = hash("again");
    lab.w(move |c| agents::invite_again(c, id, &again, HOUR))
        .await;
    assert_eq!(
        lab.r(|c| agents::by_key(c, &hash("key"))).await,
        None,
        "the old key is gone"
    );
    let late = hash("late");
    lab.w(move |c| agents::invite_again(c, id, &late, -1)).await;
    assert_eq!(
        join(&lab, "late", "key").await,
        None,
        "a word is good for a while"
    );
    lab.w(move |c| agents::delete(c, id)).await;
    assert_eq!(lab.r(move |c| agents::get(c, id)).await, None);
});

db_test!(what_it_says_is_kept, |lab| async {
    let site = lab.ground().await.site;
    let id = invite(&lab, site, "edge-1", HOUR).await;
    let new = NewAgent {
        site,
        name: v("edge-1"),
        word_hash: hash("x"),
        lifetime_ms: HOUR,
    };
    let refused = lab.store.write(move |c| agents::invite(c, &new)).await;
    assert_eq!(refused, Err(Error::Duplicate(Unique::AgentName)));
    join(&lab, "edge-1", "key").await;
    let said = Report {
        generation: 7,
        outcome: Outcome::Refused {
            words: "[emerg] no".into(),
        },
        aside: vec![Aside {
            service: model::ServiceId(3),
            words: "bad".into(),
        }],
        unserved: Vec::new(),
        silent: vec![Silent {
            name: "wiki.example.org".into(),
            service: Some(model::ServiceId(4)),
            who: Who::Container,
            words: "Nobody is there.".into(),
        }],
    };
    let report = said.clone();
    lab.w(move |c| agents::report(c, id, &report)).await;
    let newer = About {
        version: "0.2.0".into(),
        ..about()
    };
    let heard = newer.clone();
    lab.w(move |c| agents::hear(c, id, &heard, "{\"a\":1}"))
        .await;
    let (statements, all) = lab.counted(agents::list).await;
    assert_eq!((statements, all.len()), (1, 1));
    assert_eq!(all[0].row.report, Some(said));
    assert_eq!(all[0].row.about, Some(newer));
    assert_eq!(all[0].layout.as_deref(), Some("{\"a\":1}"));
});

db_test!(one_agent_of_a_site_gives_out_addresses, |lab| async {
    let site = lab.ground().await.site;
    let first = invite(&lab, site, "edge-1", HOUR).await;
    let second = invite(&lab, site, "edge-2", HOUR).await;
    join(&lab, "edge-1", "one").await;
    join(&lab, "edge-2", "two").await;
    let both = async || (dhcp(&lab, first).await, dhcp(&lab, second).await);
    assert_eq!(
        both().await,
        (Dhcp::Yes, Dhcp::No),
        "the first of a site does"
    );
    let generation = lab.w(move |c| store::sites::bump(c, site)).await;
    lab.w(move |c| agents::want_dhcp(c, second, site, generation))
        .await;
    assert_eq!(both().await, (Dhcp::Ending, Dhcp::Next));
    let early = lab
        .w(move |c| agents::hand_over(c, site, Some(generation - 1)))
        .await;
    assert!(!early, "it has not served the site without");
    assert_eq!(both().await, (Dhcp::Ending, Dhcp::Next));
    assert!(
        lab.w(move |c| agents::hand_over(c, site, Some(generation)))
            .await
    );
    assert_eq!(both().await, (Dhcp::No, Dhcp::Yes));
    assert!(
        !lab.w(move |c| agents::hand_over(c, site, Some(generation)))
            .await,
        "once"
    );

    lab.w(move |c| agents::want_dhcp(c, first, site, generation + 1))
        .await;
    assert!(
        lab.w(move |c| agents::hand_over(c, site, None)).await,
        "an operator says so"
    );
    assert_eq!(both().await, (Dhcp::Yes, Dhcp::No));
    lab.w(move |c| agents::want_dhcp(c, second, site, generation + 2))
        .await;
    lab.w(move |c| agents::want_dhcp(c, first, site, generation + 3))
        .await;
    assert_eq!(both().await, (Dhcp::Yes, Dhcp::No), "as it was");
    lab.w(move |c| agents::delete(c, first)).await;
    lab.w(move |c| agents::want_dhcp(c, second, site, generation + 4))
        .await;
    assert_eq!(
        dhcp(&lab, second).await,
        Dhcp::Yes,
        "there is nobody to wait for"
    );
});

db_test!(what_is_live_on_a_host_is_kept_file_by_file, |lab| async {
    let site = lab.ground().await.site;
    let id = invite(&lab, site, "edge-1", HOUR).await;
    join(&lab, "edge-1", "key").await;
    let tree = |files: &[(&str, &str)]| -> BTreeMap<String, String> {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        files.iter().map(owned).collect()
    };
    let first = tree(&[("a", "1"), ("nginx/Ä", "2"), ("nginx/ä", "3")]);
    let told = first.clone();
    lab.w(move |c| agents::change_live(c, id, &told, &[])).await;
    assert_eq!(lab.r(move |c| agents::live(c, id)).await, first);
    // Told again after an answer that was lost, with a change and without a file.
    let second = tree(&[("a", "one"), ("nginx/Ä", "2")]);
    let gone = ["nginx/ä".to_owned(), "never/there".to_owned()];
    lab.w(move |c| agents::change_live(c, id, &second, &gone))
        .await;
    let (statements, live) = lab.counted(move |c| agents::live(c, id)).await;
    assert_eq!(statements, 1);
    assert_eq!(live, tree(&[("a", "one"), ("nginx/Ä", "2")]));
    assert_eq!(lab.r(move |c| agents::live_count(c, id)).await, 2);
    let another = tree(&[("a", "1")]);
    let nobody = lab
        .store
        .write(move |c| agents::change_live(c, AgentId(999), &another, &[]))
        .await;
    assert_eq!(nobody, Err(Error::NotFound));
    // Whoever joins in its place is another host.
    let again = hash("again");
    lab.w(move |c| agents::invite_again(c, id, &again, HOUR))
        .await;
    assert_eq!(lab.r(move |c| agents::live_count(c, id)).await, 2);
    join(&lab, "again", "second").await;
    assert_eq!(lab.r(move |c| agents::live_count(c, id)).await, 0);
});

db_test!(
    an_agent_shows_what_it_made_live_last_and_whether_it_is_heard,
    |lab| async {
        let site = lab.ground().await.site;
        let id = invite(&lab, site, "edge-1", HOUR).await;
        let row = async || lab.r(move |c| agents::get(c, id)).await.unwrap().row;
        assert!(!row().await.in_contact, "it has never been heard");
        join(&lab, "edge-1", "key").await;
        assert!(row().await.in_contact);
        let say = async |generation, outcome| {
            let report = Report {
                generation,
                outcome,
                aside: Vec::new(),
                silent: Vec::new(),
                unserved: Vec::new(),
            };
            lab.w(move |c| agents::report(c, id, &report)).await;
        };
        say(3, Outcome::Live).await;
        say(4, Outcome::Refused { words: "no".into() }).await;
        let now = lab.w(move |c| store::sites::bump(c, site)).await;
        let shown = row().await;
        assert_eq!((shown.applied, shown.generation), (Some(3), now));
        let by_name = lab
            .r(|c| agents::by_name(c, &v("lab"), &v("edge-1")))
            .await
            .unwrap();
        assert_eq!(by_name.row.id, id);
        let nobody = lab.r(|c| agents::by_name(c, &v("lab"), &v("edge-2"))).await;
        assert_eq!(nobody, None);
    }
);
