import { AgniClient } from "@callstream/core/client/AgniClient"
import { Checkpoint } from "@callstream/core/checkpoint/Checkpoint"
import type { AgniError } from "@callstream/core/model/AgniError"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import type { DeadLetter } from "@callstream/core/pipeline/DeadLetter"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import type { Batch } from "@callstream/core/sink/SessionSink"
import * as CallSessions from "@callstream/core/CallSessions"
import * as Coverage from "@callstream/core/history/Coverage"
import * as Extremes from "@callstream/core/history/Extremes"
import * as History from "@callstream/core/history/History"
import * as Rows from "@callstream/core/model/Rows"
import { AgniSimulator } from "@callstream/core/testing"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Parts from "./Parts.ts"

const { begin, checkpoint, letterBox, recording, sourceOf, trouble, window } = Parts

/** What a sink is given of a source, and the dead letters. */
const given = Effect.fnUntraced(function* <R>(
  source: Stream.Stream<Coverage.Window, AgniError, R>,
  transform: Transform.Transform<CallSession, CallSession> = Transform.identity()
) {
  const batches: Array<Batch<CallSession>> = []
  const letters: Array<DeadLetter> = []
  const write = (batch: Batch<CallSession>) =>
    Effect.sync(() => {
      batches.push(batch)
      return batch.items.filter(({ id }) => id === "refused").map(({ id }) => ({ id, reason: "no" }))
    })
  yield* Pipeline.make({
    name: "calls",
    source: sourceOf(() => source),
    transform,
    sinks: [recording("a", { write }).sink],
    deadLetters: letterBox({
      write: ({ items }) =>
        Effect.sync(() => {
          letters.push(...items.map(({ row }) => row))
          return []
        })
    }).sink
  }).run()
  return { batches, letters, items: batches.flatMap(({ items }) => items) }
})

describe("the versions of rows", () => {
  const loose = (page: Pick<Coverage.Window, "rows">) =>
    Coverage.make(Rows.items(page.rows), {
      from: Instant.of(0),
      to: Instant.of(0),
      rejected: [],
      coverage: { _tag: "Proven" },
      requests: 1,
      observedAt: Instant.of(0)
    })
  const keeping = Transform.make<CallSession, CallSession>({
    label: "copy",
    columns: (columns) => columns,
    apply: (session) => Object.assign({}, session)
  })

  it.effect("are those of the answers that held them, however they are read", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-08-01T00:00:00Z"))
      const simulator = yield* AgniSimulator.make({ content: "minimal", sessions: 200, undated: 0, seed: 5 })
      const client = yield* AgniClient.make({ apiKey: Redacted.make(simulator.apiKey) }).pipe(
        Effect.provideService(HttpClient.HttpClient, simulator.httpClient)
      )
      const sources = [
        History.windows({}, { pageSize: 20 }),
        History.windows({}, { pageSize: 20, hold: "objects" }),
        Stream.map(CallSessions.selectedPages({ pageSize: 20 }), loose),
        Stream.map(Extremes.newest(200)(CallSessions.selectedPages({ pageSize: 20 })), loose)
      ]
      for (const [at, source] of sources.entries()) {
        for (const transform of [Transform.identity<CallSession>(), keeping]) {
          const { items } = yield* given(source, transform).pipe(
            Effect.provideService(AgniClient, client),
            Effect.provide(Checkpoint.layerMemory)
          )
          assert.lengthOf(items, 200)
          const versions = new Map<number, number>()
          for (const { version } of items) {
            assert(version !== undefined, `source ${at}`)
            versions.set(version, (versions.get(version) ?? 0) + 1)
          }
          // A page holds twenty rows.
          assert.isAtLeast(versions.size, 10, `source ${at}`)
          assert.isAtMost(Math.max(...versions.values()), 20, `source ${at}`)
        }
      }
    })
  )

  it.effect("of a source that gives none rise from window to window, above those of the process before", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(begin / 1000)
      const state = checkpoint()
      const sequences: Array<number> = []
      const write = ({ observedAt }: Batch<CallSession>) =>
        Effect.suspend(() => {
          if (sequences.length === 2) {
            sequences.push(Number.NaN)
            return Effect.fail(trouble("a", "write"))
          }
          sequences.push(observedAt)
          return Effect.succeed([])
        })
      const pipeline = Pipeline.make({
        name: "calls",
        source: sourceOf(() => Stream.make(window(0), window(1), window(2))),
        transform: Transform.identity<CallSession>(),
        sinks: [recording("a", { write }).sink],
        deadLetters: letterBox().sink,
        commitEvery: "1 hour"
      })
      yield* Effect.flip(state.run(pipeline))
      yield* state.run(pipeline)
      const [first, second, , ...rest] = sequences
      assert.deepStrictEqual([first, second], [begin + 1000, begin + 1001])
      assert.lengthOf(rest, 3)
      for (const [at, sequence] of rest.entries()) assert.isAbove(sequence, rest[at - 1] ?? begin + 1002)
    })
  )

  it.effect("go into dead letters, and those of a replay are kept", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(begin / 1000)
      const old = Version.of(begin - 86_400_000_000)
      const rows = ["fine", "refused", "thrown"].map((id) => ({ id, start: undefined, version: old, row: { id } }))
      const throwing = Transform.make<CallSession, CallSession>({
        label: "throws",
        columns: (columns) => columns,
        apply: (session) => {
          if (session.id === "thrown") throw new TypeError("no")
          return session
        }
      })
      const { batches, letters } = yield* given(
        Stream.make(
          Coverage.make(rows, { ...loose({ rows: Rows.make([], Instant.of(0)) }), observedAt: Instant.of(begin) })
        ),
        throwing
      ).pipe(Effect.provide(Checkpoint.layerMemory))
      assert.deepStrictEqual<ReadonlyArray<unknown>>(
        letters.map(({ observedAt, stage }) => [stage, observedAt]),
        [
          ["throws", old],
          ["sink", old]
        ]
      )
      assert.deepStrictEqual<ReadonlyArray<unknown>>(
        batches.flatMap(({ items }) => items.map(({ id, version }) => [id, version])),
        [
          ["fine", old],
          ["refused", old]
        ]
      )
      // Nothing was asked, so nobody knows which clock is right.
      assert.isUndefined(batches[0]?.highestCredible)
    })
  )

  it.effect("are accepted up to five minutes in the future of the clock that is ahead", () =>
    Effect.gen(function* () {
      const minutes = 60_000_000
      for (const own of [begin, begin + 60 * minutes]) {
        yield* TestClock.setTime(own / 1000)
        const { batches } = yield* given(Stream.make(window(0))).pipe(Effect.provide(Checkpoint.layerMemory))
        const ahead = Math.max(own, begin + 1000) + 5 * minutes
        assert.strictEqual<number | undefined>(batches[0]?.highestCredible, ahead)
      }
    })
  )
})
