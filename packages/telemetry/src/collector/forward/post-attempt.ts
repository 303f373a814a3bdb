import type { OtlpBody, OtlpTransport, SignalOutcome } from "../../exporters/otel/otlp-transport.ts";
import type { Signal } from "../../otlp/model.ts";

/** One try to send a request: given up when its time is over or `stopping` fires, whatever the transport is doing. */
export async function postOnce(
  transport: OtlpTransport,
  { signal, body, timeoutMs }: { signal: Signal; body: OtlpBody; timeoutMs: number },
  stopping: AbortSignal,
): Promise<SignalOutcome> {
  const controller = new AbortController();
  const { promise: cutShort, resolve: cut } = Promise.withResolvers<SignalOutcome>();
  const giveUp = (reason: string): void => {
    controller.abort();
    cut({ status: "retry", reason });
  };
  const stop = (): void => giveUp("given up: forwarding is stopping");
  const timer = setTimeout(giveUp, timeoutMs, `timed out after ${timeoutMs} ms`);
  if (stopping.aborted) stop();
  else stopping.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([transport.post(signal, body, controller.signal), cutShort]);
  } finally {
    clearTimeout(timer);
    stopping.removeEventListener("abort", stop);
  }
}
