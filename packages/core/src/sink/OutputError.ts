/**
 * Why an output could not take what was written to it.
 *
 * @since 0.1.0
 */
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"

/**
 * The output is gone, full, or not allowed. `open` failures come before anything was read or written.
 *
 * @since 0.1.0
 * @category errors
 */
export class OutputError extends Schema.TaggedError<OutputError>()("OutputError", {
  /** A path, or `stdout`. */
  target: Schema.String,
  operation: Schema.Literals(["open", "write", "finish"]),
  /** `closed`: the reader went away. `exists`: it is there and may not be overwritten. */
  reason: Schema.Literals(["exists", "notAFile", "noFolder", "notAllowed", "full", "closed", "replaced", "other"]),
  /** The system's code, such as `ENOSPC`. */
  code: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const code = this.code === undefined ? "" : ` (${this.code})`
    return `${this.target}: ${descriptions[this.reason]}${code}`
  }
}

const descriptions: Readonly<Record<OutputError["reason"], string>> = {
  exists: "the file is there already",
  notAFile: "it is not a regular file",
  noFolder: "the folder does not exist",
  notAllowed: "no permission to write there",
  full: "the disk is full",
  closed: "the reader closed it",
  replaced: "another run wrote to the same place at the same time",
  other: "it could not be written"
}

const reasons: Readonly<Record<string, OutputError["reason"]>> = {
  ENOSPC: "full",
  EDQUOT: "full",
  EFBIG: "full",
  EACCES: "notAllowed",
  EPERM: "notAllowed",
  EROFS: "notAllowed",
  ENOENT: "noFolder",
  ENOTDIR: "noFolder",
  EISDIR: "notAFile",
  EEXIST: "exists",
  EPIPE: "closed",
  EBADF: "closed",
  ERR_STREAM_DESTROYED: "closed"
}

/**
 * The error for a system's error code.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromCode = (target: string, operation: OutputError["operation"], code: string | undefined): OutputError =>
  new OutputError({
    target,
    operation,
    reason: (code === undefined ? undefined : reasons[code]) ?? "other",
    ...(code === undefined ? {} : { code })
  })

/**
 * The system's code behind a platform error, such as `ENOSPC`.
 *
 * @since 0.1.0
 * @category reading
 */
export const codeOf = (error: unknown): string | undefined => {
  let cause: unknown = error
  for (let depth = 0; depth < 8 && typeof cause === "object" && cause !== null; depth++) {
    if ("code" in cause && typeof cause.code === "string") return cause.code
    cause = "reason" in cause ? cause.reason : "cause" in cause ? cause.cause : undefined
  }
  return undefined
}

/**
 * Names the target and the operation of a platform error.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromPlatform =
  (target: string, operation: OutputError["operation"]) =>
  (error: PlatformError.PlatformError): OutputError =>
    fromCode(target, operation, codeOf(error))
