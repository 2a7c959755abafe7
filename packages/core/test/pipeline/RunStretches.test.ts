import * as Checkpoint from "@callstream/core/checkpoint/Checkpoint"
import type { Range } from "@callstream/core/coverage/CoverageSet"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Position from "@callstream/core/model/Position"
import * as Rows from "@callstream/core/model/Rows"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Source from "@callstream/core/source/Source"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as MemoryTable from "./MemoryTable.ts"

const begin = Instant.parse("2026-07-01T00:00:00Z") ?? Instant.of(0)
const range = (from: number, to: number): Range => ({ from: Instant.of(begin + from), to: Instant.of(begin + to) })
const ids = Array.from({ length: 100 }, (_, at) => `call-${at}`)

/** Windows of 100, each with ten calls. */
const windows = ({ from, to }: Range, after: Position.Position = Position.of(from)) =>
  Array.from({ length: 10 }, (_, at) => range(100 * at, 100 * at + 100))
    .filter((window) => window.from >= Math.max(from, after) && window.to <= to)
    .map((window): Source.Unit => {
      const first = (window.from - begin) / 10
      const sessions = ids.slice(first, first + 10).map((id, at): CallSession => ({
        id,
        startedAt: Instant.format(Instant.of(window.from + 10 * at))
      }))
      const coverage = { range: window, verdict: "proven", count: 10, final: 0, requests: 1, asOf: window.to } as const
      return {
        _tag: "Window",
        rows: Rows.ofSessions(sessions, window.to),
        rejected: [],
        range: window,
        coverage,
        to: Position.of(window.to)
      }
    })

describe("Pipeline.run in stretches, whose state was lost", () => {
  it.live("another cut writes all calls to a table that remembers the first one", () =>
    Effect.gen(function* () {
      const { ids: held, sink } = MemoryTable.make("table")
      const isFar = yield* Deferred.make<void>()
      const run = (
        cut: ReadonlyArray<Range>,
        units: (stretch: Range, at: Source.Place) => Stream.Stream<Source.Unit>
      ) =>
        Pipeline.make({
          name: "nightly",
          source: {
            ...Source.make({ fingerprint: {}, units: () => Stream.die("it is read in stretches") }),
            stretches: () =>
              Effect.succeed({
                stretches: cut,
                units: (nth, at) => units(cut[nth] ?? range(0, 0), at),
                closing: Stream.empty
              })
          },
          transform: Transform.sessions,
          sinks: [sink],
          deadLetters: MemoryTable.make("letters").sink,
          commitEvery: 0,
          stretches: 2
        })
          .run()
          .pipe(Effect.provide(Checkpoint.Checkpoint.layerMemory))
      // The first stretch is killed early, and the second one late.
      const killed = yield* Effect.exit(
        run([range(0, 500), range(500, 1000)], (stretch) => {
          const all = Stream.fromIterable(windows(stretch))
          return stretch.from === begin
            ? Stream.concat(
                Stream.take(all, 1),
                Stream.fromEffectDrain(Deferred.await(isFar)).pipe(Stream.concat(Stream.die("killed")))
              )
            : Stream.concat(
                Stream.take(all, 3),
                Stream.fromEffectDrain(Deferred.succeed(isFar, undefined)).pipe(Stream.concat(Stream.never))
              )
        })
      )
      assert.isTrue(Exit.isFailure(killed))
      assert.lengthOf(held(), 40)
      yield* run([range(0, 200), range(200, 400), range(400, 1000)], (stretch, at) =>
        Stream.fromIterable(windows(stretch, at.from))
      )
      assert.deepStrictEqual(held().toSorted(), ids.toSorted())
    })
  )
})

describe("the sinks of a run", () => {
  it.effect.each([1, 2])("are opened with the epoch of its lease: %i at a time", (stretches) =>
    Effect.gen(function* () {
      const epochs: Array<number | undefined> = []
      const sink = (name: string, shares: SessionSink.Shares) =>
        SessionSink.make<unknown>({
          name,
          delivery: "transactional",
          shares,
          open: ({ epoch }) =>
            Effect.sync(() => {
              epochs.push(epoch)
              return { write: () => Effect.void }
            })
        })
      const cut = [range(0, 500), range(500, 1000)]
      const units = (nth: number, { from }: Source.Place) => Stream.fromIterable(windows(cut[nth] ?? range(0, 0), from))
      const pipeline = Pipeline.make({
        name: "nightly",
        source: {
          ...Source.make({ fingerprint: {}, units: () => Stream.fromIterable(windows(range(0, 1000))) }),
          stretches: () => Effect.succeed({ stretches: cut, units, closing: Stream.empty })
        },
        transform: Transform.sessions,
        sinks: [sink("each", "each"), sink("together", "together"), sink("parts", "parts")],
        deadLetters: sink("letters", "together"),
        stretches
      })
      yield* Effect.gen(function* () {
        const checkpoint = yield* Checkpoint.Checkpoint
        yield* Effect.scoped(checkpoint.open("nightly", {}))
        yield* pipeline.run()
      }).pipe(Effect.provide(Checkpoint.Checkpoint.layerMemory))
      // Each stretch, and what comes after them, opens the first sink again.
      assert.deepStrictEqual(
        epochs,
        Array.from({ length: stretches === 1 ? 4 : 6 }, () => 2)
      )
    })
  )
})
