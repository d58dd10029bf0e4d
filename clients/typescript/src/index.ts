// Linju from TypeScript. The services' messages and descriptors are under `linju-client/gen/…`.
export { client, forPurpose, transport, type Options } from "./connect.js";
export { problemOf, type Problem, type Violation } from "./errors.js";
export { eventsOf, follow, FollowRefused, type Change, type Following } from "./follow.js";
