import type { EventDataMap, EventType } from "@sandglass/protocol";

export type LogFields = Record<string, string | number | boolean | undefined>;

/** What the daemon's log says of one type of event. */
export interface LogMessage<T extends EventType> {
  /** What level directives name: `http=warn,sandbox.exec=debug`. */
  target: string;
  message: string;
  /** In the order they are printed; `id` is the sandbox's. Never code, commands, output, paths or what an agent said. */
  fields: (data: EventDataMap[T], id: string) => LogFields;
}
