import { COMPONENT_STATUSES, type ComponentInfo, type ComponentStatus } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { safeText } from "../lib/safe-text.ts";

interface ComponentStatusesProps {
  components: readonly ComponentInfo[];
  /** What each is because of this incident so far. */
  said: Readonly<Record<string, ComponentStatus>>;
}

/** Fields of a form, `component:<id>` each: what a component is because of an incident; "" says nothing of it. */
export function ComponentStatuses({ components, said }: ComponentStatusesProps): ReactNode {
  return (
    <fieldset>
      <legend>Components it concerns</legend>
      <div className="component-fields">
        {components.map(({ id, name }) => (
          <label key={id}>
            <span>{safeText(name, 60)}</span>
            <select name={`component:${id}`} defaultValue={said[id] ?? ""}>
              {said[id] === undefined && <option value="">not concerned</option>}
              {COMPONENT_STATUSES.map((status) => (
                <option key={status} value={status}>
                  {status.replaceAll("_", " ")}
                </option>
              ))}
            </select>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** The same fields, read. */
export function readComponentStatuses(values: FormData): Record<string, ComponentStatus> {
  const chosen = [...values].filter(([name, value]) => name.startsWith("component:") && value !== "");
  return Object.fromEntries(
    chosen.map(([name, value]) => [name.slice("component:".length), value as ComponentStatus]),
  );
}
