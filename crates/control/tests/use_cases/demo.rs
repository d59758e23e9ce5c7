//! The contents of the demo.

use std::collections::BTreeSet;

use control::{
    Actor, Clock, Control, certificates, containers, jobs, sessions,
    setup::{
        self,
        demo::{self, CertificateRequest, DemoAccount, Issuer, Scenario},
    },
    sites, users,
};
use model::{
    Error, Timestamp,
    certificates::{CertificateRow, CertificateState},
    containers::{ContainerQuery, ContainerRow, Status},
    jobs::{JobKind, JobQuery, JobState},
    page::Page,
    session::SignInForm,
    users::{Role, UserRow},
};
use proxmox_sim::{Config, Delays, Sim, TEST_SECRET};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::test_app::{open, options, wait_for};

const DAY_MS: i64 = 86_400_000;

/// A certificate authority (CA) for one test.
struct Authority(rcgen::Issuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "test CA");
        Self(rcgen::Issuer::new(params, KeyPair::generate().unwrap()))
    }
}

impl Issuer for Authority {
    fn name(&self) -> &str {
        "test CA"
    }

    fn issue(&self, request: &CertificateRequest) -> Result<(String, String), String> {
        let names: Vec<String> = request.names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        let date = |at: Timestamp| OffsetDateTime::from_unix_timestamp(at.0 / 1000).unwrap();
        params.not_before = date(request.not_before);
        params.not_after = date(request.not_after);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.0).unwrap();
        Ok((leaf.pem(), key.serialize_pem()))
    }
}

/// Fixture: an empty database and a simulated cluster.
pub struct DemoApp {
    pub sim: Sim,
    database: String,
    authority: Authority,
    _folder: TempDir,
}

impl DemoApp {
    pub async fn new() -> Self {
        Self::with_delays(Config::test().delays).await
    }

    pub async fn with_delays(delays: Delays) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            scenario: Config::organization(TEST_SECRET).scenario,
            delays,
            ..Config::test()
        };
        Self {
            sim: proxmox_sim::start(config).await.unwrap(),
            database: format!("sqlite:{}", folder.path().join("test.db").display()),
            authority: Authority::new(),
            _folder: folder,
        }
    }

    pub async fn open(&self) -> Control {
        let control = open(&self.database, options()).await;
        setup::create_first_administrator(&control).await.unwrap();
        control
    }

    pub async fn build(&self, control: &Control, scenario: Scenario) -> Result<(), Error> {
        let access = setup::Access {
            url: self.sim.url(),
            token_id: "root@pam!holdfast".into(),
            secret: TEST_SECRET.into(),
        };
        let cluster = demo::connect_cluster(control, access).await?;
        demo::build(control, scenario, cluster, &self.authority).await
    }
}

pub async fn all_containers(control: &Control) -> Vec<ContainerRow> {
    let page = containers::list(control, &Actor::System, &ContainerQuery::default()).await;
    page.unwrap().rows
}

pub async fn all_users(control: &Control) -> Vec<UserRow> {
    let Page { rows, .. } = users::list(control, &Actor::System, "", None, 1)
        .await
        .unwrap();
    rows
}

async fn all_certificates(control: &Control) -> Vec<CertificateRow> {
    certificates::list(control, &Actor::System, None)
        .await
        .unwrap()
}

pub fn names(rows: &[ContainerRow]) -> BTreeSet<String> {
    rows.iter().map(|row| row.name.to_string()).collect()
}

/// Asserts that the full demo is complete.
pub async fn assert_complete(control: &Control, sim: &Sim) {
    let rows = all_containers(control).await;
    assert_eq!(rows.len(), 12, "{:?}", names(&rows));
    let owners: BTreeSet<String> = rows.iter().map(|row| row.owner.to_string()).collect();
    let people = ["elena", "jonas", "priya", "tomas"].map(str::to_owned);
    assert_eq!(owners, BTreeSet::from(people));
    let sites = sites::list(control, &Actor::System).await.unwrap();
    assert_eq!(sites.len(), 2);
    // The observer is notified of a job's end at once and sees other changes at its next poll.
    wait_for("the expected status of all containers", async || {
        let rows = all_containers(control).await;
        let of = |status: Status| {
            let rows = rows.iter().filter(|row| row.status == status);
            names(&rows.cloned().collect::<Vec<_>>())
        };
        let only = |name: &str| BTreeSet::from([name.to_owned()]);
        (of(Status::Stopped) == only("survey")
            && of(Status::Failed) == only("shop-staging")
            && of(Status::Running).len() == 10)
            .then_some(())
    })
    .await;
    // Eleven managed containers and two unmanaged ones. The failed creation left none.
    assert_eq!(sim.handle().containers().len(), 13);
    assert_eq!(all_users(control).await.len(), 5);
    assert_eq!(all_certificates(control).await.len(), 4);
}

#[tokio::test]
async fn full_demo_creates_a_small_organization() {
    let app = DemoApp::new().await;
    let control = app.open().await;
    app.build(&control, Scenario::Full).await.unwrap();
    assert!(demo::is_complete(&control).await.unwrap());
    assert_complete(&control, &app.sim).await;

    let query = JobQuery::default();
    let history = jobs::list(&control, &Actor::System, &query)
        .await
        .unwrap()
        .rows;
    let of = |kind| history.iter().filter(move |job| job.kind == kind);
    assert_eq!(of(JobKind::Create).count(), 12);
    for kind in [
        JobKind::Stop,
        JobKind::Edit,
        JobKind::Restart,
        JobKind::Delete,
    ] {
        assert_eq!(of(kind).count(), 1, "{kind:?}");
    }
    assert!(history.iter().all(|job| job.state.has_ended()));
    let mut failed = history.iter().filter(|job| job.state == JobState::Failed);
    let (failed, none) = (failed.next().unwrap(), failed.next());
    assert_eq!(
        (failed.container_name.as_str(), none),
        ("shop-staging", None)
    );
    let job = jobs::get(&control, &Actor::System, failed.id)
        .await
        .unwrap();
    let error = job.row.error.unwrap();
    assert_eq!(
        error,
        "The registry has no tag 2.4-rc1 of ghcr.io/example/shop."
    );
    assert!(job.details.unwrap().contains("skopeo copy"));

    let (lab, relay) = ("lab".parse().unwrap(), "mail-relay".parse().unwrap());
    let relay = containers::get(&control, &Actor::System, &lab, &relay).await;
    assert_eq!(
        relay.unwrap().vmid,
        100,
        "the container existed before the import"
    );
}

#[tokio::test]
async fn demo_certificates_differ_in_age_and_are_kept_while_valid() {
    let app = DemoApp::new().await;
    let control = app.open().await;
    app.build(&control, Scenario::Full).await.unwrap();
    let expiring = async || {
        let mut rows = all_certificates(&control).await;
        rows.retain(|row| row.state != CertificateState::Issued);
        let states = rows.iter().map(|row| (row.subject.to_string(), row.state));
        states.collect::<Vec<_>>()
    };
    let files = ("files.example.com".to_owned(), CertificateState::Expiring);
    assert_eq!(expiring().await, std::slice::from_ref(&files));
    let renew = || demo::renew_certificates(&control, &app.authority);
    renew().await.unwrap();
    assert_eq!(expiring().await, [files], "five days are left");
}

#[tokio::test]
async fn demo_certificate_is_replaced_two_days_before_expiry_unless_deleted() {
    let app = DemoApp::new().await;
    let clock = Clock::default();
    let options = control::Options {
        clock: clock.clone(),
        ..options()
    };
    let control = open(&app.database, options).await;
    setup::create_first_administrator(&control).await.unwrap();
    app.build(&control, Scenario::Full).await.unwrap();
    let find = async |subject: &str| {
        let rows = all_certificates(&control).await;
        rows.into_iter().find(|row| row.subject.as_str() == subject)
    };
    let files = find("files.example.com").await.unwrap();
    let before = files.issued.unwrap().not_after;
    clock.advance(4 * DAY_MS);
    demo::renew_certificates(&control, &app.authority)
        .await
        .unwrap();
    let files = find("files.example.com").await.unwrap();
    assert_eq!(files.state, CertificateState::Issued);
    assert!(files.issued.unwrap().not_after.0 > before.0 + 80 * DAY_MS);
    let detail = certificates::get(&control, &Actor::System, files.id)
        .await
        .unwrap();
    assert!(detail.history.len() >= 2);

    let shop = find("shop.example.com").await.unwrap();
    let delete = certificates::delete(&control, &Actor::System, shop.id, "shop.example.com");
    delete.await.unwrap();
    clock.advance(60 * DAY_MS);
    demo::renew_certificates(&control, &app.authority)
        .await
        .unwrap();
    assert!(find("shop.example.com").await.is_none());
}

#[tokio::test]
async fn small_demo_has_one_site_and_only_the_administrator() {
    let app = DemoApp::new().await;
    let control = app.open().await;
    app.build(&control, Scenario::Small).await.unwrap();
    let rows = all_containers(&control).await;
    let expected = ["db", "shell", "wiki"].map(str::to_owned);
    assert_eq!(names(&rows), BTreeSet::from(expected));
    assert!(rows.iter().all(|row| row.owner.as_str() == "admin"));
    assert_eq!(all_users(&control).await.len(), 1);
    let accounts = demo::list_accounts(&control, Scenario::Small)
        .await
        .unwrap();
    assert_eq!(accounts, []);
}

#[tokio::test]
async fn demo_passwords_are_stable_across_restarts() {
    let app = DemoApp::new().await;
    let control = app.open().await;
    let accounts = demo::list_accounts(&control, Scenario::Full).await.unwrap();
    let roles: Vec<(&str, Role)> = accounts
        .iter()
        .map(|account| (account.name.as_str(), account.role))
        .collect();
    let member = Role::Member;
    assert_eq!(
        roles,
        [
            ("elena", Role::Operator),
            ("jonas", member),
            ("priya", member),
            ("tomas", member)
        ]
    );
    for DemoAccount { name, password, .. } in &accounts {
        let form = SignInForm {
            name: name.to_string(),
            password: password.clone().unwrap(),
        };
        let client = sessions::ClientInfo {
            address: "127.0.0.1".parse().unwrap(),
            user_agent: "test".into(),
            browser_token: None,
            session_token: None,
        };
        sessions::sign_in(&control, form, client).await.unwrap();
    }
    let reopened = app.open().await;
    assert_eq!(
        demo::list_accounts(&reopened, Scenario::Full)
            .await
            .unwrap(),
        accounts
    );

    let jonas = users::get(&reopened, &Actor::System, &accounts[1].name)
        .await
        .unwrap();
    let spec = model::users::UserSpec {
        values: jonas.values(),
        password: Some("a password of his own".parse().unwrap()),
    };
    users::update(&reopened, &Actor::System, jonas.id, spec)
        .await
        .unwrap();
    let accounts = demo::list_accounts(&reopened, Scenario::Full)
        .await
        .unwrap();
    assert_eq!(
        accounts[1].password, None,
        "a changed password is not shown"
    );
    assert!(accounts[0].password.is_some());

    let other = DemoApp::new().await;
    let other = open_with_another_key(&other).await;
    let others = demo::list_accounts(&other, Scenario::Full).await.unwrap();
    assert_ne!(others[0].password, accounts[0].password);
}

async fn open_with_another_key(app: &DemoApp) -> Control {
    let store = store::Options {
        url: app.database.parse().unwrap(),
        key: store::SecretKey::generate().unwrap(),
        pool_size: 4,
    };
    let store = store::Store::open(store).await.unwrap();
    let control = Control::start(store, options()).await.unwrap();
    setup::create_first_administrator(&control).await.unwrap();
    control
}

#[tokio::test]
async fn demo_cluster_has_unmanaged_containers() {
    let app = DemoApp::new().await;
    let control = app.open().await;
    app.build(&control, Scenario::Full).await.unwrap();
    let detail = wait_for("unmanaged containers of the cluster", async || {
        let detail = control::clusters::get(&control, &Actor::System, "demo").await;
        detail.ok().filter(|detail| detail.unmanaged.len() == 2)
    })
    .await;
    let names: BTreeSet<_> = detail
        .unmanaged
        .into_iter()
        .filter_map(|it| it.name)
        .collect();
    let expected = ["backup-server", "vpn-gateway"].map(str::to_owned);
    assert_eq!(names, BTreeSet::from(expected));
}
