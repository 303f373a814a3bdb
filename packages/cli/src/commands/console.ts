import { Command } from "commander";
import { type ConnectionOptions, clientOf, withConnection } from "../connection.ts";
import { openInBrowser } from "../open-in-browser.ts";
import { printableJson } from "../print/printable.ts";
import type { Terminal } from "../terminal.ts";

interface ConsoleOptions extends ConnectionOptions {
  browser: boolean;
}

/** `sandglass console`: a link that signs in to the web console, opened where there is a browser. */
export function consoleCommand(terminal: Terminal): Command {
  return withConnection(new Command("console").summary("open the web console"))
    .description(
      "Print a link that signs in to the daemon's web console with your key, and open it where there is a browser. The link works once, for a " +
        "minute; the session that it opens lasts 12 hours, and ends with the key.",
    )
    .option("--no-browser", "only print the link")
    .addHelpText(
      "after",
      `
Of a daemon on another machine, bring its port to this one first:
  ssh -L 7070:127.0.0.1:7070 host       then, on that host: sandglass console --no-browser

Examples:
  sandglass console
  sandglass console --no-browser
  sandglass console --api-key-file read-only.key`,
    )
    .action(async (options: ConsoleOptions) => {
      const link = await clientOf(options).consoleLink();
      if (options.json) return terminal.print(printableJson(link, 2));
      await terminal.print(link.url);
      const { dim } = terminal.errorColors;
      const isOpened = options.browser && (await openInBrowser(link.url, process.env));
      await terminal.note(dim(isOpened ? "opened in your browser" : "open it in a browser within a minute"));
    });
}
