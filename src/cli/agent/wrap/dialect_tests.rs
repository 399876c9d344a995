//! What coding agents print, as they print it: shapes from their own documentation and from runs that people published.

use super::*;

fn hear(dialect: Dialect, lines: &[&str]) -> Heard {
    let mut heard = Heard::default();
    for line in lines {
        heard.line(dialect, line);
    }
    heard
}

#[test]
fn claude_says_what_came_of_it_and_what_it_cost() {
    let heard = hear(
        Dialect::Claude,
        &[
            r#"{"type":"system","subtype":"init","session_id":"s"}"#,
            r#"{"type":"rate_limit_event","rate_limit_info":{"status":"allowed_warning","resetsAt":9}}"#,
            r#"{"type":"assistant","message":{"id":"m","content":[{"type":"text","text":"I look"}]}}"#,
            r#"{"type":"result","subtype":"success","is_error":false,"result":"All done.","total_cost_usd":0.25,
                "usage":{"input_tokens":10,"output_tokens":5,"cache_creation_input_tokens":100,"cache_read_input_tokens":1000}}"#,
        ],
    );
    let wanted = Heard {
        answer: "All done.".into(),
        over: true,
        tokens: Some(1_115),
        cost: Some(0.25),
        ..Heard::default()
    };
    assert_eq!(heard, wanted);
}

#[test]
fn claude_that_is_limited_says_until_when() {
    let rejected = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1778565600}}"#;
    let failed = r#"{"type":"result","subtype":"success","is_error":true,"result":"You've hit your limit","api_error_status":429}"#;
    let heard = hear(Dialect::Claude, &[rejected, failed]);
    assert_eq!(heard.throttled, Some(Some(1_778_565_600)));
    assert_eq!(hear(Dialect::Claude, &[failed]).throttled, Some(None));
    let served = r#"{"type":"result","subtype":"success","is_error":false,"result":"ok"}"#;
    assert_eq!(hear(Dialect::Claude, &[rejected, served]).throttled, None);
    let turns = r#"{"type":"result","subtype":"error_max_turns","is_error":false}"#;
    let heard = hear(Dialect::Claude, &[turns]);
    assert_eq!(heard.error.as_deref(), Some("error_max_turns"));
    assert_eq!(heard.throttled, None);
}

#[test]
fn codex_is_over_with_its_turn() {
    let message =
        r#"{"type":"item.completed","item":{"id":"i","type":"agent_message","text":"Mended."}}"#;
    let heard = hear(
        Dialect::Codex,
        &[
            r#"{"type":"thread.started","thread_id":"t"}"#,
            r#"{"type":"error","message":"stream lost, trying again"}"#,
            message,
            r#"{"type":"turn.completed","usage":{"input_tokens":100,"cached_input_tokens":90,"output_tokens":7}}"#,
        ],
    );
    let wanted = Heard {
        answer: "Mended.".into(),
        over: true,
        tokens: Some(107),
        ..Heard::default()
    };
    assert_eq!(heard, wanted);
    let failed = r#"{"type":"turn.failed","error":{"message":"no credit"}}"#;
    let heard = hear(Dialect::Codex, &[message, failed]);
    assert_eq!(heard.error.as_deref(), Some("no credit"));
    assert!(
        !hear(Dialect::Codex, &[message]).over,
        "its turn has not ended"
    );
}

#[test]
fn gemini_speaks_in_pieces() {
    let heard = hear(
        Dialect::Gemini,
        &[
            r#"{"type":"init","session_id":"s","model":"m"}"#,
            r#"{"type":"message","role":"user","content":"do it"}"#,
            r#"{"type":"message","role":"assistant","content":"I will","delta":true}"#,
            r#"{"type":"tool_use","tool_name":"write_file","tool_id":"1","parameters":{}}"#,
            r#"{"type":"message","role":"assistant","content":"It is ","delta":true}"#,
            r#"{"type":"message","role":"assistant","content":"done.","delta":true}"#,
            r#"{"type":"result","status":"success","stats":{"total_tokens":42,"input_tokens":40,"output_tokens":2}}"#,
        ],
    );
    let wanted = Heard {
        answer: "It is done.".into(),
        over: true,
        tokens: Some(42),
        ..Heard::default()
    };
    assert_eq!(heard, wanted);
    let failed =
        r#"{"type":"result","status":"error","error":{"type":"E","message":"no key"},"stats":{}}"#;
    let heard = hear(Dialect::Gemini, &[failed]);
    assert_eq!(heard.error.as_deref(), Some("no key"));
}

#[test]
fn opencode_is_over_with_a_step_that_calls_no_tool() {
    let step = |reason: &str| {
        format!(
            r#"{{"type":"step_finish","part":{{"type":"step-finish","reason":"{reason}","cost":0.5,"tokens":{{"input":10,"output":2,"reasoning":1,"cache":{{"read":7,"write":0}}}}}}}}"#
        )
    };
    let (calls, stop) = (step("tool-calls"), step("stop"));
    let said = r#"{"type":"text","part":{"type":"text","text":"Done."}}"#;
    let heard = hear(Dialect::Opencode, &[&calls, said, &stop]);
    let wanted = Heard {
        answer: "Done.".into(),
        over: true,
        tokens: Some(40),
        cost: Some(1.0),
        ..Heard::default()
    };
    assert_eq!(heard, wanted);
    assert!(!hear(Dialect::Opencode, &[&calls]).over);
    let error = r#"{"type":"error","error":{"name":"APIError","data":{"message":"slow down","statusCode":429}}}"#;
    let heard = hear(Dialect::Opencode, &[error]);
    assert_eq!(
        (heard.error.as_deref(), heard.throttled),
        (Some("slow down"), Some(None))
    );
}

#[test]
fn what_is_no_json_or_not_known_is_passed_over_and_long_answers_are_cut() {
    for (_, dialect) in Dialect::ALL {
        if dialect != Dialect::Text {
            let odd = [
                "",
                "{",
                "[1]",
                "null",
                r#"{"type":7}"#,
                r#"{"type":"new"}"#,
                "plain",
            ];
            assert_eq!(hear(dialect, &odd), Heard::default());
        }
    }
    let long = "ä".repeat(ANSWER);
    let heard = hear(Dialect::Text, &[&long, "end"]);
    assert!(heard.answer.len() <= ANSWER && heard.answer.ends_with("end\n"));
}
