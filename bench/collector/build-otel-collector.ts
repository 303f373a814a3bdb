import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The newest release of which every module can be fetched where this was written. */
const VERSION = "0.124.0";
const CACHE = fileURLToPath(
  new URL(`../../node_modules/.cache/sandglass-bench/otelcol-${VERSION}/`, import.meta.url),
);
const BUILD_MS = 15 * 60_000;

/** No more than the job needs: its configuration is read from a file. */
const MANIFEST = `
dist: { name: otelcol, module: sandglass.bench/otelcol, output_path: ./dist }
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v${VERSION}
processors:
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/processor/resourceprocessor v0.124.1
exporters:
  - gomod: go.opentelemetry.io/collector/exporter/otlphttpexporter v${VERSION}
conf_resolver: { default_uri_scheme: file }
providers:
  - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v1.30.0
`;

/**
 * The OpenTelemetry Collector, built by its own builder once and kept: some minutes the first time.
 *
 * @returns the program
 * @throws Error in words for the table where it cannot be built here
 */
export async function buildOtelCollector(): Promise<string> {
  const program = join(CACHE, "otelcol");
  if (existsSync(program)) return program;
  const work = join(CACHE, "build");
  await mkdir(work, { recursive: true });
  await writeFile(join(work, "manifest.yaml"), MANIFEST);
  const env = { ...process.env, GOBIN: work };
  await run("go", ["install", `go.opentelemetry.io/collector/cmd/builder@v${VERSION}`], work, env);
  await run(join(work, "builder"), ["--config", "manifest.yaml"], work, env);
  await rename(join(work, "dist", "otelcol"), program);
  await rm(work, { recursive: true });
  return program;
}

function run(program: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const limits = { cwd, env, timeout: BUILD_MS, maxBuffer: 64 * 1024 * 1024 };
    execFile("nice", ["-n", "19", program, ...args], limits, (error, _stdout, stderr) => {
      if (error === null) return resolve();
      const last = stderr.trim().split("\n").at(-1) ?? "";
      reject(new Error(`the OpenTelemetry Collector cannot be built here: ${last || error.message}`));
    });
  });
}
