import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { StatusDatabase } from "../status-database.ts";

const NAME = "subscription-links";
const KEY_BYTES = 32;

/**
 * What makes the links in messages good for one subscriber and nobody else. They are computed, not kept: whoever reads the list of
 * subscribers has no link, and one that has unsubscribed leaves nothing.
 */
export class LinkKeys {
  readonly #key: Uint8Array;

  constructor({ statements }: StatusDatabase) {
    statements.run("INSERT OR IGNORE INTO keys VALUES (?, ?)", NAME, randomBytes(KEY_BYTES));
    const row = statements.get<{ value: Uint8Array }>("SELECT value FROM keys WHERE name = ?", NAME);
    if (row === undefined) throw new Error("the key of subscription links was not kept");
    this.#key = row.value;
  }

  tokenOf(subscriberId: string): string {
    return createHmac("sha256", this.#key).update(subscriberId).digest("base64url");
  }

  isGood(subscriberId: string, token: string): boolean {
    const [given, right] = [Buffer.from(token), Buffer.from(this.tokenOf(subscriberId))];
    return given.length === right.length && timingSafeEqual(given, right);
  }
}
