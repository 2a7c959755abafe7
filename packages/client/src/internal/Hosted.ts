/** What a reading of a bridge uses of the program around it: its transport, clock, log, metrics and tracer. */
import * as Cause from "effect/Cause"
import * as EffectClock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import type { Host, HostSpan, MetricUpdate, SpanEnd } from "../BridgeTypes.ts"
import * as Connected from "./Connected.ts"

const loggerOf = (log: Host["log"]) =>
  Logger.make<unknown, void>(({ fiber, logLevel, message }) =>
    log({ ...Connected.entryOf(logLevel, message), annotations: fiber.getRef(References.CurrentLogAnnotations) })
  )

const kindOf = (type: string, state: object): MetricUpdate["kind"] | undefined => {
  switch (type) {
    case "Counter":
      return "incremental" in state && state.incremental === true ? "incremental" : "counter"
    case "Gauge":
      return "gauge"
    case "Histogram":
      return "histogram"
    default:
      return undefined
  }
}

const boundariesOf = (state: object): ReadonlyArray<number> =>
  "buckets" in state && Array.isArray(state.buckets)
    ? state.buckets.flatMap((bucket: unknown) =>
        Array.isArray(bucket) && typeof bucket[0] === "number" ? [bucket[0]] : []
      )
    : []

/** Reports each update of a metric, whichever there are, beside keeping it. */
class ReportingRegistry extends Map<string, Metric.Metric.Metadata<unknown, unknown>> {
  private readonly report: Host["metric"]

  constructor(report: Host["metric"]) {
    super()
    this.report = report
  }

  override set(key: string, metadata: Metric.Metric.Metadata<unknown, unknown>): this {
    const { attributes, description, hooks, id, type } = metadata
    const state: unknown = hooks.get(Context.empty())
    const shape = typeof state === "object" && state !== null ? state : {}
    const kind = kindOf(type, shape)
    if (kind === undefined) return super.set(key, metadata)
    const boundaries = boundariesOf(shape)
    const tell = (input: unknown, isRelative: boolean): void =>
      this.report({
        name: id,
        kind,
        description,
        attributes: attributes ?? {},
        boundaries,
        isRelative,
        value: Number(input)
      })
    const { modify, update } = hooks
    // In place: the first update of a series goes to the hooks that it was made with.
    Object.assign(hooks, {
      update: (input: unknown, context: Context.Context<never>) => {
        update(input, context)
        tell(input, false)
      },
      modify: (input: unknown, context: Context.Context<never>) => {
        modify(input, context)
        tell(input, true)
      }
    })
    return super.set(key, metadata)
  }
}

const endOf = (exit: Exit.Exit<unknown, unknown>): SpanEnd => {
  if (exit._tag === "Success") return { _tag: "Success" }
  if (Cause.hasInterruptsOnly(exit.cause)) return { _tag: "Interrupted" }
  const error = Cause.squash(exit.cause)
  return { _tag: "Failure", error: error instanceof Error ? error : { message: String(error) } }
}

/** A span of the tracer that ends as one of the host's. */
class HostedSpan extends Tracer.NativeSpan {
  readonly hosted: HostSpan

  constructor(options: ConstructorParameters<typeof Tracer.NativeSpan>[0], hosted: HostSpan) {
    super({ ...options, sampled: hosted.sampled })
    this.hosted = hosted
  }
  override get traceId(): string {
    return this.hosted.traceId
  }
  override get spanId(): string {
    return this.hosted.spanId
  }
  override attribute(key: string, value: unknown): void {
    this.hosted.attribute(key, value)
  }
  override event(name: string, startTime: bigint, attributes: Record<string, unknown> = {}): void {
    this.hosted.event(name, startTime, attributes)
  }
  override end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    if (this.status._tag === "Started") this.hosted.end(endTime, endOf(exit))
    super.end(endTime, exit)
  }
}

const tracerOf = (span: NonNullable<Host["span"]>): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      const above = Option.getOrUndefined(options.parent)
      const parent = above instanceof HostedSpan ? above.hosted : undefined
      return new HostedSpan(options, span(options.name, { parent, kind: options.kind, startTime: options.startTime }))
    }
  })

/** The context of a client, for one reading in a host. */
export const contextOf = <R>(context: Context.Context<R>, { clock, fetch, log, metric, span }: Host) =>
  context.pipe(
    Context.add(EffectClock.Clock, Connected.clockOf(clock)),
    Context.add(FetchHttpClient.Fetch, fetch),
    Context.add(Logger.CurrentLoggers, new Set([loggerOf(log)])),
    // The host has a least level of its own.
    Context.add(References.MinimumLogLevel, "All"),
    Context.add(Metric.MetricRegistry, new ReportingRegistry(metric)),
    Context.add(References.TracerEnabled, span !== undefined),
    Context.add(Tracer.Tracer, span === undefined ? Tracer.nativeTracer : tracerOf(span))
  )
