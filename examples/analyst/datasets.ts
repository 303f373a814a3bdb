import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const DIRECTORY = fileURLToPath(new URL("../data/", import.meta.resolve("vega-datasets")));

/** What the analyst may use of the package `vega-datasets`: real data, published for teaching. */
export const DATASETS: Readonly<Record<string, string>> = {
  "flights-200k.json": "200,000 US flights: delay (minutes), distance (miles), time (of departure)",
  "flights-20k.json":
    "20,000 US flights: date (yyyy/mm/dd hh:mm), delay (minutes), distance, origin, destination",
  "airports.csv": "US airports: iata, name, city, state, country, latitude, longitude",
};

/** @throws Error naming the known ones where there is no such data set */
export function readDataset(name: string): Buffer {
  if (!Object.hasOwn(DATASETS, name)) {
    throw new Error(`there is no data set "${name}"; known: ${Object.keys(DATASETS).join(", ")}`);
  }
  return readFileSync(join(DIRECTORY, name));
}
