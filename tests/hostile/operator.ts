import type { StartDaemonOptions } from "@sandglass/testkit";
import { ACCOUNT, givenGroup, withSubordinateIds } from "../rootless/user-daemon.ts";
import type { Means } from "./attack.ts";

/** An ordinary user who starts the daemon under attack. */
export interface Operator {
  /** As the name of a test has it. */
  name: string;
  /** What this one was not given: attacks whose promise rests on it are not tried. */
  lacks: readonly Means[];
  /** Gives what there is to give. */
  prepare(): Promise<NonNullable<StartDaemonOptions["user"]> & AsyncDisposable>;
}

/** Another's than those of the other tests: what is left over is then its own. */
const NOBODY = { uid: 54_351, gid: 54_351 };

/** Without an account: no ids but its own, no control group. */
export const USER_ALONE: Operator = {
  name: "a user without anything",
  lacks: ["memory limit", "processor limit", "control groups", "own uids", "layers"],
  prepare: async () => ({ ...NOBODY, [Symbol.asyncDispose]: async () => {} }),
};

/** With all that an administrator can give: subordinate ids and a control group, which on a hybrid host can only freeze and kill. */
export const USER_WITH_ALL: Operator = {
  name: "a user with subordinate ids and a control group",
  lacks: ["memory limit", "processor limit", "layers"],
  async prepare() {
    const ids = await withSubordinateIds();
    const group = givenGroup("sg-hostile", ACCOUNT);
    return {
      ...ACCOUNT,
      through: [...group.through, ...ids.through],
      async [Symbol.asyncDispose]() {
        await group.remove();
        await ids.remove();
      },
    };
  },
};
