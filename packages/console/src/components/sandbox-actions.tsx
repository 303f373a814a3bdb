import type { SandboxInfo } from "@sandglass/protocol";
import { type ReactNode, useState } from "react";
import { call } from "../api/api.ts";
import { setQuery, useScope } from "../hooks/use-route.ts";
import { ForkButton } from "./fork-button.tsx";
import { ErrorNote } from "./notes.tsx";

/** Runs a cell, forks, pauses, resumes, terminates; for keys that may. */
export function SandboxActions({ sandbox, onDone }: { sandbox: SandboxInfo; onDone(): void }): ReactNode {
  const mayWrite = useScope("sandboxes:write");
  const [code, setCode] = useState("");
  const [language, setLanguage] = useState("python");
  const [error, setError] = useState<Error>();
  const [isBusy, setBusy] = useState(false);
  if (!mayWrite)
    return <p className="quiet">Your key may look, not act: that takes the scope sandboxes:write.</p>;
  const base = `/v1/sandboxes/${sandbox.id}`;
  const during = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (failure) {
      setError(failure as Error);
    } finally {
      setBusy(false);
      onDone();
    }
  };
  const act = (path: string, method = "POST", json?: object): Promise<void> =>
    during(async () => {
      const response = await call(base + path, { method, ...(json && { json }) });
      // The exec goes on without this answer; its page follows the stream by itself.
      await response.body?.cancel();
      const execId = response.headers.get("x-exec-id");
      if (execId !== null) setQuery({ exec: execId });
    });
  const isPaused = sandbox.state === "paused";
  return (
    <form
      className="actions"
      onSubmit={(event) => {
        event.preventDefault();
        void act("/exec", "POST", { code, language });
      }}
    >
      <label htmlFor="cell">Run a cell</label>
      <textarea
        id="cell"
        rows={3}
        spellCheck={false}
        value={code}
        onChange={(event) => setCode(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey))
            event.currentTarget.form?.requestSubmit();
        }}
      />
      <div className="tools">
        <select aria-label="Language" value={language} onChange={(event) => setLanguage(event.target.value)}>
          <option>python</option>
          <option>javascript</option>
          <option>bash</option>
        </select>
        <button type="submit" className="primary" disabled={isBusy || code.trim() === ""}>
          Run
        </button>
        <button type="button" disabled={isBusy} onClick={() => void act(isPaused ? "/resume" : "/pause")}>
          {isPaused ? "Resume" : "Pause"}
        </button>
        <button
          type="button"
          className="danger"
          disabled={isBusy}
          onClick={() => {
            if (window.confirm("End this sandbox? What is in it is lost.")) void act("", "DELETE");
          }}
        >
          Terminate
        </button>
        <ForkButton sandboxId={sandbox.id} isBusy={isBusy} during={during} />
      </div>
      <ErrorNote error={error} />
    </form>
  );
}
