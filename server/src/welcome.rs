//! The text that `holdfastd serve` prints on standard output when it is ready: URL and sign-in. It
//! is not part of the log.

use std::{
    fmt::{self, Display, Formatter},
    io::{self, IsTerminal as _},
};

use control::{
    Actor, Control, sessions,
    setup::{self, FirstAdministrator, demo::DemoAccount},
};
use model::Error;

use crate::{
    ExitError, config::PublicUrl, demo::Demo, exit_error::to_exit_error, sign_in,
    state::PublicEndpoint,
};

/// The printed text.
pub(crate) struct Welcome {
    /// The public URL.
    pub(crate) url: PublicUrl,
    /// The administrator that this start created.
    pub(crate) first: Option<FirstAdministrator>,
    /// The sign-in link of the administrator.
    pub(crate) link: Option<String>,
    /// The users of the demo, if their passwords were requested.
    pub(crate) accounts: Vec<DemoAccount>,
}

impl Welcome {
    /// Creates a sign-in link on the first start. With a demo, later starts create one too, in case
    /// the password was lost, but only on a terminal: the output of a service is often readable by
    /// other users.
    pub(crate) async fn prepare(
        control: &Control,
        public: &PublicEndpoint,
        first: Option<FirstAdministrator>,
        demo: Option<&Demo>,
    ) -> Result<Self, ExitError> {
        let is_interactive = demo.is_some() && io::stdout().is_terminal();
        let link = match first.is_some() || is_interactive {
            true => create_link(control, public)
                .await
                .map_err(to_exit_error("sign-in link"))?,
            false => None,
        };
        let accounts = match demo {
            Some(demo) => demo.accounts(control).await?,
            None => Vec::new(),
        };
        Ok(Self {
            url: public.url.clone(),
            first,
            link,
            accounts,
        })
    }
}

impl Display for Welcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "Holdfast is at {}", self.url)?;
        if let Some(first) = &self.first {
            writeln!(f, "Administrator: {}", first.name)?;
            writeln!(f, "Password: {}", first.password)?;
            writeln!(
                f,
                "The password is shown only once. Change it under Account in your menu."
            )?;
        }
        if let Some(link) = &self.link {
            let minutes = sessions::LINK_LIFETIME.as_secs() / 60;
            writeln!(f, "Sign-in link: {link}")?;
            writeln!(
                f,
                "The link is valid once, on this machine, for {minutes} minutes."
            )?;
        }
        if !self.accounts.is_empty() {
            writeln!(f, "Demo accounts:")?;
        }
        for DemoAccount {
            name,
            role,
            password,
        } in &self.accounts
        {
            let password = password.as_deref().unwrap_or("(password was changed)");
            // Converted to strings first: width specifiers do not apply to custom `Display` types.
            let (name, role) = (name.to_string(), role.to_string());
            writeln!(f, "  {name:<8} {role:<8} {password}")?;
        }
        Ok(())
    }
}

/// Creates a sign-in link for the first administrator, if a browser on this machine can use it.
///
/// # Errors
/// When the database is unavailable.
async fn create_link(control: &Control, public: &PublicEndpoint) -> Result<Option<String>, Error> {
    if sign_in::link_url(public, "").is_none() {
        return Ok(None);
    }
    let Some(name) = setup::get_first_administrator(control).await? else {
        return Ok(None);
    };
    let lifetime = sessions::LINK_LIFETIME;
    let token = sessions::create_link(control, &Actor::System, &name, lifetime).await?;
    Ok(sign_in::link_url(public, &token))
}

#[cfg(test)]
mod tests {
    use model::users::Role;

    use super::*;

    fn welcome(first: bool, link: bool) -> String {
        let first = first.then(|| FirstAdministrator {
            name: "admin".parse().unwrap(),
            password: "secret".to_owned(),
        });
        Welcome {
            url: "http://localhost:3000".parse().unwrap(),
            first,
            link: link.then(|| "http://localhost:3000/sign-in/link?token=abc".to_owned()),
            accounts: Vec::new(),
        }
        .to_string()
    }

    #[test]
    fn demo_accounts_are_printed_in_columns() {
        let account = |name: &str, role, password: Option<&str>| DemoAccount {
            name: name.parse().unwrap(),
            role,
            password: password.map(str::to_owned),
        };
        let welcome = Welcome {
            url: "http://localhost:3000".parse().unwrap(),
            first: None,
            link: None,
            accounts: vec![
                account("elena", Role::Operator, Some("abc")),
                account("jonas", Role::Member, None),
            ],
        };
        assert_eq!(
            welcome.to_string(),
            "Holdfast is at http://localhost:3000\n\
             Demo accounts:\n\
             \x20 elena    operator abc\n\
             \x20 jonas    member   (password was changed)\n"
        );
    }

    #[test]
    fn first_start_prints_url_password_and_link() {
        assert_eq!(
            welcome(true, true),
            "Holdfast is at http://localhost:3000\n\
             Administrator: admin\n\
             Password: secret\n\
             The password is shown only once. Change it under Account in your menu.\n\
             Sign-in link: http://localhost:3000/sign-in/link?token=abc\n\
             The link is valid once, on this machine, for 10 minutes.\n"
        );
    }

    #[test]
    fn later_start_prints_only_the_url() {
        assert_eq!(
            welcome(false, false),
            "Holdfast is at http://localhost:3000\n"
        );
    }
}
