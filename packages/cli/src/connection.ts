import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { Client, type ClientOptions } from "sandglass";
import { UsageError } from "./exit-codes.ts";

/** Options that every command has which talks to a daemon. */
export interface ConnectionOptions {
  url?: string;
  apiKeyFile?: string;
  caFile?: string;
  json?: boolean;
}

/** Adds them. The key itself is never an option: a command line is visible to every user of the machine. */
export function withConnection(command: Command): Command {
  return command
    .option("--url <url>", "the daemon's address (default: $SANDGLASS_URL, else http://127.0.0.1:7070)")
    .option(
      "--api-key-file <path>",
      "file that holds the API key (default: $SANDGLASS_API_KEY, else the credentials file)",
    )
    .option(
      "--ca-file <path>",
      "certificate of the authority that signed the daemon's, where it is your own (default: $SANDGLASS_CA_FILE)",
    )
    .option("--json", "print JSON");
}

/** A client for the daemon that the options mean. */
export function clientOf(options: ConnectionOptions, more: ClientOptions = {}): Client {
  // The variables of OpenTelemetry here are most often the daemon's or the user's program's: a command has no telemetry of its own.
  const { url: baseUrl, caFile } = options;
  return new Client({ baseUrl, apiKey: keyOf(options), caFile, sdkOtelEnabled: false, ...more });
}

function keyOf({ apiKeyFile }: ConnectionOptions): string | undefined {
  if (apiKeyFile === undefined) return undefined;
  let key: string;
  try {
    key = readFileSync(apiKeyFile, "utf8").trim();
  } catch (error) {
    throw new UsageError(`--api-key-file cannot be read: ${(error as Error).message}`);
  }
  if (key === "" || /\s/.test(key)) throw new UsageError(`${apiKeyFile} does not hold one API key`);
  return key;
}
