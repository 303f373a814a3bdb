import { HostClaims } from "./host-claims.ts";
import { UidRanges } from "./uid-ranges.ts";
import { type IdBlock, subordinateBlocks } from "./user-mapping.ts";

/** A file for each block that is in use on this host, whoever has it: daemons of one host do not know of each other. */
const CLAIMS = "/run/sandglass/uids";

/**
 * {@link UidRanges} that are claimed for the whole host: no other daemon on it has the same at the same time. A claim whose maker is
 * gone is taken over, for a daemon's sandboxes end with it. Ids that the administrator gave to a user, who may become any of them,
 * come last.
 */
export class HostUidRanges {
  readonly #ranges = new UidRanges();
  readonly #claims: HostClaims;
  readonly #given: readonly IdBlock[];

  /**
   * @param directory of the claims; made where it is not there
   * @param given ids of users; default: what `/etc/subuid` has of them now
   */
  constructor(directory: string = CLAIMS, given: readonly IdBlock[] = subordinateBlocks()) {
    this.#claims = new HostClaims(directory);
    this.#given = given;
  }

  /** First id of a block that nobody on this host has. Throws Error where there is none left. */
  take(): number {
    const others: number[] = [];
    try {
      for (;;) {
        const first = this.#ranges.take();
        if (!this.#isGiven(first) && this.#claims.take(String(first))) return first;
        others.push(first);
      }
    } catch (error) {
      const last = others.find((first) => this.#isGiven(first) && this.#claims.take(String(first)));
      if (last === undefined) throw error;
      others.splice(others.indexOf(last), 1);
      return last;
    } finally {
      for (const first of others) this.#ranges.release(first);
    }
  }

  release(first: number): void {
    this.#claims.release(String(first));
    this.#ranges.release(first);
  }

  /** Removes what daemons that are gone had claimed: a host shows no block as used that nobody uses. */
  removeAbandoned(): void {
    this.#claims.removeAbandoned();
  }

  #isGiven(start: number): boolean {
    return this.#given.some(({ first, count }) => first < start + UidRanges.SIZE && start < first + count);
  }
}
