// Talks to the agent as obeya does: npm test

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { serve, type Work } from "./agent.js";

type Message = Record<string, unknown>;

test("it works on one order after another and ends with its input", { timeout: 20_000 }, async () => {
  const program = fileURLToPath(new URL("./agent.js", import.meta.url));
  const agent = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "ignore"] });
  const lines = createInterface({ input: agent.stdout })[Symbol.asyncIterator]();
  const say = (message: Message) => agent.stdin.write(JSON.stringify(message) + "\n");
  const hear = async (kind: string): Promise<Message> => {
    for (;;) {
      const { value, done } = await lines.next();
      assert(!done, `it ended before it said ${kind}`);
      const message = JSON.parse(value) as Message;
      if (message.type === kind) return message;
    }
  };
  say({ type: "hello", protocol: 1, agent: "test" });
  await hear("hello");
  say({ type: "something new" });
  for (const id of ["WO-001", "WO-002"]) {
    say({ type: "execute", id, epoch: 1, prompt: "do it", order: { id, title: "Try" } });
    await hear("progress");
    const result = await hear("result");
    assert.deepEqual([result.id, result.result], [id, "done"]);
  }
  say({ type: "message", message: 7, address: "work_order_events", body: "news" });
  assert.equal((await hear("ack")).message, 7);
  const exit = once(agent, "exit");
  agent.stdin.end();
  assert.equal((await exit)[0], 0);
});

test("an order that is taken back is left alone", { timeout: 20_000 }, async () => {
  const said: Message[] = [];
  const endless: Work = async (order, prompt, progress) => {
    for (;;) {
      progress("on and on");
      await setImmediate();
    }
  };
  const until = async (kind: string) => {
    while (!said.some((message) => message.type === kind)) await setImmediate();
  };
  async function* lines() {
    yield '{"type": "execute", "id": "WO-001"}';
    await until("progress");
    yield '{"type": "cancel", "id": "WO-001", "reason": "taken back"}';
    await until("result");
  }
  await serve(lines(), (message) => said.push(message), endless);
  assert.deepEqual(said.at(-1), { type: "result", id: "WO-001", result: "failed", note: "cancelled" });
});
