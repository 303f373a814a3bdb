import { hash, randomBytes } from "node:crypto";

/** A key's secret: 256 random bits. */
export function newSecret(): string {
  return `sg_${randomBytes(32).toString("base64url")}`;
}

/** What is kept of a secret, and looked up by. */
export function digestOf(secret: string): string {
  return hash("sha256", secret, "hex");
}
