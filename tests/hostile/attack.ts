import type { Cause, Isolation } from "@sandglass/protocol";
import type { CreateSandboxOptions } from "sandglass";
import type { Scene } from "./scene.ts";

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
  run(scene: Scene): Promise<void>;
}

/** Attacks of one kind. */
export interface Theme {
  name: string;
  attacks: readonly Attack[];
}
