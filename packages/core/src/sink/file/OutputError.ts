/**
 * Why an output could not take what was written to it.
 *
 * @since 0.1.0
 */
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import * as System from "../../platform/internal/System.ts"
import * as TrustedFile from "../../platform/TrustedFile.ts"
import { describe, OutputReason, shortened } from "../OutputReason.ts"
import { SinkError } from "../SinkError.ts"

/**
 * An output that is missing, full or not allowed. Failures of `open` come before anything is read or written.
 *
 * @since 0.1.0
 * @category errors
 */
export class OutputError extends Schema.TaggedError<OutputError>()("OutputError", {
  /** A path, or `stdout`. */
  target: Schema.String,
  operation: Schema.Literals(["open", "write", "flush", "finish", "verify"]),
  reason: OutputReason,
  /** The system's code, such as `ENOSPC`. */
  code: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const { code, reason, target } = this
    const own = reason._tag === "Untrusted" && reason.file.path === target
    return `${shortened(target)}: ${own ? `it ${reason.file.predicate}` : describe(reason, code)}`
  }
}

const reasons: Readonly<Record<string, OutputReason>> = {
  ENOSPC: { _tag: "Full" },
  EDQUOT: { _tag: "Full" },
  EFBIG: { _tag: "Full" },
  EACCES: { _tag: "NotAllowed" },
  EPERM: { _tag: "NotAllowed" },
  EROFS: { _tag: "NotAllowed" },
  ENOENT: { _tag: "NoFolder" },
  ENOTDIR: { _tag: "NoFolder" },
  ENAMETOOLONG: { _tag: "NameTooLong" },
  EISDIR: { _tag: "NotAFile" },
  EEXIST: { _tag: "Exists" },
  EPIPE: { _tag: "Closed" },
  EBADF: { _tag: "Closed" },
  ERR_STREAM_DESTROYED: { _tag: "Closed" }
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
    reason: (code === undefined ? undefined : reasons[code]) ?? { _tag: "Other" },
    ...(code === undefined ? {} : { code })
  })

/**
 * The system's code behind a platform error, such as `ENOSPC`.
 *
 * @since 0.1.0
 * @category reading
 */
export const codeOf: (error: unknown) => string | undefined = System.codeOf

/**
 * Names the target and the operation of a platform error.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromPlatform =
  (target: string, operation: OutputError["operation"]) =>
  (error: PlatformError.PlatformError): OutputError => {
    const file = TrustedFile.refusalOf(error)
    return file === undefined
      ? fromCode(target, operation, codeOf(error))
      : new OutputError({ target, operation, reason: { _tag: "Untrusted", file } })
  }

/** Codes of transient failures, and of a full disk. */
const passing = new Set(["EAGAIN", "EBUSY", "EINTR", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ETIMEDOUT"])

/**
 * The same as the failure of a sink. A full disk is retryable, since somebody may free space. A failed sync is not, because
 * the system forgets data that it could not write.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toSinkError =
  (sink: string, operation: SinkError["operation"]) =>
  ({ code, reason, target }: OutputError): SinkError =>
    new SinkError({
      sink,
      operation,
      retryable:
        reason._tag === "Full" || reason._tag === "Unreachable" || (reason._tag === "Other" && passing.has(code ?? "")),
      reason:
        reason._tag === "Untrusted"
          ? reason
          : { _tag: "Output", target, reason, ...(code === undefined ? {} : { code }) }
    })
