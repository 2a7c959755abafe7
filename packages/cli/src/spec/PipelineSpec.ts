/** A pipeline as data: what a file holds, and what flags come to. Strings, numbers and lists, and nothing else. */
import * as JsonSchema from "effect/JsonSchema"
import * as Schema from "effect/Schema"
import * as Size from "../flag/Size.ts"
import * as Target from "../flag/Target.ts"
import * as Transforms from "../flag/Transforms.ts"
import * as When from "../flag/When.ts"

/** Text that holds a condition; `expected` says which, to people. */
const text = (expected: string, holds: (value: string) => boolean) =>
  Schema.String.check(Schema.makeFilter(holds, { expected }))

const some = (expected: string) => text(expected, (value) => value.trim() !== "")

const whole = (minimum: number, maximum = Number.MAX_SAFE_INTEGER) => {
  const expected =
    maximum === Number.MAX_SAFE_INTEGER
      ? `a whole number, ${minimum} or more`
      : `a whole number from ${minimum} to ${maximum}`
  return Schema.Finite.check(Schema.isInt({ expected }), Schema.isBetween({ minimum, maximum }, { expected }))
}

const time = text(When.expected, (value) => When.parse(value) !== undefined)

const duration = text("a duration such as 500ms, 30s, 2m or 2h", (value) => When.parseDuration(value) !== undefined)

const positive = text("a duration above 0, such as 30s", (value) => (When.parseDuration(value) ?? 0) > 0)

const file = some("the name of a file")

/** A key that may be left out, and what it is for: editors show that. */
const key = <S extends Schema.Top>(schema: S, description: string) =>
  Schema.optionalKey(schema).annotateKey({ description })

/** How the endpoint is reached: pipelines of one file share it, and with it the budget of requests. */
export const connection = {
  baseUrl: key(some("the URL of the API"), "Where the API is. Default: AGNI_BASE_URL, or https://api.ravan.ai"),
  apiKey: key(some("${NAME}, the variable that holds the key"), "The API key, as ${NAME}. Default: ${AGNI_API_KEY}"),
  apiKeyFile: key(file, "A file that holds the API key, and nothing else. Default: the key is in AGNI_API_KEY"),
  allowHttp: key(Schema.Boolean, "Send the key over plain http to another machine, where it can be read on the way"),
  timeout: key(positive, "For one attempt, body included. Default: 30s"),
  retries: key(whole(0, 1000), "Further tries of a request that failed in passing. Default: 7"),
  rate: key(
    Schema.Finite.check(Schema.isGreaterThan(0, { expected: "a number above 0" })),
    "Requests a second at most, retries included. Default: no limit"
  ),
  concurrency: key(whole(1, 256), "Requests under way at once. Default: 4")
}

/** Which sessions, and how they are read. */
export const selection = {
  since: key(time, "Sessions that started at this time or later: a time, a date or an age such as 7d"),
  until: key(time, "Sessions that started before this time"),
  agentId: key(some("the id of an agent, a UUID"), "Sessions of one agent"),
  status: key(some("a status such as completed"), "Sessions with this status; nothing can be proven complete then"),
  channel: key(some("a channel such as inbound_call"), "Sessions of this channel"),
  callerNumber: key(some("a number in E.164 form, such as +14155550123"), "Sessions from this number"),
  search: key(some("words"), "Sessions that the server's search finds; nothing can be proven complete then"),
  newest: key(whole(1), "Only so many, those that started last"),
  oldest: key(whole(1), "Only so many, those that started first"),
  pageSize: key(whole(1, 100_000), "Sessions asked for in one request. Default: 100"),
  walk: key(
    Schema.Literals(["history", "pages"]),
    "history goes by time and proves what is complete; pages goes by page numbers and proves nothing. Default: history"
  ),
  horizon: key(duration, "How long after its start a session may still become visible. Default: 2h"),
  keepGoing: key(
    Schema.Boolean,
    "Leave out the records that the server fails to give, and name the seconds they lie in"
  ),
  learned: key(file, "What check --json saved of this endpoint")
}

/** What one kind of sink or another can be told; which kind takes what is in `flag/Sinks.ts`. */
const settings = {
  force: key(Schema.Boolean, "Replace the file if it is there already. Goes with state: false"),
  rotate: key(
    text("day, or a size such as 100MB or 64MiB", (value) => value === "day" || Size.parse(value) !== undefined),
    "Many files instead of one: day, or a size such as 100MB"
  ),
  table: key(some("the name of a table"), "The table of a database, made when it is missing. Default: call_sessions"),
  schema: key(
    some("the name of a schema"),
    "The schema of that table in PostgreSQL. Default: the first of the search path"
  ),
  csvRaw: key(Schema.Boolean, "Leave text in CSV as it is, also where a spreadsheet would run it as a formula"),
  csvBom: key(Schema.Boolean, "Begin CSV with a byte order mark, by which Excel knows UTF-8"),
  batchSize: key(whole(1, 10_000), "Sessions in one request to a webhook. Default: 100"),
  batchBytes: key(
    text("a size such as 256KiB or 1MB", (value) => Size.parse(value) !== undefined),
    "Size of one request to a webhook at most. Default: 512KiB"
  ),
  allowPrivateHosts: key(
    Schema.Boolean,
    "Let a webhook be on this machine or in a private network, where http is allowed too"
  ),
  secret: key(
    some("${NAME}, the variable that holds the secret"),
    "What a webhook is signed with, as ${NAME}. Default: ${CALLSTREAM_WEBHOOK_SECRET}"
  )
}

export const SinkSettings = Schema.Struct(settings)
export interface SinkSettings extends Schema.Schema.Type<typeof SinkSettings> {}

/** What `--to` takes. */
const to = text(Target.expected, (value) => Target.parse(value)._tag === "Some")

const SinkObject = Schema.Struct({ to, ...settings })

/** A sink with nothing to be told is the name alone. */
export const SinkSpec = Schema.Union([to, SinkObject]).annotate({ description: Target.expected })
export type SinkSpec = typeof SinkSpec.Type

const DeadLetters = Schema.Struct({
  file: key(file, "Where records go that cannot go on. Default: beside the first file"),
  raw: key(
    Schema.Boolean,
    "Keep rejected records as they were read, with the personal data that redact takes out, and without transforms"
  ),
  maxShare: key(
    Schema.Finite.check(
      Schema.isBetween({ minimum: 0, maximum: 1 }, { expected: "a share from 0 to 1, such as 0.1 for 10 %" })
    ),
    "Stop when more than this share of at least 100 records cannot go on. Default: 0.1"
  )
})

const Connection = Schema.Struct(connection)
export interface Connection extends Schema.Schema.Type<typeof Connection> {}

const Selection = Schema.Struct(selection)
export interface Selection extends Schema.Schema.Type<typeof Selection> {}

const state = key(
  Schema.Union([Schema.Literal(false), file]),
  "Where the state is kept, with which a run goes on where it was stopped: a folder, sqlite:state.db, or postgres:DATABASE_URL; false keeps none, and each run begins afresh. Default: .callstream"
)

const parts = {
  transforms: key(Transforms.Spec, "What happens to the sessions on their way, in this order"),
  sinks: Schema.NonEmptyArray(SinkSpec).annotateKey({ description: "Where the sessions go: each goes to all of them" }),
  state,
  commitEvery: key(duration, "How often what was written is made safe and the state kept. Default: 1s"),
  onSinkFailure: key(
    Schema.Literals(["stop", "continue"]),
    "When one of several sinks fails for good: stop, or go on without it and exit with 3. Default: stop"
  ),
  deadLetters: key(DeadLetters, "What becomes of records that cannot go on"),
  coverage: key(file, "Write to this file, as JSON, what was proven complete"),
  strict: key(Schema.Boolean, "Exit with 3 also when a record could not go on, or what was read is not proven yet")
}

const name = some("a name, such as nightly")

/** One pipeline. */
export const PipelineSpec = Schema.Struct({
  name: key(name, "Under which its state is kept. Default: the file's name"),
  source: key(
    Schema.Struct({ ...connection, ...selection }),
    "Which sessions, how they are read, and how the API is reached"
  ),
  ...parts
})
export interface PipelineSpec extends Schema.Schema.Type<typeof PipelineSpec> {}
/** Several pipelines side by side, over one budget of requests. */
export const PipelinesSpec = Schema.Struct({
  source: key(Connection, "How the API is reached, by all of them: one budget of requests"),
  pipelines: Schema.NonEmptyArray(
    Schema.Struct({
      name: name.annotateKey({ description: "Under which its state is kept" }),
      source: key(Selection, "Which sessions, and how they are read"),
      ...parts
    })
  ).annotateKey({ description: "Run side by side" })
})
export interface PipelinesSpec extends Schema.Schema.Type<typeof PipelinesSpec> {}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A description in an `allOf` of its own is not shown by every editor. */
const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (!isObject(value)) return value
  const { allOf, ...others } = value
  const [only, ...rest] = Array.isArray(allOf) ? allOf : []
  const lifts = isObject(only) && rest.length === 0 && Object.keys(only).join() === "description"
  const entries = Object.entries(lifts ? { ...others, ...only } : value)
  return Object.fromEntries(entries.map(([name, inner]) => [name, plain(inner)]))
}

/** What editors need to know of a file: JSON Schema, of draft 7, which all of them understand. */
export const jsonSchema = (): unknown => {
  const one = Schema.Union([PipelineSpec, PipelinesSpec])
  const { definitions, schema } = JsonSchema.toDocumentDraft07(
    Schema.toJsonSchemaDocument(one, { onExcessProperty: "error" })
  )
  return plain({
    $schema: JsonSchema.META_SCHEMA_URI_DRAFT_07,
    title: "callstream pipelines",
    ...schema,
    ...(Object.keys(definitions).length === 0 ? {} : { definitions })
  })
}
