import type { SandboxInfo } from "@sandglass/protocol";
import type { ReactNode } from "react";
import type { Kin } from "../hooks/use-kin.ts";
import { clock, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import { telemetryWords } from "../lib/telemetry-words.ts";
import { Link } from "./link.tsx";
import { Badge, Fact } from "./notes.tsx";
import { SandboxLinks } from "./sandbox-link.tsx";

/** What a sandbox is, what came of it, and how and why it ended. */
export function SandboxFacts({ sandbox, kin }: { sandbox: SandboxInfo; kin: Kin }): ReactNode {
  const { cause, reason, runId, traceId, unenforced, metadata, network } = sandbox;
  const labels = Object.entries(metadata);
  return (
    <>
      <dl className="facts">
        {cause !== undefined && (
          <Fact name="Ended by">
            <Badge of={cause} /> {reason !== undefined && safeText(reason, 300)}
          </Fact>
        )}
        <Fact name="Template">
          {sandbox.template} · {sandbox.isolation} · {sandbox.source.replace("_", " ")} in{" "}
          {duration(sandbox.createMs)}
        </Fact>
        <Fact name="Made">
          {clock(sandbox.createdAt)}
          {sandbox.endedAt !== undefined &&
            `, ended ${clock(sandbox.endedAt)} after ${duration(Date.parse(sandbox.endedAt) - Date.parse(sandbox.createdAt))}`}
        </Fact>
        {kin.parent !== undefined && (
          <Fact name="Fork of">
            <SandboxLinks ids={[kin.parent]} />
          </Fact>
        )}
        {kin.forks.length > 0 && (
          <Fact name="Forks">
            <SandboxLinks ids={kin.forks} />
          </Fact>
        )}
        {kin.tookOver.length > 0 && (
          <Fact name="Took over">
            <SandboxLinks ids={kin.tookOver} />
          </Fact>
        )}
        {kin.mergedInto !== undefined && (
          <Fact name="Merged into">
            <SandboxLinks ids={[kin.mergedInto]} />
          </Fact>
        )}
        <Fact name="Trace">
          <Link to={`/traces/${traceId}`}>
            <code>{traceId}</code>
          </Link>
        </Fact>
        {runId !== "" && (
          <Fact name="Run">
            <Link to={`/runs/${encodeURIComponent(runId)}`}>
              <code>{safeText(runId, 100)}</code>
            </Link>
          </Fact>
        )}
        <Fact name="Network">{reachOf(network)}</Fact>
        {sandbox.telemetry !== undefined && <Fact name="Telemetry">{telemetryWords(sandbox.telemetry)}</Fact>}
        {labels.length > 0 && (
          <Fact name="Metadata">
            {labels.map(([name, value]) => (
              <span key={name} className="chip">
                {safeText(`${name}=${value}`, 100)}
              </span>
            ))}
          </Fact>
        )}
      </dl>
      {unenforced.length > 0 && (
        <p className="warning">
          Not enforced on this host:{" "}
          {unenforced.map(({ limit, reason: why }) => `${limit} (${why})`).join(", ")}
        </p>
      )}
    </>
  );
}

/** What it may reach, in words. */
function reachOf({ egress }: SandboxInfo["network"]): string {
  if (egress === undefined) return "none";
  const named = (hosts: readonly string[] = []): string =>
    hosts.map((host) => safeText(host, 100)).join(", ");
  const isOpen = egress.default === "allow";
  const reached = [isOpen ? "all that is public" : "", named(egress.allow)].filter(Boolean).join(", ");
  const denied = named(egress.deny);
  return `${reached === "" ? "nothing is let out" : reached}${denied === "" ? "" : `; never ${denied}`}`;
}
