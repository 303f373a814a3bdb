import { setTimeout as delay } from "node:timers/promises";
import { agentPid, helperPid, minderPid, type Seeded, type TestDaemon, until } from "@sandglass/testkit";
import { childrenOf, findCollectorPid, readIfThere } from "../../telemetry/collector-process.ts";
import type { Told } from "./told.ts";

const EVERY_MS = 2_000;
const SERVANT_EVERY = 10;
const HELPER_EVERY = 8;
const MINDER_EVERY = 6;

export interface Faults {
  agents: number;
  minders: number;
  helpers: number;
  collectors: number;
  proxies: number;
  aborts: number;
  tooLate: number;
}

/**
 * Kills an agent, a minder or the helper, or goes away in the middle of an answer, every now and then; and the collector and the egress
 * proxy until `stopServants` is aborted, so that one can see whether those that are there then grow.
 */
export async function injectFaults(
  daemon: TestDaemon,
  told: Told,
  random: Seeded,
  stop: AbortSignal,
  stopServants: AbortSignal,
): Promise<Faults> {
  const counts = { agents: 0, minders: 0, helpers: 0, collectors: 0, proxies: 0, aborts: 0, tooLate: 0 };
  for (let round = 1; !stop.aborted; round++) {
    await delay(EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
    const sandbox = told.sandboxes.at(-1 - random.int(Math.min(4, told.sandboxes.length)));
    if (stop.aborted || sandbox === undefined) continue;
    try {
      if (round % SERVANT_EVERY === 3 && !stopServants.aborted) {
        process.kill(await until("there is a collector", () => findCollectorPid(daemon.pid)), "SIGKILL");
        counts.collectors += 1;
      } else if (round % SERVANT_EVERY === 5 && !stopServants.aborted) {
        process.kill(await until("there is an egress proxy", () => egressProxyPid(daemon.pid)), "SIGKILL");
        counts.proxies += 1;
      } else if (round % HELPER_EVERY === 0) {
        const helper = await until("there is a helper", () => helperPid(daemon.pid));
        process.kill(helper, "SIGKILL");
        counts.helpers += 1;
      } else if (round % MINDER_EVERY === 0) {
        process.kill(minderPid(sandbox.id), "SIGKILL");
        counts.minders += 1;
      } else if (round % 2 === 0) {
        process.kill(agentPid(sandbox.id), "SIGKILL");
        counts.agents += 1;
      } else {
        const json = { command: "yes", timeoutMs: 1000 };
        const signal = AbortSignal.timeout(200);
        const headers = { authorization: `Bearer ${daemon.apiKey}`, "content-type": "application/json" };
        const url = `${daemon.url}/v1/sandboxes/${sandbox.id}/exec`;
        await fetch(url, { method: "POST", headers, body: JSON.stringify(json), signal }).then((answer) =>
          answer.text(),
        );
        counts.tooLate += 1;
      }
    } catch (error) {
      if ((error as Error).name === "TimeoutError") counts.aborts += 1;
      else counts.tooLate += 1; // the sandbox had gone by itself
    }
  }
  return counts;
}

/** Undefined while the daemon has none. */
function egressProxyPid(daemonPid: number): number | undefined {
  return childrenOf(daemonPid).find((pid) =>
    readIfThere(`/proc/${pid}/cmdline`).includes("sandglass-egress"),
  );
}
