import assert from "node:assert/strict";
import { test } from "node:test";
import { ingestUrl } from "./ingest-url.ts";

test("a dataset is below Axiom's API, below the path of a proxy, and elsewhere on an edge deployment", () => {
  const cases: [base: string, dataset: string, url: string][] = [
    ["https://cloud.axiom.co", "some", "https://cloud.axiom.co/v1/datasets/some/ingest"],
    ["https://proxy.example/axiom/?a=b", "some", "https://proxy.example/axiom/v1/datasets/some/ingest"],
    ["https://cloud.axiom.co", "a/../b?", "https://cloud.axiom.co/v1/datasets/a%2F..%2Fb%3F/ingest"],
    [
      "https://eu-central-1.aws.edge.axiom.co",
      "some",
      "https://eu-central-1.aws.edge.axiom.co/v1/ingest/some",
    ],
    ["https://edge.axiom.co.example", "some", "https://edge.axiom.co.example/v1/datasets/some/ingest"],
  ];
  for (const [base, dataset, url] of cases) assert.equal(ingestUrl(new URL(base), dataset).href, url);
});
