import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { childrenFirst } from "./children-first.ts";
import { Deriver } from "./deriver.ts";
import { derive, type SpanFixture, spanIdOf, spans, telemetryRecord } from "./testing/telemetry-records.ts";

const CHAT = {
  "gen_ai.operation.name": "chat",
  "gen_ai.request.model": "gpt-4o",
  "gen_ai.usage.input_tokens": 10,
  "gen_ai.usage.output_tokens": 5,
};
const FAILED = { code: 2, message: "no" };

function chat(id: number, parent?: number, more: Partial<SpanFixture> = {}): SpanFixture {
  return { name: "chat gpt-4o", id, ...(parent !== undefined && { parent }), attributes: CHAT, ...more };
}
function plain(id: number, parent: number): SpanFixture {
  return { name: "POST", id, parent, attributes: { "http.request.method": "POST", "gen_ai.x": 1 } };
}
function agent(id: number, parent?: number, more: Partial<SpanFixture> = {}): SpanFixture {
  const attributes = { "gen_ai.operation.name": "invoke_agent" };
  return { name: "invoke_agent a", id, ...(parent !== undefined && { parent }), attributes, ...more };
}

function countedSpans(requests: SpanFixture[][]): string[] {
  return derive(requests.map((fixtures) => spans(...fixtures))).map(({ spanId }) => spanId);
}

describe("a request that is sent again", () => {
  test("counts once", () => {
    assert.equal(countedSpans([[chat(1), chat(2)], [chat(1), chat(2)], [chat(2)]]).length, 2);
  });

  test("counts for each sender: none can take another's events away", () => {
    const deriver = new Deriver();
    const data = spans(chat(1));
    for (const head of [
      { origin: "sandbox", sandboxId: "sbx_a" },
      { origin: "sandbox", sandboxId: "sbx_b" },
      { origin: "client", orgId: "one" },
      { origin: "client", orgId: "two" },
    ] as const) {
      assert.equal(deriver.derive(telemetryRecord(data, head)).length, 1, JSON.stringify(head));
      assert.equal(deriver.derive(telemetryRecord(data, head)).length, 0, JSON.stringify(head));
    }
  });

  test("is forgotten at last: memory is bounded", () => {
    const deriver = new Deriver();
    const sandbox = { origin: "sandbox", sandboxId: "sbx_a" } as const;
    assert.equal(deriver.derive(telemetryRecord(spans(chat(1)), sandbox)).length, 1);
    const many = Array.from({ length: 2100 }, (_, index) => plain(index + 100, index + 10_000));
    deriver.derive(telemetryRecord(spans(...many), sandbox));
    assert.equal(deriver.derive(telemetryRecord(spans(chat(1)), sandbox)).length, 1);
  });
});

describe("several spans around one call of a model", () => {
  test("the innermost counts, whatever lies between and whatever request it is in", () => {
    assert.deepEqual(countedSpans([[chat(4, 3), plain(3, 2), chat(2, 1), agent(1)]]), [spanIdOf(4)]);
    assert.deepEqual(countedSpans([[agent(1), chat(2, 1), plain(3, 2), chat(4, 3)]]), [spanIdOf(4)]);
    assert.deepEqual(countedSpans([[chat(4, 3)], [plain(3, 2)], [chat(2, 1)], [agent(1)]]), [spanIdOf(4)]);
  });

  test("where the outer one came first it is the one that counted", () => {
    assert.deepEqual(countedSpans([[chat(2, 1)], [plain(3, 2)], [chat(4, 3)]]), [spanIdOf(2)]);
  });

  test("a link that comes last joins what is above and below it", () => {
    assert.deepEqual(countedSpans([[chat(4, 3)], [plain(3, 2)], [chat(2)]]), [spanIdOf(4)]);
  });

  test("two calls in one wrapper are two", () => {
    assert.deepEqual(countedSpans([[chat(3, 2), chat(4, 2)], [chat(2, 1)]]), [spanIdOf(3), spanIdOf(4)]);
  });

  test("calls beside each other, or of two traces with the same ids, are not one", () => {
    const other = chat(1, undefined, { traceId: "0af7651916cd43dd8448eb211c80319c" });
    assert.equal(countedSpans([[chat(1), chat(2)], [other]]).length, 3);
  });

  test("spans that are their own ancestors end nothing", () => {
    assert.equal(countedSpans([[chat(1, 2), chat(2, 1)]]).length, 1);
    assert.equal(countedSpans([[chat(1, 1)]]).length, 1);
    assert.equal(countedSpans([[plain(1, 2), plain(2, 3), plain(3, 1)], [chat(4, 1)]]).length, 1);
  });
});

describe("a failure", () => {
  test("is told once, however far it goes up", () => {
    const events = derive([
      spans(chat(3, 2, { status: FAILED })),
      spans(chat(2, 1, { status: FAILED })),
      spans(agent(1, undefined, { status: FAILED })),
    ]);
    const errors = events.filter(({ type }) => type === "agent.error");
    assert.deepEqual(
      errors.map(({ spanId }) => spanId),
      [spanIdOf(3)],
    );
  });

  test("of an agent alone is told, and one of its tool is the tool's result", () => {
    const tool = {
      name: "execute_tool t",
      id: 2,
      parent: 1,
      attributes: { "gen_ai.operation.name": "execute_tool" },
      status: FAILED,
    };
    const types = (...fixtures: SpanFixture[]) => derive([spans(...fixtures)]).map(({ type }) => type);
    assert.deepEqual(types(agent(1, undefined, { status: FAILED })), ["agent.error"]);
    assert.deepEqual(types(agent(1, undefined, { status: FAILED }), tool), [
      "agent.tool_call",
      "agent.tool_result",
    ]);
  });
});

describe("children first", () => {
  const place = (key: string, parent: string) => ({ key, parent });

  test("orders by depth and keeps the order of the rest", () => {
    const ordered = childrenFirst([place("a", ""), place("b", "a"), place("x", ""), place("c", "b")]);
    assert.deepEqual(
      ordered.map(({ key }) => key),
      ["c", "b", "a", "x"],
    );
  });

  test("a chain of 100,000 is no deeper for it", () => {
    const chain = Array.from({ length: 100_000 }, (_, index) => place(`${index}`, `${index - 1}`));
    assert.equal(childrenFirst(chain)[0]?.key, "99999");
  });
});
