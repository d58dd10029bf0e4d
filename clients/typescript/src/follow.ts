// Follows what changes in an area, as it happens, over server-sent events.
import type { Options } from "./connect.js";

/** One change; whoever may know more asks the service that owns the record. */
export interface Change {
  eventId: string;
  service: string;
  kind: string;
  /** The id of the record it is about. */
  recordId: string;
  version: string;
  areaCode: string;
  at: string;
  [more: string]: unknown;
}

/** What comes over the line: a change, or only how far the stream has come. */
type Seen = Change | { eventId: string; kind?: undefined };

/** What to follow. */
export interface Following {
  areaCode: string;
  /** The last change seen before, so that none is missed in between. */
  after?: string;
  /** Ends it. */
  signal?: AbortSignal;
}

/** Why following ended for good: the server said no, and asking again will not help. */
export class FollowRefused extends Error {
  constructor(
    readonly status: number,
    readonly body: string,
  ) {
    super(`following was refused with HTTP ${status}: ${body}`);
  }
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Every change in the area, in order, across lost connections: it goes on after the last one that was handed out. Ends when
 * `signal` says so; throws `FollowRefused` where the server refuses.
 */
export async function* follow(following: Following, options: Options): AsyncGenerator<Change> {
  let last = following.after;
  let pause = FIRST_PAUSE_MS;
  const stopped = () => following.signal?.aborted ?? false;
  while (!stopped()) {
    try {
      for await (const change of once(following, last, options)) {
        last = change.eventId;
        pause = FIRST_PAUSE_MS;
        // Without a kind it is a sign of life, which only moves the place to go on from.
        if (change.kind !== undefined) yield change;
      }
    } catch (error) {
      if (error instanceof FollowRefused || stopped()) throw error;
    }
    // Spread, so that all desks of an office do not come back in the same moment.
    await wait(pause * (0.5 + Math.random()), following.signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

async function* once({ areaCode, signal }: Following, last: string | undefined, options: Options): AsyncGenerator<Seen> {
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (last !== undefined) headers["last-event-id"] = last;
  if (options.token !== undefined) {
    headers["authorization"] = `Bearer ${typeof options.token === "function" ? await options.token() : options.token}`;
  }
  const url = `${options.baseUrl}/v1/changes:follow?areaCode=${encodeURIComponent(areaCode)}`;
  const fetch = options.fetch ?? globalThis.fetch;
  const answer = await fetch(url, { headers, credentials: "include", ...(signal === undefined ? {} : { signal }) });
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 408 && answer.status !== 429) {
    throw new FollowRefused(answer.status, await answer.text());
  }
  if (!answer.ok || answer.body === null) return;
  for await (const { event, data } of eventsOf(answer.body)) {
    if (event === "error") return;
    if (data !== "") yield JSON.parse(data) as Seen;
  }
}

/** Reads a stream of server-sent events: blank lines end an event, comments are dropped. */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<{ event: string; data: string }> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let event = "message";
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") {
          if (data.length > 0) yield { event, data: data.join("\n") };
          event = "message";
          data = [];
        } else if (line.startsWith("data:")) {
          data.push(line.slice(5).replace(/^ /, ""));
        } else if (line.startsWith("event:")) {
          event = line.slice(6).trim();
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
