//! What was given of a verb's arguments.

use clap::ArgMatches;

/// Returns the text of an argument, empty if it was not given.
pub(super) fn word<'m>(matches: &'m ArgMatches, name: &str) -> &'m str {
    let given = matches.try_get_one::<String>(name).ok().flatten();
    given.map_or("", String::as_str)
}

/// Returns the text of an argument, if it was given.
pub(super) fn text(matches: &ArgMatches, name: &str) -> Option<String> {
    value(matches, name)
}

/// Returns the value of an argument, if the verb has it and it was given.
pub(super) fn value<T>(matches: &ArgMatches, name: &str) -> Option<T>
where
    T: Clone + Send + Sync + 'static,
{
    matches.try_get_one::<T>(name).ok().flatten().cloned()
}

/// Returns every value of an argument.
pub(super) fn values<T>(matches: &ArgMatches, name: &str) -> Vec<T>
where
    T: Clone + Send + Sync + 'static,
{
    let given = matches.try_get_many::<T>(name).ok().flatten();
    given.into_iter().flatten().cloned().collect()
}
