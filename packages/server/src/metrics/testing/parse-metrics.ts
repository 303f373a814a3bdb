import { spawnSync } from "node:child_process";
import type { TextFormat } from "../exposition.ts";

export interface ParsedSample {
  name: string;
  labels: Record<string, string>;
  /** Infinite ones as text: JSON has none. */
  value: number | string;
  exemplar: { labels: Record<string, string>; value: number; timestamp: number } | null;
}

export interface ParsedFamily {
  name: string;
  type: string;
  unit: string;
  help: string;
  samples: ParsedSample[];
}

const PARSERS: Readonly<Record<TextFormat, string>> = {
  prometheus: "prometheus_client.parser",
  openmetrics: "prometheus_client.openmetrics.parser",
};
const SCRIPT = `
import importlib, json, math, sys
parser = importlib.import_module(sys.argv[1])
def number(value):
    return value if math.isfinite(value) else str(value)
def exemplar(found):
    return found and {"labels": found.labels, "value": found.value, "timestamp": float(found.timestamp)}
print(json.dumps([{
    "name": family.name, "type": family.type, "unit": family.unit, "help": family.documentation,
    "samples": [{"name": s.name, "labels": s.labels, "value": number(s.value), "exemplar": exemplar(s.exemplar)}
                for s in family.samples],
} for family in parser.text_string_to_metric_families(sys.stdin.read())]))
`;

/**
 * Has Prometheus' own client for Python read a scrape; for OpenMetrics its parser is strict, and refuses what the specification does.
 *
 * @throws Error with what it says is wrong, and where the package python3-prometheus-client is missing
 */
export function parseMetrics(text: string, format: TextFormat): Map<string, ParsedFamily> {
  const { status, stdout, stderr, error } = spawnSync("/usr/bin/python3", ["-c", SCRIPT, PARSERS[format]], {
    input: text,
    encoding: "utf8",
    maxBuffer: 64 * 1024 ** 2,
  });
  if (error !== undefined) throw error;
  if (stderr.includes("ModuleNotFoundError"))
    throw new Error("Debian's python3-prometheus-client is needed to check /metrics: run `make setup-test`");
  if (status !== 0) throw new Error(`not ${format}: ${stderr.trim().split("\n").at(-1)}`);
  const families = JSON.parse(stdout) as ParsedFamily[];
  return new Map(families.map((family) => [family.name, family]));
}

/** The value of one sample; undefined where there is none. @param labels all of them */
export function sampleValue(
  families: ReadonlyMap<string, ParsedFamily>,
  sampleName: string,
  labels: Record<string, string> = {},
): number | undefined {
  for (const { samples } of families.values()) {
    const found = samples.find(({ name, labels: has }) => name === sampleName && sameLabels(has, labels));
    if (found !== undefined) return Number(found.value);
  }
  return undefined;
}

function sameLabels(a: Record<string, string>, b: Record<string, string>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
