import { setTimeout as delay } from "node:timers/promises";
import type { MeasuredDaemon } from "../measure/daemon.ts";

const PER_REQUEST = 5_000;
const GIVE_UP_MS = 120_000;

export const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";

/** Sends a trace, ten children to a span, and waits until the store has all of it. */
export async function sendLongTrace(daemon: MeasuredDaemon, spans: number): Promise<void> {
  const headers = { authorization: `Bearer ${daemon.apiKey}`, "content-type": "application/json" };
  const begin = BigInt(Date.now() - 60_000) * 1_000_000n;
  const endsAt = Date.now() + GIVE_UP_MS;
  const hurry = async (): Promise<void> => {
    if (Date.now() > endsAt) throw new Error(`the store had not ${spans} spans after ${GIVE_UP_MS / 1000} s`);
    await delay(50);
  };
  for (let first = 1; first <= spans; first += PER_REQUEST) {
    const batch = Array.from({ length: PER_REQUEST }, (_, offset) => spanOf(first + offset, begin));
    const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: batch }] }] });
    while (!(await isTaken(`${daemon.url}/otlp/v1/traces`, { method: "POST", headers, body }))) await hurry();
  }
  for (;;) {
    const answer = await fetch(`${daemon.url}/v1/traces?limit=1000&name=step`, { headers });
    const { items = [] } = (await answer.json()) as { items?: { spans: number }[] };
    if (items.some((each) => each.spans >= spans)) return;
    await hurry();
  }
}

/** A sender that is told to wait may find its connection cut while it still sends. */
async function isTaken(url: string, request: RequestInit): Promise<boolean> {
  try {
    return (await fetch(url, request)).ok;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

function spanOf(index: number, begin: bigint): object {
  const idOf = (number: number): string => number.toString(16).padStart(16, "0");
  const start = begin + BigInt(index) * 100_000n;
  return {
    traceId: TRACE_ID,
    spanId: idOf(index),
    ...(index > 1 && { parentSpanId: idOf(Math.max(1, Math.floor(index / 10))) }),
    name: `step ${index}`,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + 500_000n),
    attributes: [{ key: "index", value: { intValue: index } }],
  };
}
