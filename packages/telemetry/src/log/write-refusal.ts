import { SandglassError } from "@sandglass/protocol";

/** Of records that could not be written. @param dir of the log */
export function writeRefusal(error: Error, dir: string): SandglassError {
  const { code } = error as NodeJS.ErrnoException;
  const hint =
    code === "ENOSPC" || code === "EDQUOT"
      ? `make room on the file system of ${dir}, or lower the log's maxBytes; the next append tries again`
      : `see to the disk below ${dir}; the next append tries again`;
  const message = `the record could not be written: ${error.message}`;
  return new SandglassError("LOG_UNAVAILABLE", message, { hint, cause: error });
}

/** Of records that were written, and are not on the disk. */
export function syncRefusal(error: Error): SandglassError {
  const message = `the record could not be brought to the disk: ${error.message}`;
  const hint = "the log continues in a new segment; see to the disk";
  return new SandglassError("LOG_UNAVAILABLE", message, { hint, cause: error });
}
