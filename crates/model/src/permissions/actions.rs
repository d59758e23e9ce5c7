//! The table of permissions: all actions with who may perform them.

use super::{Action, ActionEntry, Includes, OwnedAction, RoleAction, Rule};

/// Implements the trait for the kind of a rule.
macro_rules! rule_kind {
    ($action:ident Member) => {
        impl RoleAction for $action {}
    };
    ($action:ident Operator) => {
        impl RoleAction for $action {}
    };
    ($action:ident Administrator) => {
        impl RoleAction for $action {}
    };
    ($action:ident OwnerOrOperator) => {
        impl OwnedAction for $action {}
    };
    ($action:ident OwnerOrAdministrator) => {
        impl OwnedAction for $action {}
    };
}

/// Defines the actions and the list of them.
macro_rules! actions {
    ($(
        $(#[doc = $doc:literal])+
        $action:ident => $rule:ident $(, includes $($included:ident)+)?;
    )*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug)]
            pub struct $action;

            impl Action for $action {
                const NAME: &'static str = stringify!($action);
                const RULE: Rule = Rule::$rule;
            }

            rule_kind!($action $rule);
            $($(impl Includes<$included> for $action {})+)?
        )*

        /// The table of permissions.
        pub const ACTIONS: &[ActionEntry] = &[$(ActionEntry {
            name: stringify!($action),
            rule: Rule::$rule,
            description: concat!($($doc),+).trim_ascii(),
            includes: &[$($(stringify!($included)),+)?],
        }),*];
    };
}

actions! {
    /// See an account, its limits and their usage.
    AccountRead => OwnerOrAdministrator;
    /// Change a password, which ends the user's sessions.
    PasswordChange => OwnerOrAdministrator, includes SessionManage;
    /// Change the name and email address of an account.
    ProfileChange => OwnerOrAdministrator;
    /// See and end the sessions of an account.
    SessionManage => OwnerOrAdministrator;
    /// List the containers that the user may see.
    ContainerList => Member;
    /// See a container.
    ContainerRead => OwnerOrOperator;
    /// Create a container, which the user owns.
    ContainerCreate => Member, includes ContainerManage;
    /// Edit, start, stop, restart and delete a container.
    ContainerManage => OwnerOrOperator;
    /// Remove the interface filters of an imported container.
    InterfaceFilterRemove => Operator;
    /// Import containers of a cluster, for any owner.
    ContainerImport => Administrator, includes ContainerCreate ContainerManage;
    /// Use reserved names such as login.
    ReservedNameUse => Operator;
    /// List the jobs that the user may see.
    JobList => Member;
    /// See a job and its log.
    JobRead => OwnerOrOperator;
    /// Cancel and retry a job.
    JobManage => OwnerOrOperator;
    /// Publish under all domains, including those restricted to other users.
    PublishAnywhere => Operator;
    /// See the domains of sites, and errors of their DNS records.
    DomainRead => Operator;
    /// Add, edit and delete domains.
    DomainManage => Operator, includes CertificateManage;
    /// See certificates and their history.
    CertificateRead => Operator;
    /// Upload, retry, renew, revoke and delete certificates.
    CertificateManage => Operator, includes DomainManage;
    /// See certificate authorities.
    AuthorityRead => Operator;
    /// Add, edit and delete certificate authorities.
    AuthorityManage => Administrator, includes CertificateManage;
    /// See DNS providers without their secrets.
    ProviderRead => Operator;
    /// Test a DNS provider with a test record.
    ProviderTest => Operator;
    /// Add, edit and delete DNS providers.
    ProviderManage => Administrator, includes CertificateManage;
    /// See hosts, their files and their reports.
    HostRead => Operator;
    /// Add and delete hosts, create join tokens, and choose the DHCP server.
    HostManage => Operator;
    /// See sites, their configuration and their DHCP leases.
    SiteRead => Operator;
    /// Add, edit and delete sites.
    SiteManage => Administrator, includes DomainManage;
    /// See clusters and nodes with their usage.
    ClusterRead => Operator;
    /// Add, check, edit and remove clusters, and see what is on them.
    ClusterManage => Administrator;
    /// List all users.
    UserList => Administrator;
    /// Add, edit, approve, suspend and delete users.
    UserManage => Administrator, includes PasswordChange SessionManage;
    /// See, create and delete invitations.
    InvitationManage => Administrator;
    /// Create a link that signs in a user once.
    SignInLinkCreate => Administrator;
}
