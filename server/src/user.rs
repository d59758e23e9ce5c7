//! Accounts from the command line, for the first administrator of an empty database and for those
//! who are locked out. The same use cases as in the browser, asked by the program itself.

use std::io::Read as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use control::{Actor, Control, Options, users};
use model::{
    names::{Mail, Username},
    text::Password,
    users::{Limits, Role, UserSpec},
};

use crate::{Failure, config::Config, serve};

/// A new account's values.
pub(crate) struct New {
    name: Username,
    mail: Mail,
    role: Role,
}

impl New {
    pub(crate) fn parse(name: &str, mail: &str, role: &str) -> Result<Self, Failure> {
        let input = |what, why: model::Invalid| Failure::Input {
            what,
            why: why.to_string(),
        };
        Ok(Self {
            name: self::name(name)?,
            mail: mail.parse().map_err(|why| input("mail", why))?,
            role: role.parse().map_err(|why| input("role", why))?,
        })
    }
}

/// An account's name.
pub(crate) fn name(text: &str) -> Result<Username, Failure> {
    text.parse().map_err(|why: model::Invalid| Failure::Input {
        what: "name",
        why: why.to_string(),
    })
}

/// A password, and where it comes from.
pub(crate) enum Secret {
    MadeUp(Password, String),
    Given(Password),
}

impl Secret {
    /// The first line of the standard input, or a random one.
    pub(crate) fn take(from_stdin: bool) -> Result<Self, Failure> {
        let input = |why: String| Failure::Input {
            what: "password",
            why,
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
            .map_err(|why: model::Invalid| input(why.to_string()))?;
        Ok(if from_stdin {
            Self::Given(password)
        } else {
            Self::MadeUp(password, text)
        })
    }

    /// The text, when nobody knows it yet.
    pub(crate) fn made_up(&self) -> Option<&str> {
        match self {
            Self::MadeUp(_, text) => Some(text),
            Self::Given(_) => None,
        }
    }

    fn password(&self) -> Password {
        match self {
            Self::MadeUp(password, _) | Self::Given(password) => password.clone(),
        }
    }
}

/// Makes an account.
pub(crate) async fn add(config: &Config, new: New, password: &Secret) -> Result<(), Failure> {
    let control = idle_control(config).await?;
    let spec = UserSpec {
        name: new.name,
        mail: new.mail,
        role: new.role,
        limits: Limits::default(),
        password: Some(password.password()),
    };
    let added = users::create(&control, &Actor::System, spec).await;
    control.shutdown(serve::PATIENCE).await;
    added.map(|_| ()).map_err(|cause| Failure::Refused {
        what: "user add",
        cause,
    })
}

/// Gives an account a new password.
pub(crate) async fn set_password(
    config: &Config,
    name: &Username,
    password: &Secret,
) -> Result<(), Failure> {
    let control = idle_control(config).await?;
    let set = async {
        let user = users::get(&control, &Actor::System, name).await?;
        let spec = UserSpec {
            name: user.name,
            mail: user.mail,
            role: user.role,
            limits: user.limits,
            password: Some(password.password()),
        };
        users::update(&control, &Actor::System, user.id, spec).await
    }
    .await;
    control.shutdown(serve::PATIENCE).await;
    set.map_err(|cause| Failure::Refused {
        what: "user password",
        cause,
    })
}

/// The use cases beside a server that may run: takes no job.
async fn idle_control(config: &Config) -> Result<Control, Failure> {
    let store = serve::open_store(config).await?;
    let options = Options {
        parallel_jobs: 0,
        ..Options::default()
    };
    Control::start(store, options)
        .await
        .map_err(|cause| Failure::Refused {
            what: "start",
            cause,
        })
}
