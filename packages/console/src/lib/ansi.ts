/** A stretch of a line in one look. */
export interface AnsiPart {
  text: string;
  /** Class names; "" is plain. */
  style: string;
}

interface Look {
  color: string;
  background: string;
  marks: Set<string>;
}

const MARKS: Readonly<Record<number, string>> = {
  1: "bold",
  2: "dim",
  3: "italic",
  4: "underline",
  9: "strike",
};
const MARKS_OFF: Readonly<Record<number, readonly string[]>> = {
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  29: ["strike"],
};
// CSI, then OSC and its relatives with their end, then any other escape. All are bounded, so that none can run on for megabytes.
const SEQUENCE =
  /\x1b(?:\[([0-9:;<=>?]{0,64})[ -/]{0,4}([@-~])|[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|[ -/]{0,4}[0-~])?/g;

/**
 * Turns what a program wrote for a terminal into parts with class names. Colours and marks are kept; whatever else a sequence asks for (moving the
 * cursor, links, titles, clearing) is left out: nothing of it can touch what is not its own line.
 */
export class AnsiParser {
  readonly #look: Look = { color: "", background: "", marks: new Set() };

  /** One that goes on from the same look, without changing this one's. */
  clone(): AnsiParser {
    const copy = new AnsiParser();
    const { color, background, marks } = this.#look;
    copy.#look.color = color;
    copy.#look.background = background;
    for (const mark of marks) copy.#look.marks.add(mark);
    return copy;
  }

  /** One line, without its newline; looks carry over to the next. */
  line(text: string): AnsiPart[] {
    const parts: AnsiPart[] = [];
    let from = 0;
    for (const match of text.matchAll(SEQUENCE)) {
      this.#add(parts, text.slice(from, match.index));
      if (match[2] === "m") this.#apply(match[1] ?? "");
      from = match.index + match[0].length;
    }
    this.#add(parts, text.slice(from));
    return parts;
  }

  #add(parts: AnsiPart[], text: string): void {
    if (text === "") return;
    const { color, background, marks } = this.#look;
    parts.push({ text, style: [color, background, ...marks].filter((name) => name !== "").join(" ") });
  }

  #apply(codes: string): void {
    const numbers = codes.split(/[;:]/).map((code) => Number(code || "0"));
    for (let index = 0; index < numbers.length; index++) {
      const code = numbers[index] ?? 0;
      if (code === 38 || code === 48) index += this.#extended(code, numbers.slice(index + 1));
      else this.#one(code);
    }
  }

  #one(code: number): void {
    const look = this.#look;
    if (code === 0) {
      look.color = "";
      look.background = "";
      look.marks.clear();
    } else if (MARKS[code] !== undefined) look.marks.add(`ansi-${MARKS[code]}`);
    else if (MARKS_OFF[code] !== undefined)
      for (const mark of MARKS_OFF[code]) look.marks.delete(`ansi-${mark}`);
    else if (code >= 30 && code <= 37) look.color = `ansi-fg-${code - 30}`;
    else if (code >= 90 && code <= 97) look.color = `ansi-fg-${code - 90}`;
    else if (code === 39) look.color = "";
    else if (code >= 40 && code <= 47) look.background = `ansi-bg-${code - 40}`;
    else if (code >= 100 && code <= 107) look.background = `ansi-bg-${code - 100}`;
    else if (code === 49) look.background = "";
  }

  /** 256 and true colours come down to the eight that are legible in both themes. @returns how many numbers it took */
  #extended(code: number, [kind, a = 0, b = 0, c = 0]: number[]): number {
    const index = kind === 5 ? nearestOf256(a) : nearest(a, b, c);
    if (code === 38) this.#look.color = `ansi-fg-${index}`;
    else this.#look.background = `ansi-bg-${index}`;
    return kind === 5 ? 2 : 4;
  }
}

function nearestOf256(color: number): number {
  if (color < 16) return color % 8;
  if (color >= 232) return color < 244 ? 0 : 7;
  const cube = color - 16;
  return nearest(Math.floor(cube / 36) * 51, (Math.floor(cube / 6) % 6) * 51, (cube % 6) * 51);
}

function nearest(red: number, green: number, blue: number): number {
  return (red > 127 ? 1 : 0) + (green > 127 ? 2 : 0) + (blue > 127 ? 4 : 0);
}
