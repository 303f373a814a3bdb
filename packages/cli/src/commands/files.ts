import { Command } from "commander";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { copyDown, copyIn, copyOut, copyUp } from "../copy-files.ts";
import { UsageError } from "../exit-codes.ts";
import { printable, printableJson } from "../print/printable.ts";
import { withSpinner } from "../print/spinner.ts";
import type { Terminal } from "../terminal.ts";

interface Place {
  sandboxId: string | undefined;
  path: string;
}

/** `sandglass files cp`: to and from a sandbox. */
export function filesCommand(terminal: Terminal): Command {
  const files = new Command("files")
    .summary("copy files to and from a sandbox")
    .description("Files of a sandbox.");
  files.addCommand(
    withConnection(new Command("cp").summary("copy a file or, with -r, a directory"))
      .description(
        "Copy between this machine and a sandbox. A path in a sandbox is <sandbox>:<path>, relative to /workspace. Of a directory, symbolic links and devices are left out and named on stderr. `-` here is stdin or stdout.",
      )
      .argument("<from>", "a path here, - for stdin, or <sandbox>:<path>")
      .argument(
        "<to>",
        "the other of the two; a directory, or a path with / at its end, keeps the name; - for stdout",
      )
      .option("-r, --recursive", "directories with all in them")
      .addHelpText(
        "after",
        `
Examples:
  sandglass files cp data.csv sbx_…:
  sandglass files cp sbx_…:/workspace/plot.png .
  sandglass files cp -r src sbx_…:project/src
  tar c src | sandglass files cp - sbx_…:src.tar
  sandglass files cp sbx_…:out.json - | jq .`,
      )
      .action(async (from: string, to: string, options: ConnectionOptions & { recursive?: boolean }) => {
        const source = parsePlace(from);
        const target = parsePlace(to);
        const sandboxId = source.sandboxId ?? target.sandboxId;
        if (sandboxId === undefined || (source.sandboxId !== undefined && target.sandboxId !== undefined)) {
          throw new UsageError(
            "one of the two has to be in a sandbox, as <sandbox>:<path>, and the other here",
          );
        }
        const sandbox = await clientOf(options).sandboxes.connect(sandboxId);
        const copy = source.sandboxId === undefined ? copyUp : copyDown;
        const isRecursive = options.recursive ?? false;
        const signal = terminal.interruption;
        if (source.sandboxId !== undefined && target.path === "-") {
          refuse("-r", isRecursive);
          refuse("--json", options.json);
          return copyOut(sandbox.files, source.path, (chunk) => terminal.write(chunk), signal);
        }
        if (target.sandboxId !== undefined && source.path === "-") {
          refuse("-r", isRecursive);
          const copied = await copyIn(sandbox.files, terminal.stdin, target.path, signal);
          return options.json ? terminal.print(printableJson(copied, 2)) : undefined;
        }
        const leftOut: string[] = [];
        const copied = await withSpinner(
          terminal,
          `copying ${printable(from)}`,
          copy(sandbox.files, source.path, target.path, {
            isRecursive,
            signal,
            onLeftOut: (path) => leftOut.push(path),
          }),
        );
        if (leftOut.length > 0) await terminal.note(terminal.errorColors.yellow(leftOutNote(leftOut)));
        if (options.json) await terminal.print(printableJson(copied, 2));
      }),
  );
  return files;
}

function refuse(option: string, isGiven: boolean | undefined): void {
  if (isGiven) throw new UsageError(`${option} does not go with -, which is one file's content`);
}

function leftOutNote(paths: readonly string[]): string {
  const named = paths.slice(0, MAX_NAMED).map((path) => printable(path));
  const more = paths.length > MAX_NAMED ? ` and ${paths.length - MAX_NAMED} more` : "";
  return `sandglass: ${paths.length} left out, being links or no regular files: ${named.join(", ")}${more}`;
}

const MAX_NAMED = 10;

/** Only what looks like an id names a sandbox: a colon may stand in a file's name. */
function parsePlace(text: string): Place {
  const match = /^(sbx_[0-9a-z]+):(.*)$/s.exec(text);
  return match === null
    ? { sandboxId: undefined, path: text }
    : { sandboxId: match[1], path: match[2] || "." };
}
