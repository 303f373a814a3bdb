import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuntimeEvent } from "sandglass";
import { destinationText, EgressTally } from "./egress-summary.ts";

const event = (type: "network.egress" | "network.denied", data: object) => ({ type, data }) as RuntimeEvent;
const sent = { bytesIn: 100, bytesOut: 10, durationMs: 1 };

test("destinations are summed up, coalesced events for what they stand for, and become the list that was needed", () => {
  const tally = new EgressTally();
  for (const each of [
    event("network.egress", { host: "pypi.org", port: 443, ...sent, execId: "exec_1" }),
    event("network.egress", { host: "pypi.org", port: 443, ...sent, execId: "exec_2", count: 3 }),
    event("network.egress", { host: "pypi.org", port: 80, ...sent, error: "ECONNREFUSED" }),
    event("network.denied", { host: "db.example", port: 5432, reason: "not_allowed", count: 7 }),
    event("network.denied", { host: "evil.example", port: 443, reason: "denied" }),
    event("network.denied", { host: "inner.example", port: 443, reason: "not_public" }),
    event("network.denied", { host: "fd00::1", port: 8080, reason: "not_allowed" }),
    event("network.denied", { host: "", port: 0, reason: "bad_request" }),
    event("network.denied", { host: "", port: 0, reason: "rate_limited", count: 40 }),
  ])
    tally.add(each);
  const { destinations, network, notPublic, unnamed } = tally.summary();
  assert.deepEqual(destinations[0], {
    host: "pypi.org",
    port: 443,
    allowed: 4,
    denied: 0,
    bytesIn: 200,
    bytesOut: 20,
    execIds: ["exec_1", "exec_2"],
    reasons: [],
  });
  assert.deepEqual(
    destinations.map((each) => [destinationText(each), each.allowed, each.denied, each.reasons.join()]),
    [
      ["pypi.org:443", 4, 0, ""],
      ["pypi.org:80", 1, 0, "ECONNREFUSED"],
      ["db.example:5432", 0, 7, "not_allowed"],
      ["evil.example:443", 0, 1, "denied"],
      ["inner.example:443", 0, 1, "not_public"],
      ["[fd00::1]:8080", 0, 1, "not_allowed"],
      ["–", 0, 41, "bad_request,rate_limited"],
    ],
  );
  assert.deepEqual(network, {
    egress: { default: "deny", allow: ["[fd00::1]:8080", "db.example:5432", "inner.example", "pypi.org"] },
  });
  assert.deepEqual(notPublic, ["inner.example"]);
  assert.equal(unnamed, 41);
});
