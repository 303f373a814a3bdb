/** What `DELETE /v1/sandboxes/{id}/record` and `DELETE /v1/runs/{runId}` answer: what there was and is not any more. */
export interface DeletionResult {
  /** 0 where nothing was found: of an id that never was, or was deleted before. */
  sandboxes: number;
  /** Of the record. */
  events: number;
  /** Of events, telemetry and kept output, before they were deleted. */
  bytes: number;
}

/** The one event that a deletion leaves. */
export interface RecordDeletedData extends DeletionResult {
  deletionId: string;
  sandboxIds: string[];
  /** Where a run was deleted. */
  runId?: string;
  /** Of the key that asked; absent where a program in the daemon's process did. */
  keyId?: string;
}
