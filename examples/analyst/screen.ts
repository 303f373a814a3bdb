import { styleText } from "node:util";
import type { ToolCall } from "./agent.ts";

type Style = Parameters<typeof styleText>[0];

/** Lines of a cell that are shown. */
const MAX_CODE_LINES = 12;

/** What the analyst does, for the eye. Colours only where stdout is a terminal and NO_COLOR is not set. */
export class Screen {
  /** Several sandboxes are at work at once, so each line says whose it is. */
  #names: string[] = [];

  heading(text: string): void {
    print(`\n${paint(["bold", "underline"], text)}`);
  }

  line(text = ""): void {
    print(text);
  }

  note(text: string): void {
    print(paint("dim", text));
  }

  thought(text: string): void {
    print(`\n${paint("cyan", "●")} ${text}`);
  }

  /** The calls of one turn; those that differ only in their sandbox are one. */
  calls(calls: readonly ToolCall[]): void {
    this.#names = calls.length < 2 ? [] : calls.map(({ input }) => nameOf(input));
    for (const [body, same] of Map.groupBy(calls, bodyOf)) {
      const names = same.map(({ input }) => nameOf(input)).join(", ");
      print(`  ${paint("bold", same[0]?.tool ?? "")} ${paint("magenta", names)}`);
      const lines = body.split("\n");
      for (const line of lines.slice(0, MAX_CODE_LINES)) print(paint("dim", `    │ ${line}`));
      if (lines.length > MAX_CODE_LINES)
        print(paint("dim", `    │ … ${lines.length - MAX_CODE_LINES} lines more`));
    }
  }

  /** Shows text as it comes, in whole lines. */
  output(name: string): { write(chunk: string): void; end(): void } {
    let rest = "";
    return {
      write: (chunk) => {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) print(`${this.#margin(name)}${line}`);
      },
      end: () => {
        if (rest !== "") print(`${this.#margin(name)}${rest}`);
      },
    };
  }

  finding(name: string, text: string): void {
    print(`${this.#margin(name)}${paint("green", "✓")} ${paint("dim", text)}`);
  }

  failure(name: string, text: string): void {
    print(`${this.#margin(name)}${paint("red", `✗ ${text}`)}`);
  }

  #margin(name: string): string {
    if (this.#names.length === 0) return "    ";
    const width = Math.max(...this.#names.map(({ length }) => length));
    return `    ${paint("magenta", name.padEnd(width))} `;
  }
}

/** Text in a style, where stdout shows styles. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

function nameOf(input: Record<string, unknown>): string {
  return String(input.sandbox ?? input.name ?? "");
}

function bodyOf({ tool, input }: ToolCall): string {
  if (tool === "python") return String(input.code).trimEnd();
  if (tool !== "open_sandbox") return JSON.stringify(input);
  const files = (Array.isArray(input.files) ? input.files : []) as { from?: unknown }[];
  const memory = input.memory_mb === undefined ? [] : [`${input.memory_mb} MiB`];
  return [...memory, ...files.map(({ from }) => String(from))].join(", ");
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
