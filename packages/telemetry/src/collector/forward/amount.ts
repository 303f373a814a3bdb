/** So many requests, and the spans, log records or data points in them. */
export interface Amount {
  requests: number;
  items: number;
}

export function noAmount(): Amount {
  return { requests: 0, items: 0 };
}

export function add(to: Amount, { requests, items }: Readonly<Amount>): void {
  to.requests += requests;
  to.items += items;
}

export function less(from: Readonly<Amount>, { requests, items }: Readonly<Amount>): Amount {
  return { requests: from.requests - requests, items: from.items - items };
}

/** Why a request, or some of its items, will never be at its destination. The healthy value of each is zero. */
export type DropReason =
  /** The destination would not take the request, by itself; or it took the request and not these items of it, a partial success. */
  | "rejected"
  /** It takes other signals and never took this one. */
  | "unsupported_signal"
  /** The size limit of the log took it before it was delivered. */
  | "retention"
  /** The log could not read it any more. */
  | "corrupt"
  /** Its sandbox's data was deleted. */
  | "deleted"
  /** Nothing was taken there for as long as is waited. */
  | "gave_up"
  /** Nobody knows the destination any more. */
  | "no_destination";

export type Drops = Partial<Record<DropReason, Amount>>;

export function addDrop(drops: Drops, reason: DropReason, amount: Readonly<Amount>): void {
  drops[reason] ??= noAmount();
  add(drops[reason], amount);
}

/** accepted = delivered + filtered + queued + in flight + dropped, of requests and of items, at every moment. */
export interface ForwardCounts {
  accepted: Amount;
  delivered: Amount;
  /** Of signals that the destination has no endpoint for. */
  filtered: Amount;
  /** In memory, or in the log alone. */
  queued: Amount;
  inFlight: Amount;
  dropped: Drops;
}

export function noCounts(): ForwardCounts {
  return {
    accepted: noAmount(),
    delivered: noAmount(),
    filtered: noAmount(),
    queued: noAmount(),
    inFlight: noAmount(),
    dropped: {},
  };
}

const AMOUNTS = ["accepted", "delivered", "filtered", "queued", "inFlight"] as const;

export function addCounts(to: ForwardCounts, counts: ForwardCounts): void {
  for (const name of AMOUNTS) add(to[name], counts[name]);
  for (const reason of Object.keys(counts.dropped) as DropReason[])
    addDrop(to.dropped, reason, counts.dropped[reason]!);
}
