import type { ExitEvent, StreamEvent } from "@sandglass/protocol";
import { useEffect, useState } from "react";
import { callLines } from "../api/api.ts";
import { type OutputLine, OutputLines } from "../lib/output-lines.ts";
import { Paced } from "../lib/paced.ts";
import { Recording } from "../lib/replay.ts";

const FLUSH_MS = 50;

export interface ExecStream {
  lines: readonly OutputLine[];
  /** Lines that the page has no room for, from the start. */
  dropped: number;
  recording: Recording;
  exit?: ExitEvent | undefined;
  error?: Error | undefined;
}

/** An exec's stream, from its first line on and as it comes. */
export function useExecStream(path: string): ExecStream {
  const [shown, setShown] = useState<ExecStream>(() => ({
    lines: [],
    dropped: 0,
    recording: new Recording(),
  }));
  useEffect(() => {
    const gone = new AbortController();
    const output = new OutputLines();
    const recording = new Recording();
    let exit: ExitEvent | undefined;
    let error: Error | undefined;
    const drawn = new Paced(() => {
      if (gone.signal.aborted) return;
      setShown({ lines: output.shown(), dropped: output.dropped, recording, exit, error });
    }, FLUSH_MS);
    const read = async (): Promise<void> => {
      for await (const event of callLines<StreamEvent>(path, { signal: gone.signal })) {
        if (event.type === "exit") exit = event;
        output.take(event);
        recording.add(event);
        drawn.wake();
      }
      drawn.run();
    };
    read().catch((failure: unknown) => {
      error = failure as Error;
      drawn.run();
    });
    return () => {
      gone.abort();
      drawn.stop();
    };
  }, [path]);
  return shown;
}
