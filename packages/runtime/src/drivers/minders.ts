import { randomBytes } from "node:crypto";
import { SandglassError } from "@sandglass/protocol";
import { Helper, HelperLost } from "../host/helper.ts";
import type { Minder } from "../host/minder.ts";
import type { AgentListener } from "./agent-listener.ts";

/** How often one sandbox is begun where the helper goes each time. */
const TRIES = 3;
const CODE = "SANDGLASS_HELPER";

/** Gives each sandbox its minder, by a helper that another one takes the place of when it goes. */
export class Minders {
  readonly #listener: AgentListener;
  readonly #user: readonly string[] | undefined;
  /** The one that runs now, or is about to; undefined where it could not be started. */
  #helper: Promise<Helper> | undefined;
  /** Those that have gone, as long as minders of theirs are there. */
  readonly #earlier = new Set<Helper>();
  #isClosed = false;
  #restarts = 0;

  /** @param user as `Helper.start`, for those that come after `helper` */
  constructor(listener: AgentListener, helper: Helper, user: readonly string[] | undefined) {
    this.#listener = listener;
    this.#user = user;
    this.#helper = Promise.resolve(this.#watched(helper));
  }

  /** How often a helper went and another was started, or was to be. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * A minder without a sandbox. Where the helper goes meanwhile, the next one is asked: nothing has been begun.
   *
   * @throws SandglassError DRIVER_ERROR where there is none to be had
   */
  async take(): Promise<Minder> {
    for (let tries = 1; ; tries++) {
      if (this.#isClosed) throw new HelperLost();
      this.#helper ??= this.#start();
      try {
        return await this.#ask(await this.#helper);
      } catch (error) {
        if (!(error instanceof HelperLost) || tries === TRIES) throw error;
      }
    }
  }

  /** Every sandbox that still has a minder is killed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const helper = await this.#helper?.catch(() => undefined); // nothing to close
    const helpers = helper === undefined ? this.#earlier : [helper, ...this.#earlier];
    await Promise.all([...helpers].map((each) => each.close()));
  }

  async #ask(helper: Helper): Promise<Minder> {
    const token = randomBytes(16).toString("hex");
    const connected = this.#listener.expect(token, "the sandbox's minder");
    try {
      return await helper.mind(this.#listener.path, token, connected);
    } catch (error) {
      this.#listener.forget(token);
      connected.then(
        (socket) => socket.destroy(), // and it leaves
        () => {}, // it never came
      );
      throw error;
    }
  }

  #watched(helper: Helper): Helper {
    helper.onLost = () => {
      for (const each of this.#earlier) if (!each.isInUse) this.#earlier.delete(each);
      this.#earlier.add(helper);
      if (this.#isClosed) return;
      const what = `the native helper (process ${helper.pid}) went away and is started again`;
      process.emitWarning(`${what}; sandboxes that run go on`, { code: CODE });
      this.#restarts++;
      this.#helper = this.#start();
      this.#helper.catch(() => {}); // it is said, and whoever wants a sandbox hears it
    };
    return helper;
  }

  #start(): Promise<Helper> {
    const starting = Helper.start(this.#user).then((helper) => this.#watched(helper));
    return starting.catch((error: Error) => {
      this.#helper = undefined; // whoever wants a sandbox next tries again
      const message = `the native helper cannot be started: ${error.message}`;
      process.emitWarning(message, { code: CODE });
      if (error instanceof HelperLost) throw error;
      throw new SandglassError("DRIVER_ERROR", message, { hint: "run `sandglass doctor`", cause: error });
    });
  }
}
