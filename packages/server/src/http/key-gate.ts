import type { IncomingMessage } from "node:http";
import { networkOf, SandglassError } from "@sandglass/protocol";
import { authenticate, keyIsOver } from "../auth.ts";
import type { SandglassConfig } from "../config.ts";
import type { ConsoleSessions } from "../console/sessions.ts";
import type { Keyring, KeyUse } from "../keys.ts";
import type { ClientAddresses } from "./client-address.ts";
import { RateLimit } from "./rate-limit.ts";
import { RateLimitedError } from "./rate-limited-error.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

type GateLimits = Pick<SandglassConfig["limits"], "requestsPerSecond" | "failedAuthPerMinute">;

/**
 * Where every request with a key is let in, whatever it asks for.
 *
 * A valid key is let in however many wrong ones came from its address: who shares one with an attacker (a proxy, this machine) is
 * not locked out. Guessing gains nothing by that, since no number of tries finds 256 random bits; the limit is on what tries cost.
 */
export class KeyGate {
  readonly #keyring: Keyring;
  readonly #addresses: Pick<ClientAddresses, "of">;
  readonly #limits: GateLimits;
  readonly #requests: RateLimit;
  readonly #failures: RateLimit;

  constructor(keyring: Keyring, addresses: Pick<ClientAddresses, "of">, limits: GateLimits) {
    this.#keyring = keyring;
    this.#addresses = addresses;
    this.#limits = limits;
    this.#requests = new RateLimit(limits.requestsPerSecond, SECOND_MS);
    this.#failures = new RateLimit(limits.failedAuthPerMinute, MINUTE_MS);
  }

  /**
   * @param sessions where the console's cookie is as good as its key
   * @throws SandglassError UNAUTHORIZED; RATE_LIMITED for a key that asks too often, and an address with too many wrong ones
   */
  admit(request: IncomingMessage, sessions?: Pick<ConsoleSessions, "admit">): KeyUse {
    const use = this.#authenticate(request, sessions);
    const waitMs = this.#requests.take(use.key.id);
    if (waitMs === 0) return use;
    const { requestsPerSecond } = this.#limits;
    throw new RateLimitedError(
      `more than ${requestsPerSecond} requests of this key in a second`,
      waitMs,
      "come again later; the limit is the option limits.requestsPerSecond",
    );
  }

  /**
   * For whoever waited between letting a request in and doing what it asks for.
   *
   * @throws SandglassError UNAUTHORIZED where its key, or its session, is over by now
   */
  confirm(use: KeyUse): void {
    if (!this.#keyring.isValid(use) || use.session?.isOver) throw keyIsOver();
  }

  /** As `Keyring.hold`; what came by a session of the console ends with that as well. */
  hold(use: KeyUse, cut: () => void): () => void {
    const { session } = use;
    if (session === undefined) return this.#keyring.hold(use, cut);
    const releases: (() => void)[] = [];
    const release = (): void => {
      for (const each of releases.splice(0)) each();
    };
    let isCut = false;
    const once = (): void => {
      if (isCut) return;
      isCut = true;
      release();
      cut();
    };
    releases.push(this.#keyring.hold(use, once));
    if (isCut) return release;
    releases.push(session.hold(once));
    return release;
  }

  #authenticate(request: IncomingMessage, sessions: Pick<ConsoleSessions, "admit"> | undefined): KeyUse {
    try {
      return sessions?.admit(request) ?? authenticate(request.headers.authorization, this.#keyring);
    } catch (error) {
      if (!(error instanceof SandglassError)) throw error;
      const waitMs = this.#failures.take(networkOf(this.#addresses.of(request)));
      if (waitMs === 0) throw error;
      throw new RateLimitedError(
        "too many requests without a valid key from this address",
        waitMs,
        "send the key of this daemon; the limit is the option limits.failedAuthPerMinute",
      );
    }
  }
}
