//! Server functions and pages as HTTP: which role is refused, and how.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Method, StatusCode, header, request::Builder},
};
use control::{Actor, containers, users};
use model::{Error, containers::ContainerForm, session::Me, users::UserForm};
use proxmox_sim::{Config, Sim};
use serde_json::{Value, json};
use server::router::page_paths;

use crate::{
    access::{Access, PAGES, Row, table},
    support::{Answer, House, create_site, get, request},
};

const PASSWORD: &str = "correct horse";

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Caller {
    Anonymous,
    /// A member to whom nothing belongs.
    Stranger,
    /// The member `ann`, to whom the table's objects belong.
    Owner,
    Operator,
    Administrator,
}

impl Caller {
    const ALL: [Self; 5] = [
        Self::Anonymous,
        Self::Stranger,
        Self::Owner,
        Self::Operator,
        Self::Administrator,
    ];

    /// The account's name and role; the administrator is there from the first start.
    fn account(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Anonymous | Self::Administrator => None,
            Self::Stranger => Some(("ben", "member")),
            Self::Owner => Some(("ann", "member")),
            Self::Operator => Some(("olga", "operator")),
        }
    }

    /// The status with which the call is refused; none when it is allowed.
    fn refusal(self, access: Access) -> Option<StatusCode> {
        let (is_allowed, refusal) = match access {
            Access::Anyone => return None,
            Access::Member => (true, StatusCode::FORBIDDEN),
            Access::Operator => (self >= Self::Operator, StatusCode::FORBIDDEN),
            Access::Administrator => (self == Self::Administrator, StatusCode::FORBIDDEN),
            Access::OwnerOrOperator => (self >= Self::Owner, StatusCode::NOT_FOUND),
            Access::OwnerOrAdministrator => (
                matches!(self, Self::Owner | Self::Administrator),
                StatusCode::NOT_FOUND,
            ),
        };
        match self {
            Self::Anonymous => Some(StatusCode::UNAUTHORIZED),
            _ if is_allowed => None,
            _ => Some(refusal),
        }
    }
}

/// A server with one user of each role, and a container and a job that belong to `ann`.
struct Installation {
    house: House,
    cookies: Vec<(Caller, String)>,
    _sim: Sim,
}

impl Installation {
    async fn new() -> Self {
        let sim = proxmox_sim::start(Config::test()).await.unwrap();
        let house = House::new().await;
        let site = create_site(&house.control, &sim).await;
        let mut cookies = vec![(Caller::Administrator, house.cookie().await)];
        for caller in Caller::ALL {
            let Some((name, role)) = caller.account() else {
                continue;
            };
            let actor = create_user(&house, name, role).await;
            let answer = house.sign_in(name, PASSWORD, "/").await;
            cookies.push((caller, answer.cookie().unwrap()));
            if caller == Caller::Owner {
                let form = ContainerForm {
                    site: site.to_string(),
                    name: "web".into(),
                    source: Config::test().scenario.templates[0].file.clone(),
                    cores: "1".into(),
                    memory: "512".into(),
                    disk: "4".into(),
                    ..ContainerForm::default()
                };
                let created = containers::create(&house.control, &actor, form.parse().unwrap());
                let created = created.await.unwrap();
                assert_eq!(
                    (created.id.0, created.job.0),
                    (1, 1),
                    "as the table has them"
                );
            }
        }
        Self {
            house,
            cookies,
            _sim: sim,
        }
    }

    async fn call(&self, caller: Caller, path: &str, body: String) -> Answer {
        let request = request(Method::POST, &format!("/api/ui/{path}"))
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/json");
        self.send(caller, request, Body::from(body)).await
    }

    async fn open(&self, caller: Caller, path: &str) -> Answer {
        let request = get(path).header(header::ACCEPT, "text/html");
        self.send(caller, request, Body::empty()).await
    }

    async fn send(&self, caller: Caller, mut request: Builder, body: Body) -> Answer {
        if let Some((_, cookie)) = self.cookies.iter().find(|(of, _)| *of == caller) {
            request = request.header(header::COOKIE, cookie);
        }
        self.house.send(request.body(body).unwrap()).await
    }

    /// What is wrong with how a page is shown.
    async fn page_fault(&self, caller: Caller, path: &str, access: Access) -> Option<String> {
        let answer = self.open(caller, path).await;
        let (status, text) = (answer.status, answer.text());
        let location = answer.header("location");
        let is_right = match caller.refusal(access) {
            Some(StatusCode::UNAUTHORIZED) => {
                status.is_redirection() && location.starts_with("/sign-in?next=")
            }
            Some(refusal) => status == refusal && text.contains(heading(refusal)),
            // The first address leads on.
            None if path == "/" => location == "/containers",
            None => is_allowed(status, access),
        };
        (!is_right).then(|| format!("{path} as {caller:?} ({access:?}): {status} {location}"))
    }

    /// What is wrong with how a call of the table's row is answered.
    async fn fault(&self, caller: Caller, (path, access, body): &Row) -> Option<String> {
        let answer = self.call(caller, path, body.to_string()).await;
        let is_right = match caller.refusal(*access) {
            Some(refusal) => answer.status == refusal,
            None => is_allowed(answer.status, *access),
        };
        let (status, text) = (answer.status, answer.text());
        (!is_right).then(|| format!("{path} as {caller:?} ({access:?}): {status} {text}"))
    }
}

/// The heading of a page in whose place a refusal is shown.
fn heading(refusal: StatusCode) -> &'static str {
    match refusal {
        StatusCode::FORBIDDEN => "Not allowed",
        _ => "Not found",
    }
}

/// Whether a call was let in, read and carried out as far as the present state lets it: that there
/// is nothing under an id, or that a value does not fit, comes after the check of who calls.
fn is_allowed(status: StatusCode, access: Access) -> bool {
    let hides = matches!(
        access,
        Access::OwnerOrOperator | Access::OwnerOrAdministrator
    );
    match status {
        StatusCode::NOT_FOUND => !hides,
        StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => true,
        status => status.is_success(),
    }
}

async fn create_user(house: &House, name: &str, role: &str) -> Actor {
    let form = UserForm {
        name: name.into(),
        mail: format!("{name}@example.org"),
        role: role.into(),
        password: PASSWORD.into(),
        ..UserForm::default()
    };
    let spec = form.parse().unwrap();
    let (name, role) = (spec.name.clone(), spec.role);
    let id = users::create(&house.control, &Actor::System, spec).await;
    Actor::Person(Me {
        id: id.unwrap(),
        name,
        role,
    })
}

#[test]
fn the_table_lists_every_server_function_once() {
    let registered: BTreeSet<(String, Method)> = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, method)| (path.to_owned(), method))
        .collect();
    let rows = table();
    let listed: BTreeSet<(String, Method)> = rows
        .iter()
        .map(|(path, ..)| (format!("/api/ui/{path}"), Method::POST))
        .collect();
    assert_eq!(listed.len(), rows.len(), "a function has two rows");
    let missing: Vec<_> = registered.difference(&listed).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    let gone: Vec<_> = listed.difference(&registered).collect();
    assert!(gone.is_empty(), "not a server function: {gone:?}");
}

#[tokio::test]
async fn each_server_function_answers_each_role_as_the_table_says() {
    let installation = Installation::new().await;
    let mut faults = Vec::new();
    for row in &table() {
        for caller in Caller::ALL {
            faults.extend(installation.fault(caller, row).await);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether a page's address, with parameters in braces, is the one of a path.
fn leads(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) =
        (pattern.split('/').collect(), path.split('/').collect());
    let is_same = |(pattern, part): (&&str, &&str)| pattern.starts_with('{') || pattern == part;
    pattern.len() == path.len() && pattern.iter().zip(&path).all(is_same)
}

#[test]
fn the_table_has_every_page() {
    let registered: BTreeSet<_> = page_paths().collect();
    // Words of an address count more than parameters.
    let page_at = |path: &str| {
        let pages = registered.iter().filter(|page| leads(page, path));
        pages.min_by_key(|page| page.matches('{').count()).copied()
    };
    let mut listed = BTreeSet::new();
    for (path, _) in PAGES {
        let page = page_at(path).unwrap_or_else(|| panic!("{path} is not a page"));
        listed.insert(page);
    }
    let missing: Vec<_> = registered.difference(&listed).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
}

#[tokio::test]
async fn each_page_answers_each_role_as_the_table_says() {
    let installation = Installation::new().await;
    let mut faults = Vec::new();
    for (path, access) in PAGES {
        for caller in Caller::ALL {
            faults.extend(installation.page_fault(caller, path, *access).await);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn an_address_of_no_object_answers_404() {
    let installation = Installation::new().await;
    for path in [
        "/nothing",
        "/containers/nothing/here",
        "/sites/nowhere",
        "/sites/lab/containers/nothing",
        "/sites/lab/containers/web/nothing",
        "/sites/lab/agents/nothing",
        "/jobs/999999",
        "/jobs/nothing",
        "/clusters/nothing",
        "/domains/nothing",
        "/certificates/nothing",
        "/certificates/999999",
        "/authorities/nothing",
        "/providers/nothing",
        "/users/nobody",
    ] {
        let answer = installation.open(Caller::Administrator, path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        let text = answer.text();
        let says = ["Not found", "There is no such"]
            .iter()
            .any(|words| text.contains(words));
        assert!(says, "{path}: {text}");
    }
    let part = installation
        .open(Caller::Administrator, "/pkg/nothing.js")
        .await;
    assert_eq!(part.status, StatusCode::NOT_FOUND);
}

/// A body of the wrong shape is the caller's fault. It never becomes a 500.
#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_with_422() {
    let installation = Installation::new().await;
    let mut faults = Vec::new();
    for (path, _, body) in table() {
        // An argument that may be null may be left out.
        let mut arguments = body.as_object().into_iter().flatten();
        let needs_some = arguments.any(|(_, value)| !value.is_null());
        let missing = needs_some.then(|| "{}".to_owned());
        let bodies = ["", "{", "no JSON", "7"].map(str::to_owned);
        for body in bodies.into_iter().chain(missing).chain(wrong_types(&body)) {
            for caller in [Caller::Anonymous, Caller::Administrator] {
                let answer = installation.call(caller, path, body.clone()).await;
                let refused: Option<Error> = serde_json::from_slice(&answer.body).ok();
                if answer.status != StatusCode::UNPROCESSABLE_ENTITY
                    || !matches!(refused, Some(Error::Invalid { .. }))
                {
                    let (status, text) = (answer.status, answer.text());
                    faults.push(format!(
                        "{path} as {caller:?} with {body:?}: {status} {text}"
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The body once for each argument, with a value there that fits no argument.
fn wrong_types(body: &Value) -> Vec<String> {
    let arguments = body.as_object().into_iter().flatten();
    let wrong = arguments.map(|(name, _)| {
        let mut body = body.clone();
        body[name] = json!([[["wrong"]]]);
        body.to_string()
    });
    wrong.collect()
}
