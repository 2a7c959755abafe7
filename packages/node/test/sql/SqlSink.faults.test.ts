/** Statement N fails, once and from then on, before and after it was run: what a run leaves is whole, and the next one brings the rest. */
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Position from "@callstream/core/model/Position"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Column from "@callstream/core/model/Column"
import type { Committed } from "@callstream/core/model/Committed"
import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import { SinkError } from "@callstream/core/sink/SinkError"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Postgres from "../postgres/PostgresServer.ts"
import type { Kind } from "./DatabaseFaults.ts"
import * as Stores from "./Stores.ts"

const day = 86_400_000_000
const begin = Date.parse("2026-07-30T00:00:00Z") * 1000
const sessions: ReadonlyArray<CallSession> = Array.from({ length: 9 }, (_, at) => ({
  id: `session-${at}`,
  durationSec: at,
  costTotal: "0.5",
  startedAt: new Date((begin + at * day) / 1000).toISOString()
}))
const micros = (at: number) => begin + at * day
const columns = Column.ofSession
const width = 2

interface Checkpoint {
  committed: Committed | undefined
}

/** Tries again what may be tried again, as often as a pipeline would. */
const patiently = <A, R>(operation: Effect.Effect<A, SinkError, R>, tries = 2): Effect.Effect<A, SinkError, R> =>
  Effect.catchTag(operation, "SinkError", (error) =>
    error.retryable && tries > 0 ? patiently(operation, tries - 1) : Effect.fail(error)
  )

/** A run as a pipeline makes it; the checkpoint is kept beside the database. */
const run = (store: Stores.Store, checkpoint: Checkpoint): Effect.Effect<void, SinkError> =>
  Effect.gen(function* () {
    const writer = yield* patiently(store.sink.open(SessionSink.opening(Option.fromUndefinedOr(checkpoint.committed))))
    const done = Option.match(writer.committed, { onNone: () => -Infinity, onSome: ({ at }) => Number(at) })
    for (let place = 0; place < sessions.length; place += width) {
      const items = sessions
        .slice(place, place + width)
        .map((row, at) => ({ id: row.id, start: Instant.of(micros(place + at)), row }))
        .filter(({ start }) => start >= done)
      if (items.length === 0) continue
      assert.isEmpty(yield* patiently(writer.write({ items, columns, observedAt: Version.of(begin) })))
      if (place % (2 * width) !== 0)
        checkpoint.committed = yield* patiently(writer.flush(Position.of(micros(place + width))))
    }
    checkpoint.committed = yield* patiently(writer.flush(Position.of(micros(sessions.length))))
    yield* patiently(writer.finish)
  }).pipe(Effect.scoped)

const idsOf = (rows: ReadonlyArray<unknown> | undefined) =>
  (rows ?? []).map((row) => (row as { readonly id: string }).id).sort()
const whole = sessions.map(({ id }) => id)

/** What a reader finds is exactly what started before a place at which it was committed. */
const assertBetweenCommits = (ids: ReadonlyArray<string>, where: string) => {
  assert.deepStrictEqual(ids, whole.slice(0, ids.length), where)
  assert.include([0, 4, 8, 9], ids.length, where)
}

const read = (store: Stores.Store) =>
  Effect.map(
    Effect.orElseSucceed(store.read, () => undefined),
    idsOf
  )

const every: ReadonlyArray<readonly [Kind, after: boolean]> = [
  ["full", false],
  ["full", true],
  ["lost", false],
  ["lost", true]
]

const assertSweep = <E, R>(make: Effect.Effect<Stores.Store, E, R | Scope.Scope>, faults = every) =>
  Effect.gen(function* () {
    const statements = yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* make
        yield* run(store, { committed: undefined })
        assert.deepStrictEqual(yield* read(store), whole)
        return store.faults.count()
      })
    )
    assert.isAbove(statements, 15)
    const outcomes = { went: 0, failed: 0 }
    // Every statement meets each fault, every other one once, the rest for good: both for each would take twice as long.
    for (const [nth, [kind, after]] of faults.entries()) {
      for (const times of [1, Infinity]) {
        for (let skip = (nth + (times === 1 ? 0 : 1)) % 2; skip < statements; skip += 2) {
          const where = `statement ${skip + 1}, ${kind}, ${after ? "after it was run, " : ""}${times} times`
          yield* Effect.scoped(
            Effect.gen(function* () {
              const store = yield* make
              const checkpoint: Checkpoint = { committed: undefined }
              store.faults.fail({ skip, times, kind, after })
              const error = yield* Effect.match(run(store, checkpoint), {
                onSuccess: () => undefined,
                onFailure: (error) => error
              })
              if (times === 1) assert.isUndefined(error, where)
              if (error === undefined) outcomes.went++
              else {
                outcomes.failed++
                assert.instanceOf(error, SinkError, where)
                assert.strictEqual(error.sink, "calls", where)
                assert.isTrue(error.retryable, where)
                assert.strictEqual(error.reason._tag, "Database", where)
              }
              const left = yield* read(store)
              assertBetweenCommits(left, where)
              // The cursor that a checkpoint heard of is never ahead of what is there.
              if (checkpoint.committed !== undefined) {
                assert.isAtLeast(left.length, Math.round((Number(checkpoint.committed.at) - begin) / day), where)
              }
              store.faults.fail({ times: 0 })
              yield* run(store, checkpoint)
              assert.deepStrictEqual(yield* read(store), whole, where)
            })
          )
        }
      }
    }
    assert.isAbove(outcomes.went, statements / 2)
    assert.isAbove(outcomes.failed, statements / 2)
  })

describe("SqlSink, where one statement fails", () => {
  it.live("SQLite", () => assertSweep(Stores.sqlite))
})

describe.skipIf(Postgres.missing)(`SqlSink, where one statement fails${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect("PostgreSQL", () =>
      assertSweep(Stores.postgresAgain, [
        ["full", false],
        ["lost", true]
      ])
    )
  })
})
