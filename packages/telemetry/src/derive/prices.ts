import type { ModelPrice, TokenPrices } from "./price-table.ts";

/** When the list was last gone through. */
export const PRICES_AS_OF = "2026-10-31";

type Row = readonly [input: number, output: number, cachedInput?: number, cacheWrite?: number];
type LongRow = readonly [aboveTokens: number, ...Row];

/**
 * List prices in USD per million tokens: input, output, input read from a cache, input written to one (with its shortest life). They
 * are the public ones of the providers' own APIs for text, without discounts (batch), surcharges (priority, regions) and what other
 * hosts of the same models take: to be checked against the provider's page before anybody is charged by them.
 *
 * A model that is not here is counted without a price. Names are without dates and prefixes: see `modelNameCandidates`.
 */
const ROWS: Readonly<Record<string, Row>> = {
  "claude-fable-5-1": [10, 50, 0.25, 12.5],
  "claude-fable-5": [10, 50, 1, 12.5],
  "claude-opus-5-5": [4, 20, 0.2, 5],
  "claude-opus-5": [5, 25, 0.5, 6.25],
  "claude-opus-4-8": [5, 25, 0.5, 6.25],
  "claude-opus-4-7": [5, 25, 0.5, 6.25],
  "claude-opus-4-6": [5, 25, 0.5, 6.25],
  "claude-opus-4-5": [5, 25, 0.5, 6.25],
  "claude-opus-4-1": [15, 75, 1.5, 18.75],
  "claude-opus-4": [15, 75, 1.5, 18.75],
  "claude-opus-4-0": [15, 75, 1.5, 18.75],
  "claude-3-opus": [15, 75, 1.5, 18.75],
  "claude-sonnet-5-5": [2, 10, 0.1, 2.5],
  "claude-sonnet-5": [2, 10, 0.2, 2.5],
  "claude-sonnet-4-6": [3, 15, 0.3, 3.75],
  "claude-sonnet-4-5": [3, 15, 0.3, 3.75],
  "claude-sonnet-4": [3, 15, 0.3, 3.75],
  "claude-sonnet-4-0": [3, 15, 0.3, 3.75],
  "claude-3-7-sonnet": [3, 15, 0.3, 3.75],
  "claude-3-5-sonnet": [3, 15, 0.3, 3.75],
  "claude-haiku-5-5": [0.1, 0.5, 0.01, 0.125],
  "claude-haiku-4-5": [1, 5, 0.1, 1.25],
  "claude-3-5-haiku": [0.8, 4, 0.08, 1],
  "claude-3-haiku": [0.25, 1.25, 0.03, 0.3],

  "gpt-6-astra": [10, 50, 1],
  "gpt-6.1-sol": [2, 10, 0.1],
  "gpt-6-sol": [2, 10, 0.2, 2.5],
  "gpt-6-luna": [0.1, 0.5, 0.01, 0.125],
  "gpt-5.6-terra": [2, 12, 0.2],
  "gpt-5.6-luna": [0.2, 1.2, 0.02],
  "gpt-5.5": [5, 30, 0.5],
  "gpt-5.5-pro": [30, 180],
  "gpt-5.4": [2.5, 15, 0.25],
  "gpt-5.4-mini": [0.75, 4.5, 0.075],
  "gpt-5.4-nano": [0.2, 1.25, 0.02],
  "gpt-5.4-pro": [30, 180],
  "gpt-5.3-codex": [1.75, 14, 0.175],
  "gpt-5.2": [1.75, 14, 0.175],
  "gpt-5.2-codex": [1.75, 14, 0.175],
  "gpt-5.1": [1.25, 10, 0.125],
  "gpt-5.1-codex": [1.25, 10, 0.125],
  "gpt-5.1-codex-max": [1.25, 10, 0.125],
  "gpt-5.1-codex-mini": [0.25, 2, 0.025],
  "gpt-5": [1.25, 10, 0.125],
  "gpt-5-codex": [1.25, 10, 0.125],
  "gpt-5-mini": [0.25, 2, 0.025],
  "gpt-5-nano": [0.05, 0.4, 0.005],
  "gpt-5-pro": [15, 120],
  "gpt-4.1": [2, 8, 0.5],
  "gpt-4.1-mini": [0.4, 1.6, 0.1],
  "gpt-4.1-nano": [0.1, 0.4, 0.025],
  "gpt-4o": [2.5, 10, 1.25],
  "gpt-4o-mini": [0.15, 0.6, 0.075],
  "gpt-4-turbo": [10, 30],
  "gpt-4": [30, 60],
  "gpt-4-0613": [30, 60],
  "gpt-3.5-turbo": [0.5, 1.5],
  "gpt-3.5-turbo-0125": [0.5, 1.5],
  o1: [15, 60, 7.5],
  o3: [2, 8, 0.5],
  "o3-mini": [1.1, 4.4, 0.55],
  "o4-mini": [1.1, 4.4, 0.275],
  "codex-mini": [1.5, 6, 0.375],
  "text-embedding-3-small": [0.02, 0],
  "text-embedding-3-large": [0.13, 0],
  "text-embedding-ada-002": [0.1, 0],

  "gemini-3.1-pro": [2, 12, 0.2],
  "gemini-3-pro": [2, 12, 0.2],
  "gemini-3-flash": [0.5, 3, 0.05],
  "gemini-2.5-pro": [1.25, 10, 0.125],
  "gemini-2.5-flash": [0.3, 2.5, 0.03],
  "gemini-2.5-flash-lite": [0.1, 0.4, 0.01],
  "gemini-2.0-flash": [0.1, 0.4, 0.025],
  "gemini-2.0-flash-lite": [0.075, 0.3],
  "gemini-embedding-001": [0.15, 0],
};

/** Where a long input makes the whole call dearer. */
const LONG_ROWS: Readonly<Record<string, LongRow>> = {
  "claude-sonnet-4-5": [200_000, 6, 22.5, 0.6, 7.5],
  "claude-sonnet-4": [200_000, 6, 22.5, 0.6, 7.5],
  "claude-haiku-5-5": [100_000, 0.5, 2.5, 0.05, 0.625],
  "gpt-5.5": [272_000, 10, 45, 1],
  "gpt-5.4": [272_000, 5, 22.5, 0.5],
  "gemini-3.1-pro": [200_000, 4, 18, 0.4],
  "gemini-3-pro": [200_000, 4, 18, 0.4],
  "gemini-2.5-pro": [200_000, 2.5, 15, 0.25],
};

export const LIST_PRICES: ReadonlyMap<string, ModelPrice> = new Map(
  Object.entries(ROWS).map(([model, row]) => {
    const [aboveTokens, ...long] = LONG_ROWS[model] ?? [];
    const longInput =
      aboveTokens === undefined ? {} : { longInput: { aboveTokens, ...pricesOf(long as Row) } };
    return [model, { ...pricesOf(row), ...longInput }];
  }),
);

function pricesOf([inputPerMTok, outputPerMTok, cachedInputPerMTok, cacheWritePerMTok]: Row): TokenPrices {
  return {
    inputPerMTok,
    outputPerMTok,
    ...(cachedInputPerMTok !== undefined && { cachedInputPerMTok }),
    ...(cacheWritePerMTok !== undefined && { cacheWritePerMTok }),
  };
}
