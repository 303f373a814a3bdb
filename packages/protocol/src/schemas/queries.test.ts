import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type * as z from "zod";
import {
  DeleteFileQuery,
  EventsQuery,
  ListFilesQuery,
  ListSandboxesQuery,
  PageQuery,
  parseRequest,
  StreamQuery,
  WriteFileQuery,
} from "./index.ts";

describe("a query", () => {
  const accepted: [schema: z.ZodType, query: object, parsed: object][] = [
    [ListSandboxesQuery, {}, { limit: 100, ended: false }],
    [
      ListSandboxesQuery,
      { limit: "1000", ended: "true", state: "paused" },
      { limit: 1000, ended: true, state: "paused" },
    ],
    [ListSandboxesQuery, { ended: "" }, { limit: 100, ended: true }],
    [ListSandboxesQuery, { ended: "0" }, { limit: 100, ended: false }],
    [PageQuery, { limit: 5, cursor: "abc" }, { limit: 5, cursor: "abc" }],
    [StreamQuery, {}, {}],
    [StreamQuery, { after: "0" }, { after: 0 }],
    [ListFilesQuery, {}, { path: "/workspace" }],
    [WriteFileQuery, { mode: "644" }, { mode: 0o644 }],
    [WriteFileQuery, { mode: "0755" }, { mode: 0o755 }],
    [WriteFileQuery, {}, {}],
    [DeleteFileQuery, { recursive: "1" }, { recursive: true }],
    [EventsQuery, {}, { follow: false }],
    [
      EventsQuery,
      { types: "exec.*, !exec.streamed", limit: "10" },
      { types: ["exec.*", "!exec.streamed"], follow: false, limit: 10 },
    ],
    [
      EventsQuery,
      { types: ["exec.*", "sandbox.*"], minLevel: "warn" },
      { types: ["exec.*", "sandbox.*"], minLevel: "warn", follow: false },
    ],
  ];
  for (const [schema, query, parsed] of accepted) {
    test(`reads ${JSON.stringify(query)} as ${JSON.stringify(parsed)}`, () => {
      assert.deepEqual(parseRequest(schema, query), parsed);
    });
  }

  const refused: [schema: z.ZodType, query: object, message: RegExp][] = [
    [PageQuery, { limit: "0" }, /^limit must be between 1 and 1000 items, not 0$/],
    [PageQuery, { limit: "1001" }, /^limit must be between 1 and 1000 items, not 1001$/],
    [PageQuery, { limit: "ten" }, /^limit must be a number, not a string$/],
    [PageQuery, { limit: "1e3" }, /^limit must be a number/],
    [PageQuery, { limit: "" }, /^limit must be a number/],
    [PageQuery, { limit: ["1", "2"] }, /^limit must be a number, not an array$/],
    [PageQuery, { lmit: "1" }, /^unknown field "lmit"; did you mean "limit"\?$/],
    [StreamQuery, { after: "-1" }, /^after must be between 0 and /],
    [StreamQuery, { after: "1.5" }, /^after must be a number/],
    [ListSandboxesQuery, { ended: "yes" }, /^ended must be true or false$/],
    [ListSandboxesQuery, { state: "dead" }, /^state must be one of starting, running, /],
    [ListFilesQuery, { path: "a\0b" }, /^path must not contain a NUL character$/],
    [WriteFileQuery, { mode: "999" }, /^mode must be permission bits in octal, like 644$/],
    [
      EventsQuery,
      { types: "exec.complete" },
      /^types is not understood: no event type matches "exec\.complete"; did you mean "exec\.completed"\?$/,
    ],
    [EventsQuery, { sandboxId: "sbx_1" }, /^sandboxId must be a sandbox's id/],
    [EventsQuery, { traceId: "0".repeat(32) }, /^traceId must be 32 lower-case hex/],
  ];
  for (const [schema, query, message] of refused) {
    test(`refuses ${JSON.stringify(query)}`, () => {
      assert.throws(() => parseRequest(schema, query), { code: "INVALID_REQUEST", message });
    });
  }
});
