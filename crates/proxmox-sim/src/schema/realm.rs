//! Realm options and the parameters of creation, update and synchronization.

use std::sync::LazyLock;

use super::object::Object;
use super::{Property, boolean, choice, integer, named, text};

const NO_CONTROL: &str = r#"^[^\x00-\x1F\x7F <>#"]*$"#;
const VANISHED: &str = "(?:(?:(?:acl|properties|entry);)*(?:acl|properties|entry))|none";

/// The parameters of a synchronization that can also be realm defaults.
fn sync_options() -> Vec<Property> {
    vec![
        boolean("enable-new"),
        boolean("full"),
        boolean("purge"),
        text("remove-vanished").pattern(VANISHED),
        choice("scope", &["users", "groups", "both"]),
    ]
}

fn sync_defaults() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(|| Object::new(sync_options()));
    &OBJECT
}

fn second_factor() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(|| {
        Object::new(vec![
            integer("digits").min(6).max(8),
            text("id"),
            text("key"),
            integer("step").min(10),
            choice("type", &["yubico", "oath"]).required(),
            text("url"),
        ])
    });
    &OBJECT
}

/// A realm name.
pub(crate) fn id() -> Property {
    text("realm").format(named::REALM).length(0, 32).required()
}

/// The parameters of a synchronization.
pub(crate) fn sync() -> Vec<Property> {
    let mut properties = sync_options();
    properties.push(id());
    properties.push(boolean("dry-run"));
    properties
}

/// The parameters of creation.
pub(crate) fn create() -> Vec<Property> {
    let mut properties = options();
    properties.push(choice("type", &["ad", "ldap", "openid", "pam", "pve"]).required());
    properties.push(text("username-claim"));
    properties
}

/// The parameters of an update.
pub(crate) fn update() -> Vec<Property> {
    let mut properties = options();
    properties.push(text("delete").list(named::CONFIG_ID).length(0, 4096));
    properties.push(text("digest").length(0, 64));
    properties
}

fn options() -> Vec<Property> {
    let mut properties = directory_options();
    properties.extend(openid_options());
    properties.extend([
        id(),
        boolean("autocreate"),
        text("comment").length(0, 4096),
        boolean("default"),
        text("tfa").object(second_factor).length(0, 128),
    ]);
    properties
}

/// Options of LDAP and Active Directory realms.
fn directory_options() -> Vec<Property> {
    let long = |name| text(name).length(0, 256);
    vec![
        long("base_dn"),
        long("bind_dn"),
        text("capath"),
        boolean("case-sensitive"),
        text("cert"),
        text("certkey"),
        boolean("check-connection"),
        long("domain").pattern(r"\S+"),
        text("filter").length(0, 2048),
        text("group_classes").list(named::LDAP_ATTRIBUTE),
        long("group_dn"),
        text("group_filter").length(0, 2048),
        long("group_name_attr").format(named::LDAP_ATTRIBUTE),
        choice("mode", &["ldap", "ldaps", "ldap+starttls"]),
        text("password"),
        integer("port").min(1).max(65_535),
        boolean("secure"),
        long("server1").format(named::ADDRESS),
        long("server2").format(named::ADDRESS),
        choice("sslversion", &["tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3"]),
        text("sync-defaults-options").object(sync_defaults),
        text("sync_attributes").pattern(r"\w+=[^,]+(,\s*\w+=[^,]+)*"),
        long("user_attr").pattern(r"\S{2,}"),
        text("user_classes").list(named::LDAP_ATTRIBUTE),
        boolean("verify"),
    ]
}

/// Options of OpenID Connect realms.
fn openid_options() -> Vec<Property> {
    let long = |name| text(name).length(0, 256);
    vec![
        text("acr-values").pattern(NO_CONTROL),
        text("audiences").pattern(NO_CONTROL),
        long("client-id"),
        long("client-key"),
        boolean("groups-autocreate"),
        long("groups-claim").pattern(r"[A-Za-z0-9\.\-_]+"),
        boolean("groups-overwrite"),
        long("issuer-url"),
        text("prompt").pattern(r"(?:none|login|consent|select_account|\S+)"),
        boolean("query-userinfo"),
        text("scopes"),
    ]
}
