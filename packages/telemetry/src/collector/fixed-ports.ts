import type { CollectorPlaces, CollectorSettings } from "./messages.ts";

/** The ports that the first process was given, also where any were to do. */
export function fixedPorts(
  listen: NonNullable<CollectorSettings["listen"]>,
  known: CollectorPlaces["listening"],
): CollectorSettings["listen"] {
  const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(":") + 1));
  if (known === undefined) return listen;
  return { ...listen, httpPort: portOf(known.http), grpcPort: portOf(known.grpc) };
}
