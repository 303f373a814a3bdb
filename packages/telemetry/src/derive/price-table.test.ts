import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SandglassError } from "@sandglass/protocol";
import { costUsd, type PriceOverrides, PriceTable } from "./price-table.ts";
import { LIST_PRICES, PRICES_AS_OF } from "./prices.ts";

const table = new PriceTable();
const inputPrice = (model: string) => table.find([model])?.inputPerMTok;

describe("finding a price", () => {
  for (const [model, price] of [
    ["gpt-4o", 2.5],
    ["gpt-4o-2024-08-06", 2.5],
    ["GPT-4o", 2.5],
    ["openai/gpt-4o", 2.5],
    ["openrouter/openai/gpt-4o-mini", 0.15],
    ["gpt-5-mini-2025-08-07", 0.25],
    ["gpt-5.1-codex", 1.25],
    ["claude-sonnet-4-5-20250929", 3],
    ["claude-sonnet-4-5@20250929", 3],
    ["anthropic/claude-sonnet-4.5", 3],
    ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", 3],
    ["anthropic.claude-3-haiku-20240307-v1:0", 0.25],
    ["eu.anthropic.claude-opus-4-1-20250805-v1:0", 15],
    [
      "arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.anthropic.claude-haiku-4-5-20251001-v1:0",
      1,
    ],
    ["claude-opus-4-6[1m]", 5],
    ["claude-3-5-haiku-latest", 0.8],
    ["models/gemini-2.5-flash", 0.3],
    ["gemini-2.5-flash-preview-09-2025", 0.3],
    ["publishers/google/models/gemini-2.0-flash-001", 0.1],
    ["gemini-3-pro-preview", 2],
  ] as const) {
    test(`${model} has one`, () => assert.equal(inputPrice(model), price));
  }

  for (const model of [
    "gpt-4o-realtime-preview",
    "gpt-4o-audio-preview",
    "gpt-4-0125-preview",
    "deepseek/deepseek-r1:free",
    "anthropic/claude-sonnet-4.5:beta",
    "claude-sonnet-9",
    "my-gpt-4o",
    "gpt-4o-mini-tts",
    "toString",
    "__proto__",
    "",
    "/",
  ]) {
    test(`${model === "" ? "no name" : model} has none: nothing is guessed`, () => {
      assert.equal(inputPrice(model), undefined);
    });
  }

  test("the name that answered goes before the one that was asked for", () => {
    assert.equal(table.find(["gpt-4o-mini-2024-07-18", "gpt-4o"])?.inputPerMTok, 0.15);
    assert.equal(table.find(["my-deployment", "gpt-4o"])?.inputPerMTok, 2.5);
  });

  test("the list says of when it is, and every price in it is one that a configuration could have", () => {
    assert.match(PRICES_AS_OF, /^\d{4}-\d{2}-\d{2}$/);
    assert.ok(LIST_PRICES.size > 50);
    new PriceTable(Object.fromEntries(LIST_PRICES));
    for (const [model, { inputPerMTok, cachedInputPerMTok = 0, longInput }] of LIST_PRICES) {
      assert.ok(cachedInputPerMTok < inputPerMTok, model);
      assert.ok(longInput === undefined || longInput.inputPerMTok > inputPerMTok, model);
    }
  });
});

describe("what a call costs", () => {
  const price = { inputPerMTok: 2, outputPerMTok: 10, cachedInputPerMTok: 0.2, cacheWritePerMTok: 2.5 };
  const usage = { inputTokens: 1000, outputTokens: 100, cachedTokens: 600, cacheCreationTokens: 200 };

  test("each part has its price", () => {
    assert.equal(costUsd(price, usage), (200 * 2 + 600 * 0.2 + 200 * 2.5 + 100 * 10) / 1e6);
  });

  test("input from and to a cache costs what input costs where it has no price of its own", () => {
    assert.equal(costUsd({ inputPerMTok: 2, outputPerMTok: 10 }, usage), 0.003);
  });

  test("a long input has the price of long inputs for the whole call", () => {
    const long = { ...price, longInput: { aboveTokens: 999, inputPerMTok: 4, outputPerMTok: 20 } };
    assert.equal(costUsd(long, { inputTokens: 1000, outputTokens: 100 }), 0.006);
    assert.equal(costUsd(long, { inputTokens: 999, outputTokens: 0 }), 0.001998);
  });

  test("parts larger than their whole make no cost below zero", () => {
    assert.ok(costUsd(price, { inputTokens: 10, outputTokens: 0, cachedTokens: 600 }) > 0);
  });
});

describe("prices of the configuration", () => {
  test("replace those of the list, and add to it", () => {
    const own = new PriceTable({
      "gpt-4o": { inputPerMTok: 1, outputPerMTok: 2 },
      "My-Org/Model": { inputPerMTok: 0.5, outputPerMTok: 1.5, cachedInputPerMTok: 0 },
    });
    assert.deepEqual(own.find(["gpt-4o-2024-08-06"]), { inputPerMTok: 1, outputPerMTok: 2 });
    assert.equal(own.find(["my-org/model"])?.cachedInputPerMTok, 0);
    assert.equal(own.find(["gpt-4o-mini"])?.inputPerMTok, 0.15);
  });

  test("a price for a dated model goes before one for all of them", () => {
    const own = new PriceTable({
      "gpt-4o": { inputPerMTok: 1, outputPerMTok: 2 },
      "gpt-4o-2024-05-13": { inputPerMTok: 5, outputPerMTok: 15 },
    });
    assert.equal(own.find(["gpt-4o-2024-05-13"])?.inputPerMTok, 5);
  });

  for (const [what, value, message] of [
    ["no object", "cheap", 'prices must be an object with prices by model, not "cheap"'],
    ["a number for a model", { m: 3 }, 'prices["m"] must be an object with the prices of a model, not 3'],
    [
      "a price that is missing",
      { m: { inputPerMTok: 1 } },
      'prices["m"].outputPerMTok must be USD per million tokens, from 0 to 100000, not absent',
    ],
    [
      "a price below 0",
      { m: { inputPerMTok: -1, outputPerMTok: 1 } },
      'prices["m"].inputPerMTok must be USD per million tokens, from 0 to 100000, not -1',
    ],
    [
      "a price that is no number",
      { m: { inputPerMTok: Number.NaN, outputPerMTok: 1 } },
      'prices["m"].inputPerMTok must be USD per million tokens, from 0 to 100000, not null',
    ],
    [
      "a field that nobody knows",
      { m: { inputPerMTok: 1, outputPerMTok: 1, cachedPerMTok: 1 } },
      'prices["m"].cachedPerMTok is unknown: there are inputPerMTok, outputPerMTok, cachedInputPerMTok, cacheWritePerMTok, longInput',
    ],
    [
      "a length that is none",
      {
        m: {
          inputPerMTok: 1,
          outputPerMTok: 1,
          longInput: { aboveTokens: 0.5, inputPerMTok: 1, outputPerMTok: 1 },
        },
      },
      'prices["m"].longInput.aboveTokens must be a number of tokens, not 0.5',
    ],
    ["no name", { " ": { inputPerMTok: 1, outputPerMTok: 1 } }, 'prices[" "] needs the name of a model'],
  ] as const) {
    test(`are refused with ${what}, saying where and what may stand there`, () => {
      assert.throws(
        () => new PriceTable(value as unknown as PriceOverrides),
        (error) =>
          error instanceof SandglassError && error.code === "INVALID_REQUEST" && error.message === message,
      );
    });
  }
});
