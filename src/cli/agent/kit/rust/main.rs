//! An agent of obeya: work orders come in as lines of JSON, and results go out the same way.
//!
//! [`work`] is yours to write, and [`heard`] if the agent has topics; the rest speaks the protocol. What is printed to
//! standard error is kept in the log of the run: `obeya agent logs NAME`.

use std::{
    io::{self, BufRead, Write},
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
    thread,
};

use serde_json::{json, Value};

/// The order was taken back: stop here.
#[derive(Debug)]
struct Cancelled;

/// Does one order and returns what came of it.
///
/// `progress` says how it gets on, which renews the lease, and returns [`Cancelled`] once the order is taken back. A result is
/// "done" (with a note, and as "sku" what was delivered), "failed" or "blocked" (with a note that says why).
fn work(
    order: &Value,
    _prompt: &str,
    progress: &dyn Fn(&str) -> Result<(), Cancelled>,
) -> Result<Value, Cancelled> {
    progress(&format!("reading {}", text(order, "id")))?;
    // Your work goes here.
    Ok(json!({ "result": "done", "note": format!("read: {}", text(order, "title")) }))
}

/// Takes a message of a topic, or of the agent's inbox.
fn heard(message: &Value) {
    eprintln!("heard: {}", message["body"]);
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Says one thing, on one line.
fn say(message: &Value) {
    let mut out = io::stdout().lock();
    // A host that is gone hears nothing; the end of the input says so too.
    let _ = writeln!(out, "{message}").and_then(|()| out.flush());
}

/// Works on one order, beside the conversation.
fn run(message: &Value, cancelled: &AtomicBool) {
    let id = text(message, "id");
    let progress = |note: &str| match cancelled.load(Ordering::Relaxed) {
        true => Err(Cancelled),
        false => {
            say(&json!({ "type": "progress", "note": note }));
            Ok(())
        }
    };
    let done = work(&message["order"], text(message, "prompt"), &progress);
    let mut result =
        done.unwrap_or_else(|Cancelled| json!({ "result": "failed", "note": "cancelled" }));
    result["type"] = "result".into();
    result["id"] = id.into();
    say(&result);
}

fn main() -> io::Result<()> {
    say(&json!({ "type": "hello" }));
    let mut job: Option<(String, Arc<AtomicBool>)> = None;
    for line in io::stdin().lock().lines() {
        let Ok(message) = serde_json::from_str::<Value>(&line?) else {
            continue;
        };
        match text(&message, "type") {
            "execute" => {
                let cancelled = Arc::new(AtomicBool::new(false));
                job = Some((text(&message, "id").to_owned(), Arc::clone(&cancelled)));
                thread::spawn(move || run(&message, &cancelled));
            }
            "cancel" => {
                if let Some((_, cancelled)) = job.iter().find(|(id, _)| id == text(&message, "id"))
                {
                    cancelled.store(true, Ordering::Relaxed);
                }
            }
            "message" => {
                heard(&message);
                say(&json!({ "type": "ack", "message": message["message"] }));
            }
            // What it does not know is no business of this version.
            _ => {}
        }
    }
    // The host is gone, or wants this to end; what is still at work ends with it.
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_is_taken_back_is_left_alone() {
        let order = json!({ "id": "WO-001", "title": "Try" });
        assert!(work(&order, "", &|_| Err(Cancelled)).is_err());
    }
}
