/** A mistake in the command, found before anything ran: exit code 2. Facts only; words are in `Reason`. */
import type { SinkError } from "@callstream/core"
import type { PostgresClient } from "@callstream/node"
import * as Arr from "effect/Array"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Mistake } from "../expression/Mistake.ts"
import type { Unreadable } from "./SmallFile.ts"
import type { OptionId } from "./Options.ts"
import { describe } from "./Reason.ts"
import { inCode } from "./Speaker.ts"

/** Options that only a file has, or only a command. */
export type AnyOption =
  | OptionId
  | "apiKey"
  | "secret"
  | "redactKey"
  | "port"
  | "edition"
  | "wire"
  | "explain"
  | "save"
  | "sync"
  | "from"
  | "bill"
  | "by"
  | "provisional"
  | "json"
  | "csv"
  | "withPersonalData"
  | "cluster"
  | "fleet"
  | "detach"
  | "dryRun"

/** An option that another one is about, with the value that matters. */
export interface Mention {
  readonly option: AnyOption
  readonly value?: string
}

export type Reason =
  /** What the value has to be, as a noun phrase. */
  | { readonly _tag: "Expected"; readonly expected: string }
  /** The same as a predicate, of the option: `must be a UUID`. */
  | { readonly _tag: "Requirement"; readonly requirement: string; readonly allowedBy?: AnyOption }
  | { readonly _tag: "Conflict"; readonly with: Mention; readonly because?: ConflictCause }
  | { readonly _tag: "OnlyWith"; readonly sinks: ReadonlyArray<string> }
  | { readonly _tag: "OnlyWithOption"; readonly other: Mention }
  /** Of a sink that has all calls in order, and whether it could have them in several files. */
  | { readonly _tag: "InOrder"; readonly sink: string; readonly rotates: boolean }
  | { readonly _tag: "Reversed"; readonly since: string; readonly until: string }
  | { readonly _tag: "TooEarly"; readonly year: number }
  | { readonly _tag: "SkippedDay"; readonly date: string; readonly zone: string }
  | {
      readonly _tag: "UnknownZone"
      readonly name: string
      readonly near: string | undefined
      readonly expected: string
    }
  | { readonly _tag: "UnknownLocalZone" }
  | { readonly _tag: "NoApiKey" }
  | { readonly _tag: "FileUnreadable"; readonly path: string; readonly holds: Holds; readonly why: Unreadable }
  | { readonly _tag: "FileEmpty"; readonly path: string }
  | { readonly _tag: "FileExists"; readonly path: string; readonly replaceable: boolean }
  | { readonly _tag: "NameTooLong"; readonly name: string; readonly most: number }
  | { readonly _tag: "NoFileName" }
  | { readonly _tag: "NotAProfile"; readonly path: string }
  | { readonly _tag: "ProfileOfOtherVersion"; readonly path: string }
  | { readonly _tag: "ProfileOfOtherEndpoint"; readonly path: string; readonly from: string; readonly here: string }
  | { readonly _tag: "NotDeadLetters"; readonly path: string }
  /** `problem` is a predicate of what `path` names. */
  | { readonly _tag: "CallsUnreadable"; readonly path: string; readonly problem: string }
  | { readonly _tag: "ChangesNotCalls"; readonly path: string }
  | { readonly _tag: "NotACoverageReport"; readonly path: string }
  /** It would be replaced. */
  | { readonly _tag: "CoverageTaken"; readonly path: string }
  /** Of dead letters whose records are redacted already. */
  | { readonly _tag: "RedactedOtherwise"; readonly label: string }
  | { readonly _tag: "ReadsRedacted"; readonly condition: string; readonly field: string }
  | { readonly _tag: "NoPipeline"; readonly path: string }
  | { readonly _tag: "NoPipelineFile" }
  | { readonly _tag: "NamedTwice"; readonly what: string }
  | { readonly _tag: "SamePlace"; readonly place: string; readonly other: string }
  | { readonly _tag: "FileOfOther"; readonly other: "calls" | AnyOption }
  | { readonly _tag: "TakenBy"; readonly pipeline: string; readonly place: string; readonly otherRows: boolean }
  | { readonly _tag: "NoWebhookSecret"; readonly variable: string }
  | { readonly _tag: "NoRedactKey"; readonly variable: string }
  | { readonly _tag: "ShortRedactKey"; readonly variable: string | undefined; readonly least: number }
  | { readonly _tag: "VariableNotSet"; readonly variable: string; readonly holds: "a URL" | "a header" }
  /** `expected` is a noun phrase. */
  | { readonly _tag: "OtelVariable"; readonly variable: string; readonly expected: string }
  | { readonly _tag: "PasswordOnCommandLine" }
  | { readonly _tag: "PostgresUrl"; readonly database: string; readonly error: PostgresClient.PostgresUrlError }
  /** What the sink itself says of how it was set up. */
  | { readonly _tag: "SinkRefused"; readonly sink: string; readonly error: SinkError }
  | { readonly _tag: "TableName"; readonly problem: TableNameProblem; readonly name: string }
  /** In a text that is repeated, with the place. */
  | { readonly _tag: "InText"; readonly text: string; readonly mistake: Mistake }
  | { readonly _tag: "NothingNamed" }
  | { readonly _tag: "NotACallingCode"; readonly value: string }
  | { readonly _tag: "PortTaken"; readonly port: number }
  | { readonly _tag: "NotATerminal" }
  | { readonly _tag: "NotInSync"; readonly instead: SyncAdvice }
  | { readonly _tag: "NoSyncName" }
  | { readonly _tag: "RunsOtherwise"; readonly name: string; readonly parts: ReadonlyArray<string> }
  | { readonly _tag: "NoSyncInFile"; readonly path: string }
  /** Of a flag beside a pipeline file. */
  | { readonly _tag: "OfFile"; readonly path: string }
  /** A flag in place of a key of a file. */
  | { readonly _tag: "NotOverridden"; readonly because: OverrideCause; readonly pipeline: string }
  | { readonly _tag: "NoSuchSync"; readonly name: string; readonly known: ReadonlyArray<string> }
  | { readonly _tag: "NotPostgres" }
  /** Of a sink that one process has to itself. */
  | { readonly _tag: "NotShared"; readonly sink: string }
  | { readonly _tag: "NotInFleet"; readonly instead: FleetAdvice }
  | { readonly _tag: "NoSuchRun"; readonly name: string; readonly known: ReadonlyArray<string> }
  /** `problem` is what the fleet says. */
  | { readonly _tag: "FleetRefused"; readonly problem: string }
  /** Of a run that has not ended. */
  | { readonly _tag: "RunDiffers"; readonly name: string; readonly state: string }

/** Why an option makes no sense where workers share a run. */
export type FleetAdvice =
  | "by time"
  | "own folder"
  | "own letters"
  | "own state"
  | "own zone"
  | "all sinks"
  | "one pass"
  | "watched"

/** Why an option makes no sense in a sync. */
export type SyncAdvice =
  | "no end"
  | "every call"
  | "where"
  | "by time"
  | "both kinds"
  | "keeps state"
  | "own report"
  | "one by one"
  | "never stops"
  | "database"
  | "by size"
  | "probes"

/** What another value would part a state from. */
export type OverrideCause = "sync" | "state" | "several" | "state of several"

export type ConflictCause =
  | "pages prove nothing"
  | "not resumable"
  | "a resumed run replaces nothing"
  | "select leaves out the rest"
export type Holds =
  | "an API key"
  | "an endpoint profile"
  | "calls"
  | "a coverage report"
  | "a pipeline"
  | "the URL of a database"
export type TableNameProblem = "empty" | "own" | "too long for PostgreSQL" | "reserved by SQLite"

/** Where in what an option holds: the item of several by number or text, and what in it. */
export interface At {
  readonly item: string | number
  readonly key?: string
  readonly begin?: number
  readonly end?: number
}

export class UsageError extends Data.TaggedError("UsageError")<{
  readonly option?: AnyOption
  readonly at?: At
  readonly reason: Reason
}> {
  override get message(): string {
    return describe(this, inCode).problem
  }
}

/** Everything that is wrong, found at once. */
export class UsageErrors extends Data.TaggedError("UsageErrors")<{
  readonly errors: readonly [UsageError, ...ReadonlyArray<UsageError>]
}> {
  override get message(): string {
    return this.errors.map(({ message }) => message).join("\n")
  }
}

/** The mistakes among the results of several checks. */
export const among = (
  results: Iterable<Result.Result<unknown, UsageError | UsageErrors>>
): Effect.Effect<void, UsageErrors> => {
  const errors = Array.from(results).flatMap((result) =>
    Result.isSuccess(result) ? [] : result.failure._tag === "UsageErrors" ? result.failure.errors : [result.failure]
  )
  return Arr.isReadonlyArrayNonEmpty(errors) ? Effect.fail(new UsageErrors({ errors })) : Effect.void
}

/** The run finished, but not everything is as it should be: exit code 3. What is missing was reported before. */
export class Incomplete extends Data.TaggedError("Incomplete") {}

/** A bill of a period that is not proven complete: exit code 3. */
export class NotBillable extends Data.TaggedError("NotBillable")<{
  /** What of the period is not proven, and what to do. */
  readonly details: ReadonlyArray<string>
}> {
  override get message(): string {
    return "no bill: the period is not proven complete"
  }
}

/** A run of workers that did not finish: exit code 1. */
export class RunNotFinished extends Data.TaggedError("RunNotFinished")<{
  readonly run: string
  readonly state: "failed" | "cancelled"
  readonly reason: string | undefined
  /** What to do. */
  readonly details: ReadonlyArray<string>
}> {
  override get message(): string {
    const { reason, run, state } = this
    const what = state === "failed" ? "failed" : "was cancelled"
    return `run ${run} ${what}${reason === undefined ? "" : `: ${reason}`}`
  }
}

/** Several pipelines ended, and each reported how: this is the exit code of all together. */
export class ReportedExit extends Data.TaggedError("ReportedExit")<{ readonly exitCode: number }> {}
