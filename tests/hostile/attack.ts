import type { Cause, Isolation } from "@sandglass/protocol";
import type { CreateSandboxOptions } from "sandglass";
import type { Scene } from "./scene.ts";

/**
 * What a promise may rest on that an ordinary user's daemon may not have (docs/install.md): a limit on memory or on the processor,
 * control groups, which hold an exec's processes together, a uid of its own for each sandbox, and layers over the host's `/usr`.
 */
export type Means = "memory limit" | "processor limit" | "control groups" | "own uids" | "layers";

/** One attack from inside a sandbox, judged from outside. */
export interface Attack {
  /** What is tried, and what is promised: the test's name. */
  name: string;
  /** Of the sandbox that attacks. */
  options?: CreateSandboxOptions;
  /** Why the sandbox has ended when the attack is over; one of several where that is a race. Default `user`: it lives until the test ends it. */
  endsAs?: Cause | readonly Cause[];
  /** Isolations that it is not tried on, with the reason: another outcome is right there. */
  notOn?: Partial<Record<Isolation, string>>;
  /** Isolations that it is only tried on: what is promised there is promised nowhere else. */
  onlyOn?: readonly Isolation[];
  /** Not tried where the daemon has not got these: the page on installing says that the promise is lost there. */
  needs?: readonly Means[];
  run(scene: Scene): Promise<void>;
}

/** Attacks of one kind. */
export interface Theme {
  name: string;
  attacks: readonly Attack[];
}
