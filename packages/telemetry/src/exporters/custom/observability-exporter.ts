import type { RuntimeEvent } from "@sandglass/protocol";

/**
 * An exporter of a user's own. Batching, retry, filters, time limits, counting and the cursor are around it, as around ours.
 *
 * @example
 * class MyExporter implements ObservabilityExporter {
 *   id = "my-exporter";
 *   #url = "";
 *   initialize({ url }: { url: string }) { this.#url = url; }
 *   async export(events: RuntimeEvent[]) {
 *     const answer = await fetch(this.#url, { method: "POST", body: JSON.stringify(events) });
 *     if (answer.status === 400) throw new PermanentError(await answer.text());
 *     if (!answer.ok) throw new Error(`status ${answer.status}`);
 *   }
 *   async flush() {}
 *   async dispose() {}
 * }
 */
export interface ObservabilityExporter {
  /** Which exporter it is, for people who read its code. */
  readonly id: string;
  /**
   * Called once, before anything else, with the `config` of the configuration: `{env: NAME}` anywhere in it is replaced by that
   * variable's value. An error here is tried again with a new instance; this one is not disposed of.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the configuration is whatever this exporter says it is.
  initialize(config: any): Promise<void> | void;
  /**
   * Takes a batch: at least one event, in the order of the record. They are copies: nobody else sees what is done to them.
   *
   * - returning means that it has them; it is not given them again, unless the process crashes before it has noted that
   * - an error means that they are given again, all of them, until they are taken; so does not returning within `timeoutMs`
   * - a `PermanentError` means that they are not wanted: the batch is halved until those that are at fault are found
   */
  export(events: RuntimeEvent[]): Promise<void>;
  /** Called after every batch, and part of it: what `export` holds back is to be gone when this returns. */
  flush(): Promise<void>;
  /** Called once, at the end: gives back connections, files, timers. What takes longer than a few seconds is not waited for. */
  dispose(): Promise<void>;
}

/** Makes an exporter. Called for each exporter that is configured with its provider, and again where that has to begin anew. */
export type ObservabilityExporterFactory = () => ObservabilityExporter | Promise<ObservabilityExporter>;
