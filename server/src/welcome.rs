//! What `holdfast serve` prints for the person at the console when it is ready: where to go and how
//! to sign in. It goes to standard output and is never part of the log.

use std::fmt::{self, Display, Formatter};

use control::{
    Actor, Control, sessions,
    setup::{self, FirstAdministrator},
};
use model::Error;

use crate::{config::PublicUrl, router::Public, sign_in};

/// What is printed.
pub(crate) struct Welcome {
    /// The address that people use.
    pub(crate) url: PublicUrl,
    /// The administrator whose account this start created.
    pub(crate) first: Option<FirstAdministrator>,
    /// The address that signs the administrator in once.
    pub(crate) link: Option<String>,
}

impl Display for Welcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "Holdfast is at {}", self.url)?;
        if let Some(first) = &self.first {
            writeln!(f, "Administrator: {}", first.name)?;
            writeln!(f, "Password: {}", first.password)?;
            writeln!(f, "The password is shown only now. Change it under Users.")?;
        }
        if let Some(link) = &self.link {
            let minutes = sessions::LINK_LIFETIME.as_secs() / 60;
            writeln!(f, "Sign-in link: {link}")?;
            writeln!(
                f,
                "The link signs in the administrator once, on this machine, within {minutes} minutes."
            )?;
        }
        Ok(())
    }
}

/// Creates a link that signs in the first administrator, where a browser on this machine can use it.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn create_link(
    control: &Control,
    public: &Public,
) -> Result<Option<String>, Error> {
    if sign_in::link_url(public, "").is_none() {
        return Ok(None);
    }
    let Some(name) = setup::first_administrator(control).await? else {
        return Ok(None);
    };
    let lifetime = sessions::LINK_LIFETIME;
    let token = sessions::create_link(control, &Actor::System, &name, lifetime).await?;
    Ok(sign_in::link_url(public, &token))
}

#[cfg(test)]
mod tests {
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
        }
        .to_string()
    }

    #[test]
    fn first_start_prints_address_password_and_link() {
        assert_eq!(
            welcome(true, true),
            "Holdfast is at http://localhost:3000\n\
             Administrator: admin\n\
             Password: secret\n\
             The password is shown only now. Change it under Users.\n\
             Sign-in link: http://localhost:3000/sign-in/link?token=abc\n\
             The link signs in the administrator once, on this machine, within 10 minutes.\n"
        );
    }

    #[test]
    fn later_start_prints_the_address() {
        assert_eq!(
            welcome(false, false),
            "Holdfast is at http://localhost:3000\n"
        );
    }
}
