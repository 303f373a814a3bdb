import { RecentMap } from "../projections/otel-recent-map.ts";
import { modelNameCandidates } from "./model-name.ts";
import { parsePriceOverrides } from "./price-overrides.ts";
import { LIST_PRICES } from "./prices.ts";
import type { TokenUsage } from "./token-usage.ts";

/** USD per million tokens. */
export interface TokenPrices {
  readonly inputPerMTok: number;
  readonly outputPerMTok: number;
  /** Of input that is read from a cache. Default: as all input. */
  readonly cachedInputPerMTok?: number;
  /** Of input that is written to a cache (where there are several, that of the shortest life). Default: as all input. */
  readonly cacheWritePerMTok?: number;
}

/** What a model costs. */
export interface ModelPrice extends TokenPrices {
  /** Prices of a whole call whose input is longer than `aboveTokens`. */
  readonly longInput?: TokenPrices & { readonly aboveTokens: number };
}

/** Prices of the configuration, by model: they replace those of the list, or add to it. */
export type PriceOverrides = Readonly<Record<string, ModelPrice>>;

/** Models whose prices are found without looking for them again. */
const MAX_FOUND = 500;

/** Prices by model: the configuration's first, then list prices. */
export class PriceTable {
  readonly #overrides = new Map<string, ModelPrice>();
  readonly #found = new RecentMap<ModelPrice | "none">(MAX_FOUND);

  /** @throws SandglassError INVALID_REQUEST naming what is wrong with an override */
  constructor(overrides: PriceOverrides = {}) {
    for (const [model, price] of Object.entries(parsePriceOverrides(overrides))) {
      this.#overrides.set(model.trim().toLowerCase(), price);
    }
  }

  /**
   * @param models the names that a call goes by, the most exact first
   * @returns undefined where none of them is known: nothing is guessed from similar names
   */
  find(models: readonly string[]): ModelPrice | undefined {
    const key = models.join("\n");
    let price = this.#found.get(key);
    if (price === undefined) {
      price = this.#search(models) ?? "none";
      this.#found.set(key, price);
    }
    return price === "none" ? undefined : price;
  }

  #search(models: readonly string[]): ModelPrice | undefined {
    const names = models.flatMap(modelNameCandidates);
    for (const table of [this.#overrides, LIST_PRICES]) {
      for (const name of names) {
        const price = table.get(name);
        if (price !== undefined) return price;
      }
    }
    return undefined;
  }
}

/** What a call costs, in USD, to twelve significant digits. */
export function costUsd(price: ModelPrice, usage: TokenUsage): number {
  const { inputTokens, outputTokens, cachedTokens = 0, cacheCreationTokens = 0 } = usage;
  const { longInput } = price;
  const rates = longInput !== undefined && inputTokens > longInput.aboveTokens ? longInput : price;
  const { inputPerMTok, outputPerMTok } = rates;
  const { cachedInputPerMTok = inputPerMTok, cacheWritePerMTok = inputPerMTok } = rates;
  const plainTokens = Math.max(0, inputTokens - cachedTokens - cacheCreationTokens);
  const micros =
    plainTokens * inputPerMTok +
    cachedTokens * cachedInputPerMTok +
    cacheCreationTokens * cacheWritePerMTok +
    outputTokens * outputPerMTok;
  return Number((micros / 1e6).toPrecision(12));
}
