// The client against a running door. LINJU_URL and LINJU_TOKEN name it: a personal access token of a grid worker.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code } from "@connectrpc/connect";
import { client, follow, forPurpose, problemOf } from "../dist/index.js";
import { AreaService, ResidentService } from "../dist/gen/linju/residents/v1/service_pb.js";
import { IncidentService, Channel } from "../dist/gen/linju/incidents/v1/service_pb.js";

const { LINJU_URL: baseUrl, LINJU_TOKEN: token, LINJU_AREA: area } = process.env;
const skip = baseUrl === undefined ? "LINJU_URL names no door" : false;
const options = { baseUrl, token };

const refused = async (call) => {
  try {
    await call;
  } catch (thrown) {
    return problemOf(thrown);
  }
  assert.fail("it was not refused");
};

test("anybody reads the areas", { skip }, async () => {
  const { areas } = await client(AreaService, { baseUrl }).listAreas({ parentCode: area.slice(0, 9) });
  assert.ok(areas.length > 1 && areas.every((one) => one.code.startsWith(area.slice(0, 9))));
});

test("people are masked until a purpose is stated", { skip }, async () => {
  const residents = client(ResidentService, options);
  const { residents: page, nextPageToken } = await residents.listResidents({ areaCode: area, pageSize: 2 });
  assert.equal(page.length, 2);
  assert.notEqual(nextPageToken, "");
  assert.match(page[0].name, /^.\*+$/u);
  const known = await residents.getResident({ id: page[0].id }, forPurpose("home_visit"));
  assert.doesNotMatch(known.name, /\*/u);
  assert.equal(known.name[0], page[0].name[0]);
});

test("a refusal says why, and which field", { skip }, async () => {
  const problem = await refused(client(ResidentService, options).getResident({ id: "somebody" }));
  assert.equal(problem.code, Code.InvalidArgument);
  assert.deepEqual(problem.violations.map((violation) => violation.field), ["id"]);
  const nobody = await refused(client(ResidentService, { baseUrl }).listResidents({ areaCode: area }));
  assert.deepEqual([nobody.code, nobody.reason], [Code.Unauthenticated, "NOT_SIGNED_IN"]);
});

test("what is reported is followed, and nothing is missed after a lost line", { skip, timeout: 180_000 }, async () => {
  const incidents = client(IncidentService, options);
  const report = () =>
    incidents.reportIncident({
      channel: Channel.APP,
      place: { areaCode: area },
      description: "路灯不亮",
      requestId: crypto.randomUUID(),
    });
  let lines = 0;
  const lossy = async (input, init) => {
    lines += 1;
    const answer = await fetch(input, init);
    if (lines > 1 || answer.body === null) return answer;
    // The first line breaks after its first event.
    const reader = answer.body.getReader();
    let seen = "";
    const cut = new ReadableStream({
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        seen += new TextDecoder().decode(value);
        controller.enqueue(value);
        if (/^data:.*\n\n/m.test(seen)) {
          await reader.cancel();
          controller.close();
        }
      },
    });
    return new Response(cut, { status: answer.status, headers: answer.headers });
  };
  const stop = new AbortController();
  const followed = follow({ areaCode: area, signal: stop.signal }, { ...options, fetch: lossy });
  const seen = new Set();
  const next = (async () => {
    for await (const change of followed) {
      if (change.kind === "IncidentReported") seen.add(change.recordId);
      if (seen.size >= 3) return;
    }
  })();
  const reported = [];
  while (lines === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  for (let i = 0; i < 3; i += 1) reported.push((await report()).id);
  await next;
  stop.abort();
  assert.deepEqual([...seen].sort(), reported.sort());
  assert.ok(lines > 1, "it came back after the line was lost");
});
