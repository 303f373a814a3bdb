import { z } from "zod";
import type { DeliveryTraits } from "../delivery/exporter.ts";
import type { DeliveryFailure } from "./definition.ts";

/** Options that every exporter takes in its `config`, besides its own. */
export const commonOptions = {
  batchSize: z.int().min(1).max(10_000).optional(),
  batchBytes: z
    .int()
    .min(1024)
    .max(64 * 1024 * 1024)
    .optional(),
  flushIntervalMs: z.int().min(0).max(3_600_000).optional(),
  maxQueueSize: z.int().min(1).max(1_000_000).optional(),
  timeoutMs: z.int().min(1).max(3_600_000).optional(),
  concurrency: z.int().min(1).max(64).optional(),
  onError: z
    .custom<(failure: DeliveryFailure) => void>((value) => typeof value === "function", {
      error: "must be a function",
    })
    .optional(),
} as const;

type CommonOptions = {
  readonly [Name in keyof typeof commonOptions]?: z.output<(typeof commonOptions)[Name]>;
};

/** The traits of an exporter: its own defaults, and over them what the user gave. */
export function traitsOf(options: CommonOptions, defaults: DeliveryTraits): DeliveryTraits {
  const { batchSize = defaults.batchSize } = options;
  const given = {
    batchSize,
    batchBytes: options.batchBytes ?? defaults.batchBytes,
    flushIntervalMs: options.flushIntervalMs ?? defaults.flushIntervalMs,
    timeoutMs: options.timeoutMs ?? defaults.timeoutMs,
    concurrency: options.concurrency ?? defaults.concurrency,
    // A batch has to fit in what may be held.
    maxQueueSize: Math.max(batchSize, options.maxQueueSize ?? defaults.maxQueueSize),
  };
  return { ...defaults, ...given };
}
