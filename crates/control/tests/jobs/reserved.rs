//! Names that are not for everybody.

use control::{Actor, Manager, Options, containers};
use model::{
    Error,
    containers::{ContainerForm, ContainerView, EditContainer},
    services::ServiceForm,
    users::UserForm,
};
use proxmox_sim::{Config, Sim};

use crate::house::{DEBIAN, House, options};

async fn house() -> House {
    let options = Options {
        manager: Some(Manager {
            origin: "https://cloud.lab.example.org".parse().unwrap(),
            certificate: None,
        }),
        ..options()
    };
    let sim: Sim = proxmox_sim::start(Config::test()).await.unwrap();
    House::of(sim, options).await
}

fn http(label: &str) -> ServiceForm {
    ServiceForm {
        kind: "http".into(),
        port: "80".into(),
        label: label.into(),
        ..ServiceForm::default()
    }
}

async fn refused(house: &House, actor: &Actor, form: &ContainerForm) -> (String, String) {
    let made = containers::create(&house.control, actor, form.parse().unwrap()).await;
    let error = made.expect_err("a refusal");
    let Error::Invalid { fields } = &error else {
        panic!("{error:?}");
    };
    (fields[0].field.clone(), fields[0].message.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_looked_for_are_for_operators() {
    let house = house().await;
    let ann = house.member("ann", UserForm::default()).await;
    for name in ["ldap1", "ldap", "www", "wpad"] {
        let (field, message) = refused(&house, &ann, &house.form(name, DEBIAN)).await;
        assert_eq!(field, "name");
        assert!(message.contains(name), "{message}");
    }
    let form = ContainerForm {
        services: vec![http("wiki"), http("login")],
        ..house.form("plain", DEBIAN)
    };
    assert_eq!(refused(&house, &ann, &form).await.0, "services.1.label");
    house
        .create(&house.form("ldap1", DEBIAN))
        .await
        .expect("the house itself may");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserved_name_that_a_service_has_stays_whoever_edits() {
    let house = house().await;
    let ann = house.member("ann", UserForm::default()).await;
    let form = house.form("hers", DEBIAN);
    let created = containers::create(&house.control, &ann, form.parse().unwrap()).await;
    house.ended(created.unwrap().job).await;
    edit(&house, &ann, &["login"])
        .await
        .expect_err("not hers to give");
    edit(&house, &Actor::System, &["login"])
        .await
        .expect("an operator's");
    edit(&house, &ann, &["login", "wiki"])
        .await
        .expect("it stays");
    edit(&house, &ann, &["login", "sso"])
        .await
        .expect_err("another one");
    edit(&house, &ann, &[]).await.expect("it may go");
    edit(&house, &ann, &["login"])
        .await
        .expect_err("and is gone then");
}

async fn edit(house: &House, actor: &Actor, labels: &[&str]) -> Result<(), Error> {
    let view: ContainerView = house.view("hers").await;
    let mut form = ContainerForm::from(&view);
    form.services = labels.iter().map(|label| http(label)).collect();
    let edit = EditContainer {
        version: view.version,
        spec: form.parse().unwrap().spec,
        restart: false,
    };
    containers::edit(&house.control, actor, view.row.id, edit)
        .await
        .map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_the_manager_s_own_name() {
    let house = house().await;
    let own = house.form("cloud", DEBIAN);
    let form = ContainerForm {
        services: vec![http("cloud")],
        ..house.form("other", DEBIAN)
    };
    let (field, message) = refused(&house, &Actor::System, &own).await;
    assert_eq!(
        (field.as_str(), message.as_str()),
        ("name", "Holdfast itself has this name.")
    );
    assert_eq!(
        refused(&house, &Actor::System, &form).await.0,
        "services.0.label"
    );
}
