//! Keymaps as files.
//!
//! ```toml
//! [global]
//! unbind = ["q"]
//! keys = [
//!   { on = ["g", "g"], run = "top", desc = "Go to the first row" },
//!   { on = "ctrl-l", run = "redraw", desc = "Draw the screen anew" },
//! ]
//! ```

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Binding, Key, Keymap, MAX_CHORD, Scope, chord};
use crate::{
    config::{Document, Problem},
    text,
};

macro_rules! shipped {
    ($($name:literal)+) => {
        /// The keymaps within the program: name, file, text.
        const SHIPPED: &[(&str, &str, &str)] = &[$((
            $name,
            concat!("keymaps/", $name, ".toml"),
            include_str!(concat!("../../../keymaps/", $name, ".toml")),
        )),+];
    };
}

shipped! { "vim" "emacs" "arrows" }

/// Most bindings of one file. Each is compared with every other, so this bounds the start at a
/// few milliseconds; the shipped maps have about a hundred.
const MAX_BINDINGS: usize = 1000;

/// Returns the names of the keymaps within the program.
pub fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, ..)| *name)
}

/// Returns the keymap within the program that is called `name`.
pub fn shipped(name: &str) -> Option<Document> {
    let found = SHIPPED.iter().find(|(called, ..)| *called == name);
    found.map(|(_, file, text)| Document::new(*file, *text))
}

/// Returns the keymap `name` with the user's layer over it, and everything wrong in both.
///
/// `find` finds a user's whole keymap, which goes before a shipped one of the same name. `layer`
/// is the user's `keymap.toml`. `known` tells whether an action (with its arguments) exists.
/// Within a layer the first of two bindings that cannot both hold stays; between layers the
/// user's does.
pub fn load(
    name: &str,
    find: &dyn Fn(&str) -> Result<Option<Document>, Problem>,
    layer: Option<Document>,
    known: &dyn Fn(&str) -> bool,
) -> (Keymap, Vec<Problem>) {
    let mut problems = Vec::new();
    let users = find(name).unwrap_or_else(|problem| {
        problems.push(problem);
        None
    });
    let base = users.or_else(|| shipped(name)).or_else(|| {
        let ours = names().collect::<Vec<_>>().join(", ");
        let mend = format!("use one of your own or of these: {ours}");
        problems.push(Problem::new(
            "keymap",
            format!("there is no keymap '{name}'"),
            mend,
        ));
        shipped("vim")
    });
    let over = layer.unwrap_or_else(|| Document::new("keymap.toml", ""));
    let base = base.unwrap_or_else(|| Document::new("keymap", ""));
    let (over_lines, mut over_problems) = Layer::read(&over, known);
    let (base_lines, mut base_problems) = Layer::read(&base, known);
    let over_lines = over_lines.without_conflicts(&mut over_problems);
    let base_lines = base_lines.without_conflicts(&mut base_problems);
    let base_lines = over_lines.over(base_lines, &mut over_problems);
    problems.extend(over.in_order(over_problems));
    problems.extend(base.in_order(base_problems));
    let mut keymap = Keymap::default();
    for line in over_lines.lines.into_iter().chain(base_lines) {
        keymap.add(line.binding);
    }
    (keymap, problems)
}

/// A binding and where it is written.
struct Line {
    binding: Binding,
    span: Range<usize>,
}

/// What one file says.
struct Layer<'a> {
    document: &'a Document,
    lines: Vec<Line>,
    unbound: Vec<(Scope, Vec<Key>)>,
}

impl<'a> Layer<'a> {
    fn read(document: &'a Document, known: &dyn Fn(&str) -> bool) -> (Self, Vec<Problem>) {
        let (table, mut found) = document.parse();
        let mut layer = Layer {
            document,
            lines: Vec::new(),
            unbound: Vec::new(),
        };
        for (name, section) in &table {
            match (Scope::named(name.get_ref()), section.get_ref()) {
                (Some(scope), DeValue::Table(section)) => {
                    layer.read_section(scope, section, known, &mut found);
                }
                (Some(_), _) => found.push(document.problem(
                    section.span(),
                    format!("'{}' must be a section", name.get_ref()),
                    format!("write [{}] and below it keys = […]", name.get_ref()),
                )),
                (None, _) => {
                    let all = Scope::ALL.iter().map(|scope| scope.name());
                    found.push(document.problem(
                        name.span(),
                        format!("there is no section '{}'", name.get_ref()),
                        format!("use {}", all.collect::<Vec<_>>().join(", ")),
                    ));
                }
            }
        }
        if let Some(line) = layer.lines.get(MAX_BINDINGS) {
            let what = format!("more than {MAX_BINDINGS} bindings");
            found.push(document.problem(line.span.clone(), what, "delete some"));
            layer.lines.truncate(MAX_BINDINGS);
        }
        layer.unbound.truncate(MAX_BINDINGS);
        (layer, found)
    }

    fn read_section(
        &mut self,
        scope: Scope,
        section: &DeTable<'_>,
        known: &dyn Fn(&str) -> bool,
        found: &mut Vec<Problem>,
    ) {
        for (name, value) in section {
            let entries = value.get_ref().as_array();
            match (name.get_ref().as_ref(), entries) {
                ("keys", Some(entries)) => {
                    for entry in entries.iter() {
                        match self.read_line(scope, entry, known) {
                            Ok(line) => self.lines.push(line),
                            Err(problem) => found.push(problem),
                        }
                    }
                }
                ("unbind", Some(entries)) => {
                    for entry in entries.iter() {
                        match self.read_chord(entry) {
                            Ok(keys) => self.unbound.push((scope, keys)),
                            Err(problem) => found.push(problem),
                        }
                    }
                }
                ("keys" | "unbind", None) => found.push(self.document.problem(
                    value.span(),
                    format!("'{}' must be a list", name.get_ref()),
                    "write [ … ]",
                )),
                (other, _) => found.push(self.document.problem(
                    name.span(),
                    format!("a section has no '{other}'"),
                    "use keys and unbind",
                )),
            }
        }
    }

    fn read_line(
        &self,
        scope: Scope,
        entry: &Spanned<DeValue<'_>>,
        known: &dyn Fn(&str) -> bool,
    ) -> Result<Line, Problem> {
        let shape = "write { on = \"x\", run = \"action\", desc = \"…\" }";
        let complain = |at: Range<usize>, what: &str| self.document.problem(at, what, shape);
        let span = entry.span();
        let table = entry
            .get_ref()
            .as_table()
            .ok_or_else(|| complain(span.clone(), "a binding must be a table"))?;
        for (name, value) in table {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("on", _) | ("run" | "desc", DeValue::String(_)) => {}
                ("run" | "desc", _) => return Err(complain(value.span(), "this must be text")),
                (other, _) => {
                    return Err(complain(
                        name.span(),
                        &format!("a binding has no '{other}'"),
                    ));
                }
            }
        }
        let on = table
            .get("on")
            .ok_or_else(|| complain(span.clone(), "a binding needs 'on'"))?;
        let on = self.read_chord(on)?;
        let run = table
            .get("run")
            .ok_or_else(|| complain(span.clone(), "a binding needs 'run'"))?;
        let action = run.get_ref().as_str().unwrap_or_default();
        if !known(action) {
            let what = format!("there is no action '{action}'");
            return Err(self
                .document
                .problem(run.span(), what, "the help lists the actions"));
        }
        let desc = table
            .get("desc")
            .and_then(|desc| desc.get_ref().as_str())
            .unwrap_or_default();
        let desc = text::clean(desc).into_owned();
        Ok(Line {
            binding: Binding {
                scope,
                on,
                run: action.to_owned(),
                desc,
            },
            span,
        })
    }

    /// Reads `"x"` or `["g", "g"]`.
    fn read_chord(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<Key>, Problem> {
        let read = |value: &Spanned<DeValue<'_>>| {
            let complain = |what: &str, mend: &str| self.document.problem(value.span(), what, mend);
            let text = value
                .get_ref()
                .as_str()
                .ok_or_else(|| complain("a key must be text", "write \"x\" or [\"g\", \"g\"]"))?;
            text.parse::<Key>()
                .map_err(|bad| complain(&bad.what, bad.mend))
        };
        let keys = match value.get_ref() {
            DeValue::Array(keys) => keys.iter().map(read).collect::<Result<Vec<_>, _>>()?,
            _ => vec![read(value)?],
        };
        if (1..=MAX_CHORD).contains(&keys.len()) {
            return Ok(keys);
        }
        let what = format!("a chord of {} keys", keys.len());
        Err(self
            .document
            .problem(value.span(), what, format!("use 1 to {MAX_CHORD} keys")))
    }

    /// Drops each line that an earlier one excludes, and reports both places.
    fn without_conflicts(mut self, found: &mut Vec<Problem>) -> Self {
        let mut kept: Vec<Line> = Vec::new();
        for line in self.lines {
            match kept
                .iter()
                .find(|earlier| clash(&earlier.binding, &line.binding))
            {
                None => kept.push(line),
                Some(earlier) => {
                    let place = self.document.place(earlier.span.start);
                    let what = describe(&line.binding, &earlier.binding);
                    let what = format!("{what} of line {}", place.line);
                    found.push(self.document.problem(line.span, what, "change one of them"));
                }
            }
        }
        self.lines = kept;
        for (inner, outer) in hiding(&self.lines, &self.lines) {
            let place = self.document.place(outer.span.start);
            let what = describe(&inner.binding, &outer.binding);
            let section = outer.binding.scope.name();
            let what = format!("{what} of line {} in [{section}]", place.line);
            let span = inner.span.clone();
            found.push(self.document.problem(span, what, "change one of them"));
        }
        self
    }

    /// Returns the lines of `base` that this layer leaves, and reports what it hides without
    /// replacing or unbinding it.
    fn over(&self, base: Layer<'_>, found: &mut Vec<Problem>) -> Vec<Line> {
        let mut left = Vec::new();
        for line in base.lines {
            let under = &line.binding;
            let unbound = |(scope, keys): &(Scope, Vec<Key>)| {
                *scope == under.scope && under.on.starts_with(keys)
            };
            if self.unbound.iter().any(unbound) {
                continue;
            }
            let Some(over) = self.lines.iter().find(|over| clash(&over.binding, under)) else {
                left.push(line);
                continue;
            };
            // The same keys mean that the user rebinds them; part of a chord may be an oversight.
            if over.binding.on != under.on {
                let what = describe(&over.binding, under);
                found.push(self.document.problem(
                    over.span.clone(),
                    format!("{what} of {}", base.document.name()),
                    format!("to keep it so, {}", unbind(under)),
                ));
            }
        }
        for (inner, outer) in hiding(&self.lines, &left) {
            let what = describe(&inner.binding, &outer.binding);
            let (name, section) = (base.document.name(), outer.binding.scope.name());
            let what = format!("{what} of {name} in [{section}]");
            let mend = format!("to keep it so, {}", unbind(&outer.binding));
            found.push(self.document.problem(inner.span.clone(), what, mend));
        }
        // Above all the user's own chords must be reached: a shipped key in an inner section goes.
        for (inner, outer) in hiding(&left, &self.lines) {
            let what = describe(&outer.binding, &inner.binding);
            let (name, section) = (base.document.name(), inner.binding.scope.name());
            let what = format!("{what} of {name} in [{section}]");
            let mend = format!("to have it there too, {}", unbind(&inner.binding));
            found.push(self.document.problem(outer.span.clone(), what, mend));
        }
        for (scope, keys) in &base.unbound {
            // A map that stands alone has nothing to unbind.
            let what = format!(
                "unbind of {} in [{}] has nothing below it",
                chord(keys),
                scope.name()
            );
            found.push(Problem::new(base.document.name(), what, "delete it"));
        }
        left
    }
}

/// Returns whether two bindings cannot both hold: one's keys begin the other's.
fn clash(a: &Binding, b: &Binding) -> bool {
    a.scope == b.scope && (a.on.starts_with(&b.on) || b.on.starts_with(&a.on))
}

/// Returns each inner line whose keys begin an outer line's longer chord, with that line: where both hold, nobody gets to
/// the end of the chord.
fn hiding<'l>(inner: &'l [Line], outer: &'l [Line]) -> Vec<(&'l Line, &'l Line)> {
    let hides = |one: &Binding, other: &Binding| {
        one.scope.over().contains(&other.scope)
            && other.on.len() > one.on.len()
            && other.on.starts_with(&one.on)
    };
    let pairs = inner.iter().filter_map(|one| {
        let other = outer
            .iter()
            .find(|other| hides(&one.binding, &other.binding))?;
        Some((one, other))
    });
    pairs.collect()
}

/// Returns what to write so that a shipped binding is gone.
fn unbind(binding: &Binding) -> String {
    let keys: Vec<_> = binding.on.iter().map(|key| format!("\"{key}\"")).collect();
    format!(
        "add unbind = [[{}]] to [{}]",
        keys.join(", "),
        binding.scope.name()
    )
}

/// Returns how `one` and `other`, which clash, do so.
fn describe(one: &Binding, other: &Binding) -> String {
    let (a, b) = (chord(&one.on), chord(&other.on));
    match one.on.len().cmp(&other.on.len()) {
        std::cmp::Ordering::Equal => format!("'{a}' ({}) is already '{}'", one.run, other.run),
        std::cmp::Ordering::Less => format!("'{a}' ({}) hides '{b}' ({})", one.run, other.run),
        std::cmp::Ordering::Greater => {
            format!("'{a}' ({}) is hidden by '{b}' ({})", one.run, other.run)
        }
    }
}
