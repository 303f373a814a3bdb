import type { EventScan } from "../../scan/event-scan.ts";
import type { TypePlan } from "../otel-type-plan.ts";
import { type CompiledScan, FIELD } from "./compiled-scan.ts";

/** A type as it was taught. */
interface Lesson {
  /** What fields are taught with; 0 where there was no room for the type. */
  readonly type: number;
  /** Numbers of the names of its fields that were taught. */
  readonly fields: Set<number>;
}

/** Teaches a `CompiledScan` types and fields as events have them. */
export class Lessons {
  readonly #compiled: CompiledScan;
  /** By the number of the type. */
  readonly #lessons: Lesson[] = [];

  constructor(compiled: CompiledScan) {
    this.#compiled = compiled;
  }

  /** All that the event has which was scanned. */
  learn(typeIndex: number, plan: TypePlan, scan: EventScan): void {
    this.#lessons[typeIndex] ??= this.#begin(typeIndex, plan);
    const lesson = this.#lessons[typeIndex];
    if (lesson.type === 0) return;
    for (let slot = scan.firstSlot; slot < scan.endSlot; slot++) {
      const name = scan.nameIndices[slot]!;
      if (name === -1 || lesson.fields.has(name)) continue;
      lesson.fields.add(name);
      const field = plan.fieldAt(scan, slot);
      const flags =
        field === null
          ? 0
          : FIELD.IS_ATTRIBUTE |
            (field.hasFractions ? FIELD.HAS_FRACTIONS : 0) |
            (field.isSaidAgain ? FIELD.IS_SAID_AGAIN : 0);
      const key = field?.key ?? new Uint8Array();
      this.#compiled.learnField(lesson.type, name, flags, scan.names.quotedAt(name), key);
    }
  }

  #begin(typeIndex: number, plan: TypePlan): Lesson {
    const name = Buffer.from(JSON.stringify(plan.type));
    return { type: this.#compiled.learnType(typeIndex, name, plan.spanHead), fields: new Set() };
  }
}
