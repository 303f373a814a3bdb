import type { EventStore, JSONRPCMessage } from "@modelcontextprotocol/server";

/** What a session keeps for a client whose connection broke. */
const MAX_MESSAGES = 1_000;
const MAX_CHARS = 4 * 1024 * 1024;

interface Kept {
  streamId: string;
  message: JSONRPCMessage;
  chars: number;
}

/**
 * The last messages of a session, for a client that comes back and names the last one it got (`Last-Event-ID`). Bounded: what is older
 * is not sent again.
 */
export class RecentMessages implements EventStore {
  readonly #kept = new Map<string, Kept>();
  #chars = 0;
  #next = 0;

  async storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    const id = `${streamId}_${this.#next++}`;
    const chars = JSON.stringify(message)?.length ?? 0;
    this.#kept.set(id, { streamId, message, chars });
    this.#chars += chars;
    for (const [oldest, { chars: freed }] of this.#kept) {
      if (this.#kept.size <= MAX_MESSAGES && (this.#chars <= MAX_CHARS || oldest === id)) break;
      this.#kept.delete(oldest);
      this.#chars -= freed;
    }
    return id;
  }

  async getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return this.#kept.get(eventId)?.streamId;
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: { send: (eventId: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const streamId = this.#kept.get(lastEventId)?.streamId ?? "";
    let isBehind = false;
    for (const [id, kept] of [...this.#kept]) {
      if (isBehind && kept.streamId === streamId) await send(id, kept.message);
      if (id === lastEventId) isBehind = true;
    }
    return streamId;
  }
}
