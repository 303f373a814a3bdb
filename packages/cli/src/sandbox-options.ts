import { type Command, Option } from "commander";
import type { CreateSandboxRequest, Isolation, RecordMode } from "sandglass";
import type { OptionNames } from "./option-names.ts";
import {
  collectList,
  collectMetadata,
  collectPairs,
  parseDuration,
  parseMegabytes,
  parsePositive,
} from "./option-values.ts";

/** Options of commands that create a sandbox. */
export interface SandboxOptions {
  template?: string;
  memory?: number;
  disk?: number;
  vcpu?: number;
  isolation?: Isolation;
  lifetime?: number;
  idleTimeout?: number;
  env?: Record<string, string>;
  metadata?: Record<string, string>;
  otelExport?: boolean;
  instrument?: boolean;
  logs?: boolean;
  allow?: string[];
  record?: RecordMode;
}

/** What they are called in the request. */
export const SANDBOX_OPTION_NAMES: OptionNames = {
  template: "--template",
  memoryMb: "--memory",
  diskMb: "--disk",
  vcpu: "--vcpu",
  isolation: "--isolation",
  timeoutMs: "--lifetime",
  idleTimeoutMs: "--idle-timeout",
  env: "--env",
  metadata: "--metadata",
  otelExport: "--otel-export",
  instrument: "--instrument",
  logs: "--logs",
  "network.egress.allow": "--allow",
  record: "--record",
};

/** Adds them. */
export function withSandboxOptions(command: Command): Command {
  return command
    .option("-t, --template <name>", "template: python, node, bash, or one of your own")
    .option("-m, --memory <size>", "memory limit, e.g. 512m or 2g", parseMegabytes)
    .option("--disk <size>", "disk limit, e.g. 1g", parseMegabytes)
    .option("--vcpu <number>", "virtual CPUs, e.g. 0.5", parsePositive)
    .addOption(new Option("--isolation <name>", "what keeps it in").choices(["bubblewrap", "crun", "gvisor"]))
    .option("--lifetime <duration>", "end the sandbox after this time, e.g. 1h", parseDuration)
    .option("--idle-timeout <duration>", "pause or end it after this time without a call", parseDuration)
    .option(
      "-e, --env <NAME=value>",
      "environment variable; again for more, NAME alone passes yours on",
      collectPairs,
    )
    .option("--metadata <name=value>", "a pair of your own to find it by; again for more", collectMetadata)
    .option("--otel-export", "send its telemetry where your OTEL_EXPORTER_OTLP_* say, too")
    .option("--instrument", "have its processes report spans")
    .option(
      "--allow <destinations>",
      "what it may reach: pypi.org,*.github.com,host:port, * for all that is public; again for more",
      collectList,
    )
    .option("--logs", "make log records of its output's lines")
    .addOption(
      new Option("--record <what>", "of what it runs: all, or no code, command, output and path").choices([
        "full",
        "metadata",
      ]),
    );
}

/** What they ask of the daemon. */
export function requestOf(options: SandboxOptions): CreateSandboxRequest {
  const { template, memory, disk, vcpu, isolation, lifetime, idleTimeout, env, metadata } = options;
  const { otelExport, instrument, logs, allow, record } = options;
  return {
    ...(template !== undefined && { template }),
    ...(memory !== undefined && { memoryMb: memory }),
    ...(disk !== undefined && { diskMb: disk }),
    ...(vcpu !== undefined && { vcpu }),
    ...(isolation !== undefined && { isolation }),
    ...(lifetime !== undefined && { timeoutMs: lifetime }),
    ...(idleTimeout !== undefined && { idleTimeoutMs: idleTimeout }),
    ...(env !== undefined && { env }),
    ...(metadata !== undefined && { metadata }),
    ...(otelExport !== undefined && { otelExport }),
    ...(instrument !== undefined && { instrument }),
    ...(logs !== undefined && { logs }),
    ...(allow !== undefined && { network: { egress: { allow } } }),
    ...(record !== undefined && { record }),
  };
}
