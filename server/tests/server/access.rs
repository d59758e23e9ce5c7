//! The access table: the required role of each server function, page and other route.
//!
//! It repeats the rules of `model::permissions` on purpose: a test compares the two, so that a rule
//! is not changed by mistake. The rows refer to container 1 and job 1, which belong to the member
//! `ann`. Other objects do not exist, except the site `lab`, so permitted calls may return 404.

mod functions;
mod test_users;

use agent_protocol::endpoints;
use model::permissions::Rule;

pub use functions::{Row, table};
pub use test_users::{Installation, TestUser, create_container};

/// The required role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anonymous users as well.
    Anyone,
    /// Every signed-in user.
    Member,
    /// Every signed-in user, on the own account only.
    Own,
    /// Operators and administrators.
    Operator,
    /// Administrators only.
    Administrator,
    /// The object's owner, operators and administrators; for others it does not exist.
    OwnerOrOperator,
    /// The object's owner and administrators; for others it does not exist.
    OwnerOrAdministrator,
}

impl Access {
    /// Whether objects of other users are reported as missing.
    pub fn hides_objects(self) -> bool {
        matches!(self, OwnerOrOperator | OwnerOrAdministrator)
    }

    /// Whether a function with this access may perform an action with this rule.
    pub fn agrees_with(self, rule: Rule) -> bool {
        match self {
            Anyone => false,
            Member => rule == Rule::Member,
            Own => rule.depends_on_owner(),
            Operator => rule == Rule::Operator,
            Administrator => rule == Rule::Administrator,
            OwnerOrOperator => rule == Rule::OwnerOrOperator,
            OwnerOrAdministrator => rule == Rule::OwnerOrAdministrator,
        }
    }
}

use Access::{Administrator, Anyone, Member, Operator, Own, OwnerOrAdministrator, OwnerOrOperator};

/// Actions without a server function.
pub const OTHER_ACTIONS: &[&str] = &[
    // Conditions of a container's names, in `containers/create` and `containers/edit`.
    "ReservedNameUse",
    "PublishAnywhere",
    // A condition of `containers/set-filters`.
    "InterfaceFilterRemove",
    // Printed when the demo starts.
    "SignInLinkCreate",
];

/// What a route outside of pages and server functions requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Nothing.
    Nothing,
    /// The cookie of a session.
    Session,
    /// The key of an agent, or a join token.
    Agent,
}

use Credential::{Agent, Nothing, Session};

/// The routes outside of pages and server functions, as the source code names them.
pub const ROUTES: &[(&str, &str, Credential)] = &[
    ("\"/\"", "/", Nothing),
    ("\"/healthz\"", "/healthz", Nothing),
    ("\"/readyz\"", "/readyz", Nothing),
    ("\"/sign-in\"", "/sign-in", Nothing),
    ("sign_in::LINK_PATH", "/sign-in/link", Nothing),
    ("\"/sign-out\"", "/sign-out", Nothing),
    ("\"/events\"", "/events", Session),
    ("endpoints::JOIN", endpoints::JOIN, Agent),
    ("endpoints::POLL", endpoints::POLL, Agent),
    ("endpoints::REPORT", endpoints::REPORT, Agent),
    ("endpoints::FILES", endpoints::FILES, Agent),
    ("endpoints::LEASES", endpoints::LEASES, Agent),
    ("endpoints::CERTIFICATES", endpoints::CERTIFICATES, Agent),
];

/// A path of each page with its access.
pub const PAGES: &[(&str, Access)] = &[
    ("/", Anyone),
    ("/sign-in", Anyone),
    ("/account", Member),
    ("/containers", Member),
    ("/containers/new", Member),
    ("/sites/lab/containers", Anyone),
    ("/sites/lab/containers/web", OwnerOrOperator),
    ("/sites/lab/containers/web/services", OwnerOrOperator),
    ("/sites/lab/containers/web/environment", OwnerOrOperator),
    ("/sites/lab/containers/web/jobs", OwnerOrOperator),
    ("/sites/lab/containers/web/settings", OwnerOrOperator),
    ("/jobs", Member),
    ("/jobs/1", OwnerOrOperator),
    ("/clusters", Administrator),
    ("/clusters/new", Administrator),
    ("/clusters/test", Administrator),
    ("/clusters/test/import", Administrator),
    ("/clusters/test/settings", Administrator),
    ("/nodes", Operator),
    ("/sites", Operator),
    ("/sites/new", Administrator),
    ("/sites/lab", Administrator),
    ("/sites/lab/settings", Administrator),
    ("/domains", Operator),
    ("/domains/new", Operator),
    ("/domains/1", Operator),
    ("/domains/1/certificates", Operator),
    ("/domains/1/settings", Operator),
    ("/certificates", Operator),
    ("/certificates/new", Operator),
    ("/certificates/9", Operator),
    ("/authorities", Operator),
    ("/authorities/new", Administrator),
    ("/authorities/other", Operator),
    ("/providers", Operator),
    ("/providers/new", Administrator),
    ("/providers/other", Operator),
    ("/hosts", Operator),
    ("/hosts/new", Operator),
    ("/sites/lab/hosts/edge-1", Operator),
    ("/sites/lab/hosts/edge-1/files", Operator),
    ("/sites/lab/hosts/edge-1/settings", Operator),
    ("/users", Administrator),
    ("/users/new", Administrator),
    ("/users/ann", Administrator),
    ("/invitations", Administrator),
    ("/invitations/new", Administrator),
    ("/sign-in/invitation", Anyone),
];
