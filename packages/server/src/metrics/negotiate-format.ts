import type { TextFormat } from "./exposition.ts";

interface Range {
  type: string;
  version: string | undefined;
  quality: number;
}

/**
 * The format that the header `accept` prefers (RFC 9110, section 12.5.1). OpenMetrics has to be named: `*` of a browser or of curl
 * gets the plain text, which they can show. Versions other than ours are passed over.
 */
export function negotiateFormat(accept: string): TextFormat {
  const ranges = accept.split(",").map(parseRange);
  const best = (wanted: readonly string[], version: string): number => {
    // The most specific range decides, not the most generous.
    for (const type of wanted) {
      const found = ranges.filter(
        (range) => range.type === type && (range.version === undefined || range.version === version),
      );
      if (found.length > 0) return Math.max(...found.map(({ quality }) => quality));
    }
    return 0;
  };
  const open = best(["application/openmetrics-text"], "1.0.0");
  const plain = best(["text/plain", "text/*", "*/*"], "0.0.4");
  return open > 0 && open >= plain ? "openmetrics" : "prometheus";
}

function parseRange(text: string): Range {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const named = (name: string): string | undefined => {
    const found = parameters.find((parameter) => parameter.startsWith(`${name}=`));
    return found?.slice(name.length + 1).replace(/^"(.*)"$/, "$1");
  };
  const quality = Number(named("q") ?? 1);
  return { type, version: named("version"), quality: Number.isFinite(quality) ? quality : 0 };
}
