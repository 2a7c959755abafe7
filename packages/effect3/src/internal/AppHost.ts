/** What a reading uses of the app around it, as the fiber that begins it has it: so its spans and logs are below those of the app. */
import type * as HttpClient from "@effect/platform/HttpClient"
import type { Host, HostSpan, LogEntry, MetricUpdate, SpanEnd } from "@callstream/client/bridge"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as HashMap from "effect/HashMap"
import * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricLabel from "effect/MetricLabel"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import * as Tracer from "effect/Tracer"
import * as AppFetch from "./AppFetch.ts"

const levels: Readonly<Record<LogEntry["level"], LogLevel.LogLevel>> = {
  debug: LogLevel.Debug,
  info: LogLevel.Info,
  warn: LogLevel.Warning,
  error: LogLevel.Error
}

type Update = (change: MetricUpdate, labels: ReadonlyArray<MetricLabel.MetricLabel>) => void

const updateOf =
  <Type, Out>(metric: Metric.Metric<Type, number, Out>): Update =>
  ({ isRelative, value }, labels) =>
    isRelative ? metric.unsafeModify(value, labels) : metric.unsafeUpdate(value, labels)

/** Each metric of core as one of the app: what names, kinds and labels it has is written there alone. */
const metricOf = ({ boundaries, description, kind, name }: MetricUpdate): Update => {
  const options = description === undefined ? {} : { description }
  switch (kind) {
    case "counter":
      return updateOf(Metric.counter(name, options))
    case "incremental":
      return updateOf(Metric.counter(name, { ...options, incremental: true }))
    case "gauge":
      return updateOf(Metric.gauge(name, options))
    case "histogram":
      return updateOf(Metric.histogram(name, MetricBoundaries.fromIterable(boundaries), description))
  }
}

/** Made once: a metric is known by its name. */
const metrics = new Map<string, Update>()

const update: Update = (change, labels) => {
  const known = metrics.get(change.name) ?? metricOf(change)
  metrics.set(change.name, known)
  known(change, [...labels, ...Object.entries(change.attributes).map(([name, value]) => MetricLabel.make(name, value))])
}

/** The platform's time needs no fiber. */
const wait = (millis: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const stop = (): void => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop)
      resolve()
    }, millis)
    signal.addEventListener("abort", stop, { once: true })
  })

const exitOf = (end: SpanEnd): Exit.Exit<void, { readonly message: string }> => {
  switch (end._tag) {
    case "Success":
      return Exit.void
    case "Interrupted":
      return Exit.interrupt(FiberId.none)
    case "Failure":
      return Exit.fail(end.error)
  }
}

interface AppSpan extends HostSpan {
  readonly span: Tracer.Span
}

const isAppSpan = (span: HostSpan | undefined): span is AppSpan => span !== undefined && "span" in span

interface SpanDefaults {
  readonly above: Option.Option<Tracer.AnySpan>
  /** Those of `Effect.annotateSpans` and `Effect.linkSpans`. */
  readonly annotations: HashMap.HashMap<string, unknown>
  readonly links: Chunk.Chunk<Tracer.SpanLink>
}

const spansOf =
  (tracer: Tracer.Tracer, { above, annotations, links }: SpanDefaults): NonNullable<Host["span"]> =>
  (name, { kind, parent, startTime }): AppSpan => {
    const below = isAppSpan(parent) ? Option.some(parent.span) : above
    const span = tracer.span(name, below, Context.empty(), Chunk.toReadonlyArray(links), startTime, kind)
    HashMap.forEach(annotations, (value, name) => span.attribute(name, value))
    return {
      span,
      spanId: span.spanId,
      traceId: span.traceId,
      sampled: span.sampled,
      attribute: (name, value) => span.attribute(name, value),
      event: (name, time, attributes) => span.event(name, time, { ...attributes }),
      end: (time, how) => span.end(time, exitOf(how))
    }
  }

export const make = (client: HttpClient.HttpClient): Effect.Effect<Host> =>
  Effect.gen(function* () {
    // What the host starts must end when nobody waits for it, also where it was made in a region that is not interruptible.
    const runtime = Runtime.enableRuntimeFlag(yield* Effect.runtime(), RuntimeFlags.Interruption)
    const clock = yield* Effect.clock
    const tracer = yield* Effect.tracer
    const above = Context.getOption(runtime.context, Tracer.ParentSpan)
    const of = <A>(ref: FiberRef.FiberRef<A>): A => FiberRefs.getOrDefault(runtime.fiberRefs, ref)
    const isTraced = of(FiberRef.currentTracerEnabled)
    const leastLevel = of(FiberRef.currentMinimumLogLevel)
    const annotations = of(FiberRef.currentTracerSpanAnnotations)
    const links = of(FiberRef.currentTracerSpanLinks)
    const labels = Array.from(of(FiberRef.currentMetricLabels))
    const isPlatforms = clock === Context.get(DefaultServices.liveServices, Clock.Clock)
    return {
      clock: {
        now: () => clock.unsafeCurrentTimeMillis(),
        sleep: isPlatforms
          ? wait
          : (millis, signal) => Runtime.runPromise(runtime)(clock.sleep(Duration.millis(millis)), { signal })
      },
      fetch: AppFetch.make(client, runtime),
      log: ({ annotations, level, message }) => {
        if (LogLevel.lessThan(levels[level], leastLevel)) return
        Runtime.runSync(runtime)(Effect.annotateLogs(Effect.logWithLevel(levels[level], message), annotations))
      },
      metric: (change) => update(change, labels),
      span: isTraced ? spansOf(tracer, { above, annotations, links }) : undefined
    }
  })
