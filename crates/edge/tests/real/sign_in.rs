//! The sign-in in front of a service: who gets there, as whom, and where people come back to.

use std::sync::atomic::Ordering;

use edge::{PublicDomain, Snapshot};
use model::publish::HttpOptions;

use crate::{
    backend,
    host::inside,
    nginx::ask,
    site::{domain, empty, layout, of, service, start_nginx},
};

fn guarded(sign_in: Option<&str>) -> Snapshot {
    let options = HttpOptions {
        sign_in: true,
        ..HttpOptions::default()
    };
    let mut site = empty();
    site.domains = vec![PublicDomain {
        sign_in: sign_in.map(of),
        services: vec![
            service("wiki", 8080, options),
            service("other", 8080, options),
        ],
        ..domain("example.org")
    }];
    site
}

#[test]
fn backend_receives_user_from_sign_in() {
    inside("sign_in::backend_receives_user_from_sign_in", |folder| {
        backend::start(8080);
        let asked = backend::start_sign_in(4180);
        let site = guarded(Some("http://127.0.0.1:4180"));
        let _nginx = start_nginx(&site, &layout(folder));
        let liar = "-H 'X-User: root' -H 'X-Email: root@b' -H 'X-Access-Token: t' -b who=ann";
        for _ in 0..3 {
            let said = ask("https://wiki.example.org/a?b=c&d", liar);
            assert!(said.starts_with("GET /a?b=c&d\n"), "{said}");
            assert!(said.contains("\nx-user: ann\n"), "{said}");
            assert!(said.contains("\nx-groups: staff\n"), "{said}");
            assert!(!said.contains("root"), "{said}");
            assert!(!said.contains("x-access-token"), "{said}");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1, "the answer is kept");
        ask("https://other.example.org/", "-b who=ann");
        assert_eq!(asked.load(Ordering::SeqCst), 2, "for one host only");
        let said = ask("https://wiki.example.org/", "-b who=bob");
        assert!(
            said.contains("\nx-user: bob\n"),
            "for one person only: {said}"
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
            let site = guarded(Some("http://127.0.0.1:4180"));
            let _nginx = start_nginx(&site, &layout(folder));
            let back = |path: &str| {
                let said = ask(&format!("https://wiki.example.org{path}"), "--path-as-is");
                assert!(said.contains("\nhost: wiki.example.org\n"), "{said}");
                assert!(said.ends_with("\n403"), "as the sign-in said: {said}");
                let mut lines = said.lines();
                lines
                    .find_map(|line| line.strip_prefix("x-auth-request-redirect: "))
                    .unwrap_or_else(|| panic!("nowhere: {said}"))
                    .to_owned()
            };
            assert_eq!(back("/a/b%20c?d=e&f=%26g#h"), "/a/b%20c?d=e&f=%26g");
            assert_eq!(
                back("//evil.example/"),
                "/",
                "a browser would go to another host"
            );
            assert_eq!(back("/\\evil.example/"), "/");
            assert_eq!(
                back("/oauth2/sign_in"),
                "/",
                "not back to the sign-in itself"
            );

            let refused = ask("https://wiki.example.org/", "-b who=mallory");
            assert!(refused.contains("This service is not for you"), "{refused}");
            assert!(refused.ends_with("\n403"), "{refused}");
            let own = ask("https://wiki.example.org/status/500", "-b who=ann");
            assert_eq!(own, "the program's own words\n\n500");
            let hidden = ask("https://wiki.example.org/oauth2/auth", "-b who=ann");
            assert!(hidden.ends_with("\n404"), "{hidden}");
        },
    );
}

#[test]
fn missing_sign_in_denies_access() {
    inside("sign_in::missing_sign_in_denies_access", |folder| {
        backend::start(8080);
        for sign_in in [None, Some("http://127.0.0.1:4181")] {
            let _nginx = start_nginx(&guarded(sign_in), &layout(folder));
            for more in ["-b who=ann", "-X POST -d a=b"] {
                let page = ask("https://wiki.example.org/", more);
                assert!(page.contains("You cannot be signed in now"), "{page}");
                assert!(page.ends_with("\n503"), "{page}");
            }
        }
    });
}
