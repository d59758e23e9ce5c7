//! Tests of the sign-in in front of a service: access, user headers, and the return address.

use std::sync::atomic::Ordering;

use edge::{PublicDomain, SiteConfig};
use model::publish::HttpOptions;

use crate::{
    backend,
    host::inside,
    nginx::request,
    site::{domain, empty_site, http_service, layout, parse, start_nginx},
};

/// A site with two services that require a sign-in.
fn site_with_sign_in(sign_in: Option<&str>) -> SiteConfig {
    let options = HttpOptions {
        sign_in: true,
        ..HttpOptions::default()
    };
    let mut site = empty_site();
    site.domains = vec![PublicDomain {
        sign_in: sign_in.map(parse),
        services: vec![
            http_service("wiki", 8080, options),
            http_service("other", 8080, options),
        ],
        ..domain("example.org")
    }];
    site
}

#[test]
fn backend_receives_user_from_sign_in() {
    inside("sign_in::backend_receives_user_from_sign_in", |folder| {
        backend::start(8080);
        let auth_requests = backend::start_sign_in(4180);
        let site = site_with_sign_in(Some("http://127.0.0.1:4180"));
        let _nginx = start_nginx(&site, &layout(folder));
        let forged_headers =
            "-H 'X-User: root' -H 'X-Email: root@b' -H 'X-Access-Token: t' -b who=ann";
        for _ in 0..3 {
            let response = request("https://wiki.example.org/a?b=c&d", forged_headers);
            assert!(response.starts_with("GET /a?b=c&d\n"), "{response}");
            assert!(response.contains("\nx-user: ann\n"), "{response}");
            assert!(response.contains("\nx-groups: staff\n"), "{response}");
            assert!(!response.contains("root"), "{response}");
            assert!(!response.contains("x-access-token"), "{response}");
        }
        assert_eq!(
            auth_requests.load(Ordering::SeqCst),
            1,
            "the response is cached"
        );
        request("https://other.example.org/", "-b who=ann");
        assert_eq!(auth_requests.load(Ordering::SeqCst), 2, "cached per host");
        let response = request("https://wiki.example.org/", "-b who=bob");
        assert!(
            response.contains("\nx-user: bob\n"),
            "cached per user: {response}"
        );
    });
}

#[test]
fn unauthenticated_users_are_redirected_to_sign_in() {
    inside(
        "sign_in::unauthenticated_users_are_redirected_to_sign_in",
        |folder| {
            backend::start(8080);
            backend::start_sign_in(4180);
            let site = site_with_sign_in(Some("http://127.0.0.1:4180"));
            let _nginx = start_nginx(&site, &layout(folder));
            let return_address = |path: &str| {
                let response = request(&format!("https://wiki.example.org{path}"), "--path-as-is");
                assert!(
                    response.contains("\nhost: wiki.example.org\n"),
                    "{response}"
                );
                assert!(
                    response.ends_with("\n403"),
                    "status of the sign-in: {response}"
                );
                let mut lines = response.lines();
                lines
                    .find_map(|line| line.strip_prefix("x-auth-request-redirect: "))
                    .unwrap_or_else(|| panic!("no return address: {response}"))
                    .to_owned()
            };
            assert_eq!(
                return_address("/a/b%20c?d=e&f=%26g#h"),
                "/a/b%20c?d=e&f=%26g"
            );
            assert_eq!(
                return_address("//evil.example/"),
                "/",
                "a browser would treat this as another host"
            );
            assert_eq!(return_address("/\\evil.example/"), "/");
            assert_eq!(
                return_address("/oauth2/sign_in"),
                "/",
                "the sign-in must not redirect to itself"
            );

            let refused = request("https://wiki.example.org/", "-b who=mallory");
            assert!(refused.contains("Access denied"), "{refused}");
            assert!(refused.ends_with("\n403"), "{refused}");
            let response = request("https://wiki.example.org/status/500", "-b who=ann");
            assert_eq!(response, "response of the backend\n\n500");
            let hidden = request("https://wiki.example.org/oauth2/auth", "-b who=ann");
            assert!(hidden.ends_with("\n404"), "{hidden}");
        },
    );
}

#[test]
fn missing_sign_in_denies_access() {
    inside("sign_in::missing_sign_in_denies_access", |folder| {
        backend::start(8080);
        for sign_in in [None, Some("http://127.0.0.1:4181")] {
            let _nginx = start_nginx(&site_with_sign_in(sign_in), &layout(folder));
            for options in ["-b who=ann", "-X POST -d a=b"] {
                let page = request("https://wiki.example.org/", options);
                assert!(page.contains("Sign-in unavailable"), "{page}");
                assert!(page.ends_with("\n503"), "{page}");
            }
        }
    });
}
