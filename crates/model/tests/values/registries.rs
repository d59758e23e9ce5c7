//! Image registries, and the lists of those that sites allow.

use model::{
    image::ImageRef,
    registries::{AllowedRegistries, RegistryHost},
    sites::SiteForm,
};

use crate::{assert_table, error_message};

#[test]
fn registry_is_a_host_with_an_optional_port() {
    let longest = format!(
        "{}.{}.{}.{}",
        "a".repeat(63),
        "b".repeat(63),
        "c".repeat(63),
        "d".repeat(61)
    );
    assert_table::<RegistryHost>(
        &[
            ("docker.io", "docker.io"),
            ("index.docker.io", "docker.io"),
            ("GHCR.io", "ghcr.io"),
            ("ghcr.io:443", "ghcr.io:443"),
            ("localhost", "localhost"),
            ("registry:5000", "registry:5000"),
            ("127.0.0.1:5000", "127.0.0.1:5000"),
            (&longest, &longest),
        ],
        &[
            "",
            "ghcr",
            "ghcr.io.",
            "ghcr.io/team",
            "https://ghcr.io",
            "ghcr.io:0",
            "ghcr.io:",
            "user@ghcr.io",
            "[::1]:5000",
            "*.io",
            &format!("{longest}d"),
        ],
    );
}

#[test]
fn registries_are_separated_by_commas_or_spaces() {
    assert_table::<AllowedRegistries>(
        &[
            ("", ""),
            ("ghcr.io,quay.io", "ghcr.io, quay.io"),
            (" ghcr.io  GHCR.io\n", "ghcr.io"),
            ("localhost, 10.0.0.1:5000", "localhost, 10.0.0.1:5000"),
        ],
        &["ghcr.io; quay.io", "ghcr", &long_list()],
    );
    let default: AllowedRegistries = AllowedRegistries::DEFAULT.parse().unwrap();
    assert_eq!(default, AllowedRegistries::default());
    assert_eq!(SiteForm::default().registries, default.to_string());
}

fn long_list() -> String {
    (0..80).map(|n| format!("r{n}.example.org ")).collect()
}

#[test]
fn only_images_of_listed_registries_are_allowed() {
    let allows = |list: &str, image: &str| {
        let list: AllowedRegistries = list.parse().unwrap();
        list.check(&image.parse::<ImageRef>().unwrap()).is_ok()
    };
    let default = AllowedRegistries::DEFAULT;
    for image in [
        "nginx",
        "o/app:v1",
        "index.docker.io/o/app",
        "ghcr.io/o/app",
        "QUAY.io/o/app",
    ] {
        assert!(allows(default, image), "{image}");
    }
    let refused = [
        "localhost/app",
        "localhost:5000/app",
        "127.0.0.1/app",
        "127.1/app",
        "169.254.169.254/app",
        "10.20.0.1:5000/app",
        "192.168.1.1/app",
        "ghcr.io:443/app",
        "ghcr.io:8006/app",
        "ghcr.io.evil.example/app",
        "evil-ghcr.io/app",
        "sub.ghcr.io/app",
    ];
    for image in refused {
        assert!(!allows(default, image), "{image}");
    }
    assert!(allows("localhost:5000", "localhost:5000/app"));
    assert!(!allows("localhost:5000", "localhost/app"));
    assert!(allows("10.20.0.1:5000", "10.20.0.1:5000/app"));
    assert!(!allows("", "nginx"));
}

#[test]
fn refusal_names_the_allowed_registries() {
    let refusal = |list: &str| {
        let list: AllowedRegistries = list.parse().unwrap();
        let image: ImageRef = "evil.example:5000/app".parse().unwrap();
        list.check(&image).unwrap_err().to_string()
    };
    assert_eq!(
        refusal("docker.io, ghcr.io, quay.io"),
        "The site does not allow images from evil.example:5000. \
            Use an image from docker.io, ghcr.io or quay.io."
    );
    assert_eq!(
        refusal(""),
        "The site does not allow images from evil.example:5000. Choose a template."
    );
    assert_eq!(
        error_message::<AllowedRegistries>("ghcr"),
        "Enter a registry such as ghcr.io or localhost:5000."
    );
}
