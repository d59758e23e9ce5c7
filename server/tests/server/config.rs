//! Accepted configurations, and error messages for invalid ones.

use std::path::{Path, PathBuf};

use control::setup::demo::Scenario;
use server::config::{Config, ConfigError, Demo, KeySource, LogFormat, Overrides};

fn load(toml: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holdfast.toml");
    std::fs::write(&file, toml).unwrap();
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(Some(&file), Overrides::default(), environment)
}

/// The error message, with the file's directory removed.
fn refusal(toml: &str, environment: &[(&str, &str)]) -> String {
    let message = load(toml, environment).unwrap_err().to_string();
    match (message.find("/"), message.find("/holdfast.toml")) {
        (Some(from), Some(to)) if from < to => {
            format!("{}{}", &message[..from], &message[to + 1..])
        }
        _ => message,
    }
}

#[test]
fn defaults_are_complete() {
    let config = Config::load(None, Overrides::default(), []).unwrap();
    assert_eq!(config.web.listen, "127.0.0.1:3000".parse().unwrap());
    assert_eq!(
        config.web.public_url(config.web.listen).to_string(),
        "http://localhost:3000"
    );
    assert_eq!(config.data, Path::new("data"));
    assert_eq!(config.database.to_string(), "sqlite:./data/holdfast.db");
    assert!(matches!(&config.key, KeySource::File(path) if path == Path::new("data/key")));
    assert_eq!(config.demo, None);
    assert_eq!(config.workers.parallel_jobs, 10);
    assert_eq!(config.workers.job_retention.as_secs(), 90 * 86_400);
}

#[test]
fn all_settings_are_read_from_the_file() {
    let config = load(
        r#"
        listen = "[::]:443"
        public_url = "https://cloud.example.org"
        trusted_proxies = ["10.0.0.0/8", "192.0.2.7"]
        tls_cert = "/etc/cert.pem"
        tls_key = "/etc/key.pem"
        data = "/srv/holdfast"
        database = "postgres://holdfast:geheim@db/holdfast"
        demo = false
        log = { format = "json", filter = "warn,control=debug" }
        workers.parallel_jobs = 3
        "#,
        &[],
    )
    .unwrap();
    assert!(config.web.public_url.as_ref().unwrap().is_secure());
    assert_eq!(config.web.trusted_proxies.len(), 2);
    assert_eq!(config.web.tls.unwrap().key, Path::new("/etc/key.pem"));
    assert!(!config.database.to_string().contains("geheim"));
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!((config.demo, config.workers.parallel_jobs), (None, 3));
}

#[test]
fn environment_overrides_file_and_command_line_overrides_both() {
    let environment = [
        ("HOLDFAST_LISTEN", "127.0.0.1:4000"),
        ("HOLDFAST_TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.1"),
        ("HOLDFAST_DEMO", "false"),
        ("HOLDFAST_WORKERS_PARALLEL_JOBS", "4"),
        ("HOLDFAST_DATA", "1984"),
        ("DATABASE_URL", "mysql://holdfast@db/holdfast"),
        ("HOLDFAST_KEY", "abc"),
        ("PATH", "/bin"),
    ];
    let config = load("listen = '127.0.0.1:1'\ndemo = true", &environment).unwrap();
    assert_eq!(config.web.listen.port(), 4000);
    assert_eq!(config.web.trusted_proxies.len(), 2);
    assert_eq!(config.demo, None);
    assert_eq!(config.workers.parallel_jobs, 4);
    assert_eq!(config.data, Path::new("1984"));
    assert_eq!(config.database.kind(), "MySQL");
    assert!(matches!(&config.key, KeySource::Environment(key) if key == "abc"));
    assert!(
        !format!("{config:?}").contains("abc"),
        "the debug output must not contain the key"
    );

    let overrides = Overrides {
        listen: Some("127.0.0.1:5000".into()),
        data: Some(PathBuf::from("/elsewhere")),
        demo: Some("small".into()),
        demo_speed: Some("10".into()),
        demo_passwords: true,
    };
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::load(None, overrides, environment).unwrap();
    assert_eq!(config.web.listen.port(), 5000);
    assert_eq!(config.data, Path::new("/elsewhere"));
    let demo = Demo {
        scenario: Scenario::Small,
        speed: 10,
        print_passwords: true,
    };
    assert_eq!(config.demo, Some(demo));
}

#[test]
fn demo_is_a_flag_or_a_scenario() {
    let scenario = |toml: &str, environment: &[(&str, &str)]| {
        let config = load(toml, environment).unwrap();
        config.demo.map(|demo| demo.scenario)
    };
    assert_eq!(scenario("demo = true", &[]), Some(Scenario::Full));
    assert_eq!(scenario("demo = 'full'", &[]), Some(Scenario::Full));
    assert_eq!(scenario("demo = 'small'", &[]), Some(Scenario::Small));
    assert_eq!(scenario("demo = false", &[]), None);
    let variable = [("HOLDFAST_DEMO", "small"), ("HOLDFAST_DEMO_SPEED", "7")];
    assert_eq!(scenario("demo = false", &variable), Some(Scenario::Small));
    assert_eq!(load("", &variable).unwrap().demo.unwrap().speed, 7);
    assert_eq!(load("demo = true", &[]).unwrap().demo.unwrap().speed, 1);
}

#[test]
fn unknown_key_error_suggests_a_similar_key() {
    assert_eq!(
        refusal("listn = '127.0.0.1:1'", &[]),
        "`listn` in holdfast.toml is not a setting; did you mean listen?"
    );
    assert_eq!(
        refusal("[log]\nformt = 'json'", &[]),
        "`log.formt` in holdfast.toml is not a setting; did you mean format?"
    );
    assert_eq!(
        refusal("", &[("HOLDFAST_LISTN", "x")]),
        "the variable HOLDFAST_LISTN is not a setting; did you mean HOLDFAST_LISTEN?"
    );
    assert_eq!(
        refusal("", &[("HOLDFAST_ZZZ", "x")]),
        "the variable HOLDFAST_ZZZ is not a setting"
    );
    assert_eq!(
        refusal("key = 'abc'", &[]),
        "`key` in holdfast.toml is not a setting; did you mean key_file?"
    );
}

#[test]
fn invalid_value_error_names_key_and_source() {
    assert_eq!(
        refusal("listen = 'localhost'", &[]),
        "listen (holdfast.toml): `localhost`: use an address with a port, such as 127.0.0.1:3000 or [::]:443"
    );
    assert_eq!(
        refusal("", &[("HOLDFAST_PUBLIC_URL", "cloud.example.org")]),
        "public_url (the variable HOLDFAST_PUBLIC_URL): use http:// or https:// and a host without a path, such as https://cloud.example.org"
    );
    assert_eq!(
        refusal("public_url = 'https://cloud.example.org/holdfast'", &[]),
        "public_url (holdfast.toml): use http:// or https:// and a host without a path, such as https://cloud.example.org"
    );
    assert_eq!(
        refusal("trusted_proxies = ['10.0.0.0/8', 'proxy']", &[]),
        "trusted_proxies (holdfast.toml): `proxy` is not an address or network; use a CIDR such as 10.0.0.0/8"
    );
    assert_eq!(
        refusal("log.format = 'xml'", &[]),
        "log.format (holdfast.toml): use text or json"
    );
    assert_eq!(
        refusal("workers.parallel_jobs = 0", &[]),
        "workers.parallel_jobs (holdfast.toml): use 1 to 100"
    );
    assert_eq!(
        refusal("workers.job_retention_days = 3651", &[]),
        "workers.job_retention_days (holdfast.toml): use 1 to 3650"
    );
    assert_eq!(
        refusal("demo = 'perhaps'", &[]),
        "demo (holdfast.toml): `perhaps`: use true, false, small or full"
    );
    assert_eq!(
        refusal("", &[("HOLDFAST_DEMO_SPEED", "0")]),
        "demo_speed (the variable HOLDFAST_DEMO_SPEED): use 1 to 100"
    );
    assert!(refusal("demo_speed = 'fast'", &[]).starts_with("demo_speed (holdfast.toml): use u32"));
    assert!(
        refusal("database = 'oracle:x'", &[])
            .starts_with("database (holdfast.toml): Use sqlite:PATH")
    );
    assert!(refusal("listen =", &[]).starts_with("holdfast.toml: "));
}

#[test]
fn tls_certificate_and_key_must_both_be_set() {
    assert_eq!(
        refusal("tls_cert = 'c.pem'", &[]),
        "tls_key (not set): required together with tls_cert"
    );
    assert_eq!(
        refusal("", &[("HOLDFAST_TLS_KEY", "k.pem")]),
        "tls_cert (not set): required together with tls_key"
    );
}

#[test]
fn public_listen_address_requires_public_url() {
    assert!(
        refusal("listen = '0.0.0.0:80'", &[]).starts_with("public_url (not set): required because")
    );
}

#[test]
fn missing_file_error_names_the_file() {
    let error =
        Config::load(Some(Path::new("/nowhere.toml")), Overrides::default(), []).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("/nowhere.toml cannot be read: "),
        "{error}"
    );
}
