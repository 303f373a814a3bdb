import type { OutputEvent, StreamEvent } from "@sandglass/protocol";
import { AnsiParser, type AnsiPart } from "./ansi.ts";
import { safeText } from "./safe-text.ts";

/** Lines and characters that the page keeps. A download has them all. */
const MAX_LINES = 20_000;
const MAX_CHARACTERS = 16 * 1024 * 1024;
/** Of one line. */
const MAX_LINE = 4_096;

export interface OutputLine {
  id: number;
  stream: "stdout" | "stderr" | "result";
  parts: AnsiPart[];
  text: string;
}

/** What an exec wrote, cut into lines of either stream, with colours. Holds the last of it: as much as a page can. */
export class OutputLines {
  lines: OutputLine[] = [];
  /** Lines that were left out for want of room, from the start. */
  dropped = 0;
  #characters = 0;
  #nextId = 0;
  readonly #streams = {
    stdout: { rest: "", excess: 0, parser: new AnsiParser() },
    stderr: { rest: "", excess: 0, parser: new AnsiParser() },
  };

  /** Any line of the stream, in its order. */
  take(event: StreamEvent): void {
    if (event.type === "exit") this.finish();
    else if (event.type === "result") this.result(event.data["text/plain"] ?? "");
    else this.add(event);
  }

  /** The lines so far, with what stands on a line that is not over yet: a prompt, a bar that grows. */
  shown(): OutputLine[] {
    const open = (["stdout", "stderr"] as const)
      .filter((type) => this.#streams[type].rest !== "")
      .map((type, index) => this.#lineOf(type, this.#nextId + index, this.#streams[type].parser.clone()));
    return [...this.lines, ...open];
  }

  add({ type, data, encoding }: OutputEvent): void {
    const text = encoding === "base64" ? atob(data) : data;
    const stream = this.#streams[type];
    let from = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", from)) {
      this.#append(stream, text.slice(from, end));
      this.#push(type);
      from = end + 1;
    }
    this.#append(stream, text.slice(from));
  }

  /** The value of a cell's last expression. */
  result(text: string): void {
    this.finish();
    for (const line of text.split("\n").slice(0, MAX_LINES)) {
      const safe = safeText(line);
      this.#keep({ id: this.#nextId++, stream: "result", parts: [{ text: safe, style: "" }], text: safe });
    }
  }

  /** What came without a newline at the end counts too. */
  finish(): void {
    for (const type of ["stdout", "stderr"] as const) if (this.#streams[type].rest !== "") this.#push(type);
  }

  #append(stream: { rest: string; excess: number }, text: string): void {
    const room = MAX_LINE - stream.rest.length;
    stream.rest += text.slice(0, Math.max(0, room));
    stream.excess += Math.max(0, text.length - Math.max(0, room));
  }

  #push(type: "stdout" | "stderr"): void {
    const stream = this.#streams[type];
    const line = this.#lineOf(type, this.#nextId++, stream.parser);
    stream.rest = "";
    stream.excess = 0;
    this.#keep(line);
  }

  #lineOf(type: "stdout" | "stderr", id: number, parser: AnsiParser): OutputLine {
    const { rest, excess } = this.#streams[type];
    // A program that draws progress writes over its line: what stands there in the end is what counts.
    const line = rest.replace(/\r+$/, "");
    const parts = parser
      .line(line.slice(line.lastIndexOf("\r") + 1))
      .map(({ text, style }) => ({ text: safeText(text), style }));
    if (excess > 0) parts.push({ text: `… (${excess} more characters)`, style: "ansi-dim" });
    return { id, stream: type, parts, text: parts.map(({ text }) => text).join("") };
  }

  #keep(line: OutputLine): void {
    this.lines.push(line);
    this.#characters += line.text.length;
    if (this.lines.length <= MAX_LINES && this.#characters <= MAX_CHARACTERS) return;
    // By the tenth, so that it is not done for each line.
    const gone = this.lines.splice(0, Math.ceil(this.lines.length / 10));
    this.dropped += gone.length;
    for (const { text } of gone) this.#characters -= text.length;
  }
}
