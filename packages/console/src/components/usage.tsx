import type { RuntimeEvent, SandboxLimits } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { bytes, duration } from "../lib/format.ts";

/** Limits, with what was last measured beside them. */
export function Usage({
  limits,
  events,
}: {
  limits: SandboxLimits;
  events: readonly RuntimeEvent[];
}): ReactNode {
  const sample = events.findLast((event) => event.type === "resource.sample")?.data;
  const MIB = 1024 * 1024;
  return (
    <dl className="usage">
      <Meter name="CPU" used={sample?.cpuUtilization} of={1} text={`${limits.vcpu} vCPU`} />
      <Meter
        name="Memory"
        used={sample?.memoryUsageBytes}
        of={limits.memoryMb * MIB}
        text={`${sample ? `${bytes(sample.memoryUsageBytes)} of ` : ""}${bytes(limits.memoryMb * MIB)}`}
      />
      <Meter
        name="Disk"
        used={sample?.diskUsageBytes}
        of={limits.diskMb * MIB}
        text={`${sample ? `${bytes(sample.diskUsageBytes)} of ` : ""}${bytes(limits.diskMb * MIB)}`}
      />
      <Meter
        name="Processes"
        used={sample?.pids}
        of={limits.maxPids}
        text={`${sample ? `${sample.pids} of ` : ""}${limits.maxPids}`}
      />
      <Meter
        name="Lifetime"
        of={1}
        text={limits.timeoutMs === 0 ? "unlimited" : duration(limits.timeoutMs)}
      />
      <Meter
        name="Idle"
        of={1}
        text={limits.idleTimeoutMs === 0 ? "unlimited" : duration(limits.idleTimeoutMs)}
      />
    </dl>
  );
}

function Meter({
  name,
  used,
  of,
  text,
}: {
  name: string;
  used?: number | undefined;
  of: number;
  text: string;
}): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {text}
        {used !== undefined && of > 0 && (
          <meter aria-label={name} min={0} max={of} high={of * 0.9} value={used} />
        )}
      </dd>
    </div>
  );
}
