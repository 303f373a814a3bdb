import type { ExporterInfo, TelemetryDelivery } from "@sandglass/protocol";
import { type ReactNode, useState } from "react";
import { DeadLetters } from "../components/dead-letters.tsx";
import { Badge, ErrorNote, Fact } from "../components/notes.tsx";
import { RetryButton } from "../components/retry-button.tsx";
import { useApi } from "../hooks/use-api.ts";
import { useTimeRange } from "../hooks/use-route.ts";
import { clock, count, duration } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";

/** One exporter: what it has done, why it does not, and what its destination would not take. */
export function ExporterPage({ id }: { id: string }): ReactNode {
  const { isLive } = useTimeRange();
  const path = `/v1/exporters/${encodeURIComponent(id)}`;
  const { data, error, isLoading, reload } = useApi<ExporterInfo>(path, isLive ? 2_000 : 0);
  const [problem, setProblem] = useState<Error>();
  return (
    <>
      <h1>
        Exporter <code>{safeText(id, 64)}</code>{" "}
        {data !== undefined && (
          <>
            <Badge of={data.state} />{" "}
            <RetryButton
              id={id}
              onDone={(failure) => {
                setProblem(failure);
                reload();
              }}
            />
          </>
        )}
      </h1>
      <ErrorNote error={error ?? problem} />
      {isLoading && <p role="status">Loading…</p>}
      {data !== undefined && (
        <>
          <dl className="facts">
            <Fact name="Destination">{safeText(`${data.provider}: ${data.destination}`, 300)}</Fact>
            <Fact name="From">{data.origin === "config" ? "the daemon's configuration" : "the API"}</Fact>
            {data.filterErrors > 0 && (
              <Fact name="Filter">
                failed {count(data.filterErrors)} times; those events were let through
              </Fact>
            )}
          </dl>
          <DeliveryCards title="Events" of={data} />
          {data.telemetry !== undefined && (
            <DeliveryCards title="Telemetry of sandboxes and agents, in requests" of={data.telemetry} />
          )}
          <DeadLetters exporterId={id} />
        </>
      )}
    </>
  );
}

/** accepted = delivered + filtered + waiting + refused + lost. */
function DeliveryCards({ title, of }: { title: string; of: TelemetryDelivery }): ReactNode {
  const { counts, lagMs, lastError, lastDeliveryAt, stalledSince, failedAttempts } = of;
  const { rejected = 0, ...gone } = counts.dropped;
  const lost = Object.entries(gone);
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <dl className="usage">
        <Count name="Accepted">{count(counts.accepted)}</Count>
        <Count name="Delivered">{count(counts.delivered)}</Count>
        <Count name="Filtered out">{count(counts.filtered)}</Count>
        <Count name="Waiting">{count(counts.queued + counts.inFlight)}</Count>
        <Count name="Refused">{count(rejected)}</Count>
        <Count name="Lost">
          {lost.length === 0 ? "0" : lost.map(([reason, many]) => `${count(many)} ${reason}`).join(", ")}
        </Count>
        <Count name="Behind">{lagMs === 0 ? "–" : duration(lagMs)}</Count>
        <Count name="Failed attempts">{count(failedAttempts)}</Count>
      </dl>
      <dl className="facts">
        {stalledSince !== undefined && <Fact name="Stalled since">{clock(stalledSince)}</Fact>}
        {lastDeliveryAt !== undefined && <Fact name="Last delivery">{clock(lastDeliveryAt)}</Fact>}
        {lastError !== undefined && (
          <Fact name="Last error">
            <time>{clock(lastError.at)}</time> {safeText(lastError.message, 1000)}
          </Fact>
        )}
      </dl>
    </section>
  );
}

function Count({ name, children }: { name: string; children: ReactNode }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <b>{children}</b>
      </dd>
    </div>
  );
}
