import { type ReactNode, useState } from "react";
import { call } from "../api/api.ts";

interface RetryButtonProps {
  /** Of the exporter. */
  id: string;
  onDone(error: Error | undefined): void;
}

/** Has an exporter try at once, whatever it waits for. */
export function RetryButton({ id, onDone }: RetryButtonProps): ReactNode {
  const [isBusy, setBusy] = useState(false);
  const retry = async (): Promise<void> => {
    setBusy(true);
    try {
      await call(`/v1/exporters/${encodeURIComponent(id)}/retry`, { method: "POST" });
      onDone(undefined);
    } catch (failure) {
      onDone(failure as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <button type="button" disabled={isBusy} onClick={() => void retry()}>
      {isBusy ? "Trying…" : "Retry now"}
    </button>
  );
}
