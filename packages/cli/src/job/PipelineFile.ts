/** Reads and checks a pipeline file, or its text from elsewhere; each mistake has its line and column. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as SmallFile from "../option/SmallFile.ts"
import * as Options from "../option/Options.ts"
import { describe } from "../option/Reason.ts"
import { inFile } from "../option/Speaker.ts"
import { variableOf } from "../option/MissingVariable.ts"
import { type AnyOption, UsageError } from "../option/UsageError.ts"
import * as Decode from "../option/Decode.ts"
import { type Connection, PipelineSpec, PipelinesSpec } from "../option/PipelineSpec.ts"
import * as Secret from "../option/Secret.ts"
import type { PipelineFileError } from "../option/PipelineFileError.ts"
import * as Yaml from "../option/Yaml.ts"

/** A pipeline of a file. It always has a name. */
export interface Named {
  readonly spec: PipelineSpec & { readonly name: string }
  /** The file with this pipeline alone, as it is written: references in place of what they refer to. */
  readonly alone: unknown
  /** Its mistakes, each with the place in the file. */
  readonly locate: (error: UsageError) => Yaml.Mistake
}

export interface PipelineFile {
  /** How all of them reach the API. */
  readonly connection: Connection
  readonly pipelines: readonly [Named, ...ReadonlyArray<Named>]
  /** Whether the file says `pipelines`: then each is reported by its name. */
  readonly several: boolean
  readonly referred: Yaml.Yaml["referred"]
  /** The mistakes so far. The pipelines lack the options with mistakes, so that the rest can be checked too. */
  readonly mistakes: ReadonlyArray<Yaml.Mistake>
  readonly refuse: Yaml.Yaml["refuse"]
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Where a file has an option; the options of a sink are in its own entry. */
const pathOf = (option: AnyOption): Yaml.Path => {
  if (option === "to" || option in Options.sink || option === "secret") return ["sinks"]
  if (option === "redactKey" || option in Options.transforms) return ["transforms", option]
  if (option in Options.sync) return ["sync", option]
  return option in Options.run ? [option] : ["source", option]
}

const isShared = (option: AnyOption): boolean => option === "apiKey" || option in Options.connection

const somewhere = { begin: 0, end: 1 }

const locate =
  (yaml: Yaml.Yaml, base: Yaml.Path) =>
  (error: UsageError): Yaml.Mistake => {
    const { at, option } = error
    const { advice, problem } = describe(error, inFile)
    const found = () => {
      if (option === undefined) return undefined
      // Options that all pipelines share are at the top.
      const whole: Yaml.Path = [...(isShared(option) ? [] : base), ...pathOf(option)]
      if (typeof at?.item === "number") {
        const sink: Yaml.Path = [...base, "sinks", at.item]
        return at.key === undefined
          ? (yaml.valueAt([...sink, "to"]) ?? yaml.valueAt(sink))
          : (yaml.keyAt([...sink, at.key]) ?? yaml.valueAt(sink))
      }
      if (at !== undefined) {
        const index = yaml.written.findLastIndex(
          ({ path, text }) =>
            text === at.item && path.length === whole.length + 1 && whole.every((part, i) => part === path[i])
        )
        const item = yaml.written[index]?.path
        if (item !== undefined) return yaml.partAt(item, at.item, at.begin ?? 0, at.end ?? at.item.length)
      }
      return yaml.valueAt(whole) ?? yaml.keyAt(whole)
    }
    return {
      problem,
      advice,
      variable: variableOf(error),
      at: found() ?? yaml.keyAt(base) ?? yaml.valueAt(base) ?? somewhere
    }
  }

/** The base URL of a file that names none. */
const elsewhere = Effect.map(Effect.option(Config.String("AGNI_BASE_URL")), (found) => {
  const baseUrl = Option.getOrElse(found, () => "").trim()
  return baseUrl === "" ? {} : { baseUrl }
})

/** The data without these paths. A sink with a mistake removes all sinks: two of them might write to one place. */
const without = (data: unknown, paths: ReadonlyArray<Yaml.Path>, path: Yaml.Path = []): unknown => {
  if (!isObject(data)) return data
  return Object.fromEntries(
    Object.entries(data).flatMap(([key, value]): ReadonlyArray<readonly [string, unknown]> => {
      const here = [...path, key]
      const below = paths.filter((one) => here.every((part, i) => part === one[i]))
      if (below.length === 0) return [[key, value]]
      if (key === "sinks") {
        const ofSettings = below.every((one) => one.length === here.length + 2 && one.at(-1) !== "to")
        return [[key, ofSettings && Array.isArray(value) ? withoutSettings(value, below, here) : ["-"]]]
      }
      if (key === "pipelines" && Array.isArray(value)) {
        return [[key, value.map((item, i) => without(item, below, [...here, i]))]]
      }
      return below.some((one) => one.length > here.length) && isObject(value)
        ? [[key, without(value, below, here)]]
        : []
    })
  )
}

const withoutSettings = (sinks: ReadonlyArray<unknown>, paths: ReadonlyArray<Yaml.Path>, path: Yaml.Path) =>
  sinks.map((sink, i) => without(sink, paths, [...path, i]))

/** The file with one of its pipelines. */
const aloneIn = (unresolved: unknown, nth: number): unknown =>
  isObject(unresolved) && Array.isArray(unresolved["pipelines"])
    ? { ...unresolved, pipelines: unresolved["pipelines"].slice(nth, nth + 1) }
    : unresolved

/** Decodes the correct part of the data, and returns the mistakes beside it. */
const decode = <S extends Schema.Top & { readonly DecodingServices: never }>(schema: S, yaml: Yaml.Yaml) => {
  const unknown = yaml.mistakes.map(({ path }) => path)
  const known = without(yaml.data, unknown)
  const first = Decode.decode(schema, known)
  const problems = Result.isSuccess(first) ? [] : first.failure
  const secrets = Secret.literals(yaml)
  // The line of another mistake may hold a secret too.
  const hidden = secrets.length > 0
  const mistakes = [
    ...secrets,
    ...yaml.mistakes.map((mistake) => ({ ...mistake, hidden })),
    ...problems.map(({ about, advice, path, problem }): Yaml.Mistake => ({
      problem,
      advice,
      hidden,
      at: (about === "key" ? yaml.keyAt(path) : yaml.valueAt(path)) ?? yaml.keyAt([]) ?? somewhere
    }))
  ]
  const rest = Result.isSuccess(first)
    ? first
    : Decode.decode(
        schema,
        without(
          known,
          problems.map(({ path }) => path)
        )
      )
  return { mistakes, spec: Result.getSuccess(rest) }
}

/** The text of a pipeline file, and the name that messages call it. */
export interface Text {
  readonly path: string
  readonly text: string
}

/** Reads the text of a file. */
export const read = (path: string): Effect.Effect<Text, UsageError, FileSystem.FileSystem> =>
  SmallFile.read(path, SmallFile.settings).pipe(
    Effect.map((text) => ({ path, text })),
    Effect.mapError((why) => new UsageError({ reason: { _tag: "FileUnreadable", path, holds: "a pipeline", why } }))
  )

/** Checks the text of a file, without a request. Shows no secret that it refers to. */
export const parse = Effect.fnUntraced(function* ({
  path: file,
  text
}: Text): Effect.fn.Return<PipelineFile, UsageError | PipelineFileError, Path.Path> {
  const paths = yield* Path.Path
  const yaml = yield* Yaml.read(file, text)
  const { data, referred, refuse, unresolved } = yaml
  if (!isObject(data)) return yield* new UsageError({ reason: { _tag: "NoPipeline", path: file } })
  const unusable = (mistakes: ReadonlyArray<Yaml.Mistake>) =>
    Effect.andThen(refuse(mistakes), Effect.fail(new UsageError({ reason: { _tag: "NoPipeline", path: file } })))
  if (!("pipelines" in data)) {
    const { mistakes, spec } = decode(PipelineSpec, yaml)
    if (Option.isNone(spec)) return yield* unusable(mistakes)
    const source = { ...(yield* elsewhere), ...spec.value.source }
    const name = spec.value.name ?? paths.basename(file).replace(/\.ya?ml$/i, "")
    return {
      connection: source,
      pipelines: [{ spec: { ...spec.value, source, name }, alone: unresolved, locate: locate(yaml, []) }],
      several: false,
      referred,
      mistakes,
      refuse
    }
  }
  const { mistakes, spec } = decode(PipelinesSpec, yaml)
  if (Option.isNone(spec)) return yield* unusable(mistakes)
  const { pipelines, source: given } = spec.value
  const source = { ...(yield* elsewhere), ...given }
  const named = (spec: (typeof pipelines)[number], i: number): Named => ({
    spec: { ...spec, source: { ...source, ...spec.source } },
    alone: aloneIn(unresolved, i),
    locate: locate(yaml, ["pipelines", i])
  })
  const twice = pipelines.flatMap(({ name }, i): ReadonlyArray<Yaml.Mistake> => {
    if (pipelines.findIndex((other) => other.name === name) === i) return []
    const at = yaml.valueAt(["pipelines", i, "name"]) ?? somewhere
    return [{ problem: "another pipeline of the file has this name", at }]
  })
  const [first, ...rest] = pipelines
  return {
    connection: source,
    pipelines: [named(first, 0), ...rest.map((one, i) => named(one, i + 1))],
    several: true,
    referred,
    mistakes: [...mistakes, ...twice],
    refuse
  }
})
