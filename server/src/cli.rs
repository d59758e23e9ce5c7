//! The command line. Passwords are never arguments, because every local user can read those.

use std::{future::Future, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use control::setup::demo::Scenario;

use crate::{
    ExitError,
    config::{Config, Overrides},
    log,
    output::print,
    serve, user,
};

const EXIT_CODES: &str = "Exit codes: 0 success, 1 error, 2 usage, 3 configuration, 4 database, 5 \
    address in use or not available, 6 rejected";

/// A control plane for containers on Proxmox VE
#[derive(Parser)]
#[command(name = "holdfastd", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the web interface and run jobs until a signal
    Serve {
        #[command(flatten)]
        config_args: ConfigArgs,
        /// The address and port to listen on
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<String>,
        #[command(flatten)]
        demo: DemoArgs,
    },
    /// Check the configuration
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Manage accounts without signing in
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Simulate a Proxmox VE cluster for tests and demos
    ProxmoxSim(proxmox_sim::Options),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Validate the configuration and print a summary
    Check {
        #[command(flatten)]
        config_args: ConfigArgs,
    },
}

#[derive(Subcommand)]
enum UserCommand {
    /// Create an account; prints a generated password unless one is read from standard input
    Add {
        #[command(flatten)]
        config_args: ConfigArgs,
        /// The name to sign in with
        name: String,
        /// The email address
        #[arg(long, alias = "mail")]
        email: String,
        /// member, operator or administrator
        #[arg(long, default_value = "member")]
        role: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Give an account a new password and end its sessions
    Password {
        #[command(flatten)]
        config_args: ConfigArgs,
        /// The account's name
        name: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

/// The demo on a simulated cluster.
#[derive(Args)]
struct DemoArgs {
    /// true or full: a small organization; small: a few containers; false (the default): no demo
    #[arg(long, value_name = "SCENARIO")]
    demo: Option<String>,
    /// The speed of the simulated cluster, as a factor
    #[arg(long, value_name = "1-100")]
    demo_speed: Option<String>,
    /// Print the passwords of the demo accounts
    #[arg(long)]
    demo_passwords: bool,
}

/// Where the configuration and the data are.
#[derive(Args)]
struct ConfigArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "HOLDFAST_CONFIG")]
    config: Option<PathBuf>,
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl ConfigArgs {
    fn load(self) -> Result<Config, ExitError> {
        self.load_with(Overrides::default())
    }

    fn load_with(self, overrides: Overrides) -> Result<Config, ExitError> {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((
                name.into_string().ok()?,
                value.to_string_lossy().into_owned(),
            ))
        });
        let overrides = Overrides {
            data: self.data,
            ..overrides
        };
        Ok(Config::load(
            self.config.as_deref(),
            overrides,
            environment,
        )?)
    }
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// When the command fails.
    pub fn run(self) -> Result<(), ExitError> {
        match self.command {
            Command::Serve {
                config_args,
                listen,
                demo,
            } => {
                let config = config_args.load_with(Overrides {
                    listen,
                    demo: demo.demo,
                    demo_speed: demo.demo_speed,
                    demo_passwords: demo.demo_passwords,
                    data: None,
                })?;
                log::start(&config.log);
                block_on(serve::serve(config))
            }
            Command::Config {
                command: ConfigCommand::Check { config_args },
            } => check(&config_args.load()?),
            Command::User { command } => block_on(command.run()),
            Command::ProxmoxSim(options) => {
                block_on(async { Ok(proxmox_sim::run(options).await?) })
            }
        }
    }
}

impl UserCommand {
    async fn run(self) -> Result<(), ExitError> {
        match self {
            Self::Add {
                config_args,
                name,
                email,
                role,
                password_stdin,
            } => {
                let new = user::NewUser::parse(&name, &email, &role)?;
                let password = user::Secret::read_or_generate(password_stdin)?;
                user::add(&config_args.load()?, new, &password).await?;
                print_generated(&password)
            }
            Self::Password {
                config_args,
                name,
                password_stdin,
            } => {
                let name = user::parse_name(&name)?;
                let password = user::Secret::read_or_generate(password_stdin)?;
                user::set_password(&config_args.load()?, &name, &password).await?;
                print_generated(&password)
            }
        }
    }
}

/// Prints a generated password; a password from standard input is not printed.
fn print_generated(password: &user::Secret) -> Result<(), ExitError> {
    match password.generated() {
        Some(password) => print(format_args!("Password: {password}")),
        None => Ok(()),
    }
}

/// Prints a summary of the configuration.
fn check(config: &Config) -> Result<(), ExitError> {
    let url = match &config.web.public_url {
        Some(url) => url.to_string(),
        None => config.web.public_url(config.web.listen).to_string(),
    };
    print(format_args!(
        "Listens on {}; public URL {url}.",
        config.web.listen
    ))?;
    print(format_args!(
        "Database: {} ({}).",
        config.database,
        config.database.kind()
    ))?;
    print(format_args!("Data directory: {}.", config.data.display()))?;
    let demo = match config.demo.map(|demo| demo.scenario) {
        Some(Scenario::Full) => "small organization",
        Some(Scenario::Small) => "few containers",
        None => "off",
    };
    print(format_args!("Demo: {demo}."))
}

fn block_on(work: impl Future<Output = Result<(), ExitError>>) -> Result<(), ExitError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(ExitError::System)?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn command_line_definition_is_valid() {
        super::Cli::command().debug_assert();
    }
}
