//! The console's look at the project's `obeya.toml`, told when it comes to something else.

use super::Post;
use crate::{
    config::Problem,
    domain::settings::Stage,
    link::{Home, LineFile, look_at_line_file},
    ui::{line::LineSeen, msg::Msg},
};

/// What the file came to when it was last looked at.
pub(super) struct LineWatch {
    post: Post,
    file: Option<LineFile>,
    told: LineSeen,
}

impl LineWatch {
    /// Returns a look at a file of which nothing is known yet.
    pub(super) fn new(post: Post) -> LineWatch {
        LineWatch {
            post,
            file: None,
            told: LineSeen::default(),
        }
    }

    /// Looks at the file of a project with these stages, and returns whether this user lets consoles here run it. One that never runs
    /// anything, as it only looks, says nothing of that.
    pub(super) fn look(&mut self, home: &Home, stages: &[Stage], may_run: bool) -> bool {
        let file = look_at_line_file(home, stages, self.file.as_ref());
        let problems = file.problems.iter();
        let seen = LineSeen {
            problems: problems.map(|problem| said(problem, home)).collect(),
            untrusted: may_run && file.runs_something && !file.trusted,
        };
        let trusted = file.trusted;
        self.file = Some(file);
        if self.told != seen {
            self.post.tell(Msg::Line(Box::new(seen.clone())));
            self.told = seen;
        }
        trusted
    }
}

/// Returns a problem with the file's name as seen from the project: it is said in one line.
fn said(problem: &Problem, home: &Home) -> String {
    let said = problem.to_string();
    let project = format!("{}/", home.project().display());
    said.strip_prefix(&project).unwrap_or(&said).to_owned()
}
