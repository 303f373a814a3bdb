import type { ContentBlock } from "@modelcontextprotocol/server";

/** Images that models take, with the bytes that they begin with. */
const IMAGES: readonly (readonly [mimeType: string, magic: string, offset: number])[] = [
  ["image/png", "\x89PNG\r\n\x1a\n", 0],
  ["image/jpeg", "\xff\xd8\xff", 0],
  ["image/gif", "GIF8", 0],
  ["image/webp", "WEBP", 8],
];
/** Of an image before it is base64; larger ones are refused by most models. */
export const MAX_IMAGE_BYTES: number = 4 * 1024 * 1024;

export function textContent(text: string): ContentBlock {
  return { type: "text", text };
}

/** What kind of image the bytes begin like; undefined where they are none that a model takes. */
export function imageType(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  return IMAGES.find(([, magic, offset]) => start.startsWith(magic, offset))?.[0];
}

/** The images among the forms of a cell's result, and words for those that are too large. */
export function imagesOf(result: Readonly<Record<string, string>> | undefined): ContentBlock[] {
  return Object.entries(result ?? {}).flatMap(([mimeType, data]) => {
    if (!IMAGES.some(([type]) => type === mimeType)) return [];
    const bytes = Math.floor((data.length * 3) / 4);
    if (bytes > MAX_IMAGE_BYTES)
      return [textContent(`[an image of ${bytes} bytes is left out: at most ${MAX_IMAGE_BYTES} are shown]`)];
    return [{ type: "image" as const, mimeType, data: data.replace(/\s+/g, "") }];
  });
}
