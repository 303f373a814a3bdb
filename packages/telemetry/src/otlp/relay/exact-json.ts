/** Fields of OTLP/JSON with integers of 64 bits. Elements of `bucketCounts` have their index for a key. */
const INT64_KEY = /^(intValue|asInt|count|zeroCount|\w*[tT]imeUnixNano|\d+)$/;

const SEVERITIES = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/** The values of enums by name, by the field that holds them. */
const ENUMS: ReadonlyMap<string, ReadonlyMap<unknown, number>> = new Map([
  ["kind", numbered("SPAN_KIND_", ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"])],
  ["code", numbered("STATUS_CODE_", ["UNSET", "OK", "ERROR"])],
  ["aggregationTemporality", numbered("AGGREGATION_TEMPORALITY_", ["UNSPECIFIED", "DELTA", "CUMULATIVE"])],
  [
    "severityNumber",
    numbered("SEVERITY_NUMBER_", [
      "UNSPECIFIED",
      ...SEVERITIES.flatMap((name) => [name, `${name}2`, `${name}3`, `${name}4`]),
    ]),
  ],
]);

function numbered(prefix: string, names: readonly string[]): ReadonlyMap<unknown, number> {
  return new Map(names.map((name, number) => [`${prefix}${name}`, number]));
}

/**
 * What makes a text worth being looked at value by value: a number with so many digits, or an exponent, that a double may not hold
 * it, or an enum by name. Where it only seems so, within a string, that costs time and nothing else.
 */
const UNUSUAL =
  /[:,[]\s*-?(?:[\d.]{16}|[\d.]*\d[eE])|"(?:SPAN_KIND|STATUS_CODE|AGGREGATION_TEMPORALITY|SEVERITY_NUMBER)_/;

/** Whether {@link parseExactJson} can leave all values as they are parsed, which takes a fraction of the time. */
export function isOrdinaryJson(text: string): boolean {
  return !UNUSUAL.test(text);
}

/**
 * Parses OTLP/JSON so that nothing is lost: integers that a JavaScript number cannot hold stay the text they are, where the field is
 * one of 64 bits. Enums may be named, which OTLP wants nobody to send, but protobuf's JSON does and the Collector takes.
 *
 * @throws SyntaxError where the text is no JSON
 * @throws RangeError where it is nested too deep to be walked
 */
export function parseExactJson(text: string): unknown {
  return isOrdinaryJson(text)
    ? JSON.parse(text)
    : JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}

function revive(key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value === "string") return ENUMS.get(key)?.get(value) ?? value;
  if (typeof value !== "number" || Number.isSafeInteger(value) || !INT64_KEY.test(key)) return value;
  return context.source;
}
