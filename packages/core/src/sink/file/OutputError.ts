/**
 * Why an output could not take what was written to it.
 *
 * @since 0.1.0
 */
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import * as Platform from "../../file/internal/Platform.ts"
import * as TrustedFile from "../../file/TrustedFile.ts"
import { SinkError } from "../SinkError.ts"

/**
 * The output is gone, full, or not allowed. `open` failures come before anything was read or written.
 *
 * @since 0.1.0
 * @category errors
 */
export class OutputError extends Schema.TaggedError<OutputError>()("OutputError", {
  /** A path, or `stdout`. */
  target: Schema.String,
  operation: Schema.Literals(["open", "write", "flush", "finish", "verify"]),
  /**
   * - `exists`: it is there and may not be overwritten.
   * - `locked`: another run writes to it.
   * - `uncovered`: it may be overwritten, but holds what the run does not read.
   * - `closed`: the reader went away.
   * - `foreign`: another program changed the file while it was written.
   * - `unsynced`: the disk did not confirm what was written, and what of it is there nobody knows.
   * - `missing`, `shorter`, `changed`: what an earlier run left is not there any more as it left it.
   * - `gone`, `altered`: what a finished run left is not there any more, or not as it left it.
   * - `torn`: it does not have the shape of what is written there.
   * - `finished`: it has its name, and nothing can be added.
   * - `untrusted`: another user owns it or can write to it, or it is a symbolic link; `refusal` says which.
   */
  reason: Schema.Literals([
    "exists",
    "locked",
    "uncovered",
    "notAFile",
    "noFolder",
    "nameTooLong",
    "notAllowed",
    "full",
    "closed",
    "replaced",
    "foreign",
    "unsynced",
    "missing",
    "shorter",
    "changed",
    "gone",
    "altered",
    "torn",
    "finished",
    "untrusted",
    "other"
  ]),
  /** Of `untrusted`. */
  refusal: Schema.optionalKey(TrustedFile.UntrustedFile),
  /** The system's code, such as `ENOSPC`. */
  code: Schema.optionalKey(Schema.String),
  /** What happened, where the reason alone does not say it, in one sentence without a capital and a full stop. */
  description: Schema.optionalKey(Schema.String),
  /** What to do, where it depends on what happened. */
  advice: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    const { refusal, target } = this
    return `${shortened(target)}: ${refusal === undefined ? describe(this) : told(refusal, target)}`
  }
}

/** A name of several lines would hide what is said of it. */
const shortened = (target: string): string =>
  target.length <= 200 ? target : `${target.slice(0, 40)}…${target.slice(-40)}`

const describe = ({ code, description, reason }: OutputError): string =>
  `${description ?? descriptions[reason]}${code === undefined ? "" : ` (${code})`}`

const descriptions: Readonly<Record<OutputError["reason"], string>> = {
  exists: "the file is there already",
  locked: "another run writes to it",
  uncovered: "it holds what this run does not read",
  notAFile: "it is not a regular file",
  noFolder: "the folder does not exist",
  nameTooLong: "the file name is too long",
  notAllowed: "no permission to write there",
  full: "the disk is full",
  closed: "the reader closed it",
  replaced: "another run wrote to the same place at the same time",
  foreign: "another program changed the file while it was written",
  unsynced: "the disk did not confirm what was written",
  missing: "the file that the earlier run left is not there",
  shorter: "the file is shorter than the earlier run left it",
  changed: "the file is not as the earlier run left it",
  gone: "the file is gone since the run finished",
  altered: "the file was replaced or changed since the run finished",
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
  ENAMETOOLONG: "nameTooLong",
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

const beginAnew = "Put the file back, or give the run another name to export everything again."

const advice: Partial<Record<OutputError["reason"], string>> = {
  exists: "Choose another name, or let the file be replaced.",
  notAFile: "Choose the name of a regular file.",
  noFolder: "Make the folder first, or choose another one.",
  nameTooLong: "Choose a name of at most 200 characters.",
  notAllowed: "Let this user write there, or choose another folder.",
  full: "Make room, or write to another disk, and run it again.",
  replaced: "Let one run at a time write to a name.",
  foreign: "Keep other programs away from the file until it has its name, then run it again.",
  unsynced: "Check the disk, then run it again.",
  missing: putBack,
  shorter: putBack,
  changed: putBack,
  gone: beginAnew,
  altered: beginAnew,
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
    const help = refusal?.advice ?? error.advice ?? advice[reason]
    const what = describe(error)
    return new SinkError({
      sink,
      operation,
      retryable: reason === "full" || (reason === "other" && passing.has(code ?? "")),
      description:
        refusal === undefined ? (target === sink ? what : `${shortened(target)}: ${what}`) : told(refusal, sink),
      ...(help === undefined ? {} : { advice: help }),
      ...(reason === "exists" ? { reason } : {}),
      ...(code === undefined ? {} : { code })
    })
  }
