//! The first start: an administrator, and for a demonstration a cluster, a site and containers.

use model::{
    Error, SiteId,
    containers::ContainerForm,
    names::Username,
    services::ServiceForm,
    sites::SiteForm,
    text::Password,
    users::{Limits, Role, UserSpec},
};

use crate::{
    Actor, Control, containers,
    failure::{Told as _, internal},
    sites, users,
};

/// The first administrator, whose password is told once and kept nowhere.
pub struct FirstAdministrator {
    /// The name to sign in with.
    pub name: Username,
    /// The password, for the console alone.
    pub password: String,
}

/// Makes the administrator `admin` when there is no account at all.
///
/// # Errors
/// When the database does not answer.
pub async fn first_run(control: &Control) -> Result<Option<FirstAdministrator>, Error> {
    if control
        .store()
        .read(store::users::any)
        .await
        .told("first run")?
    {
        return Ok(None);
    }
    let password = random_password();
    let name: Username = parsed("admin")?;
    let spec = UserSpec {
        name: name.clone(),
        mail: parsed("admin@localhost")?,
        role: Role::Administrator,
        limits: Limits::default(),
        password: Some(parsed::<Password>(&password)?),
    };
    users::create(control, &Actor::System, spec).await?;
    Ok(Some(FirstAdministrator { name, password }))
}

/// The name of the administrator whose account is the oldest.
///
/// # Errors
/// When the database does not answer.
pub async fn first_administrator(control: &Control) -> Result<Option<Username>, Error> {
    control
        .store()
        .read(|c| match store::users::first(c)? {
            Some(id) => Ok(store::users::get(c, id)?.map(|user| user.row.name)),
            None => Ok(None),
        })
        .await
        .told("administrator")
}

/// Where a cluster's API is and how to sign in there. Without TLS, so on this machine alone.
pub struct Access {
    /// Such as `http://127.0.0.1:8006`.
    pub url: String,
    /// Such as `root@pam!holdfast`.
    pub token_id: String,
    /// The token's secret.
    pub secret: String,
}

/// Makes the cluster `name`, or brings its access up to date, and observes it.
///
/// # Errors
/// When the database does not answer or the access is ill-formed.
pub async fn cluster(
    control: &Control,
    name: &str,
    access: Access,
) -> Result<model::ClusterId, Error> {
    let key = control.store().key().clone();
    let access = store::clusters::Access {
        name: name.to_owned(),
        url: parsed(&access.url)?,
        login: parsed(&access.token_id)?,
        secret: access.secret,
        certificates: store::clusters::Certificates::new(),
    };
    let id = control
        .store()
        .write(
            move |c| match store::clusters::by_name(c, &key, &access.name)? {
                Some(known) => {
                    store::clusters::update(c, &key, known.id, &access)?;
                    Ok(known.id)
                }
                None => store::clusters::insert(c, &key, &access),
            },
        )
        .await
        .told("cluster")?;
    control.load_clusters().await?;
    control
        .observer()
        .wait_for_first(id, std::time::Duration::from_secs(5))
        .await;
    Ok(id)
}

/// A demonstration on a simulated cluster: the site `lab`, and at its first start a few
/// containers, made by the same jobs as everybody's.
///
/// # Errors
/// When the database does not answer.
pub async fn demo(control: &Control, access: Access) -> Result<(), Error> {
    let cluster = cluster(control, "demo", access).await?;
    let actor = Actor::System;
    if !sites::list(control, &actor).await?.is_empty() {
        return Ok(());
    }
    let site = SiteForm {
        name: "lab".into(),
        domain: "lab.example.org".into(),
        cluster: cluster.to_string(),
        bridge: "vmbr0".into(),
        network: "10.20.0.0/16".into(),
        gateway: "10.20.0.1".into(),
        range: "10.20.1.1-10.20.8.250".into(),
        template_storage: "local".into(),
        volume_storage: "local-lvm".into(),
        vmids: "1000-9999".into(),
        ports: "2000-2999".into(),
        ..SiteForm::default()
    };
    let spec = site.parse().map_err(|fields| Error::Invalid { fields })?;
    let site = sites::create(control, &actor, spec).await?;
    for form in demo_containers(site) {
        let new = form.parse().map_err(|fields| Error::Invalid { fields })?;
        containers::create(control, &actor, new).await?;
    }
    Ok(())
}

/// What the demonstration shows at its first start.
fn demo_containers(site: SiteId) -> Vec<ContainerForm> {
    let form =
        |name: &str, source: &str, memory: &str, description: &str, services| ContainerForm {
            site: site.to_string(),
            name: name.into(),
            source: source.into(),
            cores: "1".into(),
            memory: memory.into(),
            disk: "8".into(),
            description: description.into(),
            services,
            ..ContainerForm::default()
        };
    let service = |kind: &str, port: &str| ServiceForm {
        kind: kind.into(),
        port: port.into(),
        ..ServiceForm::default()
    };
    let debian = "debian-13-standard_13.1-2_amd64.tar.zst";
    vec![
        form(
            "wiki",
            "docker.io/library/nginx:1.27",
            "512",
            "The team's notes",
            vec![service("http", "80")],
        ),
        form(
            "shell",
            debian,
            "1024",
            "A Debian to try things in",
            vec![service("tcp", "22")],
        ),
        form(
            "db",
            "docker.io/library/postgres:16",
            "2048",
            "PostgreSQL for the wiki",
            vec![service("tcp", "5432")],
        ),
    ]
}

fn random_password() -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 15]>())
}

fn parsed<T: std::str::FromStr<Err = model::Invalid>>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|e| internal("set-up", &e))
}
