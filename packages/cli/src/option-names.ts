import { SandglassError } from "sandglass";

/** Under which option a user of the command line gave what a request calls by this name. */
export type OptionNames = Readonly<Record<string, string>>;

/**
 * Does work whose refusal is said in the words of the command line: `memoryMb must be …` becomes `--memory must be …`.
 *
 * @param hints what to do about it in place of the hint of the API, where that is one of these
 */
export async function inOptions<T>(
  names: OptionNames,
  work: Promise<T>,
  hints: Readonly<Record<string, string>> = {},
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof SandglassError) || error.code !== "INVALID_REQUEST") throw error;
    const { code, message, hint, requestId } = error;
    const ownHint = hint === undefined ? undefined : (hints[hint] ?? hint);
    throw new SandglassError(code, renamed(message, names), { hint: ownHint, requestId, cause: error });
  }
}

/** Each problem begins with the field's path: `env.A-B is …; network.egress.allow[0] must …`. */
function renamed(message: string, names: OptionNames): string {
  const say = (problem: string): string => {
    const field = Object.keys(names).find((name) =>
      [" ", ".", "["].some((end) => problem.startsWith(name + end)),
    );
    if (field === undefined) return problem;
    const rest = problem.slice(field.length).replace(/^\[\d+\]/, "");
    return `${names[field]}${rest.replace(/^\./, " ")}`;
  };
  return message.split("; ").map(say).join("; ");
}
