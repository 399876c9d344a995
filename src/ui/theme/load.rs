//! Themes as files: a palette of names, roles that use them, and a parent to inherit from.
//!
//! ```toml
//! inherits = "dark"
//! [palette]
//! blue = { color = "#74b5ff", ansi16 = "bright-blue" }
//! [roles]
//! title = { fg = "blue", bold = true }
//! "status.queued" = "gray"
//! ```

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Role, Spec, Theme,
    depth::{Shade, parse},
};
use crate::config::{ColorDepth, Document, GlyphSet, Problem};

macro_rules! shipped {
    ($($name:literal)+) => {
        /// The themes within the program: name, file, text. In the order in which they are offered.
        const SHIPPED: &[(&str, &str, &str)] = &[$((
            $name,
            concat!("themes/", $name, ".toml"),
            include_str!(concat!("../../../themes/", $name, ".toml")),
        )),+];
    };
}

shipped! {
    "dark" "light" "high-contrast" "colour-blind" "ansi16" "mono" "nord" "gruvbox" "catppuccin" "solarized"
}

/// Longest line of ancestors; a longer one is a mistake.
const MAX_INHERITS: usize = 8;

/// The modifiers a role may switch on.
const MODIFIERS: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

/// Finds a user's theme by its name; a file that cannot be read is a problem.
pub(super) type Find<'a> = &'a dyn Fn(&str) -> Result<Option<Document>, Problem>;

/// Returns the names of the themes within the program.
pub fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, ..)| *name)
}

/// Returns the theme within the program that is called `name`.
pub fn shipped(name: &str) -> Option<Document> {
    let found = SHIPPED.iter().find(|(called, ..)| *called == name);
    found.map(|(_, file, text)| Document::new(*file, *text))
}

/// Returns the theme called `name`, the user's before a shipped one, and what was wrong in it.
///
/// Whatever is wrong, the rest holds: an unreadable role falls back, a missing theme is the
/// shipped dark one.
pub fn load(
    name: &str,
    find: &dyn Fn(&str) -> Result<Option<Document>, Problem>,
    depth: ColorDepth,
    glyphs: GlyphSet,
) -> (Theme, Vec<Problem>) {
    let mut problems = Vec::new();
    let sheet = Sheet::of(name, find, &mut problems);
    let named = |role: Role| sheet.roles.get(role.name()).copied();
    (Theme::new(name, &named, depth, glyphs), problems)
}

/// Returns the theme `name` and its ancestors, the eldest last.
fn lineage(name: &str, find: Find<'_>, problems: &mut Vec<Problem>) -> Vec<Document> {
    let mut documents: Vec<Document> = Vec::new();
    let mut tried: Vec<String> = Vec::new();
    // The next name, and where in the last document it stands.
    let mut wanted = Some((name.to_owned(), 0..0));
    while let Some((name, span)) = wanted.take() {
        let complain = |what: String| {
            let ours = names().collect::<Vec<_>>().join(", ");
            let mend = format!("use one of your own or of these: {ours}");
            match documents.last() {
                Some(child) => child.problem(span, what, mend),
                None => Problem::new("theme", what, mend),
            }
        };
        if documents.len() == MAX_INHERITS {
            problems.push(complain(format!(
                "more than {MAX_INHERITS} themes inherit here"
            )));
            break;
        }
        // A user's theme may have the name of a shipped one and build upon it.
        let users = if tried.contains(&name) {
            Ok(None)
        } else {
            find(&name)
        };
        let users = users.unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        let known = |found: &Document| documents.iter().any(|d| d.name() == found.name());
        let Some(document) = users
            .or_else(|| shipped(&name))
            .filter(|found| !known(found))
        else {
            problems.push(complain(match tried.contains(&name) {
                true => format!("theme '{name}' inherits from itself"),
                false => format!("there is no theme '{name}'"),
            }));
            break;
        };
        let (table, _) = document.parse();
        if let Some(parent) = table.get("inherits") {
            wanted = parent
                .get_ref()
                .as_str()
                .map(|name| (name.to_owned(), parent.span()));
        }
        drop(table);
        tried.push(name);
        documents.push(document);
    }
    if documents.is_empty() {
        documents.extend(shipped("dark"));
    }
    documents
}

/// Returns the complaints about a theme as a whole: broken TOML, unknown tables.
fn check_tables(document: &Document) -> Vec<Problem> {
    let (table, mut found) = document.parse();
    for (key, value) in &table {
        let problem = match (key.get_ref().as_ref(), value.get_ref()) {
            ("inherits", DeValue::String(_)) | ("palette" | "roles", DeValue::Table(_)) => continue,
            ("inherits", _) => "inherits must be the name of a theme".to_owned(),
            ("palette" | "roles", _) => format!("{} must be a table", key.get_ref()),
            (other, _) => format!("there is no table '{other}' in a theme"),
        };
        found.push(document.problem(key.span(), problem, "use inherits, [palette] and [roles]"));
    }
    found
}

/// What the documents of a lineage say together.
#[derive(Default)]
struct Sheet {
    palette: BTreeMap<String, Shade>,
    roles: BTreeMap<&'static str, Spec>,
}

impl Sheet {
    /// Returns what the theme `name` and its ancestors say, as far as it can be read.
    fn of(name: &str, find: Find<'_>, problems: &mut Vec<Problem>) -> Sheet {
        let documents = lineage(name, find, problems);
        let mut sheet = Sheet::default();
        // The palettes come first, so that a child that renames a colour restyles its parent's roles.
        let mut found: Vec<_> = documents.iter().map(check_tables).collect();
        for (document, found) in documents.iter().zip(&mut found).rev() {
            sheet.add_palette(document, found);
        }
        for (document, mut found) in documents.iter().zip(found).rev() {
            sheet.add_roles(document, &mut found);
            problems.extend(document.in_order(found));
        }
        sheet
    }

    fn add_palette(&mut self, document: &Document, found: &mut Vec<Problem>) {
        let (table, _) = document.parse();
        let palette = table
            .get("palette")
            .and_then(|value| value.get_ref().as_table());
        for (key, value) in palette.into_iter().flatten() {
            match shade(value) {
                Ok(shade) => {
                    self.palette.insert(key.get_ref().to_string(), shade);
                }
                Err(what) => found.push(document.problem(
                    value.span(),
                    what,
                    "use \"#rrggbb\", an ANSI name, 0 to 255 or \"default\"",
                )),
            }
        }
    }

    fn add_roles(&mut self, document: &Document, found: &mut Vec<Problem>) {
        let (table, _) = document.parse();
        if let Some(roles) = table
            .get("roles")
            .and_then(|value| value.get_ref().as_table())
        {
            self.add_group("", roles, document, found);
        }
    }

    /// Adds the roles of one table; `status.queued = …` unquoted makes a table within.
    fn add_group(
        &mut self,
        prefix: &str,
        table: &DeTable<'_>,
        document: &Document,
        found: &mut Vec<Problem>,
    ) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            match (Role::named(&name), value.get_ref()) {
                (Some(role), _) => {
                    let spec = self.spec(value, document, found);
                    self.roles.insert(role.name(), spec);
                }
                (None, DeValue::Table(group)) if prefix.is_empty() => {
                    self.add_group(&format!("{name}."), group, document, found);
                }
                (None, _) => found.push(document.problem(
                    key.span(),
                    format!("there is no role '{name}'"),
                    "the roles are those of themes/dark.toml",
                )),
            }
        }
    }

    fn spec(
        &self,
        value: &Spanned<DeValue<'_>>,
        document: &Document,
        found: &mut Vec<Problem>,
    ) -> Spec {
        let mut spec = Spec::default();
        let mut complain = |at: &Spanned<DeValue<'_>>, what: String, mend: &str| {
            found.push(document.problem(at.span(), what, mend));
        };
        let color = |at: &Spanned<DeValue<'_>>| match at.get_ref().as_str() {
            Some(name) => match self.palette.get(name) {
                Some(shade) => Ok(*shade),
                None => shade(at),
            },
            None => shade(at),
        };
        let mend = "use a name of the palette, \"#rrggbb\", an ANSI name or \"default\"";
        let DeValue::Table(table) = value.get_ref() else {
            match color(value) {
                Ok(shade) => spec.fg = Some(shade),
                Err(what) => complain(value, what, mend),
            }
            return spec;
        };
        for (key, value) in table {
            let key = key.get_ref().as_ref();
            let modifier = MODIFIERS.iter().find(|(name, _)| *name == key);
            match (key, modifier, value.get_ref()) {
                ("fg" | "bg", ..) => match color(value) {
                    Ok(shade) if key == "fg" => spec.fg = Some(shade),
                    Ok(shade) => spec.bg = Some(shade),
                    Err(what) => complain(value, what, mend),
                },
                (_, Some((_, modifier)), DeValue::Boolean(on)) => {
                    spec.modifiers.set(*modifier, *on);
                }
                (_, Some(_), _) => complain(value, format!("{key} is on or off"), "use true"),
                (_, None, _) => complain(
                    value,
                    format!("a style has no '{key}'"),
                    "use fg, bg, bold, dim, italic, underlined or reversed",
                ),
            }
        }
        spec
    }
}

/// Returns the colour that `value` writes: text, a number, or `{ color = …, ansi16 = … }`.
fn shade(value: &Spanned<DeValue<'_>>) -> Result<Shade, String> {
    let plain = |value: &DeValue<'_>| match value {
        DeValue::String(text) => parse(text).ok_or_else(|| format!("'{text}' is no colour")),
        DeValue::Integer(number) => {
            parse(number.as_str()).ok_or_else(|| format!("{number} is no colour"))
        }
        other => Err(format!("a TOML {} is no colour", other.type_str())),
    };
    let DeValue::Table(table) = value.get_ref() else {
        return Ok(Shade {
            color: plain(value.get_ref())?,
            ansi16: None,
        });
    };
    if let Some(key) = table
        .keys()
        .find(|key| !matches!(&**key.get_ref(), "color" | "ansi16"))
    {
        return Err(format!("a colour has no '{}'", key.get_ref()));
    }
    let color = table.get("color").ok_or("a colour needs 'color'")?;
    let color = plain(color.get_ref())?;
    let ansi16 = table
        .get("ansi16")
        .map(|value| plain(value.get_ref()))
        .transpose()?;
    match ansi16 {
        Some(Color::Rgb(..) | Color::Indexed(_)) => Err("ansi16 must be an ANSI name".to_owned()),
        ansi16 => Ok(Shade { color, ansi16 }),
    }
}

/// Returns the roles that the theme `name` or an ancestor of it gives a style, by name.
#[cfg(test)]
pub(super) fn styled(name: &str) -> Vec<&'static str> {
    let sheet = Sheet::of(name, &|_| Ok(None), &mut Vec::new());
    sheet.roles.into_keys().collect()
}
