//! Lists: filters, orders, pages, and that their number of statements does not grow with rows.

use model::{
    containers::{Sort, SortKey},
    jobs::{JobKind, JobState},
    page::PAGE_ROWS,
};
use store::{
    containers::{self, Filter},
    jobs::{self, JobFilter},
    users,
};

use crate::lab::{Lab, http, v};

async fn names(lab: &Lab, filter: Filter) -> Vec<String> {
    let page = lab.r(move |c| containers::list(c, &filter)).await;
    assert_eq!(page.total, u64::try_from(page.rows.len()).unwrap());
    page.rows.iter().map(|row| row.name.to_string()).collect()
}

db_test!(statements_do_not_grow_with_rows, |lab| async {
    let ground = lab.ground().await;
    let mut counts = Vec::new();
    for n in 0..PAGE_ROWS + 5 {
        let mut new = ground.container(n);
        new.services = vec![http(ground.domain, "80", &format!("web{n}"))];
        let id = lab.put(new).await;
        lab.queue(ground.job(id, JobKind::Create)).await;
        lab.user(&format!("u{n}")).await;
        if n == 0 || n > PAGE_ROWS {
            let (containers, page) = lab
                .counted(|c| containers::list(c, &Filter::default()))
                .await;
            let (lean, all) = lab
                .counted(|c| containers::lean(c, &Filter::default()))
                .await;
            let ids: Vec<_> = page.rows.iter().map(|row| row.id).collect();
            let (by_ids, _) = lab.counted(move |c| containers::by_ids(c, &ids)).await;
            let (jobs, _) = lab.counted(|c| jobs::list(c, &JobFilter::default())).await;
            let (active, _) = lab.counted(|c| jobs::active(c, None)).await;
            let (users, _) = lab.counted(|c| users::list(c, "", 1)).await;
            assert_eq!(page.rows.len(), all.len().min(50));
            counts.push([containers, lean, by_ids, jobs, active, users]);
        }
    }
    counts.dedup();
    assert_eq!(counts, [[4, 1, 3, 3, 2, 3]]);
});

db_test!(pages_are_whole_and_do_not_overlap, |lab| async {
    let ground = lab.ground().await;
    for n in 0..53 {
        lab.put(ground.container(n)).await;
        lab.user(&format!("u{n:02}")).await;
    }
    let mut seen = Vec::new();
    for page in 1..=3 {
        let filter = Filter {
            page,
            ..Filter::default()
        };
        let found = lab.r(move |c| containers::list(c, &filter)).await;
        assert_eq!((found.total, found.page), (53, page));
        seen.push(found.rows.len());
        if page == 2 {
            assert_eq!(found.rows[0].name, v("c050"));
        }
    }
    assert_eq!(seen, [50, 3, 0]);
    let people = lab.r(|c| users::list(c, "", 2)).await;
    assert_eq!((people.total, people.rows.len(), people.page), (54, 4, 2));
    assert_eq!(people.rows[3].name, v("u52"));
});

db_test!(
    a_search_takes_signs_literally_and_ignores_case,
    |lab| async {
        let ground = lab.ground().await;
        let odd = lab.user("o_dd").await;
        lab.user("oxdd").await;
        let mut image = ground.container(1);
        image.spec.source = v("ghcr.io/org/app:V1.x");
        image.name = v("web-1");
        lab.put(image).await;
        let mut other = ground.container(2);
        (other.owner, other.name) = (odd, v("web-2"));
        lab.put(other).await;
        let find = async |q: &str| {
            let filter = Filter {
                q: q.to_owned(),
                ..Filter::default()
            };
            names(&lab, filter).await
        };
        assert_eq!(find("").await, ["web-1", "web-2"]);
        assert_eq!(find(" WEB- ").await, ["web-1", "web-2"]);
        assert_eq!(find("O_DD").await, ["web-2"]);
        assert_eq!(find("o_d%").await, [""; 0]);
        assert_eq!(find("%").await, [""; 0]);
        assert_eq!(find("!").await, [""; 0]);
        assert_eq!(find("'\\").await, [""; 0]);
        assert_eq!(find("app:v1").await, ["web-1"]);
        assert_eq!(find("10.20.0.102").await, ["web-2"]);
        let people = lab.r(|c| users::list(c, "O_", 1)).await;
        assert_eq!(
            people
                .rows
                .iter()
                .map(|row| row.name.to_string())
                .collect::<Vec<_>>(),
            ["o_dd"]
        );
        let people = lab.r(|c| users::list(c, "@EXAMPLE", 1)).await;
        assert_eq!(people.total, 3);
    }
);

db_test!(every_order_is_the_same_on_every_database, |lab| async {
    let ground = lab.ground().await;
    let bob = lab.user("a_bob").await;
    // Bytes decide: a hyphen is before a digit, which is before a letter.
    for (n, name, owner, memory, address) in [
        (1, "a-b", ground.owner, "512", "10.20.0.109"),
        (2, "a1", bob, "1G", "10.20.0.110"),
        (3, "ab", ground.owner, "512", "10.20.1.5"),
        (4, "a", bob, "256", "10.20.0.200"),
    ] {
        let mut new = ground.container(n);
        (new.name, new.owner) = (v(name), owner);
        (new.spec.memory, new.address) = (v(memory), v(address));
        lab.put(new).await;
    }
    lab.place
        .execute("UPDATE containers SET created_at = 1000 + id / 3");
    let order = async |key, down| {
        names(
            &lab,
            Filter {
                sort: Sort { key, down },
                ..Filter::default()
            },
        )
        .await
    };
    assert_eq!(order(SortKey::Name, false).await, ["a", "a-b", "a1", "ab"]);
    assert_eq!(order(SortKey::Name, true).await, ["ab", "a1", "a-b", "a"]);
    assert_eq!(
        order(SortKey::Address, false).await,
        ["a-b", "a1", "a", "ab"]
    );
    assert_eq!(order(SortKey::Memory, true).await, ["a1", "ab", "a-b", "a"]);
    assert_eq!(order(SortKey::Owner, false).await, ["a1", "a", "a-b", "ab"]);
    assert_eq!(
        order(SortKey::Created, false).await,
        ["a-b", "a1", "ab", "a"]
    );
    assert_eq!(
        order(SortKey::Created, true).await,
        ["a", "ab", "a1", "a-b"]
    );
});

db_test!(owner_and_site_narrow, |lab| async {
    let ground = lab.ground().await;
    let bob = lab.user("bob").await;
    let two = lab.site("two", ground.cluster).await;
    lab.put(ground.container(1)).await;
    let mut second = ground.container(2);
    second.owner = bob;
    lab.put(second).await;
    let mut third = ground.container(3);
    third.site = two;
    lab.put(third).await;
    let of = async |owner, site: Option<&str>| {
        let filter = Filter {
            owner,
            site: site.map(v),
            ..Filter::default()
        };
        let lean = filter.clone();
        let lean = lab.r(move |c| containers::lean(c, &lean)).await;
        let listed = names(&lab, filter).await;
        assert_eq!(lean.len(), listed.len());
        listed
    };
    assert_eq!(of(Some(bob), None).await, ["c002"]);
    assert_eq!(of(None, Some("lab")).await, ["c001", "c002"]);
    assert_eq!(of(Some(ground.owner), Some("two")).await, ["c003"]);
    assert_eq!(of(Some(bob), Some("two")).await, [""; 0]);
    assert_eq!(of(None, Some("none")).await, [""; 0]);
});

db_test!(keys_come_back_in_their_order, |lab| async {
    let ground = lab.ground().await;
    let mut ids = Vec::new();
    for n in 1..=3 {
        ids.push(lab.put(ground.container(n)).await);
    }
    let gone = model::ContainerId(999);
    let asked = vec![ids[2], gone, ids[0]];
    let found = lab.r(move |c| containers::by_ids(c, &asked)).await;
    assert_eq!(
        found.iter().map(|row| row.id).collect::<Vec<_>>(),
        [ids[2], ids[0]]
    );
    assert!(lab.r(|c| containers::by_ids(c, &[])).await.is_empty());
});

db_test!(lean_rows_tell_what_a_status_needs, |lab| async {
    let ground = lab.ground().await;
    let first = lab.put(ground.container(1)).await;
    let second = lab.put(ground.container(2)).await;
    lab.w(move |c| containers::set_made(c, second)).await;
    lab.queue(ground.job(first, JobKind::Create)).await;
    let lean = lab.r(|c| containers::lean(c, &Filter::default())).await;
    assert_eq!(
        (lean[0].id, lean[0].vmid, lean[0].made),
        (first, 1001, false)
    );
    assert_eq!(
        (lean[1].id, lean[1].vmid, lean[1].made),
        (second, 1002, true)
    );
    assert_eq!(
        (lean[0].activity, lean[1].activity),
        (Some(JobKind::Create), None)
    );
    assert_eq!(
        (lean[0].cluster, &lean[0].node),
        (ground.cluster, &v("pve1"))
    );
});

db_test!(jobs_are_filtered, |lab| async {
    let ground = lab.ground().await;
    let bob = lab.user("bob").await;
    let mut ids = Vec::new();
    for n in 1..=3 {
        ids.push(lab.put(ground.container(n)).await);
    }
    let first = lab.queue(ground.job(ids[0], JobKind::Create)).await;
    let mut of_bob = ground.job(ids[1], JobKind::Stop);
    (of_bob.owner, of_bob.container_name) = (bob, v("db_1".replace('_', "-").as_str()));
    let second = lab.queue(of_bob).await;
    let third = lab.queue(ground.job(ids[2], JobKind::Delete)).await;
    lab.w(|c| jobs::claim(c, "w", 60_000)).await.unwrap();
    let find = async |filter: JobFilter| {
        let page = lab.r(move |c| jobs::list(c, &filter)).await;
        assert_eq!(page.total, u64::try_from(page.rows.len()).unwrap());
        page.rows.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let any = JobFilter::default;
    assert_eq!(find(any()).await, [third, second, first]);
    assert_eq!(
        find(JobFilter {
            owner: Some(bob),
            ..any()
        })
        .await,
        [second]
    );
    assert_eq!(
        find(JobFilter {
            state: Some(JobState::Running),
            ..any()
        })
        .await,
        [first]
    );
    assert_eq!(
        find(JobFilter {
            container: Some(ids[2]),
            ..any()
        })
        .await,
        [third]
    );
    assert_eq!(
        find(JobFilter {
            q: "DB-".to_owned(),
            ..any()
        })
        .await,
        [second]
    );
    assert_eq!(
        find(JobFilter {
            q: "_".to_owned(),
            ..any()
        })
        .await,
        []
    );
    let active = lab.r(move |c| jobs::active(c, Some(bob))).await;
    assert_eq!(
        active.iter().map(|row| row.id).collect::<Vec<_>>(),
        [second]
    );
    assert_eq!(lab.r(|c| jobs::active(c, None)).await.len(), 3);
});
