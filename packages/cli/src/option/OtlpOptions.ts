/** Where `--otlp` sends telemetry, from the environment variables that OpenTelemetry's specification names. */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { UsageError } from "./UsageError.ts"

type Signal = "traces" | "metrics" | "logs"

/** How one of the three is sent. */
export interface Export {
  readonly url: string
  readonly headers: Redacted.Redacted<Readonly<Record<string, string>>>
  readonly protocol: "http/json" | "http/protobuf"
  readonly compression: "gzip" | "none"
  /** Of one request, and of all that is left at the end. In milliseconds. */
  readonly timeout: number
  /** In milliseconds. */
  readonly interval: number
  /** Items of one request at most. */
  readonly batch: number
}

export interface Settings {
  readonly serviceName: string
  /** Of the resource, besides its name. */
  readonly attributes: Readonly<Record<string, string>>
  /** One that is switched off is missing. */
  readonly exports: Readonly<Partial<Record<Signal, Export>>>
  readonly temporality: "cumulative" | "delta"
  /** Variables that are set, and that change nothing here. */
  readonly unused: ReadonlyArray<string>
}

type Environment = Readonly<Record<string, string | undefined>>

const signals = ["traces", "metrics", "logs"] as const

/** Variables that hold for all signals, and for one with its name in them. */
const perSignal = ["ENDPOINT", "HEADERS", "PROTOCOL", "COMPRESSION", "TIMEOUT"] as const

const intervals: Readonly<Record<Signal, readonly [variable: string, fallback: number]>> = {
  traces: ["OTEL_BSP_SCHEDULE_DELAY", 5000],
  metrics: ["OTEL_METRIC_EXPORT_INTERVAL", 60_000],
  logs: ["OTEL_BLRP_SCHEDULE_DELAY", 1000]
}

const batches: Readonly<Partial<Record<Signal, string>>> = {
  traces: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
  logs: "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE"
}

const temporalityVariable = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"

const known: ReadonlySet<string> = new Set([
  "OTEL_SDK_DISABLED",
  "OTEL_SERVICE_NAME",
  "OTEL_RESOURCE_ATTRIBUTES",
  temporalityVariable,
  ...Object.values(batches),
  ...Object.values(intervals).map(([variable]) => variable),
  ...signals.map((signal) => `OTEL_${signal.toUpperCase()}_EXPORTER`),
  ...perSignal.flatMap((name) => [
    `OTEL_EXPORTER_OTLP_${name}`,
    ...signals.map((signal) => `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`)
  ])
])

type Read<A> = Result.Result<A, UsageError>

const wrong = (variable: string, expected: string): Read<never> =>
  Result.fail(new UsageError({ reason: { _tag: "OtelVariable", variable, expected } }))

/** A variable that is empty is not set. */
const valueOf = (env: Environment, name: string): string | undefined => {
  const value = env[name]?.trim()
  return value === "" ? undefined : value
}

/** The first of the variables that is set, with its name. */
const first = (env: Environment, names: ReadonlyArray<string>) =>
  names.flatMap((variable) => {
    const value = valueOf(env, variable)
    return value === undefined ? [] : [{ variable, value }]
  })[0]

const oneOf = <const A extends string>(
  env: Environment,
  names: ReadonlyArray<string>,
  words: ReadonlyArray<A>,
  fallback: A
): Read<A> => {
  const given = first(env, names)
  if (given === undefined) return Result.succeed(fallback)
  const word = words.find((one) => one === given.value.toLowerCase())
  return word === undefined ? wrong(given.variable, words.join(" or ")) : Result.succeed(word)
}

const integer = (env: Environment, names: ReadonlyArray<string>, fallback: number): Read<number> => {
  const given = first(env, names)
  if (given === undefined) return Result.succeed(fallback)
  const value = Number(given.value)
  return Number.isSafeInteger(value) && value >= 1
    ? Result.succeed(value)
    : wrong(given.variable, "a whole number of at least 1")
}

/** `key=value,key=value`, percent-encoded. Its values may be secrets, so none is shown. */
const pairs = (env: Environment, names: ReadonlyArray<string>): Read<Readonly<Record<string, string>>> => {
  const given = first(env, names)
  const all: Record<string, string> = {}
  for (const pair of given?.value.split(",") ?? []) {
    if (pair.trim() === "") continue
    const at = pair.indexOf("=")
    const key = pair.slice(0, at).trim()
    try {
      if (at < 1 || key === "") throw new URIError()
      all[decodeURIComponent(key)] = decodeURIComponent(pair.slice(at + 1).trim())
    } catch {
      return wrong(given?.variable ?? "", "key=value pairs with commas in between, percent-encoded")
    }
  }
  return Result.succeed(all)
}

const urlOf = (env: Environment, signal: Signal): Read<string> => {
  const own = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`
  const all = "OTEL_EXPORTER_OTLP_ENDPOINT"
  const { value, variable } = first(env, [own, all]) ?? { variable: all, value: "http://localhost:4318" }
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value))
    return wrong(variable, "a URL that begins with http:// or https://")
  const url = new URL(value)
  // The URL of one signal is used as it is.
  if (variable === all) url.pathname = `${url.pathname.replace(/\/+$/, "")}/v1/${signal}`
  return Result.succeed(url.href)
}

const exportOf = (env: Environment, signal: Signal): Read<Export | undefined> =>
  Result.gen(function* () {
    const names = (name: (typeof perSignal)[number]) => [
      `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`,
      `OTEL_EXPORTER_OTLP_${name}`
    ]
    const exporter = yield* oneOf(env, [`OTEL_${signal.toUpperCase()}_EXPORTER`], ["otlp", "none"], "otlp")
    const [delay, usual] = intervals[signal]
    const batch = batches[signal]
    const made: Export = {
      url: yield* urlOf(env, signal),
      headers: Redacted.make(yield* pairs(env, names("HEADERS")), { label: "headers" }),
      protocol: yield* oneOf(env, names("PROTOCOL"), ["http/protobuf", "http/json"], "http/protobuf"),
      compression: yield* oneOf(env, names("COMPRESSION"), ["none", "gzip"], "none"),
      timeout: yield* integer(env, names("TIMEOUT"), 3000),
      interval: yield* integer(env, [delay], usual),
      batch: batch === undefined ? Infinity : yield* integer(env, [batch], 512)
    }
    return exporter === "none" ? undefined : made
  })

/** Fails when a variable holds what this exporter cannot do. */
export const read = (env: Environment): Read<Settings> =>
  Result.gen(function* () {
    const attributes = yield* pairs(env, ["OTEL_RESOURCE_ATTRIBUTES"])
    const isOff = (yield* oneOf(env, ["OTEL_SDK_DISABLED"], ["false", "true"], "false")) === "true"
    const exports: Partial<Record<Signal, Export>> = {}
    for (const signal of signals) {
      const made = yield* exportOf(env, signal)
      if (made !== undefined && !isOff) exports[signal] = made
    }
    return {
      serviceName: valueOf(env, "OTEL_SERVICE_NAME") ?? attributes["service.name"] ?? "callstream",
      attributes,
      exports,
      temporality: yield* oneOf(env, [temporalityVariable], ["cumulative", "delta"], "cumulative"),
      unused: Object.keys(env)
        .filter((name) => name.startsWith("OTEL_") && !known.has(name) && valueOf(env, name) !== undefined)
        .toSorted()
    }
  })
