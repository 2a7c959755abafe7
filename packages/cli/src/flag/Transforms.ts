/** The flags that say what happens to records on their way, in the order in which it happens. */
import {
  CallSession,
  Column,
  Derive,
  FieldPath,
  Flatten,
  Omit,
  Redact,
  Select,
  Transform,
  Where
} from "@callstream/core"
import { KeyedHash } from "@callstream/node"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Expression from "../expression/Expression.ts"
import { fields } from "../expression/Fields.ts"
import { type Mistake, nearest, show } from "../expression/Mistake.ts"
import { UsageError } from "../output/UsageError.ts"

/** Where the key of hashes comes from; never a flag's value, which others on the machine can read. */
const keyVariable = "CALLSTREAM_REDACT_KEY"

const shortestKey = 16

const texts = Schema.optionalKey(Schema.Array(Schema.String))
const text = Schema.optionalKey(Schema.String)

/** What the flags say, as data: a pipeline file says the same. */
export const Spec = Schema.Struct({
  where: texts.annotateKey({ description: "Only sessions for which each of these holds, in CEL: durationSec > 60" }),
  derive: texts.annotateKey({
    description: "Adds fields: direction, customerNumber, startedDate (startedDate@Europe/Berlin), cost, analysis"
  }),
  redact: texts.annotateKey({
    description: "Takes personal data out: phone, email, name, recording, freeText; behind = mask, drop or hash"
  }),
  callingCode: text.annotateKey({ description: 'Of phone numbers that come without one, in quotes: "49"' }),
  redactKey: text.annotateKey({ description: `The key of hashes, as \${NAME}. Default: \${${keyVariable}}` }),
  select: texts.annotateKey({ description: "Only these values, in this order: id, metadata.crm.id=lead" }),
  omit: texts.annotateKey({ description: "All values but these" }),
  flatten: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "Values inside objects become fields named by their path, such as metadata.crm.id"
  })
})

export interface Spec extends Schema.Schema.Type<typeof Spec> {}

const list = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)

export const flags = {
  where: Flag.String("where").pipe(
    Flag.withMetavar("EXPR"),
    Flag.withDescription(
      `Only sessions for which this holds, in CEL, such as 'durationSec > 60 && status == "completed"' (repeatable: all must hold)`
    ),
    Flag.atLeast(0)
  ),
  derive: list(
    "derive",
    "NAME,...",
    "Add fields: direction, customerNumber, startedDate (startedDate@Europe/Berlin for that zone's dates), cost, analysis"
  ),
  redact: list(
    "redact",
    "CLASS[=MODE],...",
    `Take personal data out: phone, email, name, recording, freeText; as mask (the default), drop, or hash with the key in ${keyVariable}`
  ),
  callingCode: Flag.String("calling-code").pipe(
    Flag.withMetavar("CODE"),
    Flag.withDescription("Calling code of phone numbers that come without one, such as 49, so that their hashes match"),
    Flag.optional
  ),
  select: list("select", "PATH[=NAME],...", "Only these values, in this order, such as id,metadata.crm.id=lead"),
  omit: list("omit", "PATH,...", "All values but these"),
  flatten: Flag.Boolean("flatten").pipe(
    Flag.withDescription("Values inside objects become fields named by their path, such as metadata.crm.id"),
    Flag.withDefault(false)
  )
}

type Values<Flags> = { readonly [K in keyof Flags]: Flags[K] extends Flag.Flag<infer A> ? A : never }

/** A comma inside of `["…"]` belongs to a key. */
const item = /(?:\[\s*"(?:[^"\\]|\\.)*"\s*\]|[^,])+/g

const itemsOf = (given: string): ReadonlyArray<string> =>
  (given.match(item) ?? []).map((one) => one.trim()).filter((one) => one !== "")

/** The values of the flags as data. */
export const fromFlags = (values: Values<typeof flags>): Spec => {
  const items = (key: "derive" | "redact" | "select" | "omit") =>
    Option.match(values[key], { onNone: () => ({}), onSome: (given) => ({ [key]: itemsOf(given) }) })
  return {
    ...(values.where.length === 0 ? {} : { where: values.where }),
    ...items("derive"),
    ...items("redact"),
    ...Option.match(values.callingCode, { onNone: () => ({}), onSome: (callingCode) => ({ callingCode }) }),
    ...items("select"),
    ...items("omit"),
    ...(values.flatten ? { flatten: true } : {})
  }
}

const wrong = (flag: string, text: string, mistake: Mistake): UsageError => {
  const [line = "", mark = ""] = show(text, mistake)
  return new UsageError({
    problem: [`--${flag}: ${mistake.problem}`, `  ${line}`, `  ${mark}`].join("\n"),
    ...(mistake.advice === undefined ? {} : { advice: mistake.advice }),
    place: { item: text, begin: mistake.begin, end: mistake.end }
  })
}

const notAmong = (flag: string, text: string, word: string, known: ReadonlyArray<string>): UsageError => {
  const close = nearest(word, known)
  const begin = text.indexOf(word)
  return wrong(flag, text, {
    problem: `there is no ${word === "" ? "empty name" : word}`,
    begin,
    end: begin + Math.max(1, word.length),
    advice: close === undefined ? `Choose from ${known.join(", ")}.` : `Did you mean ${close}?`
  })
}

const empty = (flag: string): UsageError => new UsageError({ problem: `--${flag}: nothing is named` })

const where = (text: string): Result.Result<Expression.Expression, UsageError> =>
  Result.mapError(Expression.parse(text), (mistake) => wrong("where", text, mistake))

/**
 * The condition that looks at one of these fields, if one does: of a record that is redacted already it would not say what
 * it said before.
 */
export const readsAny = (
  spec: Spec,
  fields: ReadonlyArray<string>
): { readonly condition: string; readonly field: string } | undefined => {
  for (const condition of spec.where ?? []) {
    const reads = Result.getOrUndefined(where(condition))?.reads
    const field = fields.find((one) => reads?.has(one) === true)
    if (field !== undefined) return { condition, field }
  }
  return undefined
}

type Deriving = ReturnType<typeof Derive.derive<keyof Derive.Derived>>

const derive = Effect.fnUntraced(function* (given: ReadonlyArray<string>): Effect.fn.Return<Deriving, UsageError> {
  if (given.length === 0) return yield* empty("derive")
  const wanted: Array<keyof Derive.Derived> = []
  let timeZone: DateTime.TimeZone | undefined
  for (const text of given) {
    const [word = "", zone] = text.split("@", 2)
    const name = Derive.names.find((known) => known === word)
    if (name === undefined) return yield* notAmong("derive", text, word, Derive.names)
    wanted.push(name)
    if (zone === undefined) continue
    const begin = word.length + 1
    if (name !== "startedDate") {
      const problem = `${name} has no time zone`
      return yield* wrong("derive", text, { problem, begin, end: text.length, advice: "Only startedDate has one." })
    }
    const found = DateTime.zoneFromString(zone)
    if (Option.isNone(found)) {
      const advice = "Name a zone of the IANA database, such as Europe/Berlin, or an offset such as +05:30."
      return yield* wrong("derive", text, { problem: "there is no such time zone", begin, end: text.length, advice })
    }
    timeZone = found.value
  }
  return Derive.derive(wanted, { timeZone })
})

const keyOf = Effect.fnUntraced(function* (given: string | undefined) {
  const found = given === undefined ? yield* Effect.option(Config.String(keyVariable)) : Option.some(given)
  const text = Option.getOrElse(found, () => "").trim()
  if (text === "") {
    return yield* new UsageError({
      problem: "--redact: there is no key to hash with",
      advice: `Set ${keyVariable}, to what openssl rand -hex 32 prints, for example, and keep it: another key gives other hashes.`
    })
  }
  if (text.length < shortestKey) {
    return yield* new UsageError({
      problem: `--redact: the key${given === undefined ? ` in ${keyVariable}` : ""} is shorter than ${shortestKey} characters, and could be guessed`,
      advice: "Make one with openssl rand -hex 32."
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
  return Redact.redact<CallSession.CallSession>(what, { callingCode })
})

const isDerived = (name: string): name is keyof Derive.Derived => Derive.names.some((known) => known === name)

/**
 * A name that no record has would be a column that is never there. What the vendor adds after this was written is reached
 * by `["name"]`.
 */
const mistakeIn = (
  flag: "select" | "omit",
  [name, ...inside]: FieldPath.FieldPath,
  columns: ReadonlyArray<string>
): Pick<Mistake, "problem" | "advice"> | undefined => {
  const known = [...new Set<string>([...CallSession.fieldNames, ...columns])]
  if (flag === "select" && known.includes(name) && !columns.includes(name)) {
    return { problem: `${name} is dropped by --redact`, advice: "Leave it out here, or mask it." }
  }
  if (!known.includes(name)) {
    if (isDerived(name))
      return { problem: `${name} is not there unless it is derived`, advice: `Add --derive ${name}.` }
    const close = nearest(name, known)
    return {
      problem: `there is no field ${name}`,
      advice: [
        ...(close === undefined ? [] : [`Did you mean ${close}?`]),
        `A field that the endpoint has and callstream does not know stands in brackets: [${JSON.stringify(name)}].`
      ].join(" ")
    }
  }
  const type = name === "startedDate" ? "text" : (fields.get(name)?.type ?? "any")
  return inside.length === 0 || type === "object" || type === "any"
    ? undefined
    : { problem: `nothing is inside of ${name}`, advice: `It is one value: name ${name} alone.` }
}

/** A path, and behind `=` the name that its value gets. */
const selected = (
  flag: "select" | "omit",
  text: string,
  columns: ReadonlyArray<string>
): Result.Result<Select.Selected, UsageError> => {
  const failure = (at: number, problem: string, advice?: string) =>
    Result.fail(wrong(flag, text, { problem, begin: at, end: at + 1, advice }))
  const parsed = FieldPath.parseAt(text, 0)
  if (Result.isFailure(parsed)) return failure(parsed.failure.at, parsed.failure.problem)
  const { end, path } = parsed.success
  const rest = text.slice(end).trim()
  const written = FieldPath.format(path)
  const mistake = text.trimStart().startsWith("[") ? undefined : mistakeIn(flag, path, columns)
  if (mistake !== undefined) return Result.fail(wrong(flag, text, { ...mistake, begin: 0, end }))
  if (rest === "") return Result.succeed(written)
  if (flag === "select" && rest.startsWith("=")) {
    const as = rest.slice(1).trim()
    return as === "" ? failure(text.length, "the new name is missing") : Result.succeed({ path: written, as })
  }
  return failure(end, "this cannot stand in the path of a field", 'A key that is no plain word stands in ["…"].')
}

const select = Effect.fnUntraced(function* (given: ReadonlyArray<string>, columns: ReadonlyArray<string>) {
  if (given.length === 0) return yield* empty("select")
  const names = new Set<string>()
  const all: Array<Select.Selected> = []
  for (const text of given) {
    const one = yield* Effect.fromResult(selected("select", text, columns))
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
  return Select.select(all)
})

const omit = Effect.fnUntraced(function* (given: ReadonlyArray<string>, columns: ReadonlyArray<string>) {
  if (given.length === 0) return yield* empty("omit")
  const paths: Array<string> = []
  for (const text of given) {
    const one = yield* Effect.fromResult(selected("omit", text, columns))
    paths.push(typeof one === "string" ? one : one.path)
  }
  return Omit.omit(paths)
})

export interface Options {
  /** Whether a sink is a table: then the customer's objects stay whole, because their keys cannot be columns. */
  readonly tabular: boolean
}

/** What has happened to a record when it leaves a stage: that of all before it too. */
export interface Stage {
  readonly verb: keyof Spec
  readonly upTo: Transform.Transform<CallSession.CallSession, object>
}

/**
 * The transforms that the flags, or a file, ask for: where, derive, redact, select or omit, flatten. Everything in them is
 * checked here, before there is a record. The key of hashes is read only when something is to be hashed.
 */
export const toStages = Effect.fnUntraced(function* (
  spec: Spec,
  options: Options
): Effect.fn.Return<ReadonlyArray<Stage>, UsageError> {
  if (spec.select !== undefined && spec.omit !== undefined) {
    return yield* new UsageError({
      problem: "--select and --omit cannot be used together",
      advice: "--select already leaves out what it does not name."
    })
  }
  if (spec.callingCode !== undefined && !/^[1-9]\d{0,3}$/.test(spec.callingCode)) {
    return yield* new UsageError({
      problem: `--calling-code: ${spec.callingCode} is no calling code`,
      advice: "Write the digits alone, such as 1 or 49."
    })
  }
  if (spec.redactKey !== undefined && spec.redact?.some((text) => /=\s*hash\s*$/.test(text)) !== true) {
    return yield* new UsageError({ problem: "--redact-key: goes with --redact …=hash only" })
  }
  const stages: Array<Stage> = []
  let sessions: Transform.Transform<CallSession.CallSession, CallSession.CallSession> = Transform.identity()
  for (const text of spec.where ?? []) {
    const { holds, label } = yield* Effect.fromResult(where(text))
    sessions = Transform.andThen(sessions, Where.where(label, holds))
    stages.push({ verb: "where", upTo: sessions })
  }
  if (spec.derive !== undefined) {
    sessions = Transform.andThen(sessions, yield* derive(spec.derive))
    stages.push({ verb: "derive", upTo: sessions })
  }
  if (spec.redact !== undefined) {
    sessions = Transform.andThen(sessions, yield* redact(spec.redact, spec))
    stages.push({ verb: "redact", upTo: sessions })
  }
  let rows: Transform.Transform<CallSession.CallSession, object> = sessions
  const columns = Column.names(sessions.columns(Column.ofSession))
  if (spec.select !== undefined) {
    rows = Transform.andThen(rows, yield* select(spec.select, columns))
    stages.push({ verb: "select", upTo: rows })
  }
  if (spec.omit !== undefined) {
    rows = Transform.andThen(rows, yield* omit(spec.omit, columns))
    stages.push({ verb: "omit", upTo: rows })
  }
  if (spec.flatten === true) {
    rows = Transform.andThen(rows, Flatten.flatten({ objects: options.tabular ? "whole" : "keys" }))
    stages.push({ verb: "flatten", upTo: rows })
  }
  return stages
})

/** All of the stages, as one transform. */
export const toTransform = (spec: Spec, options: Options): Effect.Effect<Stage["upTo"], UsageError> =>
  Effect.map(toStages(spec, options), (stages) => stages.at(-1)?.upTo ?? Transform.identity())
