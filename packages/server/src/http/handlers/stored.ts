import { SandglassError } from "@sandglass/protocol";
import { decodePlace, type PagePlace } from "../../store/queries/page-cursor.ts";
import type { Store } from "../../store/store.ts";
import type { HandlerServices } from "./handler-services.ts";

/** @throws SandglassError STORE_UNAVAILABLE where it is switched off */
export function storeOf({ store }: HandlerServices): Store {
  if (store !== undefined) return store;
  throw new SandglassError("STORE_UNAVAILABLE", "this daemon keeps no store", {
    hint: "start it with the option store.enabled",
  });
}

/** @throws SandglassError INVALID_CURSOR */
export function placeOf(cursor: string | undefined): PagePlace | undefined {
  return cursor === undefined ? undefined : decodePlace(cursor);
}
