import type { TraceInfo } from "@sandglass/protocol";
import { buildSpanTree, type SpanTree } from "./span-tree.ts";
import type { Answered, Asked, TraceAnswers } from "./trace-messages.ts";
import { shapeOf } from "./trace-shape.ts";

// A trace of 50,000 spans takes a second to read and lay out. Here it holds up nobody.
let tree: SpanTree = { rows: [], durationMs: 0, startTime: 0 };
let texts: string[] | undefined;

addEventListener("message", ({ data }: MessageEvent<Asked>) => {
  let answer: Answered;
  try {
    answer = { id: data.id, value: answerTo(data) };
  } catch (error) {
    answer = { id: data.id, error: String(error) };
  }
  postMessage(answer);
});

function answerTo(asked: Asked): TraceAnswers[keyof TraceAnswers] {
  switch (asked.kind) {
    case "load": {
      const { spans } = JSON.parse(new TextDecoder().decode(asked.json)) as TraceInfo;
      tree = buildSpanTree(spans);
      texts = undefined;
      return shapeOf(tree);
    }
    case "span":
      return tree.rows[asked.row]?.span;
    case "search": {
      const wanted = asked.text.toLowerCase();
      texts ??= tree.rows.map(({ span }) =>
        `${span.name} ${span.service ?? ""} ${span.message ?? ""} ${JSON.stringify(span.attributes)}`.toLowerCase(),
      );
      return texts.flatMap((text, row) => (text.includes(wanted) ? [row] : []));
    }
  }
}
