import * as z from "zod";
import { ERROR_STATUS, type ErrorCode } from "../errors.ts";
import { SCOPES } from "../key-api.ts";
import { strictObject } from "./strict-object.ts";

const ERROR_CODES = Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]];

/** An organisation: what a key's holder sees. */
export const orgId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
  error: "must be a letter or digit, then up to 63 letters, digits, ., _ or -",
});

export const CreateKeyRequest = strictObject({
  name: z
    .string()
    .min(1, { error: "must not be empty: say who will use the key" })
    .max(100)
    .regex(/^\P{Cc}*$/u, { error: "must not contain control characters" }),
  orgId: orgId.optional(),
  scopes: z
    .array(z.enum(SCOPES))
    .min(1, { error: "must not be empty: a key without a scope may do nothing" })
    .max(SCOPES.length)
    .optional(),
  expiresAt: z.iso
    .datetime({ offset: true, error: "must be a time in ISO 8601, e.g. 2030-01-31T00:00:00Z" })
    .optional(),
});

const MAX_GRACE_MS = 7 * 86_400_000;

export const RotateKeyRequest = strictObject({
  graceMs: z
    .int({ error: "must be a whole number of milliseconds" })
    .min(0, { error: "must not be negative" })
    .max(MAX_GRACE_MS, { error: `must be at most ${MAX_GRACE_MS} milliseconds, 7 days` })
    .optional(),
});

export const KeyInfo = z.object({
  id: z.string(),
  name: z.string(),
  orgId: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  createdAt: z.string(),
  expiresAt: z.string().optional(),
  lastUsedAt: z.string().optional(),
  graceUntil: z.string().optional(),
});
export const CreatedKey = KeyInfo.extend({ key: z.string(), isOwn: z.boolean().optional() });
export const KeyList = z.object({ items: z.array(KeyInfo) });

export const ConsoleLink = z.object({ path: z.string(), expiresAt: z.string() });

export const Check = z.object({
  name: z.string(),
  status: z.enum(["ok", "warn", "error"]),
  detail: z.string(),
  hint: z.string().optional(),
});

export const DoctorReport = z.object({
  version: z.string(),
  checks: z.array(Check),
  config: z.array(
    z.object({
      option: z.string(),
      value: z.string(),
      source: z.enum(["default", "file", "environment", "flag"]),
    }),
  ),
});

export const Health = z.object({
  status: z.enum(["ok", "starting", "stopping", "failing"]),
  version: z.string(),
  uptimeMs: z.number(),
  reason: z.string().optional(),
});

export const ErrorBody = z.object({
  error: z.object({
    code: z.enum(ERROR_CODES),
    message: z.string(),
    hint: z.string().optional(),
    requestId: z.string(),
  }),
});
