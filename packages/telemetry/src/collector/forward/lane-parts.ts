import type { Health } from "../../delivery/health.ts";
import type { RetrySchedule } from "../../delivery/retry-schedule.ts";
import type { OtlpTransport } from "../../exporters/otel/otlp-transport.ts";
import type { Signal } from "../../otlp/model.ts";
import type { SentItems } from "../sent-items.ts";
import type { BatchLimits, HeldRequest, LaneWindow } from "./lane-window.ts";
import type { SignalLane } from "./signal-lane.ts";

/** What a lane asks of its destination. */
export interface LaneHost {
  /** Takes secrets out of a text. */
  redact(text: string): string;
  /** Keeps what the destination would not take, to be looked at. Rejects where that cannot be written. */
  bury(signal: Signal, request: HeldRequest, reason: string): Promise<void>;
  /** It took something of this signal. */
  took(signal: Signal): void;
  /** Why nothing of the signal is sent at present; undefined where it is. */
  whyOff(signal: Signal): string | undefined;
  /** The destination says that it has no place for the signal: whether that is to be believed. */
  hasNoPlace(signal: Signal, reason: string, abort: AbortSignal): Promise<boolean>;
  /** It failed again: true where nothing is sent there any more. */
  giveUpIfDue(): boolean;
  /** Something was settled, or a lane may be read for again. */
  progressed(): void;
  /** The lane has to be read for behind the others, or not any more. */
  setBehind(lane: SignalLane, isBehind: boolean): void;
}

export interface LaneParts {
  signal: Signal;
  window: LaneWindow;
  batch: BatchLimits;
  timeoutMs: number;
  transport: OtlpTransport;
  schedule: RetrySchedule;
  health: Health;
  host: LaneHost;
  /** Told of every attempt. */
  counted: SentItems | undefined;
  /** Nothing more is begun. */
  halting: AbortSignal;
  /** What is under way is given up. */
  aborting: AbortSignal;
}
