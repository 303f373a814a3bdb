import { Command } from "commander";
import { type Check, type DoctorReport, SandglassError } from "sandglass";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { exitWith } from "../exec-output.ts";
import { EXIT } from "../exit-codes.ts";
import { printable, printableJson } from "../print/printable.ts";
import { withSpinner } from "../print/spinner.ts";
import { table } from "../print/table.ts";
import type { Terminal } from "../terminal.ts";
import { VERSION } from "../version.ts";

interface Report extends DoctorReport {
  /** Who looked: the daemon, or this command because none could be asked. */
  source: "daemon" | "host";
  /** Why the daemon was not asked. */
  reason?: string;
}

/** `sandglass doctor`: asks the daemon, or looks by itself where there is none. */
export function doctorCommand(terminal: Terminal): Command {
  return withConnection(
    new Command("doctor").summary("say what this host can enforce, and how it is configured"),
  )
    .description(
      "Check what the host offers for isolation, and print the daemon's configuration. Works without a daemon.",
    )
    .option("--config", "every option with its value and where it came from")
    .addHelpText(
      "after",
      "\nExamples:\n  sandglass doctor\n  sandglass doctor --config\n  sandglass doctor --json",
    )
    .action(async (options: ConnectionOptions & { config?: boolean }) => {
      const client = clientOf(options);
      const report = await withSpinner(
        terminal,
        "looking",
        examine(() => client.doctor()),
      );
      if (options.json) await terminal.print(printableJson(report, 2));
      else await printReport(report, client.baseUrl, options.config ?? false, terminal);
      exitWith(report.checks.some(({ status }) => status === "error") ? EXIT.failure : EXIT.ok);
    });
}

async function examine(askDaemon: () => Promise<DoctorReport>): Promise<Report> {
  try {
    return { source: "daemon", ...(await askDaemon()) };
  } catch (error) {
    const cannotAsk: string[] = ["CONNECTION_FAILED", "REQUEST_TIMEOUT", "UNAUTHORIZED"];
    if (!(error instanceof SandglassError) || !cannotAsk.includes(error.code)) throw error;
    const { checkHost } = await import("@sandglass/server");
    const checks = await checkHost();
    return { source: "host", reason: error.message, version: VERSION, checks, config: [] };
  }
}

async function printReport(
  report: Report,
  url: string,
  isConfigWanted: boolean,
  terminal: Terminal,
): Promise<void> {
  const { colors } = terminal;
  const { bold, dim } = colors;
  const from =
    report.source === "daemon"
      ? `asked the daemon at ${url}, version ${report.version}`
      : `no daemon could be asked (${report.reason ?? ""}); looked at this host directly, version ${report.version}`;
  await terminal.print(dim(printable(from)));
  const width = Math.max(0, ...report.checks.map(({ name }) => printable(name).length));
  for (const check of report.checks) {
    const name = printable(check.name).padEnd(width);
    await terminal.print(`${markOf(check, terminal)} ${bold(name)}  ${printable(check.detail)}`);
    if (check.hint !== undefined)
      await terminal.print(dim(`  ${" ".repeat(width)}  ${printable(check.hint)}`));
  }
  if (report.config.length === 0) return;
  if (!isConfigWanted) return terminal.print(dim("--config prints the configuration in force"));
  const rows = report.config.map(({ option, value, source }) => [option, value, source]);
  await terminal.print(`\n${table(["OPTION", "VALUE", "FROM"], rows, colors)}`);
}

function markOf({ status }: Check, { colors }: Terminal): string {
  switch (status) {
    case "ok":
      return colors.green("✓");
    case "warn":
      return colors.yellow("!");
    case "error":
      return colors.red("✗");
  }
}
