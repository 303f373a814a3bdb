import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { SandglassError } from "@sandglass/protocol";
import { createClientAddresses } from "../../../packages/server/src/http/client-address.ts";
import { beginRecord } from "../../../packages/server/src/http/request-record.ts";
import { SubscriptionForms } from "../../../packages/server/src/status/pages/subscription-forms.ts";
import type { Picture } from "../../../packages/server/src/status/picture.ts";
import type { Status } from "../../../packages/server/src/status/status.ts";
import type { Subscriber } from "../../../packages/server/src/status/subscriptions/subscriber-table.ts";
import { emailOf } from "../../../packages/server/src/status/subscriptions/subscriptions.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

const LIMITS = { jsonBytes: 1e6, jsonDepth: 64, bodyStallMs: 60_000, bodyBytesPerSecond: 0 };
const FORM = "application/x-www-form-urlencoded";
const COMPONENTS = ["api", "exec"];
const SUBSCRIBER: Subscriber = {
  ...{ id: "sub_1", kind: "email", address: "me@example.org", components: ["api"], secret: undefined },
  ...{ createdAt: 1, confirmedAt: undefined, failures: 0 },
};
const PICTURE: Picture = {
  ...{ title: "T", at: 1_700_000_000_000, incidents: [], maintenances: [], names: {} },
  overall: { indicator: "none", description: "" },
  components: COMPONENTS.map((id) => ({
    ...{ id, name: id, group: "", status: "operational", since: 0, isPublic: true, isCore: false, days: [] },
    ...{
      uptime: undefined,
      latencies: [],
      latencyMs: undefined,
      lastProbeAt: undefined,
      reason: undefined,
    },
  })),
};
const REFUSALS = ["INVALID_REQUEST", "UNSUPPORTED_MEDIA_TYPE", "PAYLOAD_TOO_LARGE", "RATE_LIMITED"];

/** Forms of the status page: a line with the address, one with the content type, and the body. Without the second it is asked for. */
export const subscriptionForms: FuzzTarget = {
  name: "subscription-forms",
  watched: [
    "/status/pages/subscription-forms.ts",
    "/status/subscriptions/subscriptions.ts",
    "/http/json-body.ts",
  ],
  words: [
    ...[
      "/status/subscribe\n",
      "/status/subscription?id=sub_1&token=good\n",
      `${FORM}\n`,
      "; charset=utf-8",
      "&",
      "=",
      "+",
      "%",
    ],
    ...[
      "address=",
      "me@example.org",
      "me%40example.org",
      "kind=webhook",
      "kind=email",
      "component=api",
      "component=nothing",
    ],
    ...[
      "action=unsubscribe",
      "action=confirm",
      "List-Unsubscribe=One-Click",
      "%0d%0aBcc:",
      "%3Cb%3E",
      "<b>",
      '"><b>',
      "%22",
    ],
    ...[
      "%00",
      "%ff",
      "\xff",
      "%E2%80%AE",
      "@",
      "@@",
      ".",
      ",",
      "a@1.2.3.4",
      "a@[::1]",
      "ä@ö.org",
      "x".repeat(300),
      "id=",
      "token=",
    ],
    ...["https://example.org/hook", "id=sub_1%22%3E%3Cb%3E", "__proto__="],
  ],
  seeds: [
    `/status/subscribe\n${FORM}\nkind=email&address=me%40example.org&component=api`,
    `/status/subscribe\n${FORM}\nkind=webhook&address=https://example.org/hook`,
    `/status/subscription?id=sub_1&token=good\n${FORM}\naction=confirm&component=exec`,
    `/status/subscription?id=sub_1&token=good\n${FORM}; a\nList-Unsubscribe=One-Click`,
    "/status/subscription?id=sub_1&token=good",
    "/status/subscription?id=sub_1%22%3E%3Cb%3E&token=x",
    `/status/subscribe\ntext/plain\nkind=email`,
  ],
  async check(input) {
    const [url = "", type, ...lines] = input.toString("latin1").split("\n");
    const path = url.split("?")[0] ?? "";
    const done: string[] = [];
    const forms = new SubscriptionForms({
      status: statusOf(done) as unknown as Status,
      addresses: createClientAddresses([]),
      limits: LIMITS,
    });
    if (!forms.takes(path)) return "elsewhere";
    const body = Buffer.from(lines.join("\n"), "latin1");
    const request = Object.assign(Readable.from(body.length > 0 ? [body] : []), {
      ...{ method: type === undefined ? "GET" : "POST", url, complete: true },
      ...{ headers: { "content-type": type }, socket: { remoteAddress: "192.0.2.1" } },
    }) as unknown as IncomingMessage;
    const answered: { status: number; html: string }[] = [];
    let status = 0;
    const response = {
      writeHead: (code: number) => {
        status = code;
      },
      end: (html: Buffer) => answered.push({ status, html: html.toString() }),
    } as unknown as ServerResponse;
    try {
      await forms.serve(path, request, response, beginRecord(request));
    } catch (error) {
      assert.ok(error instanceof SandglassError && REFUSALS.includes(error.code), String(error));
      assert.deepEqual([answered, done], [[], []], "refused, and something is done");
      return error.code;
    }
    const [answer, ...more] = answered;
    assert.deepEqual(more, [], "more than one answer");
    assert.ok(answer !== undefined && [200, 201, 202, 404, 422].includes(answer.status));
    assert.ok(!/<b[>"\s]/.test(answer.html), "what was sent is part of the page");
    assert.ok(done.length <= 1 && (type !== undefined || done.length === 0), done.join());
    return `${answer.status} ${done}`;
  },
};

/** Stands for what is kept of subscriptions, and notes what becomes of them. */
function statusOf(done: string[]) {
  let isGone = false;
  const note = (what: string, components: readonly string[]): void => {
    assert.ok(
      components.every((id) => COMPONENTS.includes(id)),
      "a component that is not public",
    );
    done.push(`${what} ${components}`);
  };
  return {
    publicPicture: () => PICTURE,
    subscriptions: {
      kinds: { email: true, webhook: true },
      find: (id: string, token: string) =>
        !isGone && id === "sub_1" && token === "good" ? SUBSCRIBER : undefined,
      subscribeEmail: (given: string, components: readonly string[]) => {
        const address = emailOf(given);
        assert.ok(
          address !== undefined && emailOf(address) === address,
          "no address, or another the second time",
        );
        assert.match(address, /^[^\s\p{Cc},;:<>"()]+@[^\s\p{Cc},;:<>"()@]+\.[^@]*$/u);
        note("email", components);
      },
      subscribeWebhook: (_: string, components: readonly string[]) => {
        note("webhook", components);
        return Promise.resolve({ id: "sub_2", secret: "whsec_x", token: "t" });
      },
      confirm: (id: string, components: readonly string[]) => note(`confirm ${id}`, components),
      remove: (id: string) => {
        isGone = true;
        note(`remove ${id}`, []);
      },
    },
  };
}
