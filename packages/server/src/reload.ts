import { closeSync, openSync } from "node:fs";
import type { LoadedConfig } from "./config.ts";
import type { Daemon } from "./daemon.ts";
import type { DaemonLog } from "./daemon-log.ts";
import { explain } from "./explain.ts";

/**
 * Reads the configuration again and puts it in force, one time after the other. What is wrong with it is said in the log, and
 * nothing changes then.
 */
export class Reload {
  readonly #load: () => Promise<LoadedConfig>;
  readonly #log: DaemonLog;
  #last: Promise<void> = Promise.resolve();

  constructor(load: () => Promise<LoadedConfig>, log: DaemonLog) {
    this.#load = load;
    this.#log = log;
  }

  /** Never rejects. */
  run(daemon: Daemon): Promise<void> {
    this.#last = this.#last.then(() => this.#run(daemon));
    return this.#last;
  }

  async #run(daemon: Daemon): Promise<void> {
    try {
      const loaded = await this.#load();
      const { needsRestart, warnings } = await daemon.reload(loaded);
      this.#log.say("INFO", "configuration reloaded", {
        exporters: loaded.config.observability.exporters.length,
      });
      for (const warning of warnings) this.#log.say("WARN", warning, {});
      if (needsRestart.length > 0) {
        this.#log.say("WARN", "changed options need a restart", { options: needsRestart.join(",") });
      }
    } catch (error) {
      this.#log.say("ERROR", "configuration not reloaded, nothing has changed", { error: explain(error) });
    }
  }
}

/**
 * Whether the process has a terminal that it can be stopped from. Asked before and after SIGHUP it tells a terminal that was closed
 * from an operator who wants the configuration read again: the signal is the same.
 */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    // ENXIO: it has none. Whatever else prevents opening it is as good as none.
    return false;
  }
}
