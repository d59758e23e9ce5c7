use control::{Actor, containers, jobs};
use model::{
    Error,
    containers::{ContainerForm, ContainerView, EditContainer, Power, Status},
    jobs::{JobQuery, JobState, StepState},
};

use crate::house::{House, until};

fn edit_of(view: &ContainerView, change: impl FnOnce(&mut ContainerForm)) -> EditContainer {
    let mut form = ContainerForm::from(view);
    change(&mut form);
    EditContainer {
        version: view.version,
        spec: form.parse().unwrap().spec,
        restart: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn power_goes_both_ways_and_refuses_what_is_so_already() {
    let house = House::new().await;
    let view = house.made("web").await;
    let power =
        async |power| containers::power(&house.control, &Actor::System, view.row.id, power).await;
    assert!(matches!(
        power(Power::Start).await,
        Err(Error::Conflict { .. })
    ));
    let job = house.ended(power(Power::Stop).await.unwrap()).await;
    assert_eq!(job.row.state, JobState::Done);
    assert_eq!(house.view("web").await.row.status, Status::Stopped);
    assert!(!house.view("web").await.wished_running);
    assert!(matches!(
        power(Power::Stop).await,
        Err(Error::Conflict { .. })
    ));
    house.ended(power(Power::Start).await.unwrap()).await;
    assert_eq!(house.view("web").await.row.status, Status::Running);
    let job = house.ended(power(Power::Restart).await.unwrap()).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert!(house.sim.handle().container(view.vmid).unwrap().running);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_reaches_the_cluster_and_restarts_where_that_is_needed() {
    let house = House::new().await;
    let view = house.made("web").await;
    let edit = edit_of(&view, |form| {
        form.memory = "512".into();
        form.env = "MODE=quiet".into();
        form.description = "For notes".into();
    });
    let job = containers::edit(&house.control, &Actor::System, view.row.id, edit)
        .await
        .unwrap();
    let job = house.ended(job.unwrap()).await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert_eq!(
        job.steps[1].state,
        StepState::Done,
        "the environment waits for a restart"
    );
    let real = house.sim.handle().container(view.vmid).unwrap();
    assert_eq!(real.options["memory"], "512");
    assert!(real.options["env"].contains("MODE=quiet"));
    assert!(real.running);
    let view = house.view("web").await;
    assert!(!view.restart_needed);
    assert_eq!(
        view.spec.description.as_ref().unwrap().as_str(),
        "For notes"
    );
    // What is taken away is gone, and the image's own stays.
    let edit = edit_of(&view, |form| form.env = String::new());
    let job = containers::edit(&house.control, &Actor::System, view.row.id, edit)
        .await
        .unwrap();
    assert_eq!(house.ended(job.unwrap()).await.row.state, JobState::Done);
    let env = house.sim.handle().container(view.vmid).unwrap().options["env"].clone();
    assert!(!env.contains("MODE") && env.contains("PATH="), "{env:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_refused_when_somebody_was_quicker_or_a_field_is_fixed() {
    let house = House::new().await;
    let view = house.made("web").await;
    let edit = |edit| containers::edit(&house.control, &Actor::System, view.row.id, edit);
    let words = edit_of(&view, |form| form.description = "one".into());
    assert_eq!(
        edit(words.clone()).await,
        Ok(None),
        "words of ours need no job"
    );
    assert!(matches!(edit(words).await, Err(Error::Conflict { .. })));
    let view = house.view("web").await;
    let disk = edit_of(&view, |form| form.disk = "8".into());
    assert_eq!(edit(disk).await.unwrap_err().fields()[0].field, "disk");
    let source = edit_of(&view, |form| form.source = "redis:7".into());
    assert_eq!(edit(source).await.unwrap_err().fields()[0].field, "source");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_asks_for_the_name_and_gives_everything_back() {
    let house = House::new().await;
    let view = house.made("web").await;
    let wrong = containers::delete(&house.control, &Actor::System, view.row.id, "wbe").await;
    assert_eq!(wrong.unwrap_err().fields()[0].field, "confirm");
    let job = house.delete(view.row.id, "web").await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert!(house.sim.handle().containers().is_empty());
    assert!(
        house
            .sim
            .handle()
            .volumes(view.node.as_str())
            .iter()
            .all(|v| !v.contains("disk"))
    );
    let again = house.made("web").await;
    assert_eq!(again.row.address, view.row.address);
    let query = JobQuery {
        page: 1,
        ..JobQuery::default()
    };
    let history = jobs::list(&house.control, &Actor::System, &query)
        .await
        .unwrap();
    assert_eq!(history.total, 3, "what was done stays known");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_taken_away_behind_our_back_is_missing_and_can_be_deleted() {
    let house = House::new().await;
    let view = house.made("web").await;
    house.sim.handle().remove_container(view.vmid);
    until("it is missing", async || {
        (house.view("web").await.row.status == Status::Missing).then_some(())
    })
    .await;
    let job = house.delete(view.row.id, "web").await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ours_is_never_deleted() {
    let house = House::new().await;
    let view = house.made("web").await;
    house.sim.handle().remove_container(view.vmid);
    assert!(house.add_theirs(view.vmid, view.node.as_str()));
    let job = house.delete(view.row.id, "web").await;
    assert_eq!(job.row.state, JobState::Done, "{job:?}");
    assert_eq!(
        house.sim.handle().container(view.vmid).unwrap().name,
        "theirs"
    );
}
