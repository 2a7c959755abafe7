/** Sources, sinks and a checkpoint that tell what was asked of them. */
import * as Position from "@callstream/core/model/Position"
import { Checkpoint, type State } from "@callstream/core/checkpoint/Checkpoint"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import type { DeadLetter } from "@callstream/core/pipeline/DeadLetter"
import type * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import * as Rows from "@callstream/core/model/Rows"
import * as Source from "@callstream/core/source/Source"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import { verdict, type Window } from "@callstream/core/history/Coverage"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

export const begin = Instant.parse("2026-07-01T00:00:00Z") ?? Instant.of(0)

/** So many microseconds after the beginning. */
const placeAt = (place: number | "end") => (place === "end" ? place : Position.of(begin + place))

/** Ten sessions a window. */
export const window = (index: number, sessions: ReadonlyArray<CallSession> = tenOf(index)): Window => ({
  from: Instant.of(begin + 10 * index),
  to: Instant.of(begin + 10 * index + 10),
  rows: Rows.ofSessions(sessions, Instant.of(begin + 1000)),
  rejected: [],
  coverage: { _tag: "Proven" },
  settled: 0,
  requests: 1,
  observedAt: Instant.of(begin + 1000)
})

const tenOf = (index: number) => Array.from({ length: 10 }, (_, at) => session(10 * index + at))

export const session = (at: number): CallSession => ({
  id: String(at),
  startedAt: Instant.format(Instant.of(begin + at))
})

/** Windows as a source; those of no length are pages. */
export const sourceOf = <E, R>(windows: (at: Source.Place) => Stream.Stream<Window, E, R>) =>
  Source.make({ fingerprint: {}, units: (at) => Stream.map(windows(at), unitOf) })

export const unitOf = (window: Window): Source.Unit => {
  const { from, rejected, rows, to } = window
  return from < to
    ? { _tag: "Window", rows, rejected, range: { from, to }, coverage: entryOf(window), to: Position.of(to) }
    : { _tag: "Page", rows, rejected }
}

const entryOf = ({ coverage, from, observedAt, requests, rows, settled, to }: Window): CoverageSet.Entry => ({
  range: { from, to },
  verdict: verdict(coverage),
  ...(coverage._tag === "Proven" ? {} : { reason: coverage.reason }),
  count: rows.length,
  final: settled,
  requests,
  asOf: observedAt
})

/** `count` windows, those before the place to go on from left out. */
export const source = (count: number, each: (index: number) => Effect.Effect<void> = () => Effect.void) => {
  const asked: Array<Source.Place> = []
  let pulled = 0
  return {
    asked,
    pulled: () => pulled,
    windows: sourceOf((resume) => {
      asked.push(resume)
      return Stream.range(0, count - 1).pipe(
        Stream.filter((index) => window(index).from >= (resume.from ?? -Infinity)),
        Stream.mapEffect((index) => {
          pulled++
          return Effect.as(each(index), window(index))
        })
      )
    })
  }
}

interface Behaviour<A> {
  readonly delivery?: SessionSink.Delivery
  /** Where it stands by an account of its own. */
  readonly stands?: number
  readonly open?: Effect.Effect<void, SinkError>
  readonly write?: (batch: SessionSink.Batch<A>) => Effect.Effect<ReadonlyArray<SessionSink.Refused>, SinkError>
  readonly flush?: (cursor: Position.Cursor) => Effect.Effect<void, SinkError>
  readonly finish?: Effect.Effect<void, SinkError>
}

export const recording = <A = CallSession>(name: string, behaviour: Behaviour<A> = {}) => {
  const calls: Array<string> = []
  const ids: Array<string> = []
  const columns = new Set<string>()
  const {
    finish = Effect.void,
    flush = () => Effect.void,
    open = Effect.void,
    write = () => Effect.succeed([])
  } = behaviour
  const sink: SessionSink.SessionSink<A> = SessionSink.make({
    name,
    delivery: behaviour.delivery ?? "idempotent",
    open: ({ from }) =>
      Effect.gen(function* () {
        calls.push("open")
        yield* open
        yield* Effect.addFinalizer(() => Effect.sync(() => void calls.push("close")))
        return {
          committed: behaviour.stands === undefined ? from : Option.some({ at: placeAt(behaviour.stands), note: null }),
          write: (batch) =>
            Effect.suspend(() => {
              calls.push(`write ${batch.items.length}`)
              for (const column of batch.columns) columns.add(column.name)
              return Effect.tap(write(batch), () => Effect.sync(() => ids.push(...batch.items.map(({ id }) => id))))
            }),
          flush: (cursor) =>
            Effect.suspend(() => {
              calls.push(cursor === "end" ? "flush all" : `flush ${cursor - begin}`)
              return Effect.as(flush(cursor), { at: cursor, note: null })
            }),
          finish: Effect.suspend(() => {
            calls.push("finish")
            return finish
          })
        }
      })
  })
  return { sink, calls, ids, columns }
}

export type Recording = ReturnType<typeof recording<CallSession>>

export const letterBox = (behaviour: Behaviour<DeadLetter> = {}) => recording<DeadLetter>("letters", behaviour)

export const trouble = (sink: string, operation: SinkError["operation"], retryable = false) =>
  new SinkError({ sink, operation, retryable, reason: { _tag: "Other", description: "no room" } })

/** Keeps all that was saved, and goes on from the last. */
export const checkpoint = (...states: ReadonlyArray<State>) => {
  /** What sinks have. */
  const saved: Array<State> = [...states]
  /** Of runs in which no sink had anything yet. */
  const reserved: Array<State> = []
  let last = states.at(-1)
  const service: Checkpoint["Service"] = {
    open: () =>
      Effect.succeed({
        epoch: 1,
        state: Option.fromUndefinedOr(last),
        commit: (state) =>
          Effect.sync(() => {
            last = state
            const empty = Object.keys(state.sinks).length === 0
            void (empty ? reserved : saved).push(state)
          })
      })
  }
  return {
    saved,
    reserved,
    service,
    run: <A, E, R>({ run }: { readonly run: () => Effect.Effect<A, E, R> }) =>
      Effect.provideService(run(), Checkpoint, service)
  }
}

/** A checkpoint where the sinks stand at these places. */
export const standing = (at: Readonly<Record<string, number | "end">>): State => ({
  version: 2,
  fingerprint: {},
  sinks: Object.fromEntries(Object.entries(at).map(([name, place]) => [name, { at: placeAt(place), note: null }])),
  finished: false
})
