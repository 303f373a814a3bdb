import type { Handlers } from "../call.ts";
import type { HandlerServices } from "./handler-services.ts";
import { storeOf } from "./stored.ts";

/** Metrics as the store has them; the daemon's own health in Prometheus' format is `GET /metrics`. */
export function metricHandlers(services: HandlerServices): Pick<Handlers, "queryMetrics"> {
  return {
    queryMetrics: ({ query: { name, ...query }, context: { orgId }, signal }) => {
      const store = storeOf(services);
      if (name === undefined) return store.ask("listMetrics", { orgId }, signal);
      return store.ask("queryMetric", { ...query, name, orgId }, signal);
    },
  };
}
