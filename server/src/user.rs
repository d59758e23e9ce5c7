//! User accounts from the command line, for the first administrator of an empty database and for
//! users who are locked out. Calls the same use cases as the browser, with the system as actor.

use std::io::Read as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use control::{Actor, Control, Options, users};
use model::{
    names::{EmailAddress, Username},
    text::{FullName, Password},
    users::{Limits, Role, UserSpec, UserValues},
};

use crate::{ExitError, config::Config, serve};

/// The values of a new user.
pub(crate) struct NewUser {
    name: Username,
    email: EmailAddress,
    role: Role,
}

impl NewUser {
    pub(crate) fn parse(name: &str, email: &str, role: &str) -> Result<Self, ExitError> {
        let input = |argument, reason: model::Invalid| ExitError::Input {
            argument,
            reason: reason.to_string(),
        };
        Ok(Self {
            name: parse_name(name)?,
            email: email.parse().map_err(|reason| input("email", reason))?,
            role: role.parse().map_err(|reason| input("role", reason))?,
        })
    }
}

/// Parses a user name.
pub(crate) fn parse_name(text: &str) -> Result<Username, ExitError> {
    text.parse()
        .map_err(|reason: model::Invalid| ExitError::Input {
            argument: "name",
            reason: reason.to_string(),
        })
}

/// A password with its source.
pub(crate) enum Secret {
    Generated(Password, String),
    Provided(Password),
}

impl Secret {
    /// Reads the first line of standard input, or generates a random password.
    pub(crate) fn read_or_generate(from_stdin: bool) -> Result<Self, ExitError> {
        let input = |reason: String| ExitError::Input {
            argument: "password",
            reason,
        };
        let text = if from_stdin {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|e| input(e.to_string()))?;
            text.lines().next().unwrap_or_default().to_owned()
        } else {
            URL_SAFE_NO_PAD.encode(rand::random::<[u8; 15]>())
        };
        let password = text
            .parse()
            .map_err(|reason: model::Invalid| input(reason.to_string()))?;
        Ok(if from_stdin {
            Self::Provided(password)
        } else {
            Self::Generated(password, text)
        })
    }

    /// The text of a generated password.
    pub(crate) fn generated(&self) -> Option<&str> {
        match self {
            Self::Generated(_, text) => Some(text),
            Self::Provided(_) => None,
        }
    }

    fn password(&self) -> Password {
        match self {
            Self::Generated(password, _) | Self::Provided(password) => password.clone(),
        }
    }
}

/// Creates a user.
pub(crate) async fn add(config: &Config, new: NewUser, password: &Secret) -> Result<(), ExitError> {
    let control = idle_control(config).await?;
    let spec = UserSpec {
        values: UserValues {
            name: new.name,
            full_name: FullName::default(),
            email: new.email,
            role: new.role,
            limits: Limits::default(),
            access_ends: None,
        },
        password: Some(password.password()),
    };
    let created = users::create(&control, &Actor::System, spec).await;
    control.shutdown(serve::SHUTDOWN_TIMEOUT).await;
    created.map(|_| ()).map_err(|cause| ExitError::Refused {
        operation: "user add",
        cause,
    })
}

/// Sets a user's password.
pub(crate) async fn set_password(
    config: &Config,
    name: &Username,
    password: &Secret,
) -> Result<(), ExitError> {
    let control = idle_control(config).await?;
    let updated = async {
        let user = users::get(&control, &Actor::System, name).await?;
        let spec = UserSpec {
            values: user.values(),
            password: Some(password.password()),
        };
        users::update(&control, &Actor::System, user.id, spec).await
    }
    .await;
    control.shutdown(serve::SHUTDOWN_TIMEOUT).await;
    updated.map_err(|cause| ExitError::Refused {
        operation: "user password",
        cause,
    })
}

/// Starts the use cases without workers, so that a server may run at the same time.
async fn idle_control(config: &Config) -> Result<Control, ExitError> {
    let store = serve::open_store(config).await?;
    let options = Options {
        max_concurrent_jobs: 0,
        ..Options::default()
    };
    Control::start(store, options)
        .await
        .map_err(|cause| ExitError::Refused {
            operation: "start",
            cause,
        })
}
