//! Lists: filters, orders and pages, with a number of statements that does not grow with the rows.

use model::{
    containers::{Sort, SortKey},
    jobs::{JobKind, JobState},
    page::PAGE_ROWS,
};
use store::{
    containers::{self, ContainerFilter},
    jobs::{self, JobFilter},
    users,
};

use crate::support::{TestStore, http, parse};

async fn names(db: &TestStore, filter: ContainerFilter) -> Vec<String> {
    let page = db.read(move |c| containers::list(c, &filter)).await;
    assert_eq!(page.total, u64::try_from(page.rows.len()).unwrap());
    page.rows.iter().map(|row| row.name.to_string()).collect()
}

db_test!(statement_count_does_not_grow_with_rows, |db| async {
    let fixture = db.fixture().await;
    let mut counts = Vec::new();
    for n in 0..PAGE_ROWS + 5 {
        let mut new = fixture.container(n);
        new.services = vec![http(fixture.domain, "80", &format!("web{n}"))];
        let id = db.insert_container(new).await;
        db.insert_job(fixture.job(id, JobKind::Create)).await;
        db.user(&format!("u{n}")).await;
        if n == 0 || n > PAGE_ROWS {
            let (containers, page) = db
                .count_statements(|c| containers::list(c, &ContainerFilter::default()))
                .await;
            let (summaries, all) = db
                .count_statements(|c| containers::list_summaries(c, &ContainerFilter::default()))
                .await;
            let ids: Vec<_> = page.rows.iter().map(|row| row.id).collect();
            let (by_ids, _) = db
                .count_statements(move |c| containers::list_by_ids(c, &ids))
                .await;
            let (jobs, _) = db
                .count_statements(|c| jobs::list(c, &JobFilter::default()))
                .await;
            let (active, _) = db.count_statements(|c| jobs::list_active(c, None)).await;
            let (users, _) = db.count_statements(|c| users::list(c, "", None, 1)).await;
            assert_eq!(page.rows.len(), all.len().min(50));
            counts.push([containers, summaries, by_ids, jobs, active, users]);
        }
    }
    counts.dedup();
    assert_eq!(counts, [[4, 1, 3, 3, 2, 3]]);
});

db_test!(pages_are_complete_and_do_not_overlap, |db| async {
    let fixture = db.fixture().await;
    for n in 0..53 {
        db.insert_container(fixture.container(n)).await;
        db.user(&format!("u{n:02}")).await;
    }
    let mut seen = Vec::new();
    for page in 1..=3 {
        let filter = ContainerFilter {
            page,
            ..ContainerFilter::default()
        };
        let stored = db.read(move |c| containers::list(c, &filter)).await;
        assert_eq!((stored.total, stored.page), (53, page));
        seen.push(stored.rows.len());
        if page == 2 {
            assert_eq!(stored.rows[0].name, parse("c050"));
        }
    }
    assert_eq!(seen, [50, 3, 0]);
    let people = db.read(|c| users::list(c, "", None, 2)).await;
    assert_eq!((people.total, people.rows.len(), people.page), (54, 4, 2));
    assert_eq!(people.rows[3].name, parse("u52"));
});

db_test!(search_escapes_wildcards_and_ignores_case, |db| async {
    let fixture = db.fixture().await;
    let odd = db.user("o_dd").await;
    db.user("oxdd").await;
    let mut image = fixture.container(1);
    image.spec.source = parse("ghcr.io/org/app:V1.x");
    image.name = parse("web-1");
    db.insert_container(image).await;
    let mut other = fixture.container(2);
    (other.owner, other.name) = (odd, parse("web-2"));
    db.insert_container(other).await;
    let find = async |q: &str| {
        let filter = ContainerFilter {
            query: q.to_owned(),
            ..ContainerFilter::default()
        };
        names(&db, filter).await
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
    let people = db.read(|c| users::list(c, "O_", None, 1)).await;
    assert_eq!(
        people
            .rows
            .iter()
            .map(|row| row.name.to_string())
            .collect::<Vec<_>>(),
        ["o_dd"]
    );
    let people = db.read(|c| users::list(c, "@EXAMPLE", None, 1)).await;
    assert_eq!(people.total, 3);
});

db_test!(order_is_the_same_on_every_database, |db| async {
    let fixture = db.fixture().await;
    let bob = db.user("a_bob").await;
    // The order is bytewise: a hyphen sorts before a digit, and a digit before a letter.
    for (n, name, owner, memory, address) in [
        (1, "a-b", fixture.owner, "512", "10.20.0.109"),
        (2, "a1", bob, "1G", "10.20.0.110"),
        (3, "ab", fixture.owner, "512", "10.20.1.5"),
        (4, "a", bob, "256", "10.20.0.200"),
    ] {
        let mut new = fixture.container(n);
        (new.name, new.owner) = (parse(name), owner);
        (new.spec.memory, new.address) = (parse(memory), parse(address));
        db.insert_container(new).await;
    }
    db.database
        .execute("UPDATE containers SET created_at = 1000 + id / 3");
    let order = async |key, down| {
        names(
            &db,
            ContainerFilter {
                sort: Sort { key, down },
                ..ContainerFilter::default()
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

db_test!(list_filters_by_owner_and_site, |db| async {
    let fixture = db.fixture().await;
    let bob = db.user("bob").await;
    let two = db.site("two", fixture.cluster).await;
    db.insert_container(fixture.container(1)).await;
    let mut second = fixture.container(2);
    second.owner = bob;
    db.insert_container(second).await;
    let mut third = fixture.container(3);
    third.site = two;
    db.insert_container(third).await;
    let of = async |owner, site: Option<&str>| {
        let filter = ContainerFilter {
            owner,
            site: site.map(parse),
            ..ContainerFilter::default()
        };
        let same_filter = filter.clone();
        let summaries = db
            .read(move |c| containers::list_summaries(c, &same_filter))
            .await;
        let listed = names(&db, filter).await;
        assert_eq!(summaries.len(), listed.len());
        listed
    };
    assert_eq!(of(Some(bob), None).await, ["c002"]);
    assert_eq!(of(None, Some("lab")).await, ["c001", "c002"]);
    assert_eq!(of(Some(fixture.owner), Some("two")).await, ["c003"]);
    assert_eq!(of(Some(bob), Some("two")).await, [""; 0]);
    assert_eq!(of(None, Some("none")).await, [""; 0]);
});

db_test!(list_by_ids_keeps_their_order, |db| async {
    let fixture = db.fixture().await;
    let mut ids = Vec::new();
    for n in 1..=3 {
        ids.push(db.insert_container(fixture.container(n)).await);
    }
    let gone = model::ContainerId(999);
    let asked = vec![ids[2], gone, ids[0]];
    let stored = db.read(move |c| containers::list_by_ids(c, &asked)).await;
    assert_eq!(
        stored.iter().map(|row| row.id).collect::<Vec<_>>(),
        [ids[2], ids[0]]
    );
    assert!(
        db.read(|c| containers::list_by_ids(c, &[]))
            .await
            .is_empty()
    );
});

db_test!(summaries_contain_the_values_for_a_status, |db| async {
    let fixture = db.fixture().await;
    let first = db.insert_container(fixture.container(1)).await;
    let second = db.insert_container(fixture.container(2)).await;
    db.write(move |c| containers::mark_created(c, second)).await;
    db.insert_job(fixture.job(first, JobKind::Create)).await;
    let summaries = db
        .read(|c| containers::list_summaries(c, &ContainerFilter::default()))
        .await;
    assert_eq!(
        (summaries[0].id, summaries[0].vmid, summaries[0].is_created),
        (first, 1001, false)
    );
    assert_eq!(
        (summaries[1].id, summaries[1].vmid, summaries[1].is_created),
        (second, 1002, true)
    );
    assert_eq!(
        (summaries[0].active_job_kind, summaries[1].active_job_kind),
        (Some(JobKind::Create), None)
    );
    assert_eq!(
        (summaries[0].cluster, &summaries[0].node),
        (fixture.cluster, &parse("pve1"))
    );
});

db_test!(jobs_are_filtered, |db| async {
    let fixture = db.fixture().await;
    let bob = db.user("bob").await;
    let mut ids = Vec::new();
    for n in 1..=3 {
        ids.push(db.insert_container(fixture.container(n)).await);
    }
    let first = db.insert_job(fixture.job(ids[0], JobKind::Create)).await;
    let mut of_bob = fixture.job(ids[1], JobKind::Stop);
    (of_bob.owner, of_bob.container_name) = (bob, parse("db_1".replace('_', "-").as_str()));
    let second = db.insert_job(of_bob).await;
    let third = db.insert_job(fixture.job(ids[2], JobKind::Delete)).await;
    db.write(|c| jobs::claim(c, "w", 60_000, 9)).await.unwrap();
    let find = async |filter: JobFilter| {
        let page = db.read(move |c| jobs::list(c, &filter)).await;
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
            query: "DB-".to_owned(),
            ..any()
        })
        .await,
        [second]
    );
    assert_eq!(
        find(JobFilter {
            query: "_".to_owned(),
            ..any()
        })
        .await,
        []
    );
    let active = db.read(move |c| jobs::list_active(c, Some(bob))).await;
    assert_eq!(
        active.iter().map(|row| row.id).collect::<Vec<_>>(),
        [second]
    );
    assert_eq!(db.read(|c| jobs::list_active(c, None)).await.len(), 3);
});
