//! Which line a call is about: a ledger here, or an engine elsewhere. What was said for this call goes first, then the
//! environment, then the folder; the user's default context stands in only where no ledger is found.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::{
    LEDGER_VARIABLE, NoLedger, Place, locate,
    remote::{Address, Target},
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
/// A path, an address, a token's file or a context that cannot be used, two ways at once, or a token for a ledger; or, inside,
/// that there is no ledger.
pub fn choose(choice: &Choice, from: &Path) -> Result<Result<Chosen, NoLedger>, Fault> {
    let found = find(choice, from)?;
    // Who names a token means to be somebody else than this user, on another line than the one that is here.
    if matches!(found, Ok(Chosen::Ledger(_)))
        && (choice.token_file.is_some() || choice.ca.is_some())
    {
        let what =
            "--token-file and --ca are about an engine elsewhere, and the line here is a ledger";
        let mend = "Name the engine with --attach or --context, or leave them out.";
        return Err(misuse(what.to_owned(), mend));
    }
    Ok(found)
}

fn find(choice: &Choice, from: &Path) -> Result<Result<Chosen, NoLedger>, Fault> {
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
                let (contexts, _) = config.contexts();
                match (contexts.default, contexts.torn) {
                    (Some(called), _) => Ok(Ok(of_context(choice, &called, from)?)),
                    // It may have named the line that is meant.
                    (None, Some(problem)) => Err(misuse(
                        format!(
                            "there is no ledger here, and no telling which context is in use: {problem}"
                        ),
                        SHOWN,
                    )),
                    (None, None) => Ok(Err(none)),
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
        let mend = "Unset all but one, or name it with --ledger, --attach or --context.";
        return Err(misuse(what, mend));
    }
    let address = attach.map(|text| {
        let mend = format!("Correct it, or unset {ATTACH_VARIABLE}.");
        let address = text.trim().parse::<Address>();
        address.map_err(|why| misuse(format!("{ATTACH_VARIABLE}: {why}"), &mend))
    });
    let address = address.transpose()?;
    Ok((address.is_some() || context.is_some()).then_some((address, context)))
}

/// Where to look.
const SHOWN: &str = "`obeya context list` shows what there is.";

/// Returns the fault of somebody who named a line in a way that leads to none.
fn misuse(what: String, mend: &str) -> Fault {
    Fault::new(FaultKind::Misuse, "".as_ref(), what).mend(mend)
}

fn of_context(choice: &Choice, called: &str, from: &Path) -> Result<Chosen, Fault> {
    let (config, _) = Config::load(&process_env, &[]);
    let (contexts, _) = config.contexts();
    let Some(context) = contexts.named(called) else {
        let shown = crate::text::clean(called);
        let what = match contexts.problem(called) {
            Some(problem) => format!("the context '{shown}' cannot be used: {problem}"),
            None => format!("there is no context '{shown}'"),
        };
        return Err(misuse(what, SHOWN));
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
        misuse(what, "Correct its url in contexts.toml.")
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
    if let Some(file) = file {
        target = target.with_token_in(&file)?;
    }
    target.ca = choice.ca.clone();
    // A server of the project here lets its user in.
    if let Ok(place) = locate(None, from)? {
        target = target.with_local_token(&place.home)?;
    }
    Ok(Chosen::Engine(Box::new(target), None))
}
