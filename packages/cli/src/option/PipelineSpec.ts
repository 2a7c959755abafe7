/** A pipeline as data: what a file holds, and what flags come to. Strings, numbers and lists, and nothing else. */
import * as JsonSchema from "effect/JsonSchema"
import * as Schema from "effect/Schema"
import * as Declared from "./Declared.ts"
import * as Kind from "./Kind.ts"
import * as Options from "./Options.ts"

/** A key that only a file has: what is secret is no flag's value. */
const key = <S extends Schema.Top>(schema: S, description: string) =>
  Schema.optionalKey(schema).annotateKey({ description })

const apiKey = key(
  Kind.text("", "${NAME}, the variable that holds the key").schema,
  "The API key, as ${NAME} (default: ${AGNI_API_KEY})"
)

const secret = key(
  Kind.text("", "${NAME}, the variable that holds the secret").schema,
  "What a webhook is signed with, as ${NAME} (default: ${CALLSTREAM_WEBHOOK_SECRET})"
)

const redactKey = key(Schema.String, "The key of hashes, as ${NAME} (default: ${CALLSTREAM_REDACT_KEY})")

const connection = { ...Declared.fields(Options.connection), apiKey }
const selection = { ...Declared.fields(Options.selection), ...Declared.fields(Options.reading) }
const settings = { ...Declared.fields(Options.sink), secret }

export const SinkSettings = Schema.Struct(settings)
export interface SinkSettings extends Schema.Schema.Type<typeof SinkSettings> {}

const to = Options.to.kind.schema
const SinkObject = Schema.Struct({ to, ...settings })

/** A sink without options is the name alone. */
export const SinkSpec = Schema.Union([to, SinkObject]).annotate({ description: Options.to.kind.expected })
export type SinkSpec = typeof SinkSpec.Type

const Connection = Schema.Struct(connection)
export interface Connection extends Schema.Schema.Type<typeof Connection> {}

const Selection = Schema.Struct(selection)
export interface Selection extends Schema.Schema.Type<typeof Selection> {}

const Transforms = Schema.Struct({ ...Declared.fields(Options.transforms), redactKey })
export interface Transforms extends Schema.Schema.Type<typeof Transforms> {}

const { name: declaredName, state: declaredState, ...declaredRun } = Options.run

const parts = {
  transforms: key(Transforms, "What happens to the calls, in this order"),
  sinks: Schema.NonEmptyArray(SinkSpec).annotateKey({
    description: "Where the calls go: each call goes to all of them"
  }),
  state: key(
    Schema.Union([Schema.Literal(false), declaredState.kind.schema]),
    `${Declared.helpOf(declaredState)}; false keeps none, and each run starts again`
  ),
  sync: key(
    Schema.Struct(Declared.fields(Options.sync)),
    "Keep the sinks up to date, instead of one export; {} for the defaults"
  ),
  ...Declared.fields(declaredRun)
}

const name = declaredName.kind.schema

export type SyncSpec = Declared.Values<typeof Options.sync>

/** One pipeline. */
export const PipelineSpec = Schema.Struct({
  name: key(name, "Name under which its state is kept (default: the file's name)"),
  source: key(
    Schema.Struct({ ...connection, ...selection }),
    "Which calls, how they are read, and how the API is reached"
  ),
  ...parts
})
export interface PipelineSpec extends Schema.Schema.Type<typeof PipelineSpec> {}
/** Several pipelines in parallel, over one budget of requests. */
export const PipelinesSpec = Schema.Struct({
  source: key(Connection, "How the API is reached, by all of them: one budget of requests"),
  pipelines: Schema.NonEmptyArray(
    Schema.Struct({
      name: name.annotateKey({ description: "Name under which its state is kept" }),
      source: key(Selection, "Which calls, and how they are read"),
      ...parts
    })
  ).annotateKey({ description: "Run in parallel" })
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
