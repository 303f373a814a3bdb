import type { ForkResult } from "@sandglass/protocol";
import { type ReactNode, useState } from "react";
import { callJson } from "../api/api.ts";
import { SandboxLinks } from "./sandbox-link.tsx";

const MAX_FORKS = 32;

interface ForkButtonProps {
  sandboxId: string;
  isBusy: boolean;
  /** Does something that may fail, and says so where it does. */
  during(work: () => Promise<void>): Promise<void>;
}

/** Forks a sandbox, once or several times, and leads to the forks. */
export function ForkButton({ sandboxId, isBusy, during }: ForkButtonProps): ReactNode {
  const [n, setCount] = useState(1);
  const [made, setMade] = useState<ForkResult["children"]>([]);
  const fork = async (): Promise<void> => {
    setMade([]);
    const path = `/v1/sandboxes/${sandboxId}/fork`;
    const { children } = await callJson<ForkResult>(path, { method: "POST", json: { n } });
    setMade(children);
  };
  return (
    <>
      <button
        type="button"
        disabled={isBusy || !Number.isInteger(n) || n < 1 || n > MAX_FORKS}
        onClick={() => void during(fork)}
      >
        Fork
      </button>
      <span>
        <input
          type="number"
          aria-label="How many forks"
          min={1}
          max={MAX_FORKS}
          value={Number.isNaN(n) ? "" : n}
          onChange={(event) => setCount(event.target.valueAsNumber)}
        />{" "}
        times
      </span>
      {made.length > 0 && (
        <span role="status">
          made <SandboxLinks ids={made.map(({ id }) => id)} />
        </span>
      )}
    </>
  );
}
