/** Another way to run `python3 -c 'print(1)'` once, isolated. */
export interface Peer {
  name: string;
  /** What isolates how, in a few words. */
  note: string;
  /**
   * Prepares what a user of it prepares once.
   *
   * @throws Error that says why it cannot run on this machine
   */
  start(): Promise<RunningPeer>;
}

export interface RunningPeer extends AsyncDisposable {
  /** As the tool itself says it. */
  version: string;
  /** Runs it once, from nothing to its end; milliseconds. */
  run(): Promise<number>;
}

/** The system's own Python, as in our templates: the first of PATH may be a version manager's slow shell script. */
export const PROGRAM: readonly string[] = ["/usr/bin/python3", "-c", "print(1)"];
/** The same for a shell. */
export const SHELL_LINE = "/usr/bin/python3 -c 'print(1)'";
export const PRINTED = "1\n";
