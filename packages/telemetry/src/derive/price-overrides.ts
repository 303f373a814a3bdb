import { SandglassError } from "@sandglass/protocol";
import type { PriceOverrides } from "./price-table.ts";

const REQUIRED = ["inputPerMTok", "outputPerMTok"];
const OPTIONAL = ["cachedInputPerMTok", "cacheWritePerMTok"];
/** Dearer than any token has ever been; catches a price that was meant for another unit. */
const MAX_PER_MTOK = 100_000;

/**
 * Checks prices of a configuration.
 *
 * @throws SandglassError INVALID_REQUEST naming the model, the field and what may stand there
 * @example parsePriceOverrides({ "my-model": { inputPerMTok: 0.5, outputPerMTok: 1.5, cachedInputPerMTok: 0.05 } })
 */
export function parsePriceOverrides(value: unknown): PriceOverrides {
  const models = objectAt("prices", value, "prices by model");
  for (const [model, price] of Object.entries(models)) {
    const where = `prices[${JSON.stringify(model)}]`;
    if (model.trim() === "") throw invalid(where, "needs the name of a model");
    const fields = objectAt(where, price, "the prices of a model");
    checkPrices(where, fields, ["longInput"]);
    if (fields.longInput === undefined) continue;
    const long = objectAt(`${where}.longInput`, fields.longInput, "prices above a length of the input");
    checkPrices(`${where}.longInput`, long, ["aboveTokens"]);
    const { aboveTokens } = long;
    if (!Number.isSafeInteger(aboveTokens) || (aboveTokens as number) < 1) {
      throw invalid(`${where}.longInput.aboveTokens`, `must be a number of tokens, not ${show(aboveTokens)}`);
    }
  }
  return models as PriceOverrides;
}

function checkPrices(where: string, fields: Readonly<Record<string, unknown>>, others: string[]): void {
  const allowed = [...REQUIRED, ...OPTIONAL, ...others];
  for (const name of Object.keys(fields)) {
    if (!allowed.includes(name))
      throw invalid(`${where}.${name}`, `is unknown: there are ${allowed.join(", ")}`);
  }
  for (const name of [...REQUIRED, ...OPTIONAL]) {
    const price = fields[name];
    if (price === undefined && OPTIONAL.includes(name)) continue;
    if (typeof price === "number" && price >= 0 && price <= MAX_PER_MTOK) continue;
    throw invalid(
      `${where}.${name}`,
      `must be USD per million tokens, from 0 to ${MAX_PER_MTOK}, not ${show(price)}`,
    );
  }
}

function objectAt(where: string, value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw invalid(where, `must be an object with ${what}, not ${show(value)}`);
}

function show(value: unknown): string {
  return value === undefined ? "absent" : (JSON.stringify(value)?.slice(0, 40) ?? typeof value);
}

function invalid(where: string, problem: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", `${where} ${problem}`);
}
