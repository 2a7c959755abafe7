/** The options of a report, and what they come to. */
import { type Bill, FieldPath, Instant } from "@callstream/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Struct from "effect/Struct"
import * as Database from "./Database.ts"
import { type FlagValues, one, onOff } from "./Declared.ts"
import * as Kind from "./Kind.ts"
import * as Options from "./Options.ts"
import * as Source from "./SourceOptions.ts"
import * as Target from "./Target.ts"
import { UsageError } from "./UsageError.ts"
import * as Zone from "./Zone.ts"

const expectedFrom =
  "a file that ends in .ndjson (also with .gz or .zst) or .parquet, sqlite:FILE, or postgres:VARIABLE with the URL in that environment variable"

const originOf = (text: string) => {
  const target = Target.isFolder(text) ? undefined : Option.getOrUndefined(Target.parse(text))
  if (target?._tag === "Table") return target
  const isRead = target?._tag === "File" && (target.format === "ndjson" || target.format === "parquet")
  return isRead ? target : undefined
}

const byExpected = "agent, or a path inside of metadata such as metadata.client"

const pathOf = (text: string): FieldPath.FieldPath | undefined => {
  const path = Result.getOrUndefined(FieldPath.parse(text))
  return path !== undefined && path[0] === "metadata" && path.length > 1 ? path : undefined
}

/** Which calls, and where they are. */
export const calls = {
  from: one(
    Kind.completing(
      Kind.text("PLACE", expectedFrom, (text) => originOf(text) !== undefined),
      "paths"
    ),
    "Where the calls are: calls.ndjson (also with .gz or .zst), calls.parquet, sqlite:calls.db or postgres:DATABASE_URL",
    { fallback: "the API" }
  ),
  ...Struct.pick(Options.selection, ["since", "until", "on"]),
  ...Struct.pick(Options.transforms, ["where"]),
  ...Struct.pick(Options.run, ["zone"]),
  table: one(Options.sink.table.kind, "Table of the database of --from", { fallback: "call_sessions" }),
  ...Struct.pick(Options.sink, ["schema"]),
  coverage: one(Kind.file, "Coverage report of the file of --from", { fallback: "NAME.coverage.json beside it" })
}

/** The forms of a report, and the bill. */
export const output = {
  to: one(
    Kind.completing(
      Kind.text(
        "FILE",
        "the name of a file that ends in .html (for a spreadsheet of the calls: callstream export --to calls.xlsx)",
        (text) => /[^/\\]\.html?$/i.test(text)
      ),
      "paths"
    ),
    "Write the report to this file, as one page of HTML that needs no network (default: a summary in the terminal)"
  ),
  force: onOff("Replace the file if it exists"),
  json: onOff("Print the report as one line of JSON, on stdout"),
  csv: onOff("Print the tables of the report as CSV, on stdout"),
  currency: one(
    Kind.text("CODE", "a currency code such as EUR", (text) => /^[A-Z]{3}$/.test(text)),
    "Currency that costs are shown in; they are not converted",
    { fallback: "credits, the unit of the API" }
  ),
  withPersonalData: onOff("Show the numbers of repeat callers, and every error message"),
  quiet: onOff("No progress; errors are still shown"),
  bill: onOff("What to charge: calls, minutes and cost of final calls by group, and the calls that may still change"),
  by: one(
    Kind.completing(
      Kind.text("GROUP", byExpected, (text) => text === "agent" || pathOf(text) !== undefined),
      ["agent"]
    ),
    "With --bill: group by agent, or by a path inside of metadata such as metadata.client",
    { fallback: "agent" }
  ),
  provisional: onOff("With --bill: also for a period that is not proven complete")
}

/** How the API is read. */
export const reading = {
  ...Struct.pick(Options.reading, ["horizon", "profile"]),
  keepGoing: onOff("Leave out the records that the server fails to return; the report shows where they are")
}

export const all = { ...calls, ...output, ...reading, ...Options.connection }

export type Flags = Partial<FlagValues<typeof all>>

const refuse = (
  option:
    | "by"
    | "provisional"
    | "coverage"
    | "table"
    | "schema"
    | "csv"
    | "withPersonalData"
    | "horizon"
    | "profile"
    | "keepGoing",
  other: "bill" | "json" | "from",
  needs: boolean
) =>
  new UsageError({
    option,
    reason: needs ? { _tag: "OnlyWithOption", other: { option: other } } : { _tag: "Conflict", with: { option: other } }
  })

/** Options that contradict each other. */
export const contradictions = (flags: Flags): ReadonlyArray<UsageError> => {
  const { bill, by, coverage, csv, from, json, provisional, schema, table, withPersonalData } = flags
  const isTable = from !== undefined && originOf(from)?._tag === "Table"
  return [
    ...(by !== undefined && bill !== true ? [refuse("by", "bill", true)] : []),
    ...(provisional === true && bill !== true ? [refuse("provisional", "bill", true)] : []),
    ...(bill === true && withPersonalData === true ? [refuse("withPersonalData", "bill", false)] : []),
    ...(csv === true && json === true ? [refuse("csv", "json", false)] : []),
    ...(coverage !== undefined && (from === undefined || isTable) ? [refuse("coverage", "from", true)] : []),
    ...(["horizon", "profile", "keepGoing"] as const).flatMap((option) =>
      from === undefined || flags[option] === undefined ? [] : [refuse(option, "from", false)]
    ),
    ...(table !== undefined && !isTable
      ? [new UsageError({ option: "table", reason: { _tag: "OnlyWith", sinks: ["SQLite", "PostgreSQL"] } })]
      : []),
    ...(schema !== undefined && !isTable
      ? [new UsageError({ option: "schema", reason: { _tag: "OnlyWith", sinks: ["PostgreSQL"] } })]
      : [])
  ]
}

/** The period, and the zone in which it is meant. A period that has a beginning ends now, unless it is said otherwise. */
export interface Period {
  readonly zone: Zone.Zone
  readonly from: Instant.Instant | undefined
  readonly to: Instant.Instant | undefined
  readonly now: Instant.Instant
}

export const period = Effect.fnUntraced(function* (flags: Flags): Effect.fn.Return<Period, UsageError> {
  const zone = yield* Zone.make(flags.zone)
  const { from, to } = yield* Source.selection(definedOnly(Struct.pick(flags, ["since", "until", "on"])), zone)
  const now = Instant.of((yield* Clock.currentTimeMillis) * 1000)
  const begin = from === undefined ? undefined : Instant.fromBound(from)
  const end = to === undefined ? undefined : Instant.fromBound(to)
  if (begin !== undefined && end === undefined && begin >= now) {
    return yield* new UsageError({
      option: "since",
      reason: { _tag: "Requirement", requirement: "must be in the past" }
    })
  }
  return { zone, from: begin, to: end ?? (begin === undefined && flags.from !== undefined ? undefined : now), now }
})

const definedOnly = <A extends object>(values: A): { [K in keyof A]?: Exclude<A[K], undefined> } =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only keys with a value are left
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof A]?: Exclude<A[K], undefined>
  }

/** Where the calls were written; the API where there is none. */
export const origin = Effect.fnUntraced(function* ({ from, schema, table }: Flags) {
  if (from === undefined) return undefined
  yield* Database.refusePassword("from", [from])
  const found = originOf(from)
  if (found === undefined)
    return yield* new UsageError({ option: "from", reason: { _tag: "Expected", expected: expectedFrom } })
  return found._tag === "Table" ? { ...found, schema, table } : found
})

const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

/** The groups of a bill. */
export const grouping = (by: string): Pick<Bill.Options, "groupOf" | "nameOf"> => {
  const path = pathOf(by)
  if (path === undefined) {
    return {
      groupOf: ({ agentId, agentName }) => (textOf(agentId) === "" ? textOf(agentName) : textOf(agentId)),
      nameOf: ({ agentName }) => textOf(agentName)
    }
  }
  return {
    groupOf: (session) => {
      const value = FieldPath.get(session, path)
      if (value === undefined || value === null) return ""
      return typeof value === "string" ? value : JSON.stringify(value)
    }
  }
}
