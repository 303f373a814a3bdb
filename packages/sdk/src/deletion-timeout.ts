/** The daemon reads its whole log for a deletion, and answers when nothing is left: that takes longer than any other call. */
export const DELETION_TIMEOUT_MS = 600_000;
