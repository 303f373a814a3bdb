/** What is to go from the store: all of some sandboxes, and of a run what is its alone. */
export interface EraseRequest {
  orgId: string;
  sandboxIds: readonly string[];
  /** "" for none. */
  runId: string;
  /** Made for the run, and not its alone: they stay. */
  shared: readonly string[];
  /** Position of the log of events up to which the store has to have read before. */
  position: number;
  /** Also where no row is found: what was deleted before may stand in the file still. */
  mustVacuum: boolean;
}

export interface EraseResult {
  rows: number;
  /** Those that were asked for, and those of the run that only the store remembers. */
  sandboxIds: string[];
}
