/**
 * Writes `docs/llms.txt`: every page with a line of what it says, for programs that read documentation (llmstxt.org). Titles and lines
 * are the pages' own, so there is nothing to keep up by hand: `node scripts/generate-llms.ts [--check]`.
 *
 * With `--check` nothing is written, and the exit code is 1 where the file is not what it would be.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const TARGET = "docs/llms.txt";
const MAX_LINE = 200;

/** Which pages stand under which heading; a page is under the first that takes it. */
const SECTIONS: readonly { title: string; pages: readonly string[] }[] = [
  {
    title: "Start",
    pages: ["README.md", "examples/README.md", "packages/sdk/README.md", "python/README.md"],
  },
  {
    title: "Agent frameworks and other clients",
    pages: ["docs/adapters/*.md", "docs/agent-sandbox.md", "docs/mcp.md"],
  },
  { title: "Where events go", pages: ["docs/exporters/*.md"] },
  { title: "Guides", pages: ["docs/*.md", "SECURITY.md"] },
  { title: "Inside", pages: ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md"] },
  { title: "Optional", pages: ["docs/adr/*.md"] },
];

const text = render();
if (!process.argv.includes("--check")) writeFileSync(join(ROOT, TARGET), text);
else if (readOr(TARGET, "") !== text) {
  console.error(`${TARGET} is not what the pages say: run \`node scripts/generate-llms.ts\` and commit it`);
  process.exitCode = 1;
}

function render(): string {
  const seen = new Set<string>();
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const sections = SECTIONS.map(({ title, pages }) => {
    const found = pages.flatMap((pattern) => globSync(pattern, { cwd: ROOT }).sort());
    const lines = found.flatMap((path) => {
      if (seen.has(path)) return [];
      seen.add(path);
      return [lineOf(path)];
    });
    return lines.length === 0 ? [] : [`## ${title}\n`, ...lines, ""];
  });
  const machine = [
    "## For programs\n",
    "- [The HTTP API](../spec/openapi.json): every route, request and error, as OpenAPI",
    "- [The events](../spec/events.schema.json): every event of the record, as JSON Schema",
    "",
  ];
  return [`# Sandglass\n`, `> ${firstSentence(readme)}\n`, ...sections.flat(), ...machine].join("\n");
}

function lineOf(path: string): string {
  const page = readFileSync(join(ROOT, path), "utf8");
  const title = /^# (.+)$/m.exec(page)?.[1] ?? path;
  const summary = firstSentence(page);
  return `- [${plain(title)}](${posix.relative("docs", path)})${summary && `: ${summary}`}`;
}

/** Of the first paragraph that is prose: no heading, list, table, code, quote, picture or line of HTML. */
function firstSentence(page: string): string {
  const paragraphs = page.replace(/^(```|~~~)[\s\S]*?^\1$/gm, "").split(/\n\s*\n/);
  const prose = paragraphs
    .map((text) => text.trim())
    .find((text) => text !== "" && !/^(#|[-+] |\* |\d+\. |\||>|!\[|\[!|<)/.test(text));
  const whole = plain((prose ?? "").replace(/\s+/g, " ")).replace(/^Decision\. /, "");
  const sentence = /^.*?[^.][.](?= [^a-z]|$)/.exec(whole)?.[0] ?? whole;
  return sentence.length <= MAX_LINE
    ? sentence.replace(/:$/, ".")
    : `${sentence.slice(0, MAX_LINE - 1).replace(/\s+\S*$/, "")}…`;
}

/** Without links and emphasis. */
function plain(text: string): string {
  return text.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/\*\*|__|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)/g, "");
}

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(join(ROOT, path), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return fallback;
    throw error;
  }
}
