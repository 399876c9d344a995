//! Which line a call is about: a ledger here, or an engine elsewhere. What was said for this call goes first, then the
//! environment, then the folder; the user's default context stands in only where no ledger is found.

use std::{
    env,
    fs::File,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    LEDGER_VARIABLE, NoLedger, Place, locate,
    remote::{Address, Target, Token},
};
use crate::{
    config::{Config, Context, process_env},
    ledger::{Fault, FaultKind},
};

/// The variable with the address of an engine elsewhere; agents inherit it.
pub const ATTACH_VARIABLE: &str = "OBEYA_ATTACH";
/// The variable with the name of a context.
pub const CONTEXT_VARIABLE: &str = "OBEYA_CONTEXT";
/// The variable with the file of the token.
pub const TOKEN_VARIABLE: &str = "OBEYA_TOKEN_FILE";

/// The most bytes of a token's file: many times a token.
const MOST_TOKEN: u64 = 4 << 10;

/// What was said about where the line is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// A ledger's folder.
    pub ledger: Option<PathBuf>,
    /// An engine's address.
    pub attach: Option<Address>,
    /// A context's name.
    pub context: Option<String>,
    /// The file of the token.
    pub token_file: Option<PathBuf>,
    /// A file with certificates that are trusted beside the system's.
    pub ca: Option<PathBuf>,
}

impl Choice {
    /// Returns whether anything was said.
    pub fn is_made(&self) -> bool {
        *self != Choice::default()
    }
}

/// Where a line is.
#[derive(Clone, Debug)]
pub enum Chosen {
    /// A ledger of this machine.
    Ledger(Place),
    /// An engine elsewhere, and the theme that its context names.
    Engine(Box<Target>, Option<String>),
}

/// Finds the line that is meant.
///
/// # Errors
///
/// A path, an address, a token's file or a context that cannot be used, or two ways at once; or, inside, that there is no
/// ledger.
pub fn choose(choice: &Choice, from: &Path) -> Result<Result<Chosen, NoLedger>, Fault> {
    let ledger = choice.ledger.as_deref();
    if ledger.is_some() {
        return Ok(locate(ledger, from)?.map(Chosen::Ledger));
    }
    let said = match (&choice.attach, &choice.context) {
        (None, None) => from_environment()?,
        (attach, context) => Some((attach.clone(), context.clone())),
    };
    match said {
        Some((Some(address), _)) => Ok(Ok(engine(choice, Target::new(address), from)?)),
        Some((None, Some(called))) => Ok(Ok(of_context(choice, &called, from)?)),
        _ => match locate(None, from)? {
            Ok(place) => Ok(Ok(Chosen::Ledger(place))),
            Err(none) => {
                let (config, _) = Config::load(&process_env, &[]);
                match config.contexts().0.default {
                    Some(called) => Ok(Ok(of_context(choice, &called, from)?)),
                    None => Ok(Err(none)),
                }
            }
        },
    }
}

type Said = (Option<Address>, Option<String>);

/// Returns the engine that the environment names. A variable that names a ledger beside it leaves open which is meant.
fn from_environment() -> Result<Option<Said>, Fault> {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let (attach, context) = (set(ATTACH_VARIABLE), set(CONTEXT_VARIABLE));
    let ledger = env::var_os(LEDGER_VARIABLE).filter(|path| !path.is_empty());
    let named = [
        (LEDGER_VARIABLE, ledger.is_some()),
        (ATTACH_VARIABLE, attach.is_some()),
        (CONTEXT_VARIABLE, context.is_some()),
    ];
    let named: Vec<&str> = named
        .iter()
        .filter(|(_, is)| *is)
        .map(|(name, _)| *name)
        .collect();
    if named.len() > 1 {
        let what = format!("{} are set: which line is meant?", named.join(" and "));
        let fault = Fault::new(FaultKind::Misuse, "".as_ref(), what);
        return Err(
            fault.mend("Unset all but one, or name it with --ledger, --attach or --context.")
        );
    }
    let address = attach.map(|text| {
        text.trim().parse::<Address>().map_err(|why| {
            Fault::new(
                FaultKind::Misuse,
                "".as_ref(),
                format!("{ATTACH_VARIABLE}: {why}"),
            )
        })
    });
    let address = address.transpose()?;
    Ok((address.is_some() || context.is_some()).then_some((address, context)))
}

fn of_context(choice: &Choice, called: &str, from: &Path) -> Result<Chosen, Fault> {
    let (config, _) = Config::load(&process_env, &[]);
    let (contexts, problems) = config.contexts();
    let Some(context) = contexts.named(called) else {
        let shown = crate::text::clean(called).into_owned();
        let what = match problems.first() {
            Some(problem) => format!("the context '{shown}' cannot be used: {problem}"),
            None => format!("there is no context '{shown}'"),
        };
        let fault = Fault::new(FaultKind::Misuse, "".as_ref(), what);
        return Err(fault.mend("`obeya context list` shows what there is."));
    };
    let Context {
        name,
        url,
        token_file,
        ca,
        theme,
        read_only,
    } = context.clone();
    let address = url.parse::<Address>().map_err(|why| {
        let what = format!("the context '{name}' has no address: {why}");
        Fault::new(FaultKind::Misuse, "".as_ref(), what)
    })?;
    let choice = Choice {
        token_file: choice.token_file.clone().or(token_file),
        ca: choice.ca.clone().or(ca),
        ..choice.clone()
    };
    let target = Target {
        name: Some(name),
        read_only,
        ..Target::new(address)
    };
    match engine(&choice, target, from)? {
        Chosen::Engine(target, _) => Ok(Chosen::Engine(target, theme)),
        ledger => Ok(ledger),
    }
}

fn engine(choice: &Choice, mut target: Target, from: &Path) -> Result<Chosen, Fault> {
    let named = env::var_os(TOKEN_VARIABLE).filter(|path| !path.is_empty());
    let file = choice.token_file.clone().or(named.map(PathBuf::from));
    target.token = file.map(|file| token_in(&file)).transpose()?;
    target.ca = choice.ca.clone();
    // A server of the project here lets its user in.
    if let Ok(place) = locate(None, from)? {
        target = target.with_local_token(&place.home)?;
    }
    Ok(Chosen::Engine(Box::new(target), None))
}

/// Returns the token of a file that nobody else may read.
fn token_in(file: &Path) -> Result<Token, Fault> {
    let failed = |error| Fault::io(file, "reading the token", &error);
    let opened = File::open(file).map_err(failed)?;
    let about = opened.metadata().map_err(failed)?;
    let mode = about.permissions().mode();
    // A pipe has no permissions that mean anything.
    if about.is_file() && mode & 0o077 != 0 {
        let what = format!("others may read the token (mode {:o})", mode & 0o777);
        let fault = Fault::new(FaultKind::Permission, file, what);
        return Err(fault.mend("Let nobody else read it: chmod 600"));
    }
    let mut text = String::new();
    opened
        .take(MOST_TOKEN)
        .read_to_string(&mut text)
        .map_err(failed)?;
    match text.trim() {
        "" => {
            let fault = Fault::new(FaultKind::Misuse, file, "there is no token in it");
            Err(fault.mend("`obeya token create` on the engine's machine makes one."))
        }
        text => Ok(Token::new(text)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use std::fs;

    use super::*;

    #[test]
    fn a_token_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "  obeya_1\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(token_in(&file).unwrap_err().kind, FaultKind::Permission);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(token_in(&file).unwrap().secret(), "obeya_1");
        fs::write(&file, "\n").unwrap();
        assert!(token_in(&file).is_err());
        assert!(token_in(&folder.path().join("none")).is_err());
    }
}
