import { readFile } from "node:fs/promises";

/** In a published package beside the code, in a checkout at the root. */
const PLACES = ["../../../spec/openapi.json", "../../../../../spec/openapi.json"];

let document: Promise<object> | undefined;

/** The OpenAPI document, as generated from the routes. Read at the first request for it. */
export function readOpenApi(): Promise<object> {
  document ??= readFirst();
  return document;
}

async function readFirst(): Promise<object> {
  const tried: unknown[] = [];
  for (const place of PLACES) {
    try {
      return JSON.parse(await readFile(new URL(place, import.meta.url), "utf8")) as object;
    } catch (error) {
      tried.push(error);
    }
  }
  document = undefined;
  throw new AggregateError(tried, "the OpenAPI document is not where it should be");
}
