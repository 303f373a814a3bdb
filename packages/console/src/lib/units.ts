import { bytes, duration, percent } from "./format.ts";

/** A value in a unit of UCUM, as people write it. */
export function inUnit(unit: string): (value: number) => string {
  if (unit === "s") return (value) => duration(value * 1000);
  if (unit === "ms") return duration;
  if (unit === "By") return bytes;
  if (unit === "1") return (value) => (value >= 0 && value <= 1 ? percent(value) : plain(value));
  // `{process}` is a note, no unit.
  const said = /^\{.*\}$/.test(unit) ? "" : ` ${unit}`;
  return (value) => `${plain(value)}${said}`;
}

function plain(value: number): string {
  return value.toLocaleString("en-GB", { maximumSignificantDigits: 4 });
}

const NAMES: Readonly<Record<string, string>> = {
  s: "seconds",
  ms: "milliseconds",
  By: "bytes",
  "1": "share",
  "%": "percent",
};

/** A unit of UCUM in words: `{process}` is what is counted. */
export function unitName(unit: string): string {
  return NAMES[unit] ?? unit.replace(/^\{(.*)\}$/, "$1");
}
