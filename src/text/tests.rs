//! Hostile text, cleaned, measured, cut and wrapped.

use proptest::prelude::*;

use super::*;

fn check(text: &str, wanted: &str) {
    assert_eq!(clean(text), wanted, "{text:?}");
}

#[test]
fn sequences_and_controls_go() {
    check("plain", "plain");
    check("a\x1b[31mred\x1b[0m", "ared");
    check("\x1b]0;owned\x07title", "title");
    check("\x1b]52;c;aGk=\x1b\\x", "x");
    check("\u{9b}2Jx\u{9d}0;t\u{9c}y", "xy");
    check("\x1b", "");
    check("\x1b]never ends", "]never ends");
    check("\x1bPq\x1b[1mz", "Pqz");
    check("\x1b(Bx\x1bcy", "xy");
    check("a\0b\x7fc\u{80}d\x08e", "abcde");
}

#[test]
fn lines_become_spaces_and_blocks_keep_them() {
    check("a\r\nb\nc\u{2028}d\te", "a b c d e");
    assert_eq!(clean_block("a\r\nb\rc\td\u{2029}e"), "a\nb\nc    d\ne");
}

#[test]
fn hidden_characters_go_and_scripts_stay() {
    check("abc\u{202e}fed\u{2066}x\u{200b}", "abcfedx");
    check("pay\u{ad}pal\u{feff}\u{e0041}", "paypal");
    check(
        "👩\u{200d}👩\u{200d}👧 ❤\u{fe0f}\u{200d}🔥",
        "👩\u{200d}👩\u{200d}👧 ❤\u{fe0f}\u{200d}🔥",
    );
    check("می\u{200c}خواهم नमस्ते", "می\u{200c}خواهم नमस्ते");
    check("a\u{200d}b \u{200d}x\u{200d}", "ab x");
    check("\u{301}e\u{301}", "e\u{301}");
    check(
        &("e".to_owned() + &"\u{301}".repeat(50)),
        &("e".to_owned() + &"\u{301}".repeat(8)),
    );
}

#[test]
fn long_text_is_cut_at_a_grapheme() {
    let long = "👩\u{200d}👩\u{200d}👧".repeat(1000);
    let cleaned = clean(&long);
    assert!(cleaned.len() <= LINE_LIMIT && cleaned.len() > LINE_LIMIT - 64);
    assert_eq!(width(&cleaned), 2 * cleaned.graphemes(true).count());
}

#[test]
fn widths_are_those_of_the_terminal() {
    assert_eq!(width("abc"), 3);
    assert_eq!(width("日本"), 4);
    assert_eq!(width("👩\u{200d}👩\u{200d}👧"), 2);
    assert_eq!(width("e\u{301}"), 1);
    assert_eq!(width(""), 0);
}

proptest! {
    #[test]
    fn widths_are_those_of_ratatui(text in nasty()) {
        use ratatui::buffer::CellWidth;
        for grapheme in clean(&text).graphemes(true) {
            prop_assert_eq!(cells_of(grapheme), usize::from(grapheme.cell_width()));
        }
    }
}

#[test]
fn cut_pad_and_fit() {
    assert_eq!(cut("abcdef", 6, "…"), "abcdef");
    assert_eq!(cut("abcdef", 4, "…"), "abc…");
    assert_eq!(cut("日本語", 4, "…"), "日…");
    assert_eq!(cut("abc", 0, "…"), "");
    assert_eq!(cut("abc", 1, "..."), "a");
    assert_eq!(pad("日", 4), "日  ");
    assert_eq!(fit("日本語", 4, "…"), "日… ");
}

#[test]
fn wrapping() {
    let lines = |text: &'static str, cells| -> Vec<&str> {
        wrap(text, cells)
            .into_iter()
            .map(|range| &text[range])
            .collect()
    };
    assert_eq!(lines("the line runs", 8), ["the line", "runs"]);
    assert_eq!(lines("the line runs", 4), ["the", "line", "runs"]);
    assert_eq!(lines("unbreakable", 4), ["unbr", "eaka", "ble"]);
    assert_eq!(lines("a\n\nb", 4), ["a", "", "b"]);
    assert_eq!(lines("  indented", 6), ["  inde", "nted"]);
    assert_eq!(lines("日本語 x", 4), ["日本", "語 x"]);
    assert_eq!(lines("", 4), [""]);
    assert_eq!(lines("日", 1), ["日"]);
}

/// Text rich in what goes wrong.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            " ", "\n", "\r\n", "\t", "word", "\x1b[", "\x1b]", "\x07", "\x1b\\", "\u{9b}1m", "日",
            "👩", "\u{200d}", "\u{fe0f}", "\u{301}", "🇩", "🇪", "\u{202e}", "ﾞ", "न", "्",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn cleaned_text_is_safe_and_stays_clean(text in nasty()) {
        let line = clean(&text);
        prop_assert!(!line.contains(char::is_control));
        prop_assert_eq!(clean(&line), &*line);
        let block = clean_block(&text);
        prop_assert!(!block.contains(|c: char| c.is_control() && c != '\n'));
        prop_assert_eq!(clean_block(&block), &*block);
        let hidden = |c: char| matches!(kind(c), Kind::Hidden | Kind::Escape);
        prop_assert!(!line.contains(hidden) && !block.contains(hidden));
    }

    #[test]
    fn a_cut_fits_and_splits_nothing(text in nasty(), cells in 0usize..30) {
        let text = clean(&text);
        let short = cut(&text, cells, "…");
        prop_assert!(width(&short) <= cells);
        let kept = short.strip_suffix('…').filter(|_| *short != text).unwrap_or(&short);
        let whole: Vec<&str> = text.graphemes(true).collect();
        let kept_graphemes: Vec<&str> = kept.graphemes(true).collect();
        prop_assert_eq!(&whole[..kept_graphemes.len()], &kept_graphemes[..]);
        prop_assert_eq!(width(&fit(&text, cells, "…")), cells);
    }

    #[test]
    fn wrapped_lines_fit_and_lose_only_space(text in nasty(), cells in 2usize..30) {
        let text = clean_block(&text);
        let lines = wrap(&text, cells);
        let mut end = 0;
        for range in &lines {
            prop_assert!(text[end..range.start].chars().all(|c| c == ' ' || c == '\n'));
            let line = &text[range.clone()];
            let one = line.graphemes(true).count() == 1;
            prop_assert!(one || width(line) <= cells, "{:?} in {}", line, cells);
            end = range.end;
        }
        prop_assert!(text[end..].chars().all(|c| c == ' '));
    }
}

#[test]
fn lines_are_cut_behind_a_word_where_enough_is_left() {
    let check = |text, cells, wanted: &str| {
        let shown = cut_at_word(text, cells, "…");
        assert_eq!(shown, wanted);
        assert!(width(&shown) <= cells);
    };
    check("117 ready, 23 blocked", 18, "117 ready, 23…");
    check("117 ready, 23 blocked", 21, "117 ready, 23 blocked");
    check("one two", 4, "one…");
    // A word that would take too much with it is cut.
    check("an internationalisation", 12, "an internat…");
    check("", 0, "");
}
