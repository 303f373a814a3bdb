import { Command } from "commander";

/** `sandglass help`, and that of each command that has others below it. */
export function helpCommand(): Command {
  return new Command("help")
    .summary("print help of a command")
    .argument("[command...]", "its name; of one below another both, as in: keys create")
    .action(async (names: string[], _: object, { parent }: Command) => {
      if (parent === null) return;
      for (let command = parent, [...rest] = names; command.commands.length > 0 && rest.length > 0; ) {
        const name = rest.shift() ?? "";
        const found = command.commands.find((child) => [child.name(), ...child.aliases()].includes(name));
        command = found ?? refuse(command, name);
      }
      // As if it had been asked for there: the daemon answers for `serve` itself.
      await parent.parseAsync([...names, "--help"], { from: "user" });
    });
}

/** In the words for an unknown command, with the nearest name. Asks one that does nothing: the parent may do something by default. */
function refuse(parent: Command, name: string): never {
  const names = parent.commands.map((child) => new Command(child.name()));
  const asked = new Command(parent.name()).exitOverride().configureOutput(parent.configureOutput());
  for (const child of names) asked.addCommand(child);
  asked.parse([name], { from: "user" });
  throw new Error(`${name} is a command after all`);
}
