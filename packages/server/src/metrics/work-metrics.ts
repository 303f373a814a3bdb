import type { RuntimeApi } from "@sandglass/runtime";
import { counter, type Family, gauge, type NumberPoint, one, updown } from "./family.ts";

/** Those that a sandbox can be found in. One that nothing is in reads 0: a series that ends looks like a scrape that failed. */
const STATES = ["starting", "running", "paused", "terminating"];

/** Sandboxes, execs and the pool, as they are now, and the helper's ends. */
export function workFamilies({
  pool,
  sandboxes,
  runningExecs,
  helperRestarts,
}: ReturnType<RuntimeApi["stats"]>): Family[] {
  const perTemplate = (read: (of: (typeof pool)[string]) => number): NumberPoint[] =>
    Object.entries(pool).map(([template, of]) => ({
      labels: { "sandglass.template": template },
      value: read(of),
    }));
  const states = [...new Set([...STATES, ...Object.keys(sandboxes)])].map((state) => ({
    labels: { "sandglass.state": state },
    value: sandboxes[state] ?? 0,
  }));
  return [
    updown("sandglass.sandboxes", "{sandbox}", "Sandboxes by state.", states),
    updown(
      "sandglass.running_execs",
      "{exec}",
      "Execs that run or wait for their context.",
      one(runningExecs),
    ),
    updown(
      "sandglass.pool.ready",
      "{sandbox}",
      "Sandboxes that wait in the pool.",
      perTemplate(({ ready }) => ready),
    ),
    gauge(
      "sandglass.pool.target",
      "{sandbox}",
      "Sandboxes that should wait in the pool.",
      perTemplate(({ target }) => target),
    ),
    counter(
      "sandglass.pool.hits",
      "{sandbox}",
      "Creates served from the pool.",
      perTemplate(({ hits }) => hits),
    ),
    counter(
      "sandglass.pool.misses",
      "{sandbox}",
      "Creates that found the pool empty.",
      perTemplate(({ misses }) => misses),
    ),
    counter(
      "sandglass.helper.restarts",
      "{restart}",
      "Times that the native helper was started again; healthy is 0.",
      one(helperRestarts),
    ),
    updown(
      "otel.sdk.span.live",
      "{span}",
      "Spans that have begun and not ended: running execs.",
      one(runningExecs),
    ),
  ];
}
