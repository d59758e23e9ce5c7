//! The callers of the access tests: one user of each role, and the objects of a member.

use axum::{
    body::Body,
    http::{Method, StatusCode, header, request::Builder},
};
use control::{Actor, containers, users};
use model::{containers::ContainerForm, session::CurrentUser, users::UserForm};
use proxmox_sim::{Config, Sim};

use super::Access;
use crate::support::{TestApp, TestResponse, create_site, get, request};

const PASSWORD: &str = "correct horse";

/// The calling user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    Anonymous,
    /// A member without objects.
    Stranger,
    /// The member `ann`, who owns the table's objects.
    Owner,
    Operator,
    Administrator,
}

impl Caller {
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
    cookies: Vec<(Caller, String)>,
    _sim: Sim,
}

impl Installation {
    pub async fn new() -> Self {
        let sim = proxmox_sim::start(Config::test()).await.unwrap();
        let app = TestApp::new().await;
        let site = create_site(&app.control, &sim).await;
        let mut cookies = vec![(Caller::Administrator, app.cookie().await)];
        let mut owner = Actor::System;
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
            cookies,
            _sim: sim,
        }
    }

    pub async fn call(&self, caller: Caller, path: &str, body: String) -> TestResponse {
        let request = request(Method::POST, &format!("/api/ui/{path}"))
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/json");
        self.send(caller, request, Body::from(body)).await
    }

    pub async fn open(&self, caller: Caller, path: &str) -> TestResponse {
        let request = get(path).header(header::ACCEPT, "text/html");
        self.send(caller, request, Body::empty()).await
    }

    /// The cookie of a signed-in caller, as `NAME=TOKEN`.
    pub fn cookie(&self, caller: Caller) -> Option<&str> {
        let mut cookies = self.cookies.iter();
        cookies
            .find(|(owner, _)| *owner == caller)
            .map(|(_, cookie)| cookie.as_str())
    }

    /// The token of a caller's session.
    pub fn token(&self, caller: Caller) -> Option<&str> {
        Some(self.cookie(caller)?.split_once('=')?.1)
    }

    pub async fn send(&self, caller: Caller, mut request: Builder, body: Body) -> TestResponse {
        if let Some(cookie) = self.cookie(caller) {
            request = request.header(header::COOKIE, cookie);
        }
        self.app.send(request.body(body).unwrap()).await
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
    let (name, role) = (spec.values.name.clone(), spec.values.role);
    let id = users::create(&app.control, &Actor::System, spec).await;
    Actor::User(CurrentUser {
        id: id.unwrap(),
        name,
        role,
    })
}
