import { type ReactNode, useEffect, useState } from "react";
import { call } from "../api/api.ts";
import { useExecStream } from "../hooks/use-exec-stream.ts";
import { useReplay } from "../hooks/use-replay.ts";
import { setQuery, useRoute } from "../hooks/use-route.ts";
import type { OutputLine } from "../lib/output-lines.ts";
import type { Recording } from "../lib/replay.ts";
import { download } from "../lib/table-file.ts";
import { CopyButton } from "./copy-button.tsx";
import { ErrorNote } from "./notes.tsx";
import { OutputView } from "./output-view.tsx";
import { onReplayKey, ReplayBar } from "./replay-bar.tsx";

const ADDRESS_MS = 250;

interface ExecOutputProps {
  sandboxId: string;
  execId: string;
  /** ISO 8601: what a replay counts from. */
  startedAt: string;
}

/** What an exec wrote, from its first line on and as it comes; once it is over, also as it came. */
export function ExecOutput({ sandboxId, execId, startedAt }: ExecOutputProps): ReactNode {
  const path = `/v1/sandboxes/${sandboxId}/execs/${execId}/stream`;
  const { lines, dropped, recording, exit, error } = useExecStream(path);
  const { query } = useRoute();
  const [search, setSearch] = useState("");
  const [stream, setStream] = useState("both");
  const [problem, setProblem] = useState<Error>();
  const isReplaying = exit !== undefined && query.has("replay");
  const wanted = search.toLowerCase();
  const isShown = (line: OutputLine): boolean =>
    (stream === "both" || line.stream === stream) &&
    (wanted === "" || line.text.toLowerCase().includes(wanted));
  const shown = lines.filter(isShown);
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
        <button
          type="button"
          aria-pressed={isReplaying}
          disabled={exit === undefined || recording.events.length === 0}
          onClick={() => setQuery({ replay: isReplaying ? undefined : "0" })}
        >
          {isReplaying ? "Leave replay" : "▶ Replay"}
        </button>
        <CopyButton text={() => shown.map(({ text }) => text).join("\n")} />
        <button type="button" onClick={() => void save()}>
          Download
        </button>
        <span className="quiet" role="status">
          {shown.length} {shown.length === 1 ? "line" : "lines"}
          {dropped > 0 && `, ${dropped} earlier ones only in the download`}
          {exit === undefined ? " · running" : ` · ${exit.cause.replaceAll("_", " ")}, code ${exit.code}`}
        </span>
      </div>
      <ErrorNote error={error ?? problem} />
      {isReplaying ? (
        <Replayed recording={recording} startMs={Date.parse(startedAt)} isShown={isShown} />
      ) : (
        <OutputView lines={shown} isFollowing={exit === undefined} />
      )}
    </div>
  );
}

function Replayed({
  recording,
  startMs,
  isShown,
}: {
  recording: Recording;
  startMs: number;
  isShown(line: OutputLine): boolean;
}): ReactNode {
  const { query } = useRoute();
  const replay = useReplay(recording, startMs, Math.max(0, Number(query.get("replay")) || 0));
  const { atMs, isPlaying, lengthMs } = replay;
  // Where it stands still is part of the address: a link shows the same moment.
  useEffect(() => {
    if (isPlaying) return;
    // Not with each step of a drag: browsers refuse to count so many addresses.
    const timer = setTimeout(
      () => setQuery({ replay: String(Math.round(Math.min(atMs, lengthMs))) }),
      ADDRESS_MS,
    );
    return () => clearTimeout(timer);
  }, [isPlaying, atMs, lengthMs]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the list inside has the focus, this hears its keys
    <div onKeyDown={(event) => onReplayKey(event, replay)}>
      <ReplayBar replay={replay} isCut={recording.isCut} />
      <OutputView lines={replay.lines.filter(isShown)} isFollowing />
    </div>
  );
}
