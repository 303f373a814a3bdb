import type { StatusChange } from "../change-log.ts";

/** A change as subscribers are told of it: what is public of it, and nothing else. */
export interface Notice {
  type: StatusChange["type"];
  /** Unix milliseconds. */
  at: number;
  /** Of the incident, maintenance or component, so that messages about one stand together. */
  subjectId: string;
  /** Below the public address. */
  path: string;
  /** Ids that it concerns; none is the service as a whole. */
  components: string[];
  /** As the event has it, without what is the operator's. */
  data: Readonly<Record<string, unknown>>;
}

/** @returns undefined where it is about nothing public */
export function noticeOf(
  change: StatusChange,
  isPublic: (componentId: string) => boolean,
): Notice | undefined {
  const { type, at } = change;
  if (type === "status.changed") {
    const { reason: _, ...data } = change.data;
    if (!isPublic(data.component)) return undefined;
    return { type, at, subjectId: data.component, path: "/status", components: [data.component], data };
  }
  const named = change.data.components;
  const components = named.filter(isPublic);
  if (named.length > 0 && components.length === 0) return undefined;
  const data = { ...change.data, components };
  if ("incidentId" in change.data) {
    const id = change.data.incidentId;
    return { type, at, subjectId: id, path: `/status/incidents/${id}`, components, data };
  }
  return { type, at, subjectId: change.data.maintenanceId, path: "/status", components, data };
}

/** @param wanted component ids; none is all */
export function isFor(notice: Notice, wanted: readonly string[]): boolean {
  const { components } = notice;
  return wanted.length === 0 || components.length === 0 || components.some((id) => wanted.includes(id));
}
