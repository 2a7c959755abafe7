/**
 * Why an output could not take what was written to it.
 *
 * @since 0.1.0
 */
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import * as Platform from "../file/internal/Platform.ts"
import * as TrustedFile from "../file/TrustedFile.ts"
import { SinkError } from "./SinkError.ts"

/**
 * The output is gone, full, or not allowed. `open` failures come before anything was read or written.
 *
 * @since 0.1.0
 * @category errors
 */
export class OutputError extends Schema.TaggedError<OutputError>()("OutputError", {
  /** A path, or `stdout`. */
  target: Schema.String,
  operation: Schema.Literals(["open", "write", "flush", "finish"]),
  /**
   * - `exists`: it is there and may not be overwritten.
   * - `closed`: the reader went away.
   * - `unsynced`: the disk did not confirm what was written, and what of it is there nobody knows.
   * - `missing`, `shorter`, `changed`: what an earlier run left is not there any more as it left it.
   * - `torn`: it does not have the shape of what is written there.
   * - `finished`: it has its name, and nothing can be added.
   * - `untrusted`: another user owns it or can write to it, or it is a symbolic link; `refusal` says which.
   */
  reason: Schema.Literals([
    "exists",
    "notAFile",
    "noFolder",
    "notAllowed",
    "full",
    "closed",
    "replaced",
    "unsynced",
    "missing",
    "shorter",
    "changed",
    "torn",
    "finished",
    "untrusted",
    "other"
  ]),
  /** Of `untrusted`. */
  refusal: Schema.optionalKey(TrustedFile.UntrustedFile),
  /** The system's code, such as `ENOSPC`. */
  code: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    if (this.refusal !== undefined) return `${this.target}: ${told(this.refusal, this.target)}`
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
  unsynced: "the disk did not confirm what was written",
  missing: "the file that the earlier run left is not there",
  shorter: "the file is shorter than the earlier run left it",
  changed: "the file is not as the earlier run left it",
  torn: "the file is not what was written there",
  finished: "it is finished already, and there is more to write",
  untrusted: "it is not this user's own",
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
export const codeOf: (error: unknown) => string | undefined = Platform.codeOf

/**
 * Names the target and the operation of a platform error.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromPlatform =
  (target: string, operation: OutputError["operation"]) =>
  (error: PlatformError.PlatformError): OutputError => {
    const refusal = TrustedFile.refusalOf(error)
    return refusal === undefined
      ? fromCode(target, operation, codeOf(error))
      : new OutputError({ target, operation, reason: "untrusted", refusal })
  }

const putBack =
  "Put the file back as the earlier run left it, moved and not copied, or delete the checkpoint to begin again."

const advice: Partial<Record<OutputError["reason"], string>> = {
  exists: "Choose another name, or let the file be replaced.",
  notAFile: "Choose the name of a regular file.",
  noFolder: "Make the folder first, or choose another one.",
  notAllowed: "Let this user write there, or choose another folder.",
  full: "Make room, or write to another disk, and run it again.",
  replaced: "Let one run at a time write to a name.",
  unsynced: "Check the disk, then run it again.",
  missing: putBack,
  shorter: putBack,
  changed: putBack,
  torn: putBack,
  finished: "Move the file away, or choose another name, and delete the checkpoint to begin again."
}

/** Messages begin with what is written to. */
const told = ({ message, path, problem }: TrustedFile.UntrustedFile, target: string): string =>
  path === target ? `it ${problem}` : message

/** What passes without anybody doing anything, or once there is room. */
const passing = new Set(["EAGAIN", "EBUSY", "EINTR", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ETIMEDOUT"])

/**
 * The same as the failure of a sink, with what can be done about it. A full disk may be tried again, after somebody made
 * room; what the disk did not confirm may not, because the system forgets what it could not write.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toSinkError =
  (sink: string, operation: SinkError["operation"]) =>
  (error: OutputError): SinkError => {
    const { code, reason, refusal, target } = error
    const help = refusal?.advice ?? advice[reason]
    const what = `${descriptions[reason]}${code === undefined ? "" : ` (${code})`}`
    return new SinkError({
      sink,
      operation,
      retryable: reason === "full" || (reason === "other" && passing.has(code ?? "")),
      description: refusal === undefined ? (target === sink ? what : `${target}: ${what}`) : told(refusal, sink),
      ...(help === undefined ? {} : { advice: help }),
      ...(code === undefined ? (reason === "exists" ? { code: "EEXIST" } : {}) : { code })
    })
  }
