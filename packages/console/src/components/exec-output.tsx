import type { ExitEvent, StreamEvent } from "@sandglass/protocol";
import { type ReactNode, useEffect, useState } from "react";
import { call, callLines } from "../api/api.ts";
import { type OutputLine, OutputLines } from "../lib/output-lines.ts";
import { download } from "../lib/table-file.ts";
import { CopyButton } from "./copy-button.tsx";
import { ErrorNote } from "./notes.tsx";
import { VirtualList } from "./virtual-list.tsx";

const FLUSH_MS = 100;
const LINE_HEIGHT = 20;

interface Shown {
  lines: readonly OutputLine[];
  dropped: number;
  exit?: ExitEvent | undefined;
  error?: Error | undefined;
}

/** What an exec wrote, from its first line on and as it comes. */
export function ExecOutput({ sandboxId, execId }: { sandboxId: string; execId: string }): ReactNode {
  const path = `/v1/sandboxes/${sandboxId}/execs/${execId}/stream`;
  const { lines, dropped, exit, error } = useStream(path);
  const [search, setSearch] = useState("");
  const [stream, setStream] = useState("both");
  const [problem, setProblem] = useState<Error>();
  const wanted = search.toLowerCase();
  const shown = lines.filter(
    (line) =>
      (stream === "both" || line.stream === stream) &&
      (wanted === "" || line.text.toLowerCase().includes(wanted)),
  );
  const save = async (): Promise<void> => {
    try {
      download(`${execId}.ndjson`, await (await call(path)).blob());
    } catch (failure) {
      setProblem(failure as Error);
    }
  };
  return (
    <div className="output">
      <div className="tools">
        <input
          type="search"
          data-search=""
          placeholder="Search the output"
          aria-label="Search the output"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <select aria-label="Stream" value={stream} onChange={(event) => setStream(event.target.value)}>
          <option value="both">stdout and stderr</option>
          <option value="stdout">stdout</option>
          <option value="stderr">stderr</option>
        </select>
        <CopyButton text={() => shown.map(({ text }) => text).join("\n")} />
        <button type="button" onClick={() => void save()}>
          Download
        </button>
        <span className="quiet" role="status">
          {shown.length} {shown.length === 1 ? "line" : "lines"}
          {dropped > 0 && `, ${dropped} earlier ones only in the download`}
          {exit === undefined ? " · running" : ` · ${exit.cause}, code ${exit.code}`}
        </span>
      </div>
      <ErrorNote error={error ?? problem} />
      <VirtualList
        count={shown.length}
        rowHeight={LINE_HEIGHT}
        label="Output"
        isFollowing={exit === undefined}
        row={(index) => <Line line={shown[index] as OutputLine} />}
      />
    </div>
  );
}

function Line({ line }: { line: OutputLine }): ReactNode {
  return (
    <code className={`line ${line.stream}`} data-stream={line.stream}>
      <bdi dir="ltr">
        {line.parts.map((part, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a line never change
          <span key={index} className={part.style || undefined}>
            {part.text}
          </span>
        ))}
      </bdi>
    </code>
  );
}

function useStream(path: string): Shown {
  const [shown, setShown] = useState<Shown>({ lines: [], dropped: 0 });
  useEffect(() => {
    const gone = new AbortController();
    const output = new OutputLines();
    let exit: ExitEvent | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (error?: Error): void => {
      clearTimeout(timer);
      timer = undefined;
      if (!gone.signal.aborted) setShown({ lines: [...output.lines], dropped: output.dropped, exit, error });
    };
    const read = async (): Promise<void> => {
      for await (const event of callLines<StreamEvent>(path, { signal: gone.signal })) {
        if (event.type === "exit") exit = event;
        else if (event.type === "result") output.result(event.data["text/plain"] ?? "");
        else output.add(event);
        timer ??= setTimeout(() => show(), FLUSH_MS);
      }
      output.finish();
      show();
    };
    read().catch((error: unknown) => {
      if (!gone.signal.aborted) show(error as Error);
    });
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [path]);
  return shown;
}
