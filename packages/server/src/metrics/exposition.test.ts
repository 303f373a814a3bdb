import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { renderText } from "./exposition.ts";
import { counter, type Family, gauge, histogram, info, one, updown } from "./family.ts";
import { Counter, Histogram } from "./instruments.ts";
import { parseMetrics } from "./testing/parse-metrics.ts";

const PLACE = {
  timeMs: 1_776_510_028_036,
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
};

function durations(): Family {
  const durations = new Histogram([0.1, 1]);
  for (const value of [0.05, 0.1, 0.5]) durations.observe({ route: "/" }, value);
  durations.observe({ route: "/" }, 7, PLACE);
  return histogram("d", "s", "D.", durations.points());
}

describe("the text of metrics", () => {
  test("labels and help are escaped, so that no value can end its line", () => {
    const hostile = 'a"b\\c\nd';
    const counts = new Counter();
    counts.add({ "sandglass.route": hostile });
    counts.add({ "sandglass.route": hostile }, 2);
    const family = counter("x", "{x}", `Of\n"x\\".`, counts.points());
    assert.equal(
      renderText([family], "prometheus"),
      '# HELP x_total Of\\n"x\\\\".\n# TYPE x_total counter\nx_total{route="a\\"b\\\\c\\nd"} 3\n',
    );
    for (const format of ["prometheus", "openmetrics"] as const) {
      const parsed = parseMetrics(renderText([family], format), format).get("x");
      assert.deepEqual([parsed?.samples[0]?.labels, parsed?.samples[0]?.value], [{ route: hostile }, 3]);
      assert.equal(parsed?.help, 'Of\n"x\\".');
    }
  });

  test("a histogram's buckets are cumulative, end at infinity, and have the same bounds in both formats", () => {
    const lines = (format: "prometheus" | "openmetrics") =>
      renderText([durations()], format)
        .split("\n")
        .filter((line) => line.startsWith("d_seconds"));
    assert.deepEqual(lines("prometheus"), [
      'd_seconds_bucket{route="/",le="0.1"} 2',
      'd_seconds_bucket{route="/",le="1.0"} 3',
      'd_seconds_bucket{route="/",le="+Inf"} 4',
      'd_seconds_sum{route="/"} 7.65',
      'd_seconds_count{route="/"} 4',
    ]);
    assert.deepEqual(
      lines("openmetrics").map((line) => line.split(" # ")[0]),
      lines("prometheus"),
    );
  });

  test("OpenMetrics says the trace and the span of a bucket's latest value, the plain text does not", () => {
    const parsed = parseMetrics(renderText([durations()], "openmetrics"), "openmetrics").get("d_seconds");
    assert.deepEqual(
      parsed?.samples.map(({ exemplar }) => exemplar),
      [
        null,
        null,
        {
          labels: { trace_id: PLACE.traceId, span_id: PLACE.spanId },
          value: 7,
          timestamp: PLACE.timeMs / 1000,
        },
        null,
        null,
      ],
    );
    assert.ok(!renderText([durations()], "prometheus").includes(PLACE.traceId));
  });

  test("every kind has its type, its unit and its suffix", () => {
    const families = [
      counter("process.cpu.time", "s", "C.", one(1.5), { textName: "process_cpu_seconds" }),
      updown("sandglass.memory", "By", "U.", one(3)),
      gauge("sandglass.process.max_fds", "{fd}", "G.", one(Number.POSITIVE_INFINITY)),
      info("sandglass.build", "I.", { version: "1" }),
      gauge("sandglass.nothing", "", "N.", []),
    ];
    const open = parseMetrics(renderText(families, "openmetrics"), "openmetrics");
    assert.deepEqual(
      [...open.values()].map(({ name, type, unit, samples }) => [name, type, unit, samples[0]?.name]),
      [
        ["process_cpu_seconds", "counter", "seconds", "process_cpu_seconds_total"],
        ["sandglass_memory_bytes", "gauge", "bytes", "sandglass_memory_bytes"],
        ["sandglass_process_max_fds", "gauge", "", "sandglass_process_max_fds"],
        ["sandglass_build", "info", "", "sandglass_build_info"],
        ["sandglass_nothing", "gauge", "", undefined],
      ],
    );
    assert.equal(open.get("sandglass_process_max_fds")?.samples[0]?.value, "inf");
    const plain = parseMetrics(renderText(families, "prometheus"), "prometheus");
    const names = (of: typeof open) =>
      [...of.values()].flatMap(({ samples }) => samples.map(({ name }) => name));
    assert.deepEqual(names(plain), names(open));
  });

  test("the checker finds what is wrong: a name that is there twice", () => {
    const twice = [gauge("a", "", "A.", one(1)), gauge("a", "", "A.", one(2))];
    assert.throws(() => parseMetrics(renderText(twice, "openmetrics"), "openmetrics"), /not openmetrics/);
  });
});
