//! Names of hosts, users, nodes, storages and bridges.

use std::sync::LazyLock;

use model::names::{
    BridgeName, Domain, EmailAddress, InterfaceName, Label, NodeName, SrvName, StorageName,
    Username,
};
use proptest::prelude::proptest;
use regex::Regex;

use crate::{assert_parse, assert_table, error_message, grammar, texts};

static LABEL: LazyLock<Regex> =
    LazyLock::new(|| grammar("[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"));
static DOMAIN: LazyLock<Regex> = LazyLock::new(|| {
    let label = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    let not_a_number = "([0-9]{0,62}[A-Za-z][A-Za-z0-9]*|[A-Za-z0-9]+-[A-Za-z0-9-]*[A-Za-z0-9])";
    grammar(&format!(r"({label}\.)*{not_a_number}\.?"))
});
static USERNAME: LazyLock<Regex> = LazyLock::new(|| grammar("[a-z_][a-z0-9_-]{0,31}"));
static STORAGE: LazyLock<Regex> = LazyLock::new(|| grammar(r"(?i-u)[a-z][a-z0-9\-_.]*[a-z0-9]"));
static BRIDGE: LazyLock<Regex> = LazyLock::new(|| grammar("[A-Za-z][A-Za-z0-9_.-]{0,14}"));
static SRV: LazyLock<Regex> = LazyLock::new(|| {
    let part = "_?[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    grammar(&format!(r"({part}\.)*{part}"))
});
static EMAIL: LazyLock<Regex> =
    LazyLock::new(|| grammar(r#"[^@\s\p{Cc}<>()\[\]\\,;:"]+@(?<domain>[A-Za-z0-9.-]+)"#));

fn is_domain(text: &str) -> bool {
    let labels_fit = text.split('.').all(|label| label.len() <= 63);
    let without_dot = text.strip_suffix('.').unwrap_or(text);
    DOMAIN.is_match(text) && labels_fit && without_dot.len() <= 253
}

fn is_mail(text: &str) -> bool {
    let local_fits = text.find('@').is_some_and(|at| at <= 64);
    let length = text.strip_suffix('.').unwrap_or(text).len();
    local_fits
        && length <= 254
        && EMAIL
            .captures(text)
            .is_some_and(|captures| is_domain(&captures["domain"]))
}

proptest! {
    #[test]
    fn label_follows_dns_grammar(text in texts("[a-zA-Z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "[a-zA-Z0-9._-]{1,70}")) {
        assert_parse::<Label>(&text, LABEL.is_match(text.trim_ascii()))?;
        if let Ok(label) = text.parse::<Label>() {
            assert!(!label.as_str().contains(|c: char| c.is_ascii_uppercase()));
        }
    }

    #[test]
    fn domain_is_dot_separated_labels(
        text in texts(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.){0,5}[a-z0-9-]{1,4}\.?", "[a-z0-9.-]{1,8}")
    ) {
        assert_parse::<Domain>(&text, is_domain(text.trim_ascii()))?;
    }

    #[test]
    fn username_follows_posix_grammar(text in texts("[a-z_][a-z0-9_-]{0,31}", "[a-zA-Z0-9_-]{1,34}")) {
        assert_parse::<Username>(&text, USERNAME.is_match(text.trim_ascii()))?;
    }

    #[test]
    fn email_has_one_at_sign(
        text in texts(r"[a-z+._]{1,64}@[a-z]{1,9}(\.[a-z0-9]{1,9}){0,2}\.?", r"[a-z@ .,<>]{1,9}")
    ) {
        assert_parse::<EmailAddress>(&text, is_mail(text.trim_ascii()))?;
    }

    #[test]
    fn node_name_follows_proxmox_grammar(text in texts("[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", "[a-zA-Z0-9._-]{1,9}")) {
        assert_parse::<NodeName>(&text, LABEL.is_match(text.trim_ascii()))?;
    }

    #[test]
    fn storage_name_follows_proxmox_grammar(text in texts("[A-Za-z][A-Za-z0-9_.-]{0,99}[A-Za-z0-9]", "[a-zA-Z0-9._-]{1,9}")) {
        let trimmed = text.trim_ascii();
        assert_parse::<StorageName>(&text, STORAGE.is_match(trimmed) && trimmed.len() <= 100)?;
    }

    #[test]
    fn bridge_name_is_an_interface_name(text in texts("[A-Za-z][A-Za-z0-9_.-]{0,14}", "[a-zA-Z0-9._/-]{1,18}")) {
        assert_parse::<BridgeName>(&text, BRIDGE.is_match(text.trim_ascii()))?;
        assert_parse::<InterfaceName>(&text, BRIDGE.is_match(text.trim_ascii()))?;
    }

    #[test]
    fn srv_name_labels_allow_leading_underscore(
        text in texts(r"(_?[a-z0-9]{1,15}\.){0,2}_?[a-z0-9]{60,64}", "[a-z0-9._-]{1,9}")
    ) {
        let trimmed = text.trim_ascii();
        let fits = trimmed.len() <= 120 && trimmed.split('.').all(|label| label.len() <= 63);
        assert_parse::<SrvName>(&text, SRV.is_match(trimmed) && fits)?;
    }
}

#[test]
fn label_is_lowercased_and_limited_to_63_characters() {
    let longest = "a".repeat(63);
    assert_table::<Label>(
        &[
            ("web-1", "web-1"),
            (" Web ", "web"),
            ("7", "7"),
            ("a--b", "a--b"),
            (&longest, &longest),
        ],
        &[
            "",
            " ",
            "-a",
            "a-",
            "a.b",
            "a_b",
            "a b",
            "ä",
            "a\0",
            &"a".repeat(64),
        ],
    );
    assert_eq!(
        error_message::<Label>("-a"),
        "Use 1 to 63 lowercase letters, digits and hyphens; start and end with a letter or digit.",
    );
}

#[test]
fn infrastructure_labels_are_reserved() {
    for name in [
        "ldap",
        "LDAP1",
        "ldaps",
        "www",
        "login",
        "wpad",
        "localhost",
    ] {
        assert!(name.parse::<Label>().unwrap().is_reserved(), "{name}");
    }
    for name in ["wiki", "my-ldap", "www2", "logins"] {
        assert!(!name.parse::<Label>().unwrap().is_reserved(), "{name}");
    }
}

#[test]
fn srv_name_accepts_leading_underscores_only() {
    let longest_label = format!("_{}", "a".repeat(62));
    let (too_long_label, too_long) = (format!("{longest_label}a"), "a.".repeat(60) + "a");
    assert_table::<SrvName>(
        &[
            ("_SIP._tcp", "_sip._tcp"),
            ("db", "db"),
            ("_a.b", "_a.b"),
            (&longest_label, &longest_label),
        ],
        &[
            &too_long_label,
            &too_long,
            "",
            "_",
            "__a",
            "a._",
            "_-a",
            "a..b",
            "a b",
            "_sip._tcp.",
            "*.a",
            "a/b",
        ],
    );
}

#[test]
fn domain_is_normalized_and_rejects_addresses_and_wildcards() {
    let longest = format!("{}{}", "a.".repeat(126), "b");
    assert_table::<Domain>(
        &[
            ("Example.ORG.", "example.org"),
            ("localhost", "localhost"),
            ("4.example", "4.example"),
            ("a.1b", "a.1b"),
            (&longest, &longest),
        ],
        &[
            "",
            ".",
            "a..b",
            ".a",
            "a..",
            "a.-b",
            "10.0.0.1",
            "a.7",
            "a_b.org",
            "*.a",
            &format!("c{longest}"),
        ],
    );
}

#[test]
fn username_rejects_uppercase_and_leading_digits() {
    assert_table::<Username>(
        &[("alice", "alice"), (" _x-1 ", "_x-1")],
        &["", "Alice", "1a", "-a", "a.b", "a b", &"a".repeat(33)],
    );
}

#[test]
fn email_address_requires_local_part_and_domain() {
    let long_local = format!("{}@a.org", "x".repeat(65));
    assert_table::<EmailAddress>(
        &[
            ("a.b+c@Example.ORG", "a.b+c@example.org"),
            ("root@localhost", "root@localhost"),
            ("é@a.org", "é@a.org"),
        ],
        &[
            "",
            "a",
            "@a.org",
            "a@",
            "a@b@c",
            "a b@c.org",
            "a@ b.org",
            "a@b .org",
            "a\n@b.org",
            "A <a@b.org>",
            &long_local,
        ],
    );
}

#[test]
fn node_storage_and_bridge_names_follow_proxmox_rules() {
    assert_table::<NodeName>(
        &[("PVE-1", "PVE-1"), ("7", "7")],
        &["", "pve.1", "-a", "a_b", "a/b"],
    );
    assert_table::<StorageName>(
        &[("local-lvm", "local-lvm"), ("a1", "a1")],
        &["", "a", "1a", "a-", "a/b", "..", "a:b"],
    );
    assert_table::<BridgeName>(
        &[("vmbr0", "vmbr0"), ("vmbr0.100", "vmbr0.100")],
        &["", "0br", "..", "vm br", "vmbr0,x=1", "sixteen-letters-"],
    );
}
