import { describeFailure } from "../http-result.ts";
import { HttpSender, type HttpSenderOptions } from "../http-sender.ts";

/** A sender that is closed at the end of its block. */
export function sending(options?: HttpSenderOptions): HttpSender & Disposable {
  const sender = new HttpSender(options);
  return Object.assign(sender, { [Symbol.dispose]: () => sender.close() });
}

/** In words, why a URL cannot be sent to. */
export async function failureOf(sender: HttpSender, url: string): Promise<string> {
  const { signal } = new AbortController();
  const sent = sender.post(new URL(url), Buffer.from("hello"), {}, signal);
  const error: unknown = await sent.then(
    ({ status }) => new Error(`it answered ${status}`),
    (reason) => reason,
  );
  return describeFailure(error, url);
}
