import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExporterSpec } from "@sandglass/protocol";
import { ExporterSpec as specSchema } from "@sandglass/protocol/schemas";
import { z } from "zod";
import { writePrivateFile } from "../write-private-file.ts";

const FORMAT = 1;

/** An exporter that was added while the daemon ran. */
export interface KeptExporter {
  /** As it was given: secrets by name stay names, those given as they are lie in the file. */
  spec: ExporterSpec & { id: string };
  /** Absent: events of every organisation. */
  orgId?: string | undefined;
  isTrusted: boolean;
}

const fileSchema = z.object({
  format: z.literal(FORMAT),
  exporters: z.array(
    z.object({
      spec: specSchema.required({ id: true }),
      orgId: z.string().optional(),
      isTrusted: z.boolean(),
    }),
  ),
});

/** `exporters.json` of the data directory: one user may read it, and a change is there whole or not at all. */
export class ExporterFile {
  readonly #path: string;

  constructor(dataDir: string) {
    this.#path = join(dataDir, "exporters.json");
  }

  /** @throws Error where the file cannot be understood: starting without it would silently deliver nothing */
  async read(): Promise<KeptExporter[]> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
    const parsed = fileSchema.safeParse(parse(text));
    if (parsed.success) return parsed.data.exporters;
    throw new Error(
      `${this.#path} is damaged or of another version; restore it, or move it away to begin without the exporters in it`,
    );
  }

  write(exporters: readonly KeptExporter[]): Promise<void> {
    return writePrivateFile(this.#path, `${JSON.stringify({ format: FORMAT, exporters }, null, 2)}\n`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Reported by the caller together with every other damage; the parser's message would quote secrets.
    return undefined;
  }
}
