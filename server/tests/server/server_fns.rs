//! Access control of server functions and pages over HTTP.

use std::{collections::BTreeSet, fs, path::Path};

use axum::{
    body::Body,
    http::{Method, StatusCode, header, request::Builder},
};
use control::{Actor, containers, users};
use model::{Error, containers::ContainerForm, session::CurrentUser, users::UserForm};
use proxmox_sim::{Config, Sim};
use serde_json::{Value, json};
use server::router::page_paths;

use crate::{
    access::{Access, PAGES, Row, table},
    support::{TestApp, TestResponse, create_site, get, request},
};

const PASSWORD: &str = "correct horse";

/// The calling user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Caller {
    Anonymous,
    /// A member without objects.
    Stranger,
    /// The member `ann`, who owns the table's objects.
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

    /// The user's name and role; the first start creates the administrator.
    fn account(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Anonymous | Self::Administrator => None,
            Self::Stranger => Some(("ben", "member")),
            Self::Owner => Some(("ann", "member")),
            Self::Operator => Some(("olga", "operator")),
        }
    }

    /// The status of a refused call; `None` if the call is allowed.
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

/// A server with one user of each role, and a container and a job of `ann`.
struct Installation {
    app: TestApp,
    cookies: Vec<(Caller, String)>,
    _sim: Sim,
}

impl Installation {
    async fn new() -> Self {
        let sim = proxmox_sim::start(Config::test()).await.unwrap();
        let app = TestApp::new().await;
        let site = create_site(&app.control, &sim).await;
        let mut cookies = vec![(Caller::Administrator, app.cookie().await)];
        for caller in Caller::ALL {
            let Some((name, role)) = caller.account() else {
                continue;
            };
            let actor = create_user(&app, name, role).await;
            let response = app.sign_in(name, PASSWORD, "/").await;
            cookies.push((caller, response.cookie().unwrap()));
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
                let created = containers::create(&app.control, &actor, form.parse().unwrap());
                let created = created.await.unwrap();
                assert_eq!(
                    (created.id.0, created.job.0),
                    (1, 1),
                    "the table refers to these ids"
                );
            }
        }
        Self {
            app,
            cookies,
            _sim: sim,
        }
    }

    async fn call(&self, caller: Caller, path: &str, body: String) -> TestResponse {
        let request = request(Method::POST, &format!("/api/ui/{path}"))
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/json");
        self.send(caller, request, Body::from(body)).await
    }

    async fn open(&self, caller: Caller, path: &str) -> TestResponse {
        let request = get(path).header(header::ACCEPT, "text/html");
        self.send(caller, request, Body::empty()).await
    }

    async fn send(&self, caller: Caller, mut request: Builder, body: Body) -> TestResponse {
        if let Some((_, cookie)) = self.cookies.iter().find(|(owner, _)| *owner == caller) {
            request = request.header(header::COOKIE, cookie);
        }
        self.app.send(request.body(body).unwrap()).await
    }

    /// A description of an unexpected page response.
    async fn check_page(&self, caller: Caller, path: &str, access: Access) -> Option<String> {
        let response = self.open(caller, path).await;
        let (status, text) = (response.status, response.text());
        let location = response.header("location");
        let is_expected = match caller.refusal(access) {
            Some(StatusCode::UNAUTHORIZED) => {
                status.is_redirection() && location.starts_with("/sign-in?next=")
            }
            Some(refusal) => status == refusal && text.contains(heading(refusal)),
            // These paths redirect.
            None if path == "/" => location == "/containers",
            None if path == "/sites/lab/containers" => location == "/containers?site=lab",
            None => is_allowed(status, access),
        };
        (!is_expected).then(|| format!("{path} as {caller:?} ({access:?}): {status} {location}"))
    }

    /// A description of an unexpected response to a call.
    async fn check_call(&self, caller: Caller, (path, access, body): &Row) -> Option<String> {
        let response = self.call(caller, path, body.to_string()).await;
        let is_expected = match caller.refusal(*access) {
            Some(refusal) => response.status == refusal,
            None => is_allowed(response.status, *access),
        };
        let (status, text) = (response.status, response.text());
        (!is_expected).then(|| format!("{path} as {caller:?} ({access:?}): {status} {text}"))
    }
}

/// A part of the heading of an error page.
fn heading(refusal: StatusCode) -> &'static str {
    match refusal {
        StatusCode::FORBIDDEN => "Not allowed",
        _ => " not found",
    }
}

/// Whether a call passed the access check: missing objects and invalid values are reported after
/// it.
fn is_allowed(status: StatusCode, access: Access) -> bool {
    let hides_objects = matches!(
        access,
        Access::OwnerOrOperator | Access::OwnerOrAdministrator
    );
    match status {
        StatusCode::NOT_FOUND => !hides_objects,
        StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => true,
        status => status.is_success(),
    }
}

async fn create_user(app: &TestApp, name: &str, role: &str) -> Actor {
    let form = UserForm {
        name: name.into(),
        email: format!("{name}@example.org"),
        role: role.into(),
        password: PASSWORD.into(),
        ..UserForm::default()
    };
    let spec = form.parse().unwrap();
    let (name, role) = (spec.name.clone(), spec.role);
    let id = users::create(&app.control, &Actor::System, spec).await;
    Actor::User(CurrentUser {
        id: id.unwrap(),
        name,
        role,
    })
}

#[test]
fn access_table_lists_every_server_function_once() {
    let registered: BTreeSet<(String, Method)> = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, method)| (path.to_owned(), method))
        .collect();
    let rows = table();
    let listed: BTreeSet<(String, Method)> = rows
        .iter()
        .map(|(path, ..)| (format!("/api/ui/{path}"), Method::POST))
        .collect();
    assert_eq!(listed.len(), rows.len(), "the table has duplicate rows");
    let missing: Vec<_> = registered.difference(&listed).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    let unknown: Vec<_> = listed.difference(&registered).collect();
    assert!(unknown.is_empty(), "not a server function: {unknown:?}");
}

/// The path of a server function leads to its source.
#[test]
fn endpoint_names_the_module_and_the_function() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/src/server_fns");
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap();
        let source = fs::read_to_string(&path).unwrap();
        for function in source.split("endpoint = \"").skip(1) {
            let (endpoint, rest) = function.split_once('"').unwrap();
            let (_, rest) = rest.split_once("fn ").unwrap();
            let (name, _) = rest.split_once('(').unwrap();
            assert_eq!(endpoint, format!("{module}/{}", name.replace('_', "-")));
            count += 1;
        }
    }
    assert_eq!(count, table().len());
}

#[tokio::test]
async fn server_functions_enforce_the_access_table() {
    let installation = Installation::new().await;
    let mut failures = Vec::new();
    for row in &table() {
        for caller in Caller::ALL {
            failures.extend(installation.check_call(caller, row).await);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Whether a route with parameters in braces matches a path.
fn matches_route(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) =
        (pattern.split('/').collect(), path.split('/').collect());
    let is_same = |(pattern, part): (&&str, &&str)| pattern.starts_with('{') || pattern == part;
    pattern.len() == path.len() && pattern.iter().zip(&path).all(is_same)
}

#[test]
fn access_table_lists_every_page() {
    let registered: BTreeSet<_> = page_paths().collect();
    // Literal segments take precedence over parameters.
    let page_at = |path: &str| {
        let pages = registered.iter().filter(|page| matches_route(page, path));
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
async fn pages_enforce_the_access_table() {
    let installation = Installation::new().await;
    let mut failures = Vec::new();
    for (path, access) in PAGES {
        for caller in Caller::ALL {
            failures.extend(installation.check_page(caller, path, *access).await);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn path_of_a_missing_object_returns_404() {
    let installation = Installation::new().await;
    for path in [
        "/nothing",
        "/containers/nothing/here",
        "/sites/nowhere",
        "/sites/nowhere/settings",
        "/sites/lab/nothing",
        "/sites/lab/containers/nothing",
        "/sites/lab/containers/web/nothing",
        "/sites/lab/hosts/nothing",
        "/sites/lab/hosts/edge-1/nothing",
        "/jobs/999999",
        "/jobs/nothing",
        "/clusters/nothing",
        "/clusters/nothing/import",
        "/clusters/test/nothing",
        "/domains/nothing",
        "/domains/1/nothing",
        "/certificates/nothing",
        "/certificates/999999",
        "/authorities/nothing",
        "/providers/nothing",
        "/users/nobody",
    ] {
        let response = installation.open(Caller::Administrator, path).await;
        assert_eq!(response.status, StatusCode::NOT_FOUND, "{path}");
        let text = response.text();
        let has_message = ["Not found", "does not exist"]
            .iter()
            .any(|message| text.contains(message));
        assert!(has_message, "{path}: {text}");
    }
    let part = installation
        .open(Caller::Administrator, "/pkg/nothing.js")
        .await;
    assert_eq!(part.status, StatusCode::NOT_FOUND);
}

/// A malformed body is a client error, never a 500.
#[tokio::test]
async fn malformed_body_is_refused_with_422() {
    let installation = Installation::new().await;
    let mut failures = Vec::new();
    for (path, _, body) in table() {
        // Nullable arguments may be omitted.
        let mut arguments = body.as_object().into_iter().flatten();
        let has_required = arguments.any(|(_, value)| !value.is_null());
        let missing = has_required.then(|| "{}".to_owned());
        let bodies = ["", "{", "no JSON", "7"].map(str::to_owned);
        for body in bodies.into_iter().chain(missing).chain(wrong_types(&body)) {
            for caller in [Caller::Anonymous, Caller::Administrator] {
                let response = installation.call(caller, path, body.clone()).await;
                let refused: Option<Error> = serde_json::from_slice(&response.body).ok();
                if response.status != StatusCode::UNPROCESSABLE_ENTITY
                    || !matches!(refused, Some(Error::Invalid { .. }))
                {
                    let (status, text) = (response.status, response.text());
                    failures.push(format!(
                        "{path} as {caller:?} with {body:?}: {status} {text}"
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// One body per argument, with a value of a wrong type for it.
fn wrong_types(body: &Value) -> Vec<String> {
    let arguments = body.as_object().into_iter().flatten();
    let wrong = arguments.map(|(name, _)| {
        let mut body = body.clone();
        body[name] = json!([[["wrong"]]]);
        body.to_string()
    });
    wrong.collect()
}
