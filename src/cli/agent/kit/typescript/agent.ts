// An agent of obeya: work orders come in as lines of JSON, and results go out the same way.
//
// `work` is yours to write, and `heard` if the agent has topics; the rest speaks the protocol. What is printed to standard
// error is kept in the log of the run: `obeya agent logs NAME`.

import { realpathSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

export interface Order {
  id: string;
  title?: string;
  description?: string;
}

/** What came of an order; "failed" and "blocked" want a note that says why, a sku is what was delivered. */
export interface Outcome {
  result: "done" | "failed" | "blocked";
  note?: string;
  sku?: string;
}

/** Says how work gets on, which renews the lease, and throws Cancelled once the order is taken back. */
export type Progress = (note: string) => void;

export type Work = (order: Order, prompt: string, progress: Progress, signal: AbortSignal) => Promise<Outcome>;

type Message = Record<string, unknown>;

/** The order was taken back: stop here. */
export class Cancelled extends Error {}

/** Does one order. */
export const work: Work = async (order, prompt, progress, signal) => {
  progress(`reading ${order.id}`);
  // Your work goes here; `signal` is for what can be aborted.
  return { result: "done", note: `read: ${order.title ?? ""}` };
};

/** Takes a message of a topic, or of the agent's inbox. */
export function heard(message: Message): void {
  console.error("heard:", message.body);
}

/** Works on one order, beside the conversation. */
async function run(message: Message, signal: AbortSignal, does: Work, say: (message: Message) => void): Promise<void> {
  const id = String(message.id);
  const progress: Progress = (note) => {
    if (signal.aborted) throw new Cancelled();
    say({ type: "progress", note });
  };
  let outcome: Outcome;
  try {
    outcome = await does((message.order ?? { id }) as Order, String(message.prompt ?? ""), progress, signal);
  } catch (error) {
    const cancelled = error instanceof Cancelled || signal.aborted;
    // Where it went wrong stays in the log of the run.
    if (!cancelled) console.error(error);
    outcome = { result: "failed", note: cancelled ? "cancelled" : String(error) };
  }
  say({ type: "result", id, ...outcome });
}

/** Holds the conversation until the host ends it. */
export async function serve(lines: AsyncIterable<string>, say: (message: Message) => void, does: Work = work): Promise<void> {
  say({ type: "hello" });
  let job: { id: unknown; controller: AbortController } | undefined;
  for await (const line of lines) {
    let message: Message;
    try {
      message = Object(JSON.parse(line)) as Message;
    } catch {
      continue;
    }
    if (message.type === "execute") {
      job = { id: message.id, controller: new AbortController() };
      void run(message, job.controller.signal, does, say);
    } else if (message.type === "cancel" && job?.id === message.id) {
      job?.controller.abort();
    } else if (message.type === "message") {
      heard(message);
      say({ type: "ack", message: message.message });
    }
  }
  // The host is gone, or wants this to end.
  job?.controller.abort();
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  const lines = createInterface({ input: process.stdin });
  await serve(lines, (message) => process.stdout.write(JSON.stringify(message) + "\n"));
  process.exit(0);
}
