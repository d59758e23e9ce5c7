//! Reserved hostnames that members may not use.

use control::{Actor, Manager, Options, containers, domains};
use model::{
    Error,
    containers::{ContainerForm, ContainerView, EditContainer},
    domains::{DomainForm, DomainSpec},
    services::ServiceForm,
    users::UserForm,
};
use proxmox_sim::{Config, Sim};

use crate::test_app::{DEBIAN, TestApp, options};

async fn start_app() -> TestApp {
    let options = Options {
        manager: Some(Manager {
            origin: "https://cloud.lab.example.org".parse().unwrap(),
            certificate: None,
        }),
        ..options()
    };
    let sim: Sim = proxmox_sim::start(Config::test()).await.unwrap();
    TestApp::with_options(sim, options).await
}

fn http(label: &str) -> ServiceForm {
    ServiceForm {
        kind: "http".into(),
        port: "80".into(),
        label: label.into(),
        ..ServiceForm::default()
    }
}

async fn refused(app: &TestApp, actor: &Actor, form: &ContainerForm) -> (String, String) {
    let created = containers::create(&app.control, actor, form.parse().unwrap()).await;
    let error = created.expect_err("an error");
    let Error::Invalid { fields } = &error else {
        panic!("{error:?}");
    };
    (fields[0].field.clone(), fields[0].message.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn reserved_names_are_refused_for_members() {
    let app = start_app().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    for name in ["ldap1", "ldap", "www", "wpad"] {
        let (field, message) = refused(&app, &ann, &app.form(name, DEBIAN)).await;
        assert_eq!(field, "name");
        assert!(message.contains(name), "{message}");
    }
    let form = ContainerForm {
        services: vec![http("wiki"), http("login")],
        ..app.form("plain", DEBIAN)
    };
    assert_eq!(refused(&app, &ann, &form).await.0, "services.1.label");
    app.create(&app.form("ldap1", DEBIAN))
        .await
        .expect("the system may use reserved names");
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_reserved_name_survives_edits_by_members() {
    let app = start_app().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let form = app.form("hers", DEBIAN);
    let created = containers::create(&app.control, &ann, form.parse().unwrap()).await;
    app.wait_for_job(created.unwrap().job).await;
    edit(&app, &ann, &["login"])
        .await
        .expect_err("a member may not add a reserved name");
    edit(&app, &Actor::System, &["login"])
        .await
        .expect("the system may add a reserved name");
    edit(&app, &ann, &["login", "wiki"])
        .await
        .expect("a member may keep an existing reserved name");
    edit(&app, &ann, &["login", "sso"])
        .await
        .expect_err("a member may not add another reserved name");
    edit(&app, &ann, &[])
        .await
        .expect("a member may remove a reserved name");
    edit(&app, &ann, &["login"])
        .await
        .expect_err("a removed reserved name cannot be added again");
}

async fn edit(app: &TestApp, actor: &Actor, labels: &[&str]) -> Result<(), Error> {
    let view: ContainerView = app.view("hers").await;
    let mut form = ContainerForm::from(&view);
    form.services = labels.iter().map(|label| http(label)).collect();
    let edit = EditContainer {
        version: view.version,
        spec: form.parse().unwrap().spec,
        restart: false,
    };
    containers::edit(&app.control, actor, view.row.id, edit)
        .await
        .map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn hostname_of_the_manager_is_refused() {
    let app = start_app().await;
    let own = app.form("cloud", DEBIAN);
    let form = ContainerForm {
        services: vec![http("cloud")],
        ..app.form("other", DEBIAN)
    };
    let (field, message) = refused(&app, &Actor::System, &own).await;
    assert_eq!(
        (field.as_str(), message.as_str()),
        (
            "name",
            "Holdfast uses the name cloud.lab.example.org. Choose another name."
        )
    );
    assert_eq!(
        refused(&app, &Actor::System, &form).await.0,
        "services.0.label"
    );
}

fn domain(app: &TestApp, name: &str, sign_in: &str) -> DomainSpec {
    let form = DomainForm {
        site: app.site.to_string(),
        name: name.into(),
        sign_in: sign_in.into(),
        hsts: "off".into(),
        publishers: "all-users".into(),
        ..DomainForm::default()
    };
    form.parse().unwrap()
}

fn first_field<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (String, String) {
    match outcome {
        Err(Error::Invalid { fields }) => (fields[0].field.clone(), fields[0].message.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostname_of_a_sign_in_is_refused() {
    let app = start_app().await;
    let ann = app.create_user("ann", UserForm::default()).await;
    let spec = domain(&app, "example.com", "https://id.lab.example.org");
    domains::create(&app.control, &Actor::System, spec)
        .await
        .unwrap();
    let message = "Users sign in at id.lab.example.org. Choose another name.";
    let own = app.form("id", DEBIAN);
    let expected = ("name".to_owned(), message.to_owned());
    assert_eq!(refused(&app, &ann, &own).await, expected);
    let form = ContainerForm {
        services: vec![http("id")],
        ..app.form("other", DEBIAN)
    };
    let expected = ("services.0.label".to_owned(), message.to_owned());
    assert_eq!(refused(&app, &ann, &form).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_at_the_name_of_a_container_is_refused() {
    let app = start_app().await;
    let control = &app.control;
    let ann = app.create_user("ann", UserForm::default()).await;
    let form = app.form("id", DEBIAN).parse().unwrap();
    containers::create(control, &ann, form).await.unwrap();
    let held = "https://id.lab.example.org";
    let created = domains::create(control, &Actor::System, domain(&app, "example.com", held));
    let (field, message) = first_field(created.await);
    assert_eq!(field, "sign_in");
    assert!(
        message.contains("has the name id.lab.example.org"),
        "{message}"
    );
    let free = domain(&app, "example.com", "https://sso.example.com");
    let id = domains::create(control, &Actor::System, free.clone())
        .await
        .unwrap();
    let changed = domain(&app, "example.com", held);
    let changed = domains::update(control, &Actor::System, id, changed).await;
    assert_eq!(first_field(changed).0, "sign_in");
    domains::update(control, &Actor::System, id, free)
        .await
        .expect("the sign-in is unchanged");
}

#[tokio::test(flavor = "multi_thread")]
async fn renamed_domain_gives_no_service_the_hostname_of_a_sign_in() {
    let app = start_app().await;
    let control = &app.control;
    let id = domains::create(control, &Actor::System, domain(&app, "example.com", ""))
        .await
        .unwrap();
    let mut service = http("id");
    service.domain = "example.com".into();
    let form = ContainerForm {
        services: vec![service],
        ..app.form("web", DEBIAN)
    };
    app.create(&form).await.unwrap();
    let other = domain(&app, "example.net", "https://id.apps.example.org");
    domains::create(control, &Actor::System, other)
        .await
        .unwrap();
    let rename = async |name: &str, sign_in: &str| {
        let spec = domain(&app, name, sign_in);
        domains::update(control, &Actor::System, id, spec).await
    };
    let message = "Users sign in at id.apps.example.org. Choose another name.";
    let expected = ("name".to_owned(), message.to_owned());
    assert_eq!(first_field(rename("apps.example.org", "").await), expected);
    let own = rename("web.example.org", "https://id.web.example.org").await;
    assert_eq!(first_field(own).0, "sign_in");
    rename("web.example.org", "").await.unwrap();
}
