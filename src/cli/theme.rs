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
fn load(config: &Config, name: &str) -> (Theme, Vec<Problem>) {
    let find = |name: &str| config.document("themes", name);
    theme::load(name, &find, ColorDepth::True, GlyphSet::Unicode)
}

fn list(config: &Config, settings: &[Problem], call: &mut Call<'_>) -> Done {
    let own = config.listed("themes");
    let mut names: Vec<&str> = theme::names().collect();
    names.extend(own.iter().map(String::as_str));
    names.dedup();
    let mut rows = Vec::new();
    for name in names {
        let shipped = theme::names().any(|known| known == name);
        let yours = own.iter().any(|known| known == name);
        if rows.iter().any(|(known, ..)| *known == name) {
            continue;
        }
        let origin = match (shipped, yours) {
            (true, false) => "shipped",
            (true, true) => "yours, over the shipped one",
            (false, _) => "yours",
        };
        rows.push((name, origin, load(config, name).1));
    }
    let known = rows.iter().any(|(name, ..)| *name == config.theme);
    if call.json() {
        let themes = rows.iter().map(|(name, origin, problems)| {
            json!({
                "name": name,
                "in_use": *name == config.theme,
                "shipped": origin.starts_with("shipped"),
                "problems": said(problems),
            })
        });
        let themes: Vec<Value> = themes.collect();
        return call
            .out
            .json(&json!({ "themes": themes, "problems": said(settings) }));
    }
    let mut table = Table::new([left(""), left("theme"), left("origin"), flex("problems")]);
    for (name, origin, problems) in &rows {
        let mark = if *name == config.theme { "*" } else { "" };
        let wrong = problems.first().map(|problem| match problems.len() {
            1 => problem.to_string(),
            more => format!("{problem} (and {} more)", more - 1),
        });
        table.row([
            cell(mark),
            cell(name),
            cell(origin),
            cell(wrong.unwrap_or_default()),
        ]);
    }
    call.out.table(&table)?;
    for problem in settings {
        call.out.tone(Tone::Bad, &problem.to_string())?;
    }
    if !known {
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
