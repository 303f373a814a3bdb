/** What the command's exit code says. `run` and `exec` pass on the code of what they ran instead, where it ran. */
export const EXIT = {
  ok: 0,
  /** The daemon refused, or something went wrong. */
  failure: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** The daemon could not be reached, or did not answer in time. */
  unreachable: 3,
} as const;

/** Ends a command with a code, having said all there is to say. */
export class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.name = "Exit";
    this.code = code;
  }
}

/** The command line makes no sense in a way that only the command itself can see. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}
