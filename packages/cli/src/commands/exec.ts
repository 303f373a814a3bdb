import { buffer } from "node:stream/consumers";
import { Command } from "commander";
import type { Language } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { exitWith, passOn } from "../exec-output.ts";
import { UsageError } from "../exit-codes.ts";
import { collectPairs, parseDuration } from "../option-values.ts";
import type { Terminal } from "../terminal.ts";

interface ExecOptions extends ConnectionOptions {
  code?: boolean;
  language?: Language;
  context?: string;
  shell?: boolean;
  cwd?: string;
  env?: Record<string, string>;
  timeout?: number;
  stdin?: boolean;
}

/** `sandglass exec`: a command or a cell in a sandbox that exists. */
export function execCommand(terminal: Terminal): Command {
  return withConnection(new Command("exec").summary("run a command, or a cell, in a sandbox"))
    .description(
      "Run a command in a sandbox, its output passed on as it comes. The exit code is the command's.",
    )
    .argument("<sandbox>", "its id")
    .argument("<command...>", "program and arguments, behind --; with --code the code, or - for stdin")
    .option("-c, --code", "run code in a persistent context, where variables stay")
    .option("-l, --language <name>", "with --code: python, javascript or bash")
    .option("--context <name>", "with --code: the context; default one a language")
    .option("-s, --shell", "the command is a shell line")
    .option("-w, --cwd <path>", "working directory; default /workspace")
    .option("-e, --env <NAME=value>", "environment variable; again for more", collectPairs)
    .option("--timeout <duration>", "end it after this time, e.g. 30s", parseDuration)
    .option("-i, --stdin", "give the command what comes on stdin")
    .addHelpText(
      "after",
      `
Examples:
  sandglass exec sbx_… -- ls -la
  sandglass exec sbx_… --shell -- 'ls | wc -l'
  sandglass exec sbx_… --code -- 'x = 6'
  sandglass exec sbx_… --code -- 'x * 7'`,
    )
    .passThroughOptions(false)
    .action(async (id: string, words: string[], options: ExecOptions) => {
      if (options.code && options.stdin)
        throw new UsageError("a cell reads no stdin: leave out --stdin or --code");
      const sandbox = await clientOf(options).sandboxes.connect(id);
      let traceId = "";
      const shared = {
        signal: terminal.interruption,
        onStart: (exec: { traceId: string }) => {
          traceId = exec.traceId;
        },
        ...(options.cwd !== undefined && { cwd: options.cwd }),
        ...(options.env !== undefined && { env: options.env }),
        ...(options.timeout !== undefined && { timeoutMs: options.timeout }),
      };
      const input = async (): Promise<string> => (await buffer(terminal.stdin)).toString("utf8");
      const events = options.code
        ? sandbox.runCodeStream(words.length === 1 && words[0] === "-" ? await input() : words.join(" "), {
            ...shared,
            ...(options.language !== undefined && { language: options.language }),
            ...(options.context !== undefined && { contextId: options.context }),
          })
        : sandbox.commands.stream(options.shell ? words.join(" ") : words, {
            ...shared,
            ...(options.stdin && { stdin: await input() }),
          });
      exitWith(await passOn(events, terminal, options.json ?? false, () => ({ sandboxId: id, traceId })));
    });
}
