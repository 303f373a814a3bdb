import { constants } from "node:buffer";
import type { OutputEvent } from "@sandglass/protocol";
import { SandglassError } from "./errors.ts";

/** The bytes of one output line: base64 is undone, text becomes UTF-8. */
export function outputBytes(event: OutputEvent): Buffer {
  return Buffer.from(event.data, event.encoding ?? "utf8");
}

/** The text of one output line; bytes that are not UTF-8 read as U+FFFD. */
export function outputText(event: OutputEvent): string {
  return event.encoding === undefined ? event.data : outputBytes(event).toString("utf8");
}

/** Gathers one stream of an exec. */
export class OutputCollector {
  readonly #events: OutputEvent[] = [];
  #isBinary = false;
  #length = 0;

  add(event: OutputEvent): void {
    this.#events.push(event);
    this.#length += event.data.length;
    if (event.encoding !== undefined) this.#isBinary = true;
  }

  /** Exactly what the process wrote. */
  bytes(): Buffer {
    return Buffer.concat(this.#events.map(outputBytes));
  }

  /**
   * As text. Where a part is not UTF-8 the bytes of all parts are joined before they are decoded, so that a character is not
   * torn at the border of two lines.
   *
   * @throws SandglassError PAYLOAD_TOO_LARGE past what one JavaScript string holds (about 512 MiB)
   */
  text(): string {
    if (this.#length > constants.MAX_STRING_LENGTH) {
      throw new SandglassError("PAYLOAD_TOO_LARGE", "the output is larger than a string can be", {
        hint: "read it as a stream: runCodeStream or commands.stream",
      });
    }
    if (this.#isBinary) return this.bytes().toString("utf8");
    return this.#events.map((event) => event.data).join("");
  }
}
