import { DATASETS } from "./datasets.ts";

/** What a model is told before the question. */
export const INSTRUCTIONS = [
  "You are a data analyst. You work in Python sandboxes, which you open with a tool; look at the data before you rely on it.",
  "Where a part of the work can be done at the same time as another, open a sandbox for each and call them in one turn.",
  "Data sets, as JSON arrays of objects where the name ends in .json:",
  ...Object.entries(DATASETS).map(([name, description]) => `- ${name}: ${description}`),
  "Answer in at most four lines, with figures and how sure they are.",
].join("\n");

const TIMEOUT_MS = 120_000;

/**
 * POSTs JSON to a provider.
 *
 * @throws Error saying what the provider answered; it never holds the key, which is in `headers`
 */
export async function askModel<T>(url: string, headers: Record<string, string>, body: unknown): Promise<T> {
  const { host } = new URL(url);
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    const { cause, message } = error as Error;
    const reason = cause instanceof Error && cause.message !== "" ? cause.message : message;
    throw new Error(
      `${host} cannot be asked (${reason}); without a key in the environment the analyst keeps to its script`,
    );
  }
  const text = await response.text();
  if (!response.ok) throw new Error(`${host} answered ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text) as T;
}
