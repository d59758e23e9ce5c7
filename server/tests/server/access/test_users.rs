//! The users of the access tests: one user of each role, and the objects of a member.

use axum::{
    body::Body,
    http::{Method, StatusCode, header, request::Builder},
};
use control::{Actor, containers, users};
use model::{SiteId, containers::CreatedContainer, session::CurrentUser, users::UserForm};
use proxmox_sim::{Config, Sim};

use super::Access;
use crate::support::{TestApp, TestResponse, container_form, create_site, get, request};

const PASSWORD: &str = "correct horse";

/// Who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TestUser {
    Anonymous,
    /// A member without objects.
    Stranger,
    /// The member `ann`, who owns the table's objects.
    Owner,
    Operator,
    Administrator,
}

impl TestUser {
    pub const ALL: [Self; 5] = [
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
    pub fn refusal(self, access: Access) -> Option<StatusCode> {
        let (is_allowed, refusal) = match access {
            Access::Anyone => return None,
            Access::Member | Access::Own => (true, StatusCode::FORBIDDEN),
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
pub struct Installation {
    pub app: TestApp,
    /// The member `ann`.
    pub owner: Actor,
    pub site: SiteId,
    cookies: Vec<(TestUser, String)>,
    _sim: Sim,
}

impl Installation {
    pub async fn new() -> Self {
        let sim = proxmox_sim::start(Config::test()).await.unwrap();
        let app = TestApp::new().await;
        let site = create_site(&app.control, &sim).await;
        let mut cookies = vec![(TestUser::Administrator, app.cookie().await)];
        let mut owner = Actor::System;
        for user in TestUser::ALL {
            let Some((name, role)) = user.account() else {
                continue;
            };
            let actor = create_user(&app, name, role).await;
            let response = app.sign_in(name, PASSWORD, "/").await;
            cookies.push((user, response.cookie().unwrap()));
            if user == TestUser::Owner {
                let created = create_container(&app, &actor, site, "web").await;
                owner = actor;
                assert_eq!(
                    (created.id.0, created.job.0),
                    (1, 1),
                    "the table refers to these ids"
                );
            }
        }
        Self {
            app,
            owner,
            site,
            cookies,
            _sim: sim,
        }
    }

    pub async fn call(&self, user: TestUser, path: &str, body: String) -> TestResponse {
        let request = request(Method::POST, &format!("/api/ui/{path}"))
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/json");
        self.send(user, request, Body::from(body)).await
    }

    pub async fn open(&self, user: TestUser, path: &str) -> TestResponse {
        let request = get(path).header(header::ACCEPT, "text/html");
        self.send(user, request, Body::empty()).await
    }

    /// The cookie of a signed-in user, as `NAME=TOKEN`.
    pub fn cookie(&self, user: TestUser) -> Option<&str> {
        let mut cookies = self.cookies.iter();
        cookies
            .find(|(owner, _)| *owner == user)
            .map(|(_, cookie)| cookie.as_str())
    }

    /// The token of a user's session.
    pub fn token(&self, user: TestUser) -> Option<&str> {
        Some(self.cookie(user)?.split_once('=')?.1)
    }

    pub async fn send(&self, user: TestUser, mut request: Builder, body: Body) -> TestResponse {
        if let Some(cookie) = self.cookie(user) {
            request = request.header(header::COOKIE, cookie);
        }
        self.app.send(request.body(body).unwrap()).await
    }
}

/// Creates a container. No job runs, so it stays queued.
pub async fn create_container(
    app: &TestApp,
    owner: &Actor,
    site: SiteId,
    name: &str,
) -> CreatedContainer {
    let form = container_form(site, name);
    containers::create(&app.control, owner, form.parse().unwrap())
        .await
        .unwrap()
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
    let (name, role) = (spec.values.name.clone(), spec.values.role);
    let id = users::create(&app.control, &Actor::System, spec).await;
    Actor::User(CurrentUser {
        id: id.unwrap(),
        name,
        role,
    })
}
