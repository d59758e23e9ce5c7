use std::collections::BTreeSet;

use control::{Actor, containers};
use model::{
    containers::Status,
    jobs::{JobState, StepState},
    services::ServiceForm,
};

use crate::house::{DEBIAN, House, NGINX};

#[tokio::test(flavor = "multi_thread")]
async fn from_an_image_with_environment_and_services() {
    let house = House::new().await;
    let mut form = house.form("web-1", NGINX);
    form.env = "COLOUR=green\nNAME=a b".into();
    form.services = vec![
        ServiceForm {
            kind: "http".into(),
            port: "80".into(),
            ..ServiceForm::default()
        },
        ServiceForm {
            kind: "tcp".into(),
            port: "22".into(),
            ..ServiceForm::default()
        },
    ];
    let created = house.create(&form).await.unwrap();
    let job = house.ended(created.job).await;
    assert_eq!(
        job.row.state,
        JobState::Done,
        "{job:?}\n{}",
        house.log(created.job).await
    );
    assert!(
        job.steps
            .iter()
            .all(|s| matches!(s.state, StepState::Done | StepState::Skipped))
    );

    let view = house.view("web-1").await;
    assert_eq!(view.row.status, Status::Running);
    assert_eq!(
        view.row.link.as_deref(),
        Some("https://web-1.lab.example.org")
    );
    assert_eq!(view.services[1].published.external().unwrap().get(), 2000);
    let real = house.sim.handle().container(view.vmid).unwrap();
    assert!(real.running);
    let net0 = &real.options["net0"];
    assert!(net0.contains(&view.mac.to_string()), "{net0}");
    assert!(
        net0.contains(&format!("ip={}/16", view.row.address)),
        "{net0}"
    );
    let env = &real.options["env"];
    assert!(
        env.contains("COLOUR=green") && env.contains("NAME=a b"),
        "{env:?}"
    );
    assert!(
        env.contains("PATH="),
        "the image's own environment stays: {env:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_template() {
    let house = House::new().await;
    let created = house.create(&house.form("shell", DEBIAN)).await.unwrap();
    let job = house.ended(created.job).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert_eq!(house.view("shell").await.row.status, Status::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_unique_on_its_site() {
    let house = House::new().await;
    house.made("web").await;
    let refused = house.create(&house.form("web", DEBIAN)).await.unwrap_err();
    assert_eq!(refused.fields()[0].field, "name");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_get_different_numbers_and_addresses() {
    let house = House::new().await;
    let forms: Vec<_> = (0..30)
        .map(|n| house.form(&format!("c{n}"), NGINX))
        .collect();
    let creations = forms.iter().map(|form| house.create(form));
    let created = futures::future::join_all(creations).await;
    for created in &created {
        let job = house.ended(created.as_ref().unwrap().job).await;
        assert_eq!(job.row.state, JobState::Done, "{job:?}");
    }
    let real = house.sim.handle().containers();
    let numbers: BTreeSet<u32> = real.iter().map(|c| c.vmid).collect();
    let nets: BTreeSet<&String> = real.iter().map(|c| &c.options["net0"]).collect();
    assert_eq!((real.len(), numbers.len(), nets.len()), (30, 30, 30));
    let nodes: BTreeSet<&String> = real.iter().map(|c| &c.node).collect();
    assert_eq!(nodes.len(), 2, "they spread over both nodes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_taken_behind_our_back_is_tried_again() {
    let house = House::new().await;
    let first = house.made("first").await;
    // Somebody else's container under the number that is reserved next.
    let taken = first.vmid + 1;
    assert!(house.add_theirs(taken, "pve2"));
    let created = house.create(&house.form("second", NGINX)).await.unwrap();
    let job = house.ended(created.job).await;
    assert_eq!(
        job.row.state,
        JobState::Done,
        "{job:?}\n{}",
        house.log(created.job).await
    );
    let second = house.view("second").await;
    assert_ne!(second.vmid, taken);
    assert_eq!(house.sim.handle().container(taken).unwrap().name, "theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_form_offers() {
    let house = House::new().await;
    let options = containers::options(&house.control, &Actor::System)
        .await
        .unwrap();
    let site = &options.sites[0];
    assert!(
        site.templates
            .iter()
            .any(|template| template.as_str() == DEBIAN)
    );
    assert!(site.node.as_ref().unwrap().as_str().starts_with("pve"));
    assert!(options.suggested_name.as_str().contains('-'));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_take_the_same_statements_whatever_the_rows() {
    let house = House::new().await;
    let count = async || {
        let before = house.control.store().statement_count();
        let query = model::containers::ContainerQuery {
            page: 1,
            ..Default::default()
        };
        let page = containers::list(&house.control, &Actor::System, &query)
            .await
            .unwrap();
        (page.total, house.control.store().statement_count() - before)
    };
    house.made("one").await;
    let (rows, with_one) = count().await;
    assert_eq!(rows, 1);
    for n in 0..5 {
        house.made(&format!("more{n}")).await;
    }
    // Nothing else asks the database now: no job runs.
    let mut least = u64::MAX;
    for _ in 0..5 {
        let (rows, statements) = count().await;
        assert_eq!(rows, 6);
        least = least.min(statements);
    }
    assert!(
        least <= with_one,
        "{least} statements for six, {with_one} for one"
    );
}
