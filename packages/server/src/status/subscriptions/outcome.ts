/** What became of one attempt to tell a subscriber. */
export type Outcome =
  | { kind: "delivered" }
  /** To be tried again, not before so many milliseconds where it was said. */
  | { kind: "failed"; reason: string; retryAfterMs?: number }
  /** No attempt with this message will do. */
  | { kind: "refused"; reason: string }
  /** They want to hear nothing any more. */
  | { kind: "gone" };

/** Sends to subscribers of one kind. */
export interface Channel<Message> {
  /** Never rejects, but with the signal's reason. */
  send(message: Message, signal: AbortSignal): Promise<Outcome>;
  close(): void;
}
