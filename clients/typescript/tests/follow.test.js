// The reader of server-sent events, without a server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventsOf } from "../dist/index.js";

const stream = (...chunks) =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });

const all = async (body) => {
  const events = [];
  for await (const event of eventsOf(body)) events.push(event);
  return events;
};

test("events are put together from whatever pieces arrive", async () => {
  const events = await all(stream(": keep-alive\n\nid: 1\nda", 'ta: {"a":1}\n', "\ndata: x\r\ndata: y\r\n\r\n"));
  assert.deepEqual(events, [
    { event: "message", data: '{"a":1}' },
    { event: "message", data: "x\ny" },
  ]);
});

test("an event that was cut off is not handed out", async () => {
  assert.deepEqual(await all(stream("data: whole\n\ndata: half\n")), [{ event: "message", data: "whole" }]);
});

test("an error is told apart", async () => {
  assert.deepEqual(await all(stream('event: error\ndata: {"code":7}\n\n')), [{ event: "error", data: '{"code":7}' }]);
});
