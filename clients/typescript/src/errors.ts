// What an error of Linju says beside its code: the reason, the fields that are wrong, and when to try again.
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";

/** One field of a request, and the rule it breaks. */
export interface Violation {
  /** The path of the field, for example `place.area_code`. */
  field: string;
  /** What is wrong, and what to send instead. */
  description: string;
}

/** An error, read to its end. */
export interface Problem {
  code: Code;
  message: string;
  /** A word to rely on, for example `STALE_ETAG`; empty where the server did not answer at all. */
  reason: string;
  violations: Violation[];
  /** Milliseconds to wait before another try, where one may succeed. */
  retryAfterMs: number | undefined;
}

/** Reads whatever a call threw. */
export function problemOf(thrown: unknown): Problem {
  const error = ConnectError.from(thrown);
  const violations = error.findDetails(BadRequestSchema).flatMap((detail) => detail.fieldViolations);
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return {
    code: error.code,
    message: error.rawMessage,
    reason: error.findDetails(ErrorInfoSchema)[0]?.reason ?? "",
    violations: violations.map(({ field, description }) => ({ field, description })),
    retryAfterMs: delay === undefined ? undefined : Number(delay.seconds) * 1000 + delay.nanos / 1e6,
  };
}
