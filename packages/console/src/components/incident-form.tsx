import {
  type ComponentInfo,
  INCIDENT_IMPACTS,
  INCIDENT_STATUSES,
  type IncidentInfo,
} from "@sandglass/protocol";
import type { ReactNode } from "react";
import { callJson } from "../api/api.ts";
import { ComponentStatuses, readComponentStatuses } from "./component-statuses.tsx";
import { PublicForm } from "./public-form.tsx";

interface IncidentFormProps {
  components: readonly ComponentInfo[];
  /** The one that is written to; absent: one is opened. */
  incident?: IncidentInfo;
  onDone(incident: IncidentInfo): void;
}

/** What people read of an incident: opens one, or says how one goes on; the status resolved ends it. */
export function IncidentForm({ components, incident, onDone }: IncidentFormProps): ReactNode {
  const send = async (text: (name: string) => string, values: FormData): Promise<void> => {
    const json = {
      ...(incident === undefined && { title: text("title") }),
      message: text("message"),
      status: text("status"),
      ...(text("impact") !== "" && { impact: text("impact") }),
      components: readComponentStatuses(values),
    };
    const path = incident === undefined ? "/v1/incidents" : `/v1/incidents/${incident.id}/updates`;
    onDone(await callJson<IncidentInfo>(path, { method: "POST", json }));
  };
  return (
    <PublicForm
      {...(incident === undefined && { titleExample: "Sandboxes start slowly" })}
      messageExample="We are looking into it."
      submit={incident === undefined ? "Open the incident" : "Publish the update"}
      note="Everybody can read it at once, and who has subscribed is told."
      send={send}
    >
      <div className="tools">
        <label>
          Status{" "}
          <select name="status" defaultValue={incident?.status ?? "investigating"}>
            {INCIDENT_STATUSES.map((status) => (
              <option key={status}>{status}</option>
            ))}
          </select>
        </label>
        <label>
          Impact{" "}
          <select name="impact" defaultValue={incident?.impact ?? ""}>
            {incident === undefined && <option value="">as the components say</option>}
            {INCIDENT_IMPACTS.map((impact) => (
              <option key={impact}>{impact}</option>
            ))}
          </select>
        </label>
      </div>
      <ComponentStatuses components={components} said={incident?.components ?? {}} />
    </PublicForm>
  );
}
