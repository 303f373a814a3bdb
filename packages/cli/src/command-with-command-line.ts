import { Command, type ParseOptionsResult } from "commander";

/**
 * A command like `docker exec`: its options stand before or behind its first argument, and from the second one on every word is
 * somebody else's command, whatever it looks like. `--` marks that place too.
 */
export class CommandWithCommandLine extends Command {
  constructor(name: string) {
    super(name);
    // Reading options ends at the first argument.
    this.passThroughOptions();
  }

  override parseOptions(args: string[]): ParseOptionsResult {
    const { operands, unknown } = super.parseOptions(args);
    const [first, ...rest] = operands;
    if (first === undefined || unknown.length > 0) return { operands, unknown };
    const behind = super.parseOptions(rest);
    return { operands: [first, ...behind.operands], unknown: behind.unknown };
  }
}
