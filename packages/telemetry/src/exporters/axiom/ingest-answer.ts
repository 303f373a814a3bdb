import type { EventBatch, ExportResult, Rejection } from "../../delivery/exporter.ts";
import { cleanText } from "../http/clean-text.ts";
import { eventTime } from "../http/event-time.ts";
import { resultOfStatus } from "../http/http-result.ts";
import type { HttpAnswer } from "../http/http-sender.ts";
import { limitResetMs } from "./rate-limit.ts";

/** Axiom's own status for a plan that is used up, beside 429. */
const LIMIT_EXCEEDED = 430;

interface IngestStatus {
  ingested: number;
  failed: number;
  failures: { timestamp: string; error: string }[];
}

/**
 * What Axiom's answer to an ingest means. In a 200 the events that failed are told apart: a failure names its event by the time
 * alone, which is enough where no other event of the batch has the same (https://axiom.co/docs/restapi/endpoints/ingestIntoDataset).
 */
export function resultOfIngest(answer: HttpAnswer, batch: EventBatch, where: string): ExportResult {
  const result = resultOfStatus(answer, where);
  if (result.status === "retry" && (answer.status === 429 || answer.status === LIMIT_EXCEEDED))
    return { ...result, afterMs: limitResetMs(answer.headers) };
  if (result.status !== "ok") return result;
  const status = parseStatus(answer.body);
  if (status === undefined) {
    const reason = `${where} answered ${answer.status} without the status of an ingest: is it Axiom's URL?`;
    return { status: "retry", reason };
  }
  const rejected = rejectionsOf(status, batch);
  return rejected.length === 0 ? { status: "ok" } : { status: "ok", rejected };
}

function rejectionsOf({ ingested, failed, failures }: IngestStatus, { events }: EventBatch): Rejection[] {
  // What the answer accounts for in no way is not there either.
  const missing = Math.min(Math.max(failed, events.length - ingested), events.length);
  if (missing <= 0) return [];
  const reasonOf = (error: string | undefined) =>
    `Axiom did not take it${error ? `: ${cleanText(error)}` : ""}`;
  if (missing === events.length)
    return events.map((_, index) => ({ index, reason: reasonOf((failures[index] ?? failures[0])?.error) }));

  const byTime = Map.groupBy(failures.slice(0, missing), ({ timestamp }) => instant(timestamp));
  const indexes = Map.groupBy(events.keys(), (index) => instant(eventTime(events[index]!) ?? ""));
  const named: Rejection[] = [];
  for (const [time, failedThen] of byTime) {
    const candidates = indexes.get(time) ?? [];
    if (candidates.length !== failedThen.length) continue;
    for (const [at, index] of candidates.entries())
      named.push({ index, reason: reasonOf(failedThen[at]?.error) });
  }
  const unnamed = missing - named.length;
  return unnamed === 0 ? named : [...named, { count: unnamed, reason: reasonOf(failures[0]?.error) }];
}

/** The same text for the same point in time: Axiom writes it without zeros at the end. */
function instant(timestamp: string): string {
  const [, whole = timestamp, fraction = "", zone = ""] =
    /^(.+?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/i.exec(timestamp) ?? [];
  return `${Date.parse(whole + zone)}.${fraction.replace(/0+$/, "")}`;
}

/** Undefined for what is no status of an ingest, such as a proxy's page. */
function parseStatus(body: Buffer): IngestStatus | undefined {
  let value: Partial<IngestStatus> | null;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const { ingested, failed, failures } = Object(value) as Partial<IngestStatus>;
  if (!Number.isSafeInteger(ingested) || !Number.isSafeInteger(failed)) return undefined;
  const told = (Array.isArray(failures) ? failures : []).filter(
    (failure) => typeof failure?.timestamp === "string" && typeof failure.error === "string",
  );
  return { ingested: ingested as number, failed: failed as number, failures: told };
}
