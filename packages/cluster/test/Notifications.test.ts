/** Fleets whose clock stands still: no poll ever comes, so only notifications of PostgreSQL bring work. */
import { assert, describe, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Postgres from "../../node/test/postgres/PostgresServer.ts"
import * as TestFleet from "./TestFleet.ts"
import * as TestJobs from "./TestJobs.ts"

/** Two workers of one stretch each, and who watches, on a clock that only the test moves. */
const still = Effect.gen(function* () {
  const clock = yield* TestClock.make({ warningDelay: "1 hour" })
  const database = yield* TestFleet.database
  const world = TestJobs.world()
  const onClock = Effect.provideService(Clock.Clock, clock)
  const passing = Effect.forever(Effect.andThen(clock.adjust("5 seconds"), Effect.sleep("20 millis")))
  const service = yield* onClock(database.fleet())
  // A worker that ends may wait for its clock.
  const workers = yield* Effect.acquireRelease(Scope.make(), (scope) =>
    Effect.raceFirst(Scope.close(scope, Exit.void), passing)
  )
  for (const name of ["a", "b"])
    yield* onClock(database.worker(world, { name, stretches: 1 })).pipe(Scope.provide(workers))
  const listeners = (isThere: (found: number) => boolean) =>
    TestFleet.until(
      "the listeners are as they should be",
      Effect.map(
        database.sql.unsafe(
          "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        ),
        ({ length }) => isThere(length)
      )
    )
  yield* listeners((found) => found === 2)
  return {
    database,
    world,
    service,
    listeners,
    ended: (name: string) => Effect.map(onClock(Stream.runCollect(service.watch(name))), (seen) => seen.at(-1)?.state),
    passing
  }
})

describe.skipIf(Postgres.missing)(`notifications of PostgreSQL${Postgres.reason}`, { concurrent: true }, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect("a run begins on all workers, and ends for who watches it, without a poll", () =>
      Effect.gen(function* () {
        const { ended, service, world } = yield* still
        const both = yield* TestFleet.gate
        const begun = new Set<string>()
        world.before = ({ nth, worker }) =>
          nth === 2
            ? Effect.void
            : Effect.andThen(
                Effect.suspend(() => (begun.add(worker).size === 2 ? both.open : Effect.void)),
                both.wait
              )
        yield* service.submit("one", { stretches: 2, calls: 1 })
        assert.strictEqual(yield* ended("one"), "finished")
        assert.deepStrictEqual([...begun].sort(), ["a", "b"])
      })
    )

    it.effect("a retry begins without a poll, and who watches sees a run cancelled at once", () =>
      Effect.gen(function* () {
        const { ended, service, world } = yield* still
        const gate = yield* TestFleet.gate
        world.before = () => gate.wait
        yield* service.submit("one", { stretches: 1, calls: 1 })
        yield* service.cancel("one")
        assert.strictEqual(yield* ended("one"), "cancelled")
        yield* gate.open
        yield* service.retry("one")
        assert.strictEqual(yield* ended("one"), "finished")
      })
    )

    it.effect("where no notification arrives, polls bring the work", () =>
      Effect.gen(function* () {
        const { database, passing, service } = yield* still
        yield* database.sql.unsafe("DROP TRIGGER callstream_runs_notify ON callstream_runs")
        yield* service.submit("one", { stretches: 3, calls: 1 })
        yield* Effect.forkScoped(passing)
        assert.strictEqual((yield* TestFleet.ended(service, "one")).state, "finished")
      })
    )

    it.effect("a worker whose listening connection is lost listens again", () =>
      Effect.gen(function* () {
        const { database, ended, listeners, passing, service } = yield* still
        yield* database.sql.unsafe(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND query LIKE 'LISTEN%'`
        )
        yield* listeners((found) => found === 0)
        // A worker sees a while after the server that its connection is gone, and waits from then on.
        yield* Effect.raceFirst(
          listeners((found) => found === 2),
          passing
        )
        yield* service.submit("one", { stretches: 3, calls: 1 })
        assert.strictEqual(yield* ended("one"), "finished")
      })
    )
  })
})
