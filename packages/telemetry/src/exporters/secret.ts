import { z } from "zod";

export { readSecret } from "./read-secret.ts";

/** A secret: itself, or the name of the environment variable that holds it. */
export const secretSchema = z.union([z.string().min(1), z.strictObject({ env: z.string().min(1) })], {
  error: "must be a text, or {env: NAME} for an environment variable",
});
export type SecretOption = z.output<typeof secretSchema>;
