//! Descriptions, commands and passwords, and the `Debug` output of types with secrets.

use std::fmt::Debug;

use model::{
    account::{CurrentPassword, PasswordForm},
    authorities::AuthorityForm,
    certificates::UploadForm,
    clusters::ClusterForm,
    containers::ContainerForm,
    env::EnvVar,
    providers::ProviderForm,
    session::SignInForm,
    text::{Description, Entrypoint, Password},
    users::UserForm,
};
use proptest::prelude::{any, prop_assert_eq, proptest};

use crate::{assert_parse, assert_table, texts};

proptest! {
    #[test]
    fn description_is_plain_text(text in texts("[a-zé \n]{0,80}(\r\n[a-z]{1,9}){0,3}", "[a-z\n\r\t\u{1}\u{85}]{1,9}")) {
        let lines = text.trim_ascii().replace("\r\n", "\n");
        let plain = lines.split('\n').all(|line| !line.contains(char::is_control));
        assert_parse::<Description>(&text, plain && lines.chars().count() <= 2000)?;
        if let Ok(description) = text.parse::<Description>() {
            prop_assert_eq!(description.as_str(), lines);
        }
    }

    #[test]
    fn entrypoint_is_one_line(text in texts("[ -~]{1,80}", "[a-z\n\r\t\u{0}\u{1}\u{7f}]{1,9}")) {
        let trimmed = text.trim_ascii();
        let proxmox_accepts = !trimmed.contains(|c| matches!(c, '\0'..='\u{8}' | '\n'..='\u{1f}' | '\u{7f}'));
        assert_parse::<Entrypoint>(&text, !trimmed.is_empty() && proxmox_accepts)?;
    }

    #[test]
    fn password_is_unchanged(text in any::<String>()) {
        let parsed = text.parse::<Password>();
        prop_assert_eq!(parsed.is_ok(), (8..=256).contains(&text.chars().count()));
        if let Ok(password) = parsed {
            prop_assert_eq!(password.as_str(), text.as_str());
            let json = serde_json::to_string(&password).unwrap();
            prop_assert_eq!(serde_json::from_str::<Password>(&json).unwrap(), password);
        }
    }
}

#[test]
fn description_and_entrypoint_are_limited_to_2000_characters() {
    let longest = "é".repeat(2000);
    assert_table::<Description>(
        &[("a\r\nb ", "a\nb"), ("", ""), (&longest, &longest)],
        &["a\tb", "a\rb", "a\0b", &"é".repeat(2001)],
    );
    assert_table::<Entrypoint>(
        &[
            (" /bin/sh -c 'x' ", "/bin/sh -c 'x'"),
            ("a\tb", "a\tb"),
            (&longest, &longest),
        ],
        &["", " ", "a\nb", "a\rb", "a\0b", &"é".repeat(2001)],
    );
}

#[test]
fn password_debug_output_hides_value() {
    let password: Password = " secret  ".parse().unwrap();
    assert_eq!(format!("{password:?}"), "Password(…)");
    assert_eq!(password.as_str(), " secret  ");
    for bad in ["", "1234567", &"x".repeat(257)] {
        assert_eq!(
            bad.parse::<Password>().unwrap_err().to_string(),
            "Use 8 to 256 characters."
        );
    }
    assert!("é".repeat(256).parse::<Password>().is_ok());
}

#[test]
fn debug_output_omits_secrets() {
    let form = model::containers::ContainerForm {
        name: "web".to_owned(),
        env: "TOKEN=secret".to_owned(),
        ..Default::default()
    };
    assert!(!format!("{form:?}").contains("secret"));
    let variable = "TOKEN=secret".parse::<model::env::EnvVar>().unwrap();
    assert!(!format!("{variable:?}").contains("secret"));
    let form = model::providers::ProviderForm {
        secret: "secret".to_owned(),
        ..Default::default()
    };
    assert!(!format!("{form:?}").contains("\"secret\""));
}

#[test]
fn debug_output_contains_no_secret() {
    const SECRET: &str = "hunter2-hunter2";
    let secret = || SECRET.to_owned();
    let types: [(&str, &dyn Debug); 10] = [
        ("CurrentPassword", &CurrentPassword(secret())),
        (
            "PasswordForm",
            &PasswordForm {
                current: secret(),
                new: secret(),
            },
        ),
        (
            "AuthorityForm",
            &AuthorityForm {
                eab_mac_key: secret(),
                ..AuthorityForm::default()
            },
        ),
        (
            "UploadForm",
            &UploadForm {
                key: secret(),
                ..UploadForm::default()
            },
        ),
        (
            "ClusterForm",
            &ClusterForm {
                secret: secret(),
                ..ClusterForm::default()
            },
        ),
        (
            "ContainerForm",
            &ContainerForm {
                env: secret(),
                entrypoint: secret(),
                ..ContainerForm::default()
            },
        ),
        (
            "EnvVar",
            &EnvVar::new("TOKEN".parse().unwrap(), SECRET).unwrap(),
        ),
        (
            "ProviderForm",
            &ProviderForm {
                secret: secret(),
                ..ProviderForm::default()
            },
        ),
        (
            "SignInForm",
            &SignInForm {
                password: secret(),
                ..SignInForm::default()
            },
        ),
        (
            "UserForm",
            &UserForm {
                password: secret(),
                ..UserForm::default()
            },
        ),
    ];
    for (name, value) in types {
        let text = format!("{value:?}");
        assert!(text.starts_with(name), "{text}");
        assert!(!text.contains(SECRET), "{text}");
    }
}
