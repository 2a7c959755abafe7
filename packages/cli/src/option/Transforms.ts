/** The transforms that options ask for, in the order in which they happen. */
import { CallSession, Column, Derive, FieldPath, Redact, Transform } from "@callstream/core"
import { KeyedHash } from "@callstream/node"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Expression from "../expression/Expression.ts"
import { fields } from "../expression/Fields.ts"
import { type Mistake, nearest } from "../expression/Mistake.ts"
import { among, type At, UsageError, type UsageErrors } from "./UsageError.ts"
import * as Condition from "./Condition.ts"
import type { Transforms as Spec } from "./PipelineSpec.ts"
import type * as Zone from "./Zone.ts"

/** Where the key of hashes comes from; never a flag's value, which others on the machine can read. */
const keyVariable = "CALLSTREAM_REDACT_KEY"

const shortestKey = 16

type Verb = "where" | "derive" | "redact" | "select" | "omit"

const wrong = (option: Verb, text: string, mistake: Mistake): UsageError => {
  const at: At = { item: text, begin: mistake.begin, end: mistake.end }
  return new UsageError({ option, at, reason: { _tag: "InText", text, mistake } })
}

const notAmong = (option: Verb, text: string, word: string, known: ReadonlyArray<string>): UsageError => {
  const close = nearest(word, known)
  const begin = text.indexOf(word)
  return wrong(option, text, {
    problem: `there is no ${word === "" ? "empty name" : word}`,
    begin,
    end: begin + Math.max(1, word.length),
    advice: close === undefined ? `Choose from ${known.join(", ")}.` : `Did you mean ${close}?`
  })
}

const empty = (option: Verb): UsageError => new UsageError({ option, reason: { _tag: "NothingNamed" } })

/** Loaded when there is a condition: most commands have none. */
const where = (text: string): Effect.Effect<Expression.Expression, UsageError> =>
  Effect.flatMap(
    Effect.promise(() => import("../expression/Expression.ts")),
    ({ parse }) => Effect.fromResult(Result.mapError(parse(text), (mistake) => wrong("where", text, mistake)))
  )

/**
 * The condition that reads one of these fields, if one does: of a record that is redacted already it would not say what
 * it said before.
 */
export const readsAny = Effect.fnUntraced(function* (spec: Spec, fields: ReadonlyArray<string>) {
  for (const condition of spec.where ?? []) {
    const reads = Result.getOrUndefined(yield* Effect.result(where(condition)))?.reads
    const field = fields.find((one) => reads?.has(one) === true)
    if (field !== undefined) return { condition, field }
  }
  return undefined
})

/** Rows of sessions so far, and what a verb adds to them. */
type Sessions = Transform.Pure<CallSession.CallSession, CallSession.CallSession>
type Rows = Transform.Pure<CallSession.CallSession, object>

/** The conditions, as they may be repeated where nothing matched them. */
export const conditionsOf = (spec: Spec): Effect.Effect<ReadonlyArray<Condition.Condition>> =>
  Effect.map(
    Effect.forEach(spec.where ?? [], (text) => Effect.result(where(text))),
    (all) =>
      all.flatMap((one) => (Result.isSuccess(one) ? [Condition.condition(one.success.label, one.success.names)] : []))
  )

const derive = Effect.fnUntraced(function* (
  given: ReadonlyArray<string>,
  { calendar }: Zone.Zone
): Effect.fn.Return<(sessions: Sessions) => Sessions, UsageError> {
  if (given.length === 0) return yield* empty("derive")
  const wanted: Array<keyof Derive.Derived> = []
  for (const text of given) {
    const name = Derive.names.find((known) => known === text)
    if (name === undefined) return yield* notAmong("derive", text, text, Derive.names)
    wanted.push(name)
  }
  return (sessions: Sessions) => Transform.derive(sessions, wanted, { timeZone: calendar.zone })
})

const keyOf = Effect.fnUntraced(function* (given: string | undefined) {
  const found = given === undefined ? yield* Effect.option(Config.String(keyVariable)) : Option.some(given)
  const text = Option.getOrElse(found, () => "").trim()
  if (text === "") {
    return yield* new UsageError({ option: "redact", reason: { _tag: "NoRedactKey", variable: keyVariable } })
  }
  if (text.length < shortestKey) {
    const variable = given === undefined ? keyVariable : undefined
    return yield* new UsageError({
      option: "redact",
      reason: { _tag: "ShortRedactKey", variable, least: shortestKey }
    })
  }
  return KeyedHash.make(Redacted.make(text))
})

const modes = ["mask", "drop", "hash"] as const

const redact = Effect.fnUntraced(function* (
  given: ReadonlyArray<string>,
  { callingCode, redactKey }: Pick<Spec, "callingCode" | "redactKey">
) {
  if (given.length === 0) return yield* empty("redact")
  const what: { [K in Redact.Class]?: Redact.Mode } = {}
  for (const text of given) {
    const [word = "", wanted = "mask"] = text.split("=", 2).map((part) => part.trim())
    const name = Redact.classes.find((known) => known === (word === "free-text" ? "freeText" : word))
    if (name === undefined) return yield* notAmong("redact", text, word, Redact.classes)
    const mode = modes.find((known) => known === wanted)
    if (mode === undefined) return yield* notAmong("redact", text, wanted, modes)
    if (what[name] !== undefined) {
      return yield* wrong("redact", text, { problem: `${name} is named twice`, begin: 0, end: text.length })
    }
    what[name] = mode === "hash" ? yield* keyOf(redactKey) : mode
  }
  return (sessions: Sessions) => Transform.redact(sessions, what, { callingCode })
})

const isDerived = (name: string): name is keyof Derive.Derived => Derive.names.some((known) => known === name)

/**
 * A name that no record has would be a column that is never there. What the vendor adds after this was written is reached
 * by `["name"]`.
 */
const mistakeIn = (
  flag: "select" | "omit",
  [name, ...inside]: FieldPath.FieldPath,
  columns: ReadonlyArray<string>,
  tabular: boolean
): Pick<Mistake, "problem" | "advice" | "add"> | undefined => {
  // Of tables, for what its columns cannot hold.
  if (flag === "select" && tabular && name === "extra" && inside.length === 0) return undefined
  const known = [...new Set<string>([...CallSession.fieldNames, ...columns])]
  if (flag === "select" && known.includes(name) && !columns.includes(name)) {
    return { problem: `the redaction drops ${name}`, advice: "Leave it out here, or mask it." }
  }
  if (!known.includes(name)) {
    if (isDerived(name)) return { problem: `${name} is a derived field`, add: { option: "derive", value: name } }
    const close = nearest(name, known)
    return {
      problem: `there is no field ${name}`,
      advice: [
        ...(close === undefined ? [] : [`Did you mean ${close}?`]),
        `A field that the endpoint has and callstream does not know is written in brackets: [${JSON.stringify(name)}].`
      ].join(" ")
    }
  }
  const type = isDerived(name) && name !== "analysis" ? "text" : (fields.get(name)?.type ?? "any")
  return inside.length === 0 || type === "object" || type === "any"
    ? undefined
    : { problem: `nothing is inside of ${name}`, advice: `It is one value: name ${name} alone.` }
}

/** A path, and behind `=` the name that its value gets. */
const selected = (
  flag: "select" | "omit",
  text: string,
  columns: ReadonlyArray<string>,
  tabular: boolean
): Result.Result<Transform.Selected, UsageError> => {
  const failure = (at: number, problem: string, advice?: string) =>
    Result.fail(wrong(flag, text, { problem, begin: at, end: at + 1, advice }))
  const parsed = FieldPath.parseAt(text, 0)
  if (Result.isFailure(parsed)) return failure(parsed.failure.at, parsed.failure.problem)
  const { end, path } = parsed.success
  const rest = text.slice(end).trim()
  const written = FieldPath.format(path)
  const mistake = text.trimStart().startsWith("[") ? undefined : mistakeIn(flag, path, columns, tabular)
  if (mistake !== undefined) return Result.fail(wrong(flag, text, { ...mistake, begin: 0, end }))
  if (rest === "") return Result.succeed(written)
  if (flag === "select" && rest.startsWith("=")) {
    const as = rest.slice(1).trim()
    return as === "" ? failure(text.length, "the new name is missing") : Result.succeed({ path: written, as })
  }
  return failure(end, "this cannot be part of a field path", 'A key that is no plain word is written in ["…"].')
}

const select = Effect.fnUntraced(function* (
  given: ReadonlyArray<string>,
  columns: ReadonlyArray<string>,
  tabular: boolean
) {
  if (given.length === 0) return yield* empty("select")
  const names = new Set<string>()
  const all: Array<Transform.Selected> = []
  for (const text of given) {
    const one = yield* Effect.fromResult(selected("select", text, columns, tabular))
    const name = typeof one === "string" ? one : one.as
    if (names.has(name)) {
      const advice = `Give one of them another name, as in ${text.split("=")[0]}=other.`
      return yield* wrong("select", text, {
        problem: `two values under the name ${name}`,
        begin: 0,
        end: text.length,
        advice
      })
    }
    names.add(name)
    all.push(one)
  }
  return (rows: Rows) => Transform.select(rows, all)
})

const omit = Effect.fnUntraced(function* (given: ReadonlyArray<string>, columns: ReadonlyArray<string>) {
  if (given.length === 0) return yield* empty("omit")
  const paths: Array<string> = []
  for (const text of given) {
    const one = yield* Effect.fromResult(selected("omit", text, columns, false))
    paths.push(typeof one === "string" ? one : one.path)
  }
  return (rows: Rows) => Transform.omit(rows, paths)
})

export interface Options {
  /** Whether a sink is a table: then the customer's objects stay whole, because their keys cannot be columns. */
  readonly tabular: boolean
  /** Whose dates and clock times are derived. */
  readonly zone: Zone.Zone
}

/** The transforms of a record up to a stage. */
export interface Stage {
  readonly verb: keyof Spec
  readonly upTo: Rows
}

const contradictions = (spec: Spec): ReadonlyArray<UsageError> => [
  ...(spec.select !== undefined && spec.omit !== undefined
    ? [
        new UsageError({
          option: "omit",
          reason: { _tag: "Conflict", with: { option: "select" }, because: "select leaves out the rest" }
        })
      ]
    : []),
  ...(spec.callingCode !== undefined && !/^[1-9]\d{0,3}$/.test(spec.callingCode)
    ? [new UsageError({ option: "callingCode", reason: { _tag: "NotACallingCode", value: spec.callingCode } })]
    : []),
  ...(spec.redactKey !== undefined && spec.redact?.some((text) => /=\s*hash\s*$/.test(text)) !== true
    ? [
        new UsageError({
          option: "redactKey",
          reason: { _tag: "OnlyWithOption", other: { option: "redact", value: "…=hash" } }
        })
      ]
    : [])
]

/**
 * The transforms that the options ask for: where, derive, redact, select or omit, flatten. Everything in them is checked
 * here, before there is a record, and fails with all that is wrong. The key of hashes is read only when something is hashed.
 */
export const toStages = Effect.fnUntraced(function* (
  spec: Spec,
  options: Options
): Effect.fn.Return<ReadonlyArray<Stage>, UsageErrors> {
  const wrong: Array<Result.Result<never, UsageError>> = contradictions(spec).map(Result.fail)
  const stages: Array<Stage> = []
  let sessions: Sessions = Transform.sessions
  const parts = yield* Effect.all(
    [
      ...(spec.where ?? []).map((text) => {
        return Effect.map(where(text), ({ holds, label, reads }) => ({
          verb: "where" as const,
          add: (rows: Sessions) => Transform.where(rows, label, holds, { reads: [...reads] })
        }))
      }),
      ...(spec.derive === undefined
        ? []
        : [Effect.map(derive(spec.derive, options.zone), (add) => ({ verb: "derive" as const, add }))]),
      ...(spec.redact === undefined
        ? []
        : [Effect.map(redact(spec.redact, spec), (add) => ({ verb: "redact" as const, add }))])
    ],
    { mode: "result" }
  )
  for (const part of parts) {
    if (Result.isFailure(part)) {
      wrong.push(Result.fail(part.failure))
      continue
    }
    const { add, verb } = part.success
    sessions = add(sessions)
    stages.push({ verb, upTo: sessions })
  }
  const columns = Column.names(sessions.columns(Column.ofSession))
  const chosen = yield* Effect.all(
    {
      select: spec.select === undefined ? Effect.succeed(undefined) : select(spec.select, columns, options.tabular),
      omit: spec.omit === undefined ? Effect.succeed(undefined) : omit(spec.omit, columns)
    },
    { mode: "result" }
  )
  yield* among([...wrong, ...Object.values(chosen)])
  let rows: Rows = sessions
  for (const verb of ["select", "omit"] as const) {
    const add = Result.getSuccess(chosen[verb])
    if (Option.isNone(add) || add.value === undefined) continue
    rows = add.value(rows)
    stages.push({ verb, upTo: rows })
  }
  if (spec.flatten === true) {
    rows = Transform.flatten(rows, { objects: options.tabular ? "whole" : "keys" })
    stages.push({ verb: "flatten", upTo: rows })
  }
  return stages
})

/** All of the stages, as one transform. */
export const toTransform = (spec: Spec, options: Options): Effect.Effect<Stage["upTo"], UsageErrors> =>
  Effect.map(toStages(spec, options), (stages) => stages.at(-1)?.upTo ?? Transform.sessions)
