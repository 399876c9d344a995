//! JSON that drives no terminal: its meaning stays, its bytes are harmless.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::error::CliError;

/// Returns a value as JSON: one line, or many for eyes.
pub(super) fn to_text(value: &impl Serialize, pretty: bool) -> Result<String, CliError> {
    match pretty {
        true => write_json(value, PrettyFormatter::new()),
        false => write_json(value, CompactFormatter),
    }
}

fn write_json<F: Formatter>(value: &impl Serialize, formatter: F) -> Result<String, CliError> {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Harmless(formatter));
    let written = value.serialize(&mut serializer);
    let text = String::from_utf8(bytes).map_err(|error| error.to_string());
    written
        .map_err(|error| error.to_string())
        .and(text)
        .map_err(|error| CliError::Usage(format!("this cannot be written as JSON: {error}")))
}

/// Writes JSON in which every character that could drive or deceive a terminal is escaped; its meaning stays.
struct Harmless<F>(F);

/// Returns whether a character is written as an escape: controls, and what text cleaning would remove.
fn harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

macro_rules! forward {
    ($($method:ident $(, $arg:ident: $type:ty)*;)+) => {
        $(fn $method<W: ?Sized + io::Write>(&mut self, writer: &mut W $(, $arg: $type)*) -> io::Result<()> {
            self.0.$method(writer $(, $arg)*)
        })+
    };
}

impl<F: Formatter> Formatter for Harmless<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if !fragment.contains(harmful) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut units = [0; 2];
        for c in fragment.chars() {
            if harmful(c) {
                for unit in c.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            } else {
                write!(writer, "{c}")?;
            }
        }
        Ok(())
    }

    forward! {
        begin_array;
        end_array;
        begin_array_value, first: bool;
        end_array_value;
        begin_object;
        end_object;
        begin_object_key, first: bool;
        end_object_key;
        begin_object_value;
        end_object_value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_meaning_and_drives_no_terminal() -> Result<(), Box<dyn std::error::Error>> {
        let hostile = "a\x1b[2J\u{9b}1m\u{202e}b\u{e0041}日";
        let text = to_text(&hostile, true).unwrap_or_default();
        assert!(!text.trim_end().contains(harmful), "{text:?}");
        assert_eq!(serde_json::from_str::<String>(&text)?, hostile);
        Ok(())
    }
}
