//! The console by its keys and its screens.

use std::path::Path;

use crate::support::{console::Console, sample, svg};

const WIDE: (u16, u16) = (120, 40);

/// Compares the pictures of the README with what the console draws; `OBEYA_BLESS=1` writes them.
#[test]
fn pictures_are_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    let shot = |name: &str, console: &Console| {
        let path = folder.join(name).with_extension("svg");
        let fresh = svg::picture(&console.buffer());
        if std::env::var_os("OBEYA_BLESS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, fresh).unwrap();
        } else {
            let kept = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                kept == fresh,
                "{name}.svg is stale: OBEYA_BLESS=1 cargo test pictures"
            );
        }
    };
    let console = || Console::new(sample::line(), WIDE);
    shot("overview", &console());
    shot("kanban", console().keys("2lj"));
    shot("detail", console().keys("2l<enter>"));
    shot("dependencies", console().keys("3"));
    shot("andon", console().keys("4"));
    shot("agents", console().keys("5"));
    shot("events", console().keys("6"));
    shot("stopped", Console::new(sample::stopped(), WIDE).keys("2"));
    shot(
        "cord",
        console().keys("2!Payments fail in Norway<tab><right><ctrl-s>"),
    );
    shot("help", console().keys("2?"));
    shot("palette", console().keys("2<ctrl-p>sign"));
    shot("form", console().keys("2o"));
}
