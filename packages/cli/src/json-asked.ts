import type { Command, Option } from "commander";

/** Behind so many arguments of these every word is somebody else's. */
const OWN_ARGUMENTS: Readonly<Record<string, number>> = { run: 1, exec: 2 };

/**
 * Whether `--json` is among the words that are ours, read without what follows from them: a command line that makes no sense is
 * refused in the form that it asks for, also where what is wrong stands in front.
 *
 * @param argv behind the program's name
 */
export function isJsonAsked(argv: readonly string[], program: Command): boolean {
  let command = program;
  let ownLeft = Number.POSITIVE_INFINITY;
  for (let at = 0; at < argv.length && ownLeft > 0; at += 1) {
    const word = argv[at] ?? "";
    if (word === "--") return false;
    if (word === "--json") return true;
    if (word.startsWith("-") && word !== "-") {
      if (takesNext(word, command.options)) at += 1;
      continue;
    }
    const child = command.commands.find((each) => [each.name(), ...each.aliases()].includes(word));
    if (child === undefined) ownLeft -= 1;
    else {
      command = child;
      ownLeft = OWN_ARGUMENTS[child.name()] ?? Number.POSITIVE_INFINITY;
    }
  }
  return false;
}

/** Whether the next word is the option's value: `-w /tmp`, `-iw /tmp`, `--cwd /tmp`, and neither `-w/tmp` nor `--cwd=/tmp`. */
function takesNext(word: string, options: readonly Option[]): boolean {
  if (word.startsWith("--")) return options.some(({ long, required }) => long === word && required);
  const taking = options.filter(({ short, required }) => required && short !== undefined);
  const first = [...word].findIndex((letter) => taking.some(({ short }) => short === `-${letter}`));
  return first !== -1 && first === word.length - 1;
}
