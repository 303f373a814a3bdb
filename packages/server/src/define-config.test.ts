import assert from "node:assert/strict";
import { test } from "node:test";
import type { SandglassOptions } from "./config.ts";
import { defineConfig } from "./define-config.ts";
import { Sandglass } from "./sandglass.ts";

// The compiler is the judge of this file: an error that is expected and does not come is one.

const mixed = () =>
  defineConfig({
    port: 0,
    observability: {
      exporters: [
        { provider: "axiom", config: { token: { env: "AXIOM_TOKEN" }, dataset: "events" } },
        { provider: "otel" },
        { provider: "jsonl", id: "audit", config: { filePath: "./events.jsonl" } },
        {
          provider: "console",
          config: { format: "pretty" },
          filter: { condition: (event) => event.type === "exec.completed" && event.data.exitCode !== 0 },
        },
        { provider: "one-that-was-registered", config: { anything: { at: ["all"] } } },
      ],
    },
  });

const AXIOM = "axiom";
const CONSOLE = "console";

/** Never called: only compiled. */
export const mistakes = [
  // @ts-expect-error a misspelt option of a provider
  () => defineConfig({ observability: { provider: AXIOM, config: { tokn: "x" } } }),
  () =>
    defineConfig({
      observability: {
        exporters: [
          { provider: "one-that-was-registered", config: { any: 1 } },
          // @ts-expect-error the same, among others
          { provider: AXIOM, config: { tokn: "x" } },
        ],
      },
    }),
  // @ts-expect-error a value of the wrong type
  () => defineConfig({ observability: { provider: "jsonl", config: { filePath: 7 } } }),
  // @ts-expect-error one that has to be given is missing
  () => defineConfig({ observability: { provider: "jsonl", config: {} } }),
  // @ts-expect-error a choice that there is not
  () => defineConfig({ observability: { provider: CONSOLE, config: { format: "prety" } } }),
  // @ts-expect-error a misspelt option of every exporter
  () => defineConfig({ observability: { provider: CONSOLE, filtr: {} } }),
  // @ts-expect-error an event has no such field
  () => defineConfig({ observability: { provider: CONSOLE, filter: { condition: (e) => e.nope } } }),
  // @ts-expect-error which exporter?
  () => defineConfig({ observability: { exporters: [{ config: {} }] } }),
  // @ts-expect-error a misspelt option of the daemon
  () => defineConfig({ prt: 1 }),
  // @ts-expect-error the constructor is as strict
  () => Sandglass.start({ observability: { provider: AXIOM, config: { tokn: "x" } } }),
];

/** Taken wherever options are. */
export const uses = [
  () => Sandglass.start(mixed()),
  () => Sandglass.start(),
  (provider: string) => Sandglass.start({ observability: { provider, config: { any: 1 } } }),
];

test("defineConfig gives back what it is given", () => {
  const options: SandglassOptions = mixed();
  const { observability } = options;
  assert.ok(observability !== undefined && "exporters" in observability);
  assert.equal(observability.exporters.length, 5);
  assert.equal(defineConfig(options), options);
});
