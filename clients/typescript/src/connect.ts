// A transport to Linju's door, and typed clients over it.
import type { DescService } from "@bufbuild/protobuf";
import { createClient, type Client, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

/** How to reach Linju and as whom. */
export interface Options {
  /** Where the door is, for example `http://127.0.0.1:7880`. */
  baseUrl: string;
  /**
   * An access token, or a function that gives the one of the moment. A page that signed in with the browser's session gives
   * none: the cookie goes along by itself.
   */
  token?: string | (() => string | Promise<string>);
  /** The session's CSRF token, which a page sends with the cookie; from `GET /auth/csrf`. */
  csrf?: string | (() => string | Promise<string>);
  /** Milliseconds after which a call is given up; 15,000 where nothing else is said. */
  timeoutMs?: number;
  /** Replaces `fetch`, for tests. */
  fetch?: typeof globalThis.fetch;
}

const value = async (given: string | (() => string | Promise<string>)) =>
  typeof given === "function" ? await given() : given;

function signedIn({ token, csrf }: Options): Interceptor {
  return (next) => async (request) => {
    if (token !== undefined) request.header.set("authorization", `Bearer ${await value(token)}`);
    if (csrf !== undefined) request.header.set("x-csrf-token", await value(csrf));
    return next(request);
  };
}

/** Speaks gRPC-Web in its binary form. */
export function transport(options: Options): Transport {
  const fetch = options.fetch ?? globalThis.fetch;
  return createGrpcWebTransport({
    baseUrl: options.baseUrl,
    useBinaryFormat: true,
    defaultTimeoutMs: options.timeoutMs ?? 15_000,
    interceptors: [signedIn(options)],
    fetch: (input, init) => fetch(input, { ...init, credentials: "include" }),
  });
}

/** A client of one service: `client(IncidentService, { baseUrl })`. */
export function client<S extends DescService>(service: S, options: Options): Client<S> {
  return createClient(service, transport(options));
}

/** States why personal data is needed, for one call: `getResident(request, forPurpose("home_visit"))`. */
export function forPurpose(purpose: string): { headers: Record<string, string> } {
  return { headers: { "linju-purpose": purpose } };
}
