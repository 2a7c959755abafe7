/** A file of pipelines: read, checked, and each mistake pointed at. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as InputFile from "../flag/InputFile.ts"
import { UsageError } from "../output/UsageError.ts"
import * as Decode from "./Decode.ts"
import { type Connection, connection, PipelineSpec, PipelinesSpec } from "./PipelineSpec.ts"
import * as Secret from "./Secret.ts"
import * as Words from "./Words.ts"
import * as Yaml from "./Yaml.ts"

/** A pipeline of a file. It always has a name. */
export interface Named {
  readonly spec: PipelineSpec & { readonly name: string }
  /** What is wrong with it, with the place in the file. */
  readonly locate: (error: UsageError) => UsageError
}

export interface PipelineFile {
  /** How all of them reach the API. */
  readonly connection: Connection
  readonly pipelines: readonly [Named, ...ReadonlyArray<Named>]
  /** Whether the file says `pipelines`: then each is told by its name. */
  readonly several: boolean
  readonly referred: Yaml.Yaml["referred"]
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A path that may not be there, as near as it gets. */
const nearestSpan = (yaml: Yaml.Yaml, path: Yaml.Path) =>
  path.length === 0 ? yaml.keyAt([]) : (yaml.valueAt(path) ?? yaml.keyAt(path))

const locate =
  (file: string, yaml: Yaml.Yaml, base: Yaml.Path) =>
  (error: UsageError): UsageError => {
    const { place } = error
    const [head = ""] = error.problem.split("\n")
    const told = {
      problem: Words.inFile(head),
      advice: error.advice === undefined ? undefined : Words.inFile(error.advice)
    }
    const flag = /^--([a-z-]+)/.exec(head)?.[1]
    const path = flag === undefined ? undefined : Words.pathOf(flag)
    const unplaced = () =>
      new UsageError({
        problem: `${file}: ${Words.inFile(error.problem)}`,
        ...(told.advice === undefined ? {} : { advice: told.advice })
      })
    if (path === undefined) return unplaced()
    // What all pipelines share stands at the top.
    const shared = path[0] === "source" && Object.hasOwn(connection, path[1] ?? "")
    const root: Yaml.Path = shared ? [] : base
    const whole: Yaml.Path = [...root, ...path]
    const found = () => {
      if (place === undefined) return nearestSpan(yaml, whole)
      if (typeof place.item === "number") {
        const sink: Yaml.Path = [...base, "sinks", place.item]
        return place.key === undefined
          ? (yaml.valueAt([...sink, "to"]) ?? yaml.valueAt(sink))
          : (yaml.keyAt([...sink, place.key]) ?? yaml.valueAt(sink))
      }
      const at = yaml.written.findLastIndex(
        ({ path, text }) =>
          text === place.item && path.length === whole.length + 1 && whole.every((part, i) => part === path[i])
      )
      const item = yaml.written[at]?.path
      return item === undefined
        ? nearestSpan(yaml, whole)
        : yaml.partAt(item, place.item, place.begin ?? 0, place.end ?? place.item.length)
    }
    const at = found()
    return at === undefined ? unplaced() : yaml.refuse([{ ...told, at }])
  }

/** Where the API is when the file does not say it. */
const elsewhere = Effect.map(Effect.option(Config.String("AGNI_BASE_URL")), (found) => {
  const baseUrl = Option.getOrElse(found, () => "").trim()
  return baseUrl === "" ? {} : { baseUrl }
})

/** Reads and checks a file. Nothing is asked of the server, and no secret that it refers to is told. */
export const read = Effect.fnUntraced(function* (
  file: string
): Effect.fn.Return<PipelineFile, UsageError, FileSystem.FileSystem | Path.Path> {
  const paths = yield* Path.Path
  const text = yield* InputFile.read(file, {
    advice: "Name a file of pipelines that exists and that you may read; callstream init writes one."
  })
  const yaml = yield* Yaml.read(file, text)
  const secrets = Secret.literals(yaml)
  if (secrets.length > 0) return yield* yaml.refuse(secrets)
  const { data } = yaml
  if (!isObject(data)) {
    return yield* new UsageError({
      problem: `${file} holds no pipeline`,
      advice: "A file of pipelines is YAML with the keys source, transforms and sinks; callstream init writes one."
    })
  }
  const refuse = (problems: ReadonlyArray<Decode.Problem>) =>
    yaml.refuse(
      problems.map(({ about, advice, path, problem }) => ({
        problem,
        advice,
        at: (about === "key" ? yaml.keyAt(path) : yaml.valueAt(path)) ?? yaml.keyAt([]) ?? { begin: 0, end: 1 }
      }))
    )
  if (!("pipelines" in data)) {
    const spec = yield* Effect.mapError(Effect.fromResult(Decode.decode(PipelineSpec, data)), refuse)
    const source = { ...(yield* elsewhere), ...spec.source }
    const name = spec.name ?? paths.basename(file).replace(/\.ya?ml$/i, "")
    return {
      connection: source,
      pipelines: [{ spec: { ...spec, source, name }, locate: locate(file, yaml, []) }],
      several: false,
      referred: yaml.referred
    }
  }
  const { pipelines, source: given } = yield* Effect.mapError(
    Effect.fromResult(Decode.decode(PipelinesSpec, data)),
    refuse
  )
  const source = { ...(yield* elsewhere), ...given }
  const named = pipelines.map((spec, i): Named => ({
    spec: { ...spec, source: { ...source, ...spec.source } },
    locate: locate(file, yaml, ["pipelines", i])
  }))
  const twice = pipelines.findIndex(({ name }, i) => pipelines.findIndex((other) => other.name === name) !== i)
  if (twice >= 0) {
    const at = yaml.valueAt(["pipelines", twice, "name"]) ?? { begin: 0, end: 1 }
    return yield* yaml.refuse([{ problem: "another pipeline of the file has this name", at }])
  }
  const [first, ...rest] = named
  if (first === undefined) return yield* new UsageError({ problem: `${file} holds no pipeline` })
  return { connection: source, pipelines: [first, ...rest], several: true, referred: yaml.referred }
})
