import type { ServerSessionOptions } from "node:http2";

/**
 * What a client may send of one request before it hears back; enough for a batch of the usual size at once. It bounds no memory:
 * bodies are read as they come, and what is kept of them is held to the tenant's limits.
 */
export const STREAM_WINDOW_BYTES: number = 1024 * 1024;
export const CONNECTION_WINDOW_BYTES: number = 4 * 1024 * 1024;

/** What one session may take, whoever is at its other end. */
export const SESSION_OPTIONS: ServerSessionOptions = {
  settings: {
    maxConcurrentStreams: 100,
    initialWindowSize: STREAM_WINDOW_BYTES,
    /** As large as reads are: fewer pieces where clients make use of it. */
    maxFrameSize: 64 * 1024,
    maxHeaderListSize: 16 * 1024,
    enablePush: false,
  },
  maxHeaderListPairs: 64,
  maxSettings: 16,
  maxSessionInvalidFrames: 50,
  maxSessionRejectedStreams: 50,
  /** Calls that are reset as soon as they begin ("rapid reset", CVE-2023-44487): a burst, and then so many a second. */
  streamResetBurst: 200,
  streamResetRate: 20,
};
