//! Tests of the sign-in in front of a service: access, user headers, and the return address.

use std::sync::atomic::Ordering;

use edge::{PublicDomain, SiteConfig};
use model::publish::HttpOptions;

use crate::{
    backend,
    host::{inside, run, wait_until},
    nginx::request,
    site::{domain, empty_site, http_service, layout, nginx_command, parse, start_nginx, write},
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
            "-H 'X-User: root' -H 'X-Email: root@b' -H 'X-Access-Token: t' -b _oauth2_proxy=ann";
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
        request("https://other.example.org/", "-b _oauth2_proxy=ann");
        assert_eq!(auth_requests.load(Ordering::SeqCst), 2, "cached per host");
        let response = request("https://wiki.example.org/", "-b _oauth2_proxy=bob");
        assert!(
            response.contains("\nx-user: bob\n"),
            "cached per user: {response}"
        );
    });
}

#[test]
fn backend_receives_no_credentials_of_sign_in() {
    inside(
        "sign_in::backend_receives_no_credentials_of_sign_in",
        |folder| {
            backend::start(8080);
            backend::start_sign_in(4180);
            let mut site = site_with_sign_in(Some("http://127.0.0.1:4180"));
            let open = http_service("open", 8080, HttpOptions::default());
            site.domains[0].services.push(open);
            let layout = layout(folder);
            let _nginx = start_nginx(&site, &layout);
            let many: Vec<String> = (0..20).map(|n| format!("_oauth2_proxy_{n}=ann")).collect();
            for (sent, received) in [
                ("_oauth2_proxy=ann", ""),
                ("_oauth2_proxy=ann; theme=dark", " theme=dark"),
                ("theme=dark; _oauth2_proxy=ann", "theme=dark;"),
                (
                    "a=1; _oauth2_proxy_0=ann; b=2; _oauth2_proxy_1=x; _oauth2_proxy_csrf_7=y; c=3",
                    "a=1; b=2; c=3",
                ),
                (
                    "my_oauth2_proxy=1; __Secure-_oauth2_proxy=x; _oauth2_proxy=ann",
                    "my_oauth2_proxy=1;",
                ),
                (many.join("; ").as_str(), ""),
            ] {
                for host in ["wiki", "open"] {
                    let url = format!("https://{host}.example.org/");
                    let response = request(&url, &format!("-H 'Cookie: {sent}'"));
                    assert!(response.starts_with("GET /\n"), "{sent}: {response}");
                    let cookies = response
                        .lines()
                        .find_map(|line| line.strip_prefix("cookie: "));
                    assert_eq!(
                        cookies.unwrap_or_default(),
                        received.trim(),
                        "{host} {sent}"
                    );
                    assert!(!response.contains("secret-token"), "{response}");
                }
            }
            site.domains[0].forwards_access_token = true;
            write(&site, &layout);
            run(&format!("{} -s reload", nginx_command(&layout)));
            wait_until("the access token", || {
                let response = request("https://wiki.example.org/", "-b _oauth2_proxy=ann");
                response
                    .contains("\nx-access-token: secret-token\n")
                    .then_some(())
            });
        },
    );
}

#[test]
fn scripts_of_a_service_cannot_read_the_token() {
    inside(
        "sign_in::scripts_of_a_service_cannot_read_the_token",
        |folder| {
            backend::start(8080);
            backend::start_sign_in(4180);
            let site = site_with_sign_in(Some("http://127.0.0.1:4180"));
            let _nginx = start_nginx(&site, &layout(folder));
            for path in ["accel", "oauth2/auth/", "oauth2/any", "oauth2/auth"] {
                let url = format!("https://wiki.example.org/{path}");
                let response = request(&url, "-i -b _oauth2_proxy=ann");
                assert!(response.starts_with("HTTP/"), "{response}");
                assert!(!response.contains("secret-token"), "{path}: {response}");
            }
        },
    );
}

#[test]
fn authorization_of_service_does_not_reach_sign_in() {
    inside(
        "sign_in::authorization_of_service_does_not_reach_sign_in",
        |folder| {
            backend::start(8080);
            let requests = backend::start_sign_in(4180);
            let site = site_with_sign_in(Some("http://127.0.0.1:4180"));
            let _nginx = start_nginx(&site, &layout(folder));
            for token in ["one", "two"] {
                let options = format!("-b _oauth2_proxy=ann -H 'Authorization: Bearer {token}'");
                let response = request("https://wiki.example.org/", &options);
                let header = format!("\nauthorization: Bearer {token}\n");
                assert!(response.contains(&header), "{response}");
            }
            assert_eq!(
                requests.load(Ordering::SeqCst),
                1,
                "not part of the cache key"
            );
        },
    );
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

            let refused = request("https://wiki.example.org/", "-b _oauth2_proxy=mallory");
            assert!(refused.contains("Access denied"), "{refused}");
            assert!(refused.ends_with("\n403"), "{refused}");
            let response = request(
                "https://wiki.example.org/status/500",
                "-b _oauth2_proxy=ann",
            );
            assert_eq!(response, "response of the backend\n\n500");
            let hidden = request(
                "https://wiki.example.org/oauth2/auth",
                "-b _oauth2_proxy=ann",
            );
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
            for options in ["-b _oauth2_proxy=ann", "-X POST -d a=b"] {
                let page = request("https://wiki.example.org/", options);
                assert!(page.contains("Sign-in unavailable"), "{page}");
                assert!(page.ends_with("\n503"), "{page}");
            }
        }
    });
}
