import type { ComponentInfo, MaintenanceInfo } from "@sandglass/protocol";
import type { ReactNode } from "react";
import { ApiError, callJson } from "../api/api.ts";
import { safeText } from "../lib/safe-text.ts";
import { PublicForm } from "./public-form.tsx";

interface MaintenanceFormProps {
  components: readonly ComponentInfo[];
  onDone(): void;
}

/** Says when components will be under maintenance. Times are the reader's own. */
export function MaintenanceForm({ components, onDone }: MaintenanceFormProps): ReactNode {
  const send = async (text: (name: string) => string, values: FormData): Promise<void> => {
    const chosen = values.getAll("component").map(String);
    if (chosen.length === 0)
      throw new ApiError({ code: "INVALID_REQUEST", message: "choose at least one component" });
    const json = {
      title: text("title"),
      message: text("message"),
      components: chosen,
      startsAt: new Date(text("startsAt")).toISOString(),
      endsAt: new Date(text("endsAt")).toISOString(),
    };
    await callJson<MaintenanceInfo>("/v1/maintenances", { method: "POST", json });
    onDone();
  };
  return (
    <PublicForm
      titleExample="Kernel upgrade"
      messageExample="The host restarts."
      submit="Schedule it"
      send={send}
    >
      <div className="tools">
        <label>
          From <input type="datetime-local" name="startsAt" required />
        </label>
        <label>
          to <input type="datetime-local" name="endsAt" required />
        </label>
        <span className="quiet">{Intl.DateTimeFormat().resolvedOptions().timeZone}</span>
      </div>
      <fieldset>
        <legend>Components</legend>
        <div className="component-fields">
          {components.map(({ id, name }) => (
            <label key={id} className="tick">
              <input type="checkbox" name="component" value={id} /> {safeText(name, 60)}
            </label>
          ))}
        </div>
      </fieldset>
    </PublicForm>
  );
}
