import type { RuntimeEvent } from "@sandglass/protocol";
import { type ReactNode, useState } from "react";
import { clock } from "../lib/format.ts";
import { safeText } from "../lib/safe-text.ts";
import { Badge, Empty } from "./notes.tsx";
import { VirtualList } from "./virtual-list.tsx";

const ROW_HEIGHT = 28;

/** Events in order, one a line; the chosen one whole below. */
export function EventList({
  events,
  isFollowing = true,
  isLoading = false,
}: {
  events: readonly RuntimeEvent[];
  isFollowing?: boolean;
  /** There may be some that are not read yet. */
  isLoading?: boolean;
}): ReactNode {
  const [chosen, setChosen] = useState<RuntimeEvent>();
  if (events.length === 0 && isLoading) return <p role="status">Loading…</p>;
  if (events.length === 0) {
    return (
      <Empty title="No events here yet">
        <p>They appear as things happen. Widen the filters, or run something:</p>
        <pre>sandglass run script.py</pre>
      </Empty>
    );
  }
  return (
    <>
      <VirtualList
        count={events.length}
        rowHeight={ROW_HEIGHT}
        label="Events"
        isFollowing={isFollowing}
        row={(index) => {
          const event = events[index] as RuntimeEvent;
          return (
            <button type="button" data-row="" className="event" onClick={() => setChosen(event)}>
              <time>{clock(event.timestamp)}</time>
              <Badge of={event.level} />
              <strong>{event.type}</strong>
              <span>{safeText(JSON.stringify(event.data), 300)}</span>
            </button>
          );
        }}
      />
      {chosen !== undefined && <pre className="json">{indented(chosen)}</pre>}
    </>
  );
}

function indented(value: unknown): string {
  return JSON.stringify(value, null, 2)
    .split("\n")
    .map((line) => safeText(line))
    .join("\n");
}
