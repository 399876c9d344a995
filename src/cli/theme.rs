//! `obeya theme …`: what the console's themes are and say.

use clap::{ArgMatches, Command};
use ratatui::style::{Color, Modifier};
use serde_json::{Value, json};

use super::{
    arguments::{positional, verb, verbs},
    context::{Call, text, word},
    error::{CliError, Done},
    output::Tone,
    table::{Table, cell, flex, left},
};
use crate::{
    config::{ColorDepth, Config, GlyphSet, Problem, Setting, process_env},
    ui::theme::{self, Role, Theme},
};

const NOUN: &str = "theme";

pub(super) fn grammar(noun: Command) -> Command {
    let name = || positional("name", "NAME", "Which; without it the one in use");
    verbs(
        noun,
        [
            verb(NOUN, "list"),
            verb(NOUN, "show").arg(name().required(false)),
            verb(NOUN, "set").arg(positional("name", "NAME", "Which")),
        ],
    )
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let (config, problems) = Config::load(&process_env, &[]);
    match matches.subcommand() {
        Some(("show", matches)) => {
            let name = text(matches, "name").unwrap_or_else(|| config.theme.clone());
            show(&config, &name, call)
        }
        Some(("set", matches)) => set(&config, word(matches, "name"), call),
        _ => list(&config, &problems, call),
    }
}

/// Returns a theme as it is written, and what is wrong in it.
pub(super) fn load(config: &Config, name: &str) -> (Theme, Vec<Problem>) {
    let find = |name: &str| config.document("themes", name);
    theme::load(name, &find, ColorDepth::True, GlyphSet::Unicode)
}

/// A theme that there is.
struct Row<'a> {
    name: &'a str,
    shipped: bool,
    yours: bool,
    problems: Vec<Problem>,
}

fn list(config: &Config, settings: &[Problem], call: &mut Call<'_>) -> Done {
    let own = config.listed("themes");
    let mut names: Vec<&str> = theme::names().collect();
    names.extend(
        own.iter()
            .map(String::as_str)
            .filter(|name| theme::shipped(name).is_none()),
    );
    let rows = names.into_iter().map(|name| Row {
        name,
        shipped: theme::shipped(name).is_some(),
        yours: own.iter().any(|known| known == name),
        problems: load(config, name).1,
    });
    let rows: Vec<Row<'_>> = rows.collect();
    if call.json() {
        let themes = rows.iter().map(|row| {
            json!({
                "name": row.name,
                "in_use": row.name == config.theme,
                "shipped": row.shipped,
                "yours": row.yours,
                "problems": said(&row.problems),
            })
        });
        let themes: Vec<Value> = themes.collect();
        return call
            .out
            .json(&json!({ "themes": themes, "problems": said(settings) }));
    }
    let mut table = Table::new([left(""), left("theme"), left("origin"), flex("problems")]);
    for row in &rows {
        let mark = if row.name == config.theme { "*" } else { "" };
        let origin = match (row.shipped, row.yours) {
            (true, true) => "yours, over the shipped one",
            (true, false) => "shipped",
            (false, _) => "yours",
        };
        let wrong = row
            .problems
            .first()
            .map(|problem| match row.problems.len() {
                1 => problem.to_string(),
                all => format!("{problem} (and {} more)", all - 1),
            });
        let wrong = wrong.unwrap_or_default();
        table.row([cell(mark), cell(row.name), cell(origin), cell(wrong)]);
    }
    call.out.table(&table)?;
    for problem in settings {
        call.out.tone(Tone::Bad, &problem.to_string())?;
    }
    if !rows.iter().any(|row| row.name == config.theme) {
        let text = format!(
            "there is no theme '{}', which is set: dark is used",
            config.theme
        );
        call.out.tone(Tone::Bad, &text)?;
    }
    Ok(())
}

fn said(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(Problem::to_string).collect()
}

fn show(config: &Config, name: &str, call: &mut Call<'_>) -> Done {
    let (theme, problems) = load(config, name);
    let colour = |colour: Option<Color>| match colour {
        None => String::new(),
        Some(Color::Reset) => "default".to_owned(),
        Some(colour) => colour.to_string().to_lowercase(),
    };
    let rows = Role::ALL.iter().map(|role| {
        let style = theme.style(*role);
        let look = [
            ("bold", Modifier::BOLD),
            ("dim", Modifier::DIM),
            ("italic", Modifier::ITALIC),
            ("underlined", Modifier::UNDERLINED),
            ("reversed", Modifier::REVERSED),
        ];
        let on = look
            .iter()
            .filter(|(_, on)| style.add_modifier.contains(*on));
        let look: Vec<&str> = on.map(|(word, _)| *word).collect();
        (
            role.name(),
            colour(style.fg),
            colour(style.bg),
            look.join(" "),
        )
    });
    let rows: Vec<_> = rows.collect();
    if call.json() {
        let roles = rows
            .iter()
            .map(|(role, fg, bg, look)| json!({ "role": role, "fg": fg, "bg": bg, "look": look }));
        let roles: Vec<Value> = roles.collect();
        let document = json!({ "name": name, "roles": roles, "problems": said(&problems) });
        call.out.json(&document)?;
    } else {
        let mut table = Table::new([left("role"), left("text"), left("ground"), flex("look")]);
        for (role, fg, bg, look) in rows {
            table.row([cell(role), cell(fg), cell(bg), cell(look)]);
        }
        call.out.table(&table)?;
        for problem in &problems {
            call.out.tone(Tone::Bad, &problem.to_string())?;
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(CliError::Wrong),
    }
}

fn set(config: &Config, name: &str, call: &mut Call<'_>) -> Done {
    call.no_dry_run("a setting")?;
    let (_, problems) = load(config, name);
    if let Some(problem) = problems.first() {
        return Err(CliError::Usage(format!(
            "theme {name} is not taken: {problem}"
        )));
    }
    let file = config
        .keep(Setting::Theme, name)
        .map_err(|problem| CliError::Usage(problem.to_string()))?;
    if call.json() {
        return call
            .out
            .json(&json!({ "theme": name, "file": file.display().to_string() }));
    }
    call.out
        .line(&format!("theme {name} is kept in {}", file.display()))
}
