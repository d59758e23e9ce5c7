//! Access control of server functions and pages over HTTP.

use std::{collections::BTreeSet, fs, path::Path};

use axum::http::{Method, StatusCode};
use model::{
    Error,
    permissions::{ACTIONS, find_action},
};
use serde_json::{Value, json};
use server::router::page_paths;

use crate::access::{Access, Installation, OTHER_ACTIONS, PAGES, Row, TestUser, table};

impl Installation {
    /// A description of an unexpected page response.
    async fn check_page(&self, user: TestUser, path: &str, access: Access) -> Option<String> {
        let response = self.open(user, path).await;
        let (status, text) = (response.status, response.text());
        let location = response.header("location");
        let is_expected = match user.refusal(access) {
            Some(StatusCode::UNAUTHORIZED) => {
                status.is_redirection() && location.starts_with("/sign-in?next=")
            }
            Some(refusal) => status == refusal && text.contains(heading(refusal)),
            // These paths redirect.
            None if path == "/" => location == "/containers",
            None if path == "/sites/lab/containers" => location == "/containers?site=lab",
            None => is_allowed(status, access),
        };
        (!is_expected).then(|| format!("{path} as {user:?} ({access:?}): {status} {location}"))
    }

    /// A description of an unexpected response to a call.
    async fn check_call(&self, user: TestUser, (path, access, _, body): &Row) -> Option<String> {
        let response = self.call(user, path, body.to_string()).await;
        let is_expected = match user.refusal(*access) {
            Some(refusal) => response.status == refusal,
            None => is_allowed(response.status, *access),
        };
        let (status, text) = (response.status, response.text());
        (!is_expected).then(|| format!("{path} as {user:?} ({access:?}): {status} {text}"))
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
    match status {
        StatusCode::NOT_FOUND => !access.hides_objects(),
        StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => true,
        status => status.is_success(),
    }
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

#[test]
fn access_table_agrees_with_the_table_of_permissions() {
    let rows = table();
    for (path, access, name, _) in &rows {
        let Some(action) = find_action(name) else {
            assert_eq!((*access, *name), (Access::Anyone, ""), "{path}");
            continue;
        };
        assert!(access.agrees_with(action.rule), "{path}: {action:?}");
    }
    for action in ACTIONS {
        let is_listed = rows.iter().any(|(_, _, name, _)| *name == action.name);
        let is_other = OTHER_ACTIONS.contains(&action.name);
        assert!(is_listed != is_other, "{}", action.name);
    }
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
        for user in TestUser::ALL {
            failures.extend(installation.check_call(user, row).await);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A missing object of the same kind, with the same arguments otherwise.
fn of_missing_object(body: &Value) -> Value {
    let mut body = body.clone();
    match body.get("id") {
        Some(_) => body["id"] = json!(999_999),
        None => body["name"] = json!("missing"),
    }
    body
}

#[tokio::test]
async fn object_of_another_user_looks_like_a_missing_one() {
    let installation = Installation::new().await;
    let mut count = 0;
    for (path, access, _, body) in table() {
        if !access.hides_objects() {
            continue;
        }
        let user = TestUser::Stranger;
        let missing = of_missing_object(&body).to_string();
        let refused = installation.call(user, path, body.to_string()).await;
        let missing = installation.call(user, path, missing).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(refused.text(), missing.text(), "{path}");
        assert_eq!(refused.status, missing.status, "{path}");
        count += 1;
    }
    assert!(count > 5, "{count}");
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
        for user in TestUser::ALL {
            failures.extend(installation.check_page(user, path, *access).await);
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
        let response = installation.open(TestUser::Administrator, path).await;
        assert_eq!(response.status, StatusCode::NOT_FOUND, "{path}");
        let text = response.text();
        let has_message = ["Not found", "does not exist"]
            .iter()
            .any(|message| text.contains(message));
        assert!(has_message, "{path}: {text}");
    }
    let part = installation
        .open(TestUser::Administrator, "/pkg/nothing.js")
        .await;
    assert_eq!(part.status, StatusCode::NOT_FOUND);
}

/// A malformed body is a client error, never a 500.
#[tokio::test]
async fn malformed_body_is_refused_with_422() {
    let installation = Installation::new().await;
    let mut failures = Vec::new();
    for (path, _, _, body) in table() {
        // Nullable arguments may be omitted.
        let mut arguments = body.as_object().into_iter().flatten();
        let has_required = arguments.any(|(_, value)| !value.is_null());
        let missing = has_required.then(|| "{}".to_owned());
        let bodies = ["", "{", "no JSON", "7"].map(str::to_owned);
        for body in bodies.into_iter().chain(missing).chain(wrong_types(&body)) {
            for user in [TestUser::Anonymous, TestUser::Administrator] {
                let response = installation.call(user, path, body.clone()).await;
                let refused: Option<Error> = serde_json::from_slice(&response.body).ok();
                if response.status != StatusCode::UNPROCESSABLE_ENTITY
                    || !matches!(refused, Some(Error::Invalid { .. }))
                {
                    let (status, text) = (response.status, response.text());
                    failures.push(format!("{path} as {user:?} with {body:?}: {status} {text}"));
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
