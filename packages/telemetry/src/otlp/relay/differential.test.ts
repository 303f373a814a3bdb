import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { KeyValue } from "../model.ts";
import { SIGNALS } from "../model.ts";
import { HOST_OWNED_KEYS } from "./host-owned-keys.ts";
import { stampRequest } from "./stamp-request.ts";
import { framedBytes, hostileRequest, mutated, oddResources } from "./testing/arbitrary-requests.ts";
import { decodeEntries } from "./testing/decode-resources.ts";
import { assertRelayedSafely } from "./testing/relay-invariants.ts";
import { HOST_KEY_VALUES, TEST_STAMP } from "./testing/test-stamp.ts";

/** The rule for attributes of the Resource, spelled out once more. */
function isKept({ key, value }: KeyValue): boolean {
  const text = key.replace(/^\u{feff}+/u, "");
  if (HOST_OWNED_KEYS.includes(text)) return false;
  const isGroup = HOST_OWNED_KEYS.some((owned) => owned.startsWith(`${text}.`));
  return !(isGroup && (value?.kvlistValue !== undefined || value?.arrayValue !== undefined));
}

test("what protobufjs reads of any valid request is the same after the relay, but for what the host owns", () => {
  fc.assert(
    fc.property(hostileRequest, ({ signal, bytes }) => {
      const result = stampRequest(signal, bytes, TEST_STAMP);
      assert.ok("bytes" in result);
      const expected = decodeEntries(signal, bytes).map((entry) => {
        const kept = (entry.resource?.attributes ?? []).filter(isKept);
        return { ...entry, resource: { ...entry.resource, attributes: [...HOST_KEY_VALUES, ...kept] } };
      });
      assert.deepEqual(decodeEntries(signal, result.bytes), expected);
    }),
    { numRuns: 120 },
  );
});

test("a valid request is relayed safely, also as if it were of another signal", () => {
  fc.assert(
    fc.property(hostileRequest, fc.constantFrom(...SIGNALS), ({ signal, bytes }, other) => {
      assert.equal(assertRelayedSafely(signal, bytes), true);
      assertRelayedSafely(other, bytes);
    }),
    { numRuns: 60 },
  );
});

test("a valid request that was tampered with is refused or relayed safely", () => {
  const bytes = mutated(hostileRequest.map((request) => request.bytes));
  fc.assert(
    fc.property(fc.constantFrom(...SIGNALS), bytes, (signal, body) => {
      assertRelayedSafely(signal, body);
    }),
    { numRuns: 120 },
  );
});

test("requests with odd Resources are relayed safely, and refused or relayed safely when tampered with", () => {
  fc.assert(
    fc.property(oddResources, mutated(oddResources), (body, damaged) => {
      assert.equal(assertRelayedSafely("traces", body), true);
      assertRelayedSafely("traces", damaged);
    }),
    { numRuns: 500 },
  );
});

test("bytes that are framed like protobuf are refused or relayed safely, and some are relayed", () => {
  let relayed = 0;
  fc.assert(
    fc.property(fc.constantFrom(...SIGNALS), fc.oneof(framedBytes, mutated(framedBytes)), (signal, body) => {
      if (assertRelayedSafely(signal, body)) relayed++;
    }),
    { numRuns: 2000 },
  );
  assert.ok(relayed > 100, `only ${relayed} were`);
});

test("arbitrary bytes are refused or relayed safely", () => {
  fc.assert(
    fc.property(fc.constantFrom(...SIGNALS), fc.uint8Array({ maxLength: 64 }), (signal, body) => {
      assertRelayedSafely(signal, body);
    }),
    { numRuns: 2000 },
  );
});
