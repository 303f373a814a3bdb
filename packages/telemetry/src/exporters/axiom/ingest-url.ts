/**
 * Where events of a dataset are POSTed to, below the URL of Axiom's API. Edge deployments have a path of their own
 * (https://axiom.co/docs/restapi/endpoints/ingestToDataset).
 */
export function ingestUrl(base: URL, dataset: string): URL {
  const url = new URL(base);
  const name = encodeURIComponent(dataset);
  const path = url.hostname.endsWith(".edge.axiom.co") ? `v1/ingest/${name}` : `v1/datasets/${name}/ingest`;
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/${path}`;
  url.search = "";
  return url;
}
