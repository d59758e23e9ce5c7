//! Image references and file names of templates.

use std::{collections::BTreeSet, sync::LazyLock};

use model::image::{ImageRef, TemplateName};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use regex::Regex;

use crate::{assert_parse, assert_table, error_message, grammar, round_trip, texts};

/// A pattern to generate valid references; shorter than the grammar allows.
const REFERENCE_PATTERN: &str = r"((localhost|[a-zA-Z0-9](-?[a-zA-Z0-9]){0,3}\.[a-z0-9]{1,5})(:[1-9][0-9]{0,3})?/)?[a-z0-9]{1,4}((_|__|-{1,3})[a-z0-9]{1,4}){0,2}(/[a-z0-9]{1,4}(\.[a-z0-9]{1,4})?){0,2}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,9})?(@sha256:[0-9a-f]{64})?";

/// The grammar of the distribution project, with Holdfast's stricter rules.
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    let label = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
    let part = "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*";
    let first_of_many = "[a-z0-9]+((_|__|-+)[a-z0-9]+)*";
    let host = format!(r"(localhost|{label}(\.{label})+|{label}(\.{label})*:(?<port>[1-9][0-9]*))");
    let algorithm = "[A-Za-z][A-Za-z0-9]*([+._-][A-Za-z][A-Za-z0-9]*)*";
    grammar(&format!(
        r"({host}/(?<path>{part}(/{part})*)|(?<local>{part}|{first_of_many}(/{part})+))(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(@(?<algorithm>{algorithm}):(?<hex>[0-9a-fA-F]{{32,}}))?"
    ))
});

/// Proxmox VE 9.2's pattern of the parameter `reference` of `oci-registry-pull`.
static PROXMOX: LazyLock<Regex> = LazyLock::new(|| {
    let label = r"(?:[a-zA-Z\d]|[a-zA-Z\d][a-zA-Z\d-]*[a-zA-Z\d])";
    let part = r"[a-z\d]+(?:(?:[._]|__|[-]*)[a-z\d]+)*";
    grammar(&format!(
        r"(?-u)(?:{label}(?:\.{label})*(?::\d+)?/)?{part}(?:/{part})*:\w[\w.-]{{0,127}}"
    ))
});

static FILE: LazyLock<Regex> = LazyLock::new(|| grammar(r"[A-Za-z0-9_.-]{1,96}\.tar"));
static TEMPLATE: LazyLock<Regex> =
    LazyLock::new(|| grammar(r"[A-Za-z0-9][A-Za-z0-9_.+~-]*\.tar(\.(gz|xz|zst|bz2))?"));

fn is_reference(text: &str) -> bool {
    REFERENCE.captures(text).is_some_and(|captures| {
        let port_fits = captures
            .name("port")
            .is_none_or(|port| port.as_str().parse().is_ok_and(|port: u32| port <= 65_535));
        let is_id = ["path", "local"]
            .iter()
            .filter_map(|group| captures.name(group))
            .any(|path| grammar("[0-9a-f]{64}").is_match(path.as_str()));
        let digest_fits = captures
            .name("hex")
            .is_none_or(|hex| match &captures["algorithm"] {
                "sha256" => grammar("[0-9a-f]{64}").is_match(hex.as_str()),
                "sha384" => grammar("[0-9a-f]{96}").is_match(hex.as_str()),
                "sha512" => grammar("[0-9a-f]{128}").is_match(hex.as_str()),
                _ => true,
            });
        port_fits && !is_id && digest_fits
    })
}

proptest! {
    #[test]
    fn reference_follows_distribution_grammar(text in texts(REFERENCE_PATTERN, "[a-zA-Z0-9./:@_-]{1,14}")) {
        assert_parse::<ImageRef>(&text, is_reference(text.trim_ascii()))?;
    }

    #[test]
    fn pullable_reference_is_accepted_by_proxmox(text in texts(REFERENCE_PATTERN, "[a-z0-9./:@_-]{1,14}")) {
        if let Ok(image) = text.parse::<ImageRef>() {
            prop_assert_eq!(image.pullable().is_ok(), !text.contains('@'));
            let reference = image.proxmox_reference();
            prop_assert!(PROXMOX.is_match(&reference), "{}", reference);
            let expected = format!("{}/{}:{}", image.registry(), image.repository(), image.tag());
            prop_assert_eq!(reference, expected);
        }
    }

    #[test]
    fn file_name_is_a_unique_template_name(texts in proptest::collection::vec(REFERENCE_PATTERN, 2..20)) {
        let images: BTreeSet<ImageRef> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let files: BTreeSet<String> = images.iter().map(ImageRef::file_name).collect();
        prop_assert_eq!(images.len(), files.len());
        for file in files {
            prop_assert!(FILE.is_match(&file), "{}", file);
            round_trip(&file.parse::<TemplateName>().unwrap())?;
        }
    }

    #[test]
    fn template_name_is_an_archive(text in texts(r"[A-Za-z0-9][A-Za-z0-9_.+~-]{0,9}\.tar(\.(gz|xz|zst|bz2))?", "[a-z./+~]{1,9}")) {
        assert_parse::<TemplateName>(&text, TEMPLATE.is_match(text.trim_ascii()))?;
    }
}

#[test]
fn image_reference_is_completed_and_malformed_references_are_rejected() {
    let digest = format!("sha256:{}", "0a".repeat(32));
    let with_digest = format!("a/b@{digest}");
    let shown_with_digest = format!("docker.io/a/b:latest@{digest}");
    let tag = "t".repeat(128);
    let longest = format!("ghcr.io/{}", "a".repeat(247));
    let too_long = format!("{longest}a");
    assert_table::<ImageRef>(
        &[
            ("nginx", "docker.io/library/nginx:latest"),
            (" nginx:1.27 ", "docker.io/library/nginx:1.27"),
            ("o/app", "docker.io/o/app:latest"),
            ("docker.io/nginx", "docker.io/library/nginx:latest"),
            ("index.docker.io/o/app", "docker.io/o/app:latest"),
            ("ghcr.io/app", "ghcr.io/app:latest"),
            ("GHCR.io/app:V1", "ghcr.io/app:V1"),
            ("localhost:5000/o/app:v1", "localhost:5000/o/app:v1"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000", "docker.io/library/localhost:5000"),
            ("10.0.0.1:5000/a", "10.0.0.1:5000/a:latest"),
            ("a__b-c/d.e--f", "docker.io/a__b-c/d.e--f:latest"),
            (&with_digest, &shown_with_digest),
            (&format!("a:{tag}"), &format!("docker.io/library/a:{tag}")),
            (&longest, &format!("{longest}:latest")),
        ],
        &[
            "",
            "UPPER/x",
            "Nginx",
            "a/B",
            "-a",
            "a-",
            "a..b",
            "a___b",
            "a._b",
            "a//b",
            "/a",
            "a/",
            "a:",
            ":v1",
            "a:.v",
            "a:-v",
            "a:v 1",
            "a b",
            "a@",
            "a@sha256:",
            "a/b@sha256:abc",
            "http://a/b",
            "a:v1:v2",
            "[::1]:5000/a",
            "localhost:0/a",
            "localhost:65536/a",
            "localhost: 5000/a",
            "localhost:/a",
            "a.b./c",
            "-a.b/c",
            "a_b.c/d",
            "ä",
            "docker.io/",
            "docker.io/library/",
            &"0a".repeat(32),
            &format!("a:{tag}t"),
            &too_long,
            &format!("a@sha256:{}", "0A".repeat(32)),
            &format!("a@sha512:{}", "0a".repeat(32)),
        ],
    );
    assert_eq!(
        error_message::<ImageRef>("UPPER/x"),
        "Use lowercase letters in the image name. Only tags can have uppercase letters.",
    );
}

#[test]
fn image_reference_exposes_its_parts() {
    let image: ImageRef = "localhost:5000/o/app:v1".parse().unwrap();
    assert_eq!(image.registry().to_string(), "localhost:5000");
    assert_eq!(
        (image.repository(), image.tag(), image.digest()),
        ("o/app", "v1", None)
    );
    assert_eq!(image.pullable(), Ok(&image));
    assert_eq!(image.proxmox_reference(), "localhost:5000/o/app:v1");

    let digest = format!("sha512:{}", "f".repeat(128));
    let image: ImageRef = format!("a/b:v1@{digest}").parse().unwrap();
    assert_eq!((image.tag(), image.digest()), ("v1", Some(digest.as_str())));
    assert_eq!(
        image.pullable().unwrap_err().to_string(),
        "Proxmox cannot pull by digest. Enter a tag.",
    );
}

/// The hash is the first half of the SHA-256 of the displayed reference. A change would pull every
/// image again and leave the old files behind.
#[test]
fn image_file_name_is_stable() {
    let file = |text: &str| text.parse::<ImageRef>().unwrap().file_name();
    assert_eq!(
        file("nginx:1.27"),
        "nginx_1.27-6965a10c15290ad0b29ca7fd1866de18.tar"
    );
    assert_eq!(file("docker.io/library/nginx:1.27"), file("nginx:1.27"));
    assert_eq!(
        file("localhost:5000/a/b:v1"),
        "b_v1-489d48f55f70e7038913a45a7743084f.tar"
    );
    assert_ne!(file("localhost:5000/a/b:v1"), file("localhost:5000/c/b:v1"));
    let long = file(&format!("{}:{}", "a".repeat(200), "t".repeat(128)));
    assert_eq!(long.len(), 100);
}

#[test]
fn template_name_requires_archive_extension() {
    let longest = format!("{}.tar", "a".repeat(196));
    assert_table::<TemplateName>(
        &[
            (
                "debian-12-standard_12.7-1_amd64.tar.zst",
                "debian-12-standard_12.7-1_amd64.tar.zst",
            ),
            (" a.tar ", "a.tar"),
            ("a+b~c.tar.gz.tar", "a+b~c.tar.gz.tar"),
            (&longest, &longest),
        ],
        &[
            "",
            ".tar",
            ".tar.gz",
            "-a.tar",
            "a.tgz",
            "a.tar.lzo",
            "a.tar.gz.xz",
            "a/b.tar",
            "../a.tar",
            "a b.tar",
            &format!("a{longest}"),
        ],
    );
}
