/** The complete configuration of a simulated endpoint: every option decided. */
import * as Duration from "effect/Duration"
import { earliestStart } from "../../model/Limits.ts"
import * as Fault from "../Fault.ts"
import * as GivenTime from "./GivenTime.ts"
import * as Life from "./Life.ts"
import type { Options } from "./SimulatorOptions.ts"

const micros = (input: Duration.Input | undefined, otherwise: Duration.Input): number =>
  Duration.toMillis(Duration.fromInputUnsafe(input ?? otherwise)) * 1000

const defaultFaults: ReadonlyArray<Fault.Fault> = [
  Fault.tooManyRequests({ retryAfter: "1 second" }),
  Fault.tooManyRequests({ retryAfter: "1 second", retryAfterAs: "date" }),
  Fault.tooManyRequests(),
  Fault.status(500),
  Fault.htmlError(502),
  Fault.status(503),
  Fault.reset,
  Fault.cut(),
  Fault.truncated()
]

/** Every option decided; durations and instants in µs. */
export const resolve = (options: Options, clockMillis: number) =>
  ({
    ...historyOf(options, clockMillis),
    ...lifeOf(options),
    ...orderOf(options),
    ...pagesOf(options),
    ...wireOf(options),
    ...httpOf(options),
    ...faultsOf(options),
    keepRequests: options.keepRequests ?? 100_000,
    textCache: options.textCache ?? 64 * 1024 * 1024
  }) as const

export type Resolved = ReturnType<typeof resolve>

const historyOf = (options: Options, clockMillis: number) => {
  const startAt =
    GivenTime.perhaps("startAt", options.startAt) ??
    (clockMillis * 1000 < earliestStart ? Date.UTC(2026, 5, 1) : Math.floor(clockMillis)) * 1000
  const arrives = (options.arrivalsPerHour ?? 0) > 0
  return {
    seed: options.seed ?? 1,
    sessions: options.sessions ?? 1000,
    startAt: startAt + micros(options.clockOffset, 0),
    span: micros(options.span, "30 days"),
    age: micros(options.age, arrives ? 0 : "3 hours"),
    agents: Math.max(1, options.agents ?? (options.life === undefined ? 5 : 8)),
    duplicated: options.duplicated ?? 0,
    grain: options.granularity === "second" ? 1e6 : options.granularity === "milli" ? 1e3 : 1,
    ties: options.ties ?? { share: 0, ways: 2 },
    queued: options.queued ?? 0.02,
    queuedFor: micros(options.queuedFor, "30 minutes"),
    undated: options.undated ?? (options.life === undefined ? 0.01 : 0.15),
    undatedAs: options.undatedAs ?? (options.wire === "seen" ? "mixed" : "absent"),
    stuck: options.stuck ?? 0,
    callDuration: micros(options.callDuration, "3 minutes")
  } as const
}

const lifeOf = (options: Options) =>
  ({
    life: options.life === undefined ? undefined : Life.resolve(options.life),
    arrivalsPerHour: options.arrivalsPerHour ?? 0,
    departuresPerHour: options.departuresPerHour ?? 0,
    visible: options.visible ?? "created",
    visibleLag: micros(options.visibleLag, 0),
    settlesWithin: micros(options.settlesWithin, "10 minutes"),
    replicas: { count: Math.max(1, options.replicas?.count ?? 1), lag: micros(options.replicas?.lag, 0) }
  }) as const

const orderOf = (options: Options) =>
  ({
    order: options.order ?? "start-desc",
    tieOrder: options.tieOrder ?? "id",
    sortFields: options.sortFields,
    unknownSort: options.unknownSort ?? "ignore",
    sorting: options.sorting ?? "honoured",
    undatedOrder: options.undatedOrder ?? "postgres"
  }) as const

const pagesOf = (options: Options) => {
  const { bounds = {} } = options
  return {
    defaultPageSize: options.defaultPageSize ?? 20,
    maxPageSize: Math.max(1, options.maxPageSize ?? 100),
    offsetFrom: options.offsetFrom ?? "clamped",
    beyondLast: options.beyondLast ?? "empty",
    filterAfterPaging: options.filterAfterPaging ?? "nothing",
    bounds: {
      after: bounds.after ?? "inclusive",
      before: bounds.before ?? "inclusive",
      truncate: bounds.truncate ?? "none",
      shift: micros(bounds.shift, 0),
      ignored: bounds.ignored ?? "none",
      field: bounds.field ?? "start",
      undated: bounds.undated ?? "none"
    }
  } as const
}

const wireOf = (options: Options) => {
  const seen = options.wire === "seen"
  const edition = options.edition ?? "camel"
  return {
    edition,
    emptyList: options.emptyList ?? (seen ? "null" : "array"),
    missing: options.missing ?? (seen ? "mixed" : "documented"),
    zeros: options.zeros ?? (seen ? "mixed" : "kept"),
    integers: options.integers ?? (seen ? "mixed" : "number"),
    cost: options.cost ?? (seen ? "mixed" : edition === "camel" ? "string" : "number"),
    timestamps: options.timestamps ?? (seen ? "mixed" : "micros"),
    unknownFields: options.unknownFields ?? seen,
    metaTotal: options.metaTotal ?? "number",
    content: options.content ?? "varied",
    recordingsUrl: options.recordingsUrl ?? "https://recordings.ravan.ai"
  } as const
}

const httpOf = (options: Options) => {
  const { cache } = options
  return {
    apiKey: options.apiKey ?? "agni_test_key",
    forbidden: options.forbidden ?? false,
    latencyMillis: micros(options.latency, 0) / 1000,
    jitterMillis: micros(options.jitter, 0) / 1000,
    rateLimit: options.rateLimit ?? Infinity,
    date: options.date ?? "clock",
    cache:
      cache === undefined
        ? undefined
        : {
            ttl: micros(cache.ttl, 0),
            respectNoCache: cache.respectNoCache ?? true,
            age: cache.age ?? true
          },
    poison: options.poison ?? 0,
    messageLimit: options.messageLimit ?? Infinity,
    messageLimitStatus: options.messageLimitStatus ?? 500
  } as const
}

const faultsOf = (options: Options) =>
  ({
    script: options.script ?? [],
    faultRate: options.faultRate ?? 0,
    faults: options.faults ?? defaultFaults,
    faultsInARow: options.faultsInARow ?? 3
  }) as const
