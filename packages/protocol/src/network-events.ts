/** Of `network.egress`: a connection, or a request of plain HTTP, that was let out; said when it is over. */
export interface NetworkEgressData {
  /** The name as it was asked for, in lower case, or the address. */
  host: string;
  port: number;
  /** What came back, and what was sent. */
  bytesIn: number;
  bytesOut: number;
  /** Of several, that of the longest. */
  durationMs: number;
  /** The one that caused it: whose process held the socket. Absent where that was not found out. */
  execId?: string;
  /** What it ended with, where it did not end by itself: `ENOTFOUND`, `ECONNREFUSED`, `idle_timeout`. */
  error?: string;
  /** How many this stands for, where they were too many to be told one by one; bytes are those of all. */
  count?: number;
}

/** Of `network.denied`: something that was not let out. `host` is "" and `port` 0 where the request named none that could be, or was one of too many to look at. */
export interface NetworkDeniedData {
  host: string;
  port: number;
  reason: string;
  /** Absent where that was not found out, or nobody looked. */
  execId?: string;
  count?: number;
}
