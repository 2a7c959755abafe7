/** The spans of a run and its commits, and the metrics of how complete it is. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Result from "effect/Result"
import * as CoverageSet from "../../coverage/CoverageSet.ts"
import type { Micros } from "../../endpoint/internal/Micros.ts"
import * as Span from "../../platform/internal/Span.ts"
import * as PipelineMetrics from "../PipelineMetrics.ts"
import type { RunSummary } from "../RunSummary.ts"

const named = (pipeline: string) => ({ "callstream.pipeline.name": pipeline })

/** How far a coverage is proven, and how many of its calls may still change. */
const proofOf = ({ divided, entries, withoutStart }: CoverageSet.CoverageSet) => {
  const parts: ReadonlyArray<CoverageSet.Part> = [...entries, ...(withoutStart === undefined ? [] : [withoutStart])]
  const observed = parts.flatMap(({ asOf }) => (asOf > 0 ? [asOf] : []))
  const isProven = parts.every(({ verdict }) => verdict === "proven")
  const end = entries.findIndex(({ verdict }) => verdict !== "proven")
  const upTo = entries.slice(0, end < 0 ? entries.length : end).at(-1)?.range.to
  return {
    until: isProven && observed.length > 0 ? Math.min(...observed) : upTo,
    unsettled: parts.reduce(
      (sum, { count = 0, final = 0 }) => sum + count - final,
      (divided?.count ?? 0) - (divided?.final ?? 0)
    )
  }
}

const verdictOf = (coverage: CoverageSet.CoverageSet): CoverageSet.Verdict | undefined => {
  const { entries } = coverage
  const [first] = entries
  const last = entries.at(-1)
  if (first === undefined || last === undefined) return coverage.withoutStart?.verdict
  const verdict = CoverageSet.verdict([coverage], { from: first.range.from, to: last.range.to })
  return Result.isSuccess(verdict) ? verdict.success : "unprovable"
}

/** Sets what is known; the rest stays as it was. */
export const prove = (pipeline: string, until: Micros | undefined, unsettled: number) =>
  Effect.andThen(
    Metric.update(Metric.withAttributes(PipelineMetrics.unsettled, named(pipeline)), unsettled),
    until === undefined
      ? Effect.void
      : Metric.update(Metric.withAttributes(PipelineMetrics.provenUntil, named(pipeline)), until / 1e6)
  )

/** Sets how many changes each sink lacks. */
export const lag = (pipeline: string, changes: Readonly<Record<string, number>>) =>
  Effect.forEach(
    Object.entries(changes),
    ([sink, lacks]) =>
      Metric.update(
        Metric.withAttributes(PipelineMetrics.sinkLag, { ...named(pipeline), "callstream.sink.name": sink }),
        lacks
      ),
    { discard: true }
  )

/** A run. */
export const run = <E, R>(pipeline: string, effect: Effect.Effect<RunSummary, E, R>): Effect.Effect<RunSummary, E, R> =>
  Span.use("callstream.run", { attributes: named(pipeline) }, (span) =>
    Effect.tap(effect, ({ coverage, dead, received }) => {
      const verdict = verdictOf(coverage)
      if (verdict !== undefined) span.attribute("callstream.run.verdict", verdict)
      span.attribute("callstream.run.count", received)
      span.attribute("callstream.run.dead_letters", dead)
      // Only windows are counted by the server.
      if (verdict === undefined) return Effect.void
      const { unsettled, until } = proofOf(coverage)
      return prove(pipeline, until, unsettled)
    })
  )

/** A pass of a sync. */
export const pass = <A, E, R>(
  pipeline: string,
  effect: Effect.Effect<A, E, R>,
  countOf: (done: A) => number
): Effect.Effect<A, E, R> =>
  Span.use("callstream.pass", { attributes: named(pipeline) }, (span) =>
    Effect.map(effect, (done) => {
      span.attribute("callstream.pass.count", countOf(done))
      return done
    })
  )

/** Times commits. */
export const commits = (pipeline: string) => {
  const duration = Metric.withAttributes(PipelineMetrics.commitDuration, named(pipeline))
  return <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Span.use("callstream.commit", { attributes: named(pipeline) }, () =>
      Effect.flatMap(Clock.monotonicTimeNanos, (began) =>
        Effect.tap(effect, () =>
          Effect.flatMap(Clock.monotonicTimeNanos, (ended) => Metric.update(duration, Number(ended - began) / 1e9))
        )
      )
    )
}
