//! Snapshots of the rendered files, and the effects of changed files.

use std::collections::BTreeSet;

use edge::{Effect, Layout, SiteConfig, render};

use crate::{
    example::{example_site, parse, port},
    hosts::{layout, newer_nginx_layout},
    reader::{parse_file, values},
};

/// Concatenates all files except error pages, each with its path.
fn render_all(layout: &Layout) -> String {
    let tree = render(&example_site(), layout).unwrap();
    let files = tree
        .files()
        .filter(|(path, _)| !path.starts_with("nginx/pages/"))
        .map(|(path, file)| format!("==> {path}\n{}", file.text));
    files.collect::<Vec<_>>().join("\n")
}

#[test]
fn example_site_renders_expected_files() {
    insta::assert_snapshot!(render_all(&layout()));
}

#[test]
fn newer_nginx_without_ipv6_renders_expected_files() {
    insta::assert_snapshot!(render_all(&newer_nginx_layout()));
}

/// All values of a directive in the files of nginx, with their paths.
fn nginx_values(name: &str) -> Vec<(String, String)> {
    let tree = render(&example_site(), &layout()).unwrap();
    let files = tree
        .files()
        .filter(|(path, _)| path.starts_with("nginx/") && path.ends_with(".conf"));
    let values = files.flat_map(|(path, file)| {
        let found = values(&parse_file(&file.text).unwrap(), name);
        let found = found.into_iter();
        found.map(move |value| (path.to_owned(), value))
    });
    values.collect()
}

/// A value in nginx.conf, as [`nginx_values`] returns it.
fn main_value(value: &str) -> (String, String) {
    ("nginx/nginx.conf".to_owned(), value.to_owned())
}

#[test]
fn bodies_of_services_are_not_written_to_disk() {
    for (name, value) in [
        ("proxy_request_buffering", "off"),
        ("proxy_max_temp_file_size", "0"),
    ] {
        assert_eq!(nginx_values(name), [main_value(value)], "{name}");
    }
    let ignored = nginx_values("proxy_ignore_headers");
    let is_ignored = |(path, value): &(String, String)| {
        path == "nginx/nginx.conf" && value.contains("X-Accel-Buffering")
    };
    assert!(ignored.iter().any(is_ignored), "{ignored:?}");
}

#[test]
fn old_workers_exit_after_ten_minutes() {
    let values = nginx_values("worker_shutdown_timeout");
    assert_eq!(values, [main_value("10m")]);
}

#[test]
fn missing_challenge_responses_are_not_logged() {
    let expected = ("nginx/responses.conf".to_owned(), "off".to_owned());
    assert_eq!(nginx_values("log_not_found"), [expected]);
}

fn effects(change: impl FnOnce(&mut SiteConfig)) -> BTreeSet<Effect> {
    let mut after = example_site();
    change(&mut after);
    let [before, after] = [example_site(), after].map(|site| render(&site, &layout()).unwrap());
    let files = before.files();
    let on_disk = files.map(|(path, file)| (path.to_owned(), file.text.clone().into_bytes()));
    after.effects_after(&on_disk.collect())
}

#[test]
fn changed_files_determine_effects() {
    let only = |effect| BTreeSet::from([effect]);
    assert_eq!(effects(|_| ()), BTreeSet::new());
    let removed_host = effects(|site| {
        site.hosts.pop();
    });
    assert_eq!(removed_host, only(Effect::ReloadDnsmasq), "host removed");
    let changed_option = effects(|site| site.network.gateway = parse("10.20.0.9"));
    assert_eq!(
        changed_option,
        only(Effect::ReloadDnsmasq),
        "option changed"
    );
    let removed_record = effects(|site| {
        site.records.pop();
    });
    assert_eq!(
        removed_record,
        only(Effect::RestartDnsmasq),
        "record removed"
    );
    let both = effects(|site| {
        site.hosts.pop();
        site.network.dhcp = None;
    });
    assert_eq!(
        both,
        only(Effect::RestartDnsmasq),
        "a restart includes a reload"
    );
    let removed_stream = effects(|site| {
        site.streams.pop();
    });
    assert_eq!(removed_stream, only(Effect::ReloadNginx), "file removed");
    let changed_service = effects(|site| site.domains[0].services[0].port = port(81));
    assert_eq!(
        changed_service,
        only(Effect::ReloadNginx),
        "service changed"
    );
}

#[test]
fn service_change_affects_only_its_file() {
    let before = render(&example_site(), &layout()).unwrap();
    let mut site = example_site();
    site.domains[0].services[0].port = port(81);
    let after = render(&site, &layout()).unwrap();
    let changed: Vec<&str> = after
        .files()
        .filter(|(path, file)| before.get(path) != Some(file))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(changed, ["nginx/services/wiki.example.org.conf"]);
}
