//! Environment variables.

use std::sync::LazyLock;

use model::env::{EnvName, EnvVar, EnvVars};
use proptest::{
    collection::vec,
    prelude::{any, prop_assert, prop_assert_eq, proptest},
};
use regex::Regex;

use crate::{assert_parse, assert_table, error_message, grammar, round_trip, texts};

static NAME: LazyLock<Regex> = LazyLock::new(|| grammar("[A-Za-z_][A-Za-z0-9_]{0,127}"));

/// Proxmox VE 9.2's pattern of the container parameter `env`, for one variable.
static PROXMOX: LazyLock<Regex> = LazyLock::new(|| grammar(r"\w+=[^\x00-\x08\x0a-\x1F\x7F]*"));

proptest! {
    #[test]
    fn name_follows_shell_grammar(text in texts("[A-Za-z_][A-Za-z0-9_]{0,127}", "[a-zA-Z0-9_=-]{1,9}")) {
        assert_parse::<EnvName>(&text, NAME.is_match(text.trim_ascii()))?;
    }

    #[test]
    fn value_is_unchanged_and_accepted_by_proxmox(value in any::<String>()) {
        let line = format!("A={value}");
        let parsed = line.parse::<EnvVar>();
        prop_assert_eq!(parsed.is_ok(), PROXMOX.is_match(&line));
        if let Ok(var) = parsed {
            prop_assert_eq!(var.value(), value);
            round_trip(&var)?;
        }
    }

    #[test]
    fn variables_round_trip_through_lines(values in vec("[ -~\t]{0,20}", 0..20)) {
        let vars: Vec<EnvVar> = values
            .iter()
            .zip(0..)
            .map(|(value, n)| EnvVar::new(format!("V{n}").parse().unwrap(), value.as_str()).unwrap())
            .collect();
        let vars = EnvVars::try_from(vars).unwrap();
        round_trip(&vars)?;
        let with_crlf = vars.to_string().replace('\n', "\r\n");
        prop_assert_eq!(with_crlf.parse(), Ok(vars.clone()));
        for (n, value) in values.iter().enumerate() {
            prop_assert_eq!(vars.get(&format!("V{n}")), Some(value.as_str()));
        }
    }

    #[test]
    fn any_text_parses_or_is_rejected(text in texts("([A-C]=[a-z =]{0,4}\r?\n){0,4}", "[A-C#= \n\r]{1,9}")) {
        if let Ok(vars) = text.parse::<EnvVars>() {
            round_trip(&vars)?;
            let names: std::collections::BTreeSet<_> = vars.iter().map(EnvVar::name).collect();
            prop_assert_eq!(names.len(), vars.len());
            let lines = text.lines().filter(|line| !line.trim_ascii().is_empty());
            prop_assert_eq!(lines.filter(|line| !line.trim_ascii().starts_with('#')).count(), vars.len());
            let kept = vars.iter().all(|var| text.contains(&["=", var.value()].concat()));
            prop_assert!(kept);
        }
    }
}

#[test]
fn environment_variable_requires_valid_name_and_single_line_value() {
    assert_table::<EnvVar>(
        &[
            ("A=b=c", "A=b=c"),
            ("A=", "A="),
            (" A= b ", "A= b "),
            ("_1=\t", "_1=\t"),
        ],
        &[
            "", "A", "=b", "1A=b", "A-B=c", "A=b\nc", "A=b\rc", "A=b\0c", "A=\u{7f}",
        ],
    );
    let name: EnvName = "A".parse().unwrap();
    assert!(EnvVar::new(name.clone(), "x".repeat(32 * 1024)).is_ok());
    assert!(EnvVar::new(name, "x".repeat(32 * 1024 + 1)).is_err());
    assert!(serde_json::from_str::<EnvVar>(r#"{"name":"A","value":"b\nc"}"#).is_err());
}

#[test]
fn environment_lines_skip_comments_and_report_line_numbers() {
    let vars: EnvVars = "# all of it\n\nB=2\r\n  A= 1 \n   # more\n"
        .parse()
        .unwrap();
    assert_eq!(vars.to_string(), "B=2\nA= 1 ");
    assert_eq!(
        (vars.get("A"), vars.get("B"), vars.get("C")),
        (Some(" 1 "), Some("2"), None)
    );
    assert_eq!(vars.len(), 2);
    assert_eq!(
        serde_json::to_string(&vars).unwrap(),
        r#"[{"name":"B","value":"2"},{"name":"A","value":" 1 "}]"#,
    );
    assert!("".parse::<EnvVars>().unwrap().is_empty());
    assert_eq!(
        error_message::<EnvVars>("A=1\n\nB"),
        "Line 3: Enter a variable as NAME=value."
    );
    assert_eq!(
        error_message::<EnvVars>("A=1\n\nA=2"),
        "Line 3: A is already set on line 1."
    );
    assert!(error_message::<EnvVars>("#\n1=2").starts_with("Line 2: "));
}

#[test]
fn environment_is_limited_to_100_variables_without_duplicates() {
    let lines = |n: usize| {
        (0..n)
            .map(|i| format!("V{i}=x"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(
        lines(100).parse::<EnvVars>().map(|vars| vars.len()),
        Ok(100)
    );
    assert_eq!(
        error_message::<EnvVars>(&lines(101)),
        "Enter at most 100 variables."
    );
    let twice = r#"[{"name":"A","value":"1"},{"name":"B","value":"1"},{"name":"A","value":"2"}]"#;
    let error = serde_json::from_str::<EnvVars>(twice)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("A is set more than once."), "{error}");
    let var: EnvVar = "A=1".parse().unwrap();
    let many = (0..101).map(|i| EnvVar::new(format!("V{i}").parse().unwrap(), "").unwrap());
    assert!(EnvVars::try_from(many.collect::<Vec<_>>()).is_err());
    assert!(EnvVars::try_from(vec![var.clone(), var]).is_err());
}
