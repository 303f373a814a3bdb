import type { Agent, ToolCall, ToolOutcome } from "./agent.ts";

export const QUESTION = "Do evening flights run later than morning ones, or is that chance?";

const PARTS_OF_DAY = ["morning", "afternoon", "evening"] as const;
type PartOfDay = (typeof PARTS_OF_DAY)[number];

const LOAD = `
import json
flights = json.load(open("flights.json"))
len(flights), sorted(flights[0])`;

const BY_HOUR = (hour: string): string => `
by_hour = {}
for flight in flights:
    hour = ${hour}
    by_hour.setdefault(hour, []).append(flight["delay"])`;

const TABLE = `
from statistics import fmean
for start in range(6, 24, 3):
    delays = [delay for hour in range(start, start + 3) for delay in by_hour[hour]]
    print(f"{start:02}:00 {len(delays):7,} flights {fmean(delays):5.1f} minutes late")`;

const WORST_AIRPORT = `
import csv
airports = {row["iata"]: row for row in csv.DictReader(open("airports.csv"))}
evenings = {}
for flight in json.load(open("details.json")):
    if flight["date"][11:13] >= "18":
        evenings.setdefault(flight["origin"], []).append(flight["delay"])
busy = [code for code in evenings if len(evenings[code]) >= 100]
worst = max(busy, key=lambda code: fmean(evenings[code]))
airports[worst]["city"], airports[worst]["name"], round(fmean(evenings[worst]), 1)`;

const SPLIT = `
for part, start, end in ("morning", 6, 12), ("afternoon", 12, 18), ("evening", 18, 24):
    delays = [flight["delay"] for flight in flights if start <= flight["time"] < end]
    with open(f"{part}.json", "w") as file:
        json.dump(delays, file)
    print(part, len(delays))`;

const BOOTSTRAP = `
import json, random
from statistics import fmean, quantiles
delays = json.load(open("delays.json"))
random.seed(1)
means = []
for count in range(1, 101):
    means.append(fmean(random.choices(delays, k=len(delays))))
    if count % 50 == 0:
        print(f"{count} of 100 resamples of {len(delays):,} flights")
cuts = quantiles(means, n=40)  # the outer two leave 2.5 % on either side
print(json.dumps({"mean": round(fmean(delays), 2), "low": round(cuts[0], 2), "high": round(cuts[-1], 2)}))`;

/**
 * The analyst without a model: what it will do is written down here, what comes of it is not. It goes on from what the tools
 * say, and gives up where that is not what an agent could go on from.
 */
export async function* scriptedAnalyst(): Agent {
  yield turn("The flights are 9.4 MiB of JSON. A small sandbox should do.", [
    open("scout", { "flights.json": "flights-200k.json" }, 48),
  ]);
  const scouted = only(yield turn("First the size and the columns.", [python("scout", LOAD)]));
  const lesson = /oom_killed/.test(scouted.text)
    ? "oom_killed: as Python objects the rows need several times the file's size. One of the usual size, then."
    : "That was close to the limit. One of the usual size for what comes.";
  yield turn(`${lesson} And the airports, to say where it is worst.`, [
    open("desk", {
      "flights.json": "flights-200k.json",
      "details.json": "flights-20k.json",
      "airports.csv": "airports.csv",
    }),
  ]);
  const loaded = only(yield turn("The same cell again.", [python("desk", LOAD)]));
  find(loaded, /200000/);

  const mistaken = only(
    yield turn("`flights` stays for the next cells. Delays by hour of departure:", [
      python("desk", BY_HOUR('int(flight["time"].split(":")[0])')),
    ]),
  );
  find(mistaken, /AttributeError: 'float' object has no attribute 'split'/);
  yield turn("The traceback says it: `time` is no 17:30 but a number, 17.5. Its whole part is the hour.", [
    python("desk", BY_HOUR('int(flight["time"])') + TABLE),
  ]);
  const airport = only(yield turn("It grows all day. Where is it worst?", [python("desk", WORST_AIRPORT)]));
  const [, city, name, late] = find(airport, /\('(.+)', ['"](.+)['"], ([\d.]+)\)/);

  yield turn("Could it be chance? I resample each part of the day, the three of them at once.", [
    python("desk", SPLIT),
  ]);
  yield turn(
    "",
    PARTS_OF_DAY.map((part) => open(part, { "delays.json": `desk:${part}.json` })),
  );
  const outcomes = yield turn(
    "",
    PARTS_OF_DAY.map((part) => python(part, BOOTSTRAP)),
  );
  const intervals = outcomes.map((outcome) => JSON.parse(find(outcome, /\{.*\}/)[0]) as Interval);
  return answer(byPart(intervals), `${city} (${name}) is worst: ${late} minutes in the evening.`);
}

interface Interval {
  mean: number;
  low: number;
  high: number;
}

function answer({ morning, evening }: Record<PartOfDay, Interval>, where: string): string {
  const more = (evening.mean - morning.mean).toFixed(1);
  const isApart = evening.low > morning.high;
  return [
    `Evening flights run ${more} minutes later than morning ones, on average:`,
    `${shown(evening)} minutes against ${shown(morning)}, with 95 % intervals.`,
    isApart ? "The intervals do not meet, so it is not chance." : "The intervals meet, so it may be chance.",
    where,
  ].join("\n");
}

function shown({ mean, low, high }: Interval): string {
  return `${mean.toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`;
}

function byPart(intervals: readonly Interval[]): Record<PartOfDay, Interval> {
  const entries = PARTS_OF_DAY.map((part, index) => [part, intervals[index]] as const);
  return Object.fromEntries(entries) as Record<PartOfDay, Interval>;
}

function turn(thought: string, calls: ToolCall[]): { thought: string; calls: ToolCall[] } {
  return { thought, calls };
}

/** @param files where each comes from, by its name in the sandbox */
function open(name: string, files: Record<string, string>, memoryMb?: number): ToolCall {
  const list = Object.entries(files).map(([path, from]) => ({ path, from }));
  const memory = memoryMb === undefined ? {} : { memory_mb: memoryMb };
  return { tool: "open_sandbox", input: { name, ...memory, files: list } };
}

function python(sandbox: string, code: string): ToolCall {
  return { tool: "python", input: { sandbox, code: code.trim() } };
}

function only([outcome]: readonly ToolOutcome[]): ToolOutcome {
  if (outcome === undefined) throw new Error("no tool was called");
  return outcome;
}

/** @throws Error with what the tool said where it is not what the plan goes on from */
function find({ text }: ToolOutcome, expected: RegExp): RegExpExecArray {
  const match = expected.exec(text);
  if (match !== null) return match;
  throw new Error(`the plan cannot go on from this, it looks for ${expected}:\n${text}`);
}
