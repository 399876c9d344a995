//! What coding agents print while they work without a terminal, line of JSON by line of JSON.
//!
//! Only what is said in a field of its own counts. Fields that are not known are passed over.

use serde_json::Value;

/// The longest answer that is kept, in bytes, from its end: what came of the work is said last.
const ANSWER: usize = 64 * 1024;

/// A way of printing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Claude Code with `--output-format stream-json`, or `json`.
    Claude,
    /// Codex with `exec --json`.
    Codex,
    /// Gemini CLI with `--output-format stream-json`.
    Gemini,
    /// OpenCode with `run --format json`.
    Opencode,
    /// Text for people: its exit code and its last line.
    Text,
}

impl Dialect {
    /// Every dialect with its word.
    pub(super) const ALL: [(&str, Dialect); 5] = [
        ("claude", Dialect::Claude),
        ("codex", Dialect::Codex),
        ("gemini", Dialect::Gemini),
        ("opencode", Dialect::Opencode),
        ("text", Dialect::Text),
    ];

    /// Returns the dialect of a word.
    pub(super) fn of(word: &str) -> Option<Dialect> {
        let found = Dialect::ALL.iter().find(|(name, _)| *name == word);
        found.map(|(_, dialect)| *dialect)
    }

    /// Returns who throttles where this agent is throttled.
    pub(super) fn provider(self) -> &'static str {
        Dialect::ALL
            .iter()
            .find(|(_, dialect)| *dialect == self)
            .map_or("", |(name, _)| name)
    }
}

/// What was heard of an agent so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Heard {
    /// The last thing that it told its user.
    pub(super) answer: String,
    /// Whether it said that its work is over.
    pub(super) over: bool,
    /// What went wrong, in its words.
    pub(super) error: Option<String>,
    /// Its provider takes no more; until when, in seconds since 1970, if it said so.
    pub(super) throttled: Option<Option<i64>>,
    /// The tokens that went in and out, cached ones too.
    pub(super) tokens: Option<u64>,
    /// What that cost, in whatever currency it reckons in.
    pub(super) cost: Option<f64>,
}

impl Heard {
    /// Takes a line in, and returns what the agent has begun to do, if the line says so.
    pub(super) fn line(&mut self, dialect: Dialect, line: &str) -> Option<String> {
        if dialect == Dialect::Text {
            self.add(line);
            self.add("\n");
            self.over = true;
            return None;
        }
        let value: Value = serde_json::from_str(line).ok()?;
        match dialect {
            Dialect::Claude => self.claude(&value),
            Dialect::Codex => self.codex(&value),
            Dialect::Gemini => self.gemini(&value),
            Dialect::Opencode => self.opencode(&value),
            Dialect::Text => None,
        }
    }

    fn claude(&mut self, value: &Value) -> Option<String> {
        match text(value, "/type")? {
            "assistant" => {
                let parts = value.pointer("/message/content")?.as_array()?;
                let tool = |part: &Value| {
                    let is_tool = text(part, "/type") == Some("tool_use");
                    text(part, "/name").filter(|_| is_tool).map(str::to_owned)
                };
                parts.iter().find_map(tool)
            }
            "rate_limit_event" => {
                let rejected = text(value, "/rate_limit_info/status") == Some("rejected");
                let until = value
                    .pointer("/rate_limit_info/resetsAt")
                    .and_then(Value::as_i64);
                self.throttled = rejected.then_some(until);
                None
            }
            "result" => {
                self.over = true;
                self.say(text(value, "/result").unwrap_or_default());
                let failed = value.pointer("/is_error") == Some(&Value::Bool(true))
                    || text(value, "/subtype").is_some_and(|sort| sort != "success");
                if failed {
                    let words = text(value, "/result").filter(|words| !words.is_empty());
                    let words = words.or_else(|| text(value, "/errors/0"));
                    let words = words.or_else(|| text(value, "/subtype"));
                    self.error = Some(words.unwrap_or("it failed").to_owned());
                    if number(value, "/api_error_status") == Some(429) {
                        self.throttled.get_or_insert(None);
                    }
                } else {
                    // It was served all the same.
                    self.throttled = None;
                }
                let parts = [
                    "input_tokens",
                    "output_tokens",
                    "cache_creation_input_tokens",
                    "cache_read_input_tokens",
                ];
                self.tokens = sum(value.pointer("/usage"), &parts);
                self.cost = value.pointer("/total_cost_usd").and_then(Value::as_f64);
                None
            }
            _ => None,
        }
    }

    fn codex(&mut self, value: &Value) -> Option<String> {
        match text(value, "/type")? {
            "item.started" => {
                let command = text(value, "/item/command");
                command
                    .or_else(|| text(value, "/item/type"))
                    .map(str::to_owned)
            }
            "item.completed" if text(value, "/item/type") == Some("agent_message") => {
                self.say(text(value, "/item/text").unwrap_or_default());
                None
            }
            "turn.completed" => {
                (self.over, self.error) = (true, None);
                // Its input has the cached tokens in it.
                let parts = ["input_tokens", "output_tokens"];
                self.tokens = sum(value.pointer("/usage"), &parts).or(self.tokens);
                None
            }
            "turn.failed" => {
                self.over = true;
                let words = text(value, "/error/message").unwrap_or("its turn failed");
                self.error = Some(words.to_owned());
                None
            }
            // It may try again after one, so that only the turn's end says whether that helped.
            "error" => {
                let words = text(value, "/message").unwrap_or("it failed");
                self.error = Some(words.to_owned());
                None
            }
            _ => None,
        }
    }

    fn gemini(&mut self, value: &Value) -> Option<String> {
        match text(value, "/type")? {
            "message" if text(value, "/role") == Some("assistant") => {
                let words = text(value, "/content").unwrap_or_default();
                match value.pointer("/delta") == Some(&Value::Bool(true)) {
                    true => self.add(words),
                    false => self.say(words),
                }
                None
            }
            "tool_use" => {
                // What it says after a tool is a new answer.
                self.answer.clear();
                text(value, "/tool_name").map(str::to_owned)
            }
            "result" => {
                self.over = true;
                if text(value, "/status") != Some("success") {
                    let words = text(value, "/error/message").unwrap_or("it failed");
                    self.error = Some(words.to_owned());
                }
                self.tokens = number(value, "/stats/total_tokens");
                None
            }
            _ => None,
        }
    }

    fn opencode(&mut self, value: &Value) -> Option<String> {
        match text(value, "/type")? {
            "text" => {
                self.say(text(value, "/part/text").unwrap_or_default());
                None
            }
            "tool_use" => text(value, "/part/tool").map(str::to_owned),
            "step_finish" => {
                // The last step is the one that calls no tool.
                self.over = text(value, "/part/reason") != Some("tool-calls");
                let step = number(value, "/part/tokens/total").or_else(|| {
                    let cached = sum(value.pointer("/part/tokens/cache"), &["read", "write"]);
                    let own = sum(
                        value.pointer("/part/tokens"),
                        &["input", "output", "reasoning"],
                    )?;
                    Some(own.saturating_add(cached.unwrap_or(0)))
                });
                if let Some(step) = step {
                    self.tokens = Some(self.tokens.unwrap_or(0).saturating_add(step));
                }
                if let Some(cost) = value.pointer("/part/cost").and_then(Value::as_f64) {
                    self.cost = Some(self.cost.unwrap_or(0.0) + cost);
                }
                None
            }
            "error" => {
                let words = text(value, "/error/data/message");
                let words = words.or_else(|| text(value, "/error/message"));
                let words = words.or_else(|| text(value, "/error/name"));
                self.error = Some(words.unwrap_or("it failed").to_owned());
                if number(value, "/error/data/statusCode") == Some(429) {
                    self.throttled = Some(None);
                }
                None
            }
            _ => None,
        }
    }

    fn say(&mut self, words: &str) {
        self.answer.clear();
        self.add(words);
    }

    fn add(&mut self, words: &str) {
        self.answer.push_str(words);
        let surplus = self.answer.len().saturating_sub(ANSWER);
        if surplus > 0 {
            let whole = |at: &usize| self.answer.is_char_boundary(*at);
            let cut = (surplus..=self.answer.len()).find(whole).unwrap_or(surplus);
            self.answer.drain(..cut);
        }
    }
}

fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.pointer(path)?.as_str()
}

fn number(value: &Value, path: &str) -> Option<u64> {
    value.pointer(path)?.as_u64()
}

/// Returns the sum of those fields that are there; None if none is.
fn sum(value: Option<&Value>, fields: &[&str]) -> Option<u64> {
    let value = value?;
    let found = fields.iter().filter_map(|field| value.get(field)?.as_u64());
    found.reduce(u64::saturating_add)
}

#[cfg(test)]
#[path = "dialect_tests.rs"]
mod tests;
