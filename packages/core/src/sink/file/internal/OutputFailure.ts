/** Errors of files that are written: of a reason that is a name alone, and of what the system says. */
import type * as PlatformError from "effect/PlatformError"
import type { OutputReason } from "../../OutputReason.ts"
import { codeOf, fromPlatform, OutputError } from "../OutputError.ts"

type Operation = OutputError["operation"]

/** Reasons that need no more than their name. */
export type PlainReason = Exclude<OutputReason, { readonly _tag: "Fenced" | "Locked" | "Uncovered" | "Untrusted" }>

export const failWith = (path: string, operation: Operation, _tag: PlainReason["_tag"]): OutputError =>
  new OutputError({ target: path, operation, reason: { _tag } })

/** The same when the file is not there, and otherwise what the system says. */
export const unlessThere =
  (path: string, operation: Operation, tag: PlainReason["_tag"]) =>
  (error: PlatformError.PlatformError): OutputError =>
    codeOf(error) === "ENOENT" ? failWith(path, operation, tag) : fromPlatform(path, operation)(error)
