import type { StatusExport } from "@sandglass/protocol";
import type { Picture } from "../picture.ts";
import { allTargets, findDocument } from "./documents.ts";
import { fileLinks, filePath } from "./links.ts";

/**
 * The public pages as files for a web server that knows nothing of us: links between them are relative. Feeds name whole addresses, so
 * that there are none where nobody says what these will be.
 *
 * @param baseUrl where the files will be, e.g. `https://status.example.com`
 */
export function exportedFiles(picture: Picture, baseUrl: string | undefined): StatusExport["files"] {
  return allTargets(picture).flatMap((target) => {
    const document = findDocument(target, picture);
    if (document === undefined || (document.needsOrigin === true && baseUrl === undefined)) return [];
    const path = filePath(target);
    const links = fileLinks(baseUrl?.replace(/\/+$/, ""), path.split("/").length - 1);
    return [{ path, content: document.render(picture, links) }];
  });
}
