import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Postgres from "../../node/test/postgres/PostgresServer.ts"
import * as TestFleet from "./TestFleet.ts"
import * as TestJobs from "./TestJobs.ts"

type Database = Effect.Success<typeof TestFleet.database>

/** What the engine and the queue of a fleet have in their tables. */
const leftOvers = ({ sql }: Database, fleet = "default") =>
  Effect.map(
    sql.unsafe<{ readonly rows: number }>(`SELECT (SELECT count(*) FROM callstream_${fleet}_messages)::integer
+ (SELECT count(*) FROM callstream_${fleet}_replies)::integer + (SELECT count(*) FROM callstream_${fleet}_queue)::integer AS rows`),
    ([row]) => row?.rows
  )

const eachOnce = (world: TestJobs.World, calls: number, endings: number) => {
  assert.strictEqual(world.delivered.size, calls + endings)
  assert.deepStrictEqual([...new Set(world.delivered.values())], [1])
}

describe.skipIf(Postgres.missing)(`a fleet on PostgreSQL${Postgres.reason}`, { concurrent: true }, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect("three workers that start at once deliver each call of three runs once, and leave nothing", () =>
      Effect.gen(function* () {
        const database = yield* TestFleet.database
        const world = TestJobs.world()
        const service = yield* database.fleet()
        yield* Effect.forEach(["a", "b", "c"], (name) => database.worker(world, { name, stretches: 2 }), {
          concurrency: 3
        })
        for (const name of ["one", "two", "three"]) yield* service.submit(name, { stretches: 6, calls: 5 })
        assert.strictEqual(
          yield* Effect.flip(service.submit("one", {})).pipe(Effect.map(({ reason }) => reason._tag)),
          "Open"
        )
        const seen = yield* Stream.runCollect(service.watch("three"))
        assert.deepStrictEqual(seen.at(-1)?.state, "finished")
        for (const name of ["one", "two", "three"]) {
          const { attempt, counters, failed, finished, parts, state, stretches, summary } = yield* TestFleet.ended(
            service,
            name
          )
          assert.deepStrictEqual(
            { attempt, failed, finished, parts, state },
            { attempt: 1, failed: 0, finished: 7, parts: 7, state: "finished" }
          )
          assert.strictEqual(counters.delivered, 30)
          assert.deepStrictEqual(summary?.counters, counters)
          assert.deepStrictEqual(
            summary?.coverage.entries.map(({ count }) => count),
            [5, 5, 5, 5, 5, 5]
          )
          assert.isNull(stretches.at(-1)?.range)
        }
        eachOnce(world, 3 * 6 * 5, 3)
        assert.deepStrictEqual(
          (yield* service.runs()).map(({ name }) => name),
          ["three", "two", "one"]
        )
        yield* TestFleet.until(
          "nothing is left",
          Effect.map(leftOvers(database), (rows) => rows === 0)
        )
      })
    )

    it.effect("a run whose stretch fails is retried by hand: what is delivered is not read again", () =>
      Effect.gen(function* () {
        const database = yield* TestFleet.database
        const world = TestJobs.world()
        const service = yield* database.fleet()
        yield* database.worker(world, { name: "a", stretches: 4 })
        world.before = ({ call, nth }) =>
          nth === 2 && call === 3 ? Effect.fail(TestJobs.failed("the sink is full")) : Effect.void
        yield* service.submit("one", { stretches: 4, calls: 5 })
        const failed = yield* TestFleet.ended(service, "one")
        assert.deepInclude(failed, {
          state: "failed",
          finished: 3,
          failed: 1,
          reason: { _tag: "Failed", message: "the sink is full" }
        })
        assert.strictEqual(world.delivered.size, 4 * 5 - 2)

        const begun: Array<string> = []
        world.before = ({ call, nth }) => Effect.sync(() => void begun.push(`${nth}/${call}`))
        yield* service.retry("one")
        const { attempt, counters, state } = yield* TestFleet.ended(service, "one")
        assert.deepStrictEqual(
          { attempt, state, delivered: counters.delivered },
          { attempt: 2, state: "finished", delivered: 20 }
        )
        assert.deepStrictEqual(begun, ["2/3", "2/4", "4/0"])
        eachOnce(world, 20, 1)
        assert.strictEqual((yield* Effect.flip(service.retry("one"))).reason._tag, "NotRetryable")

        // The ending too is a part that can fail.
        world.before = ({ nth }) => (nth === 2 ? Effect.fail(TestJobs.failed("no sum")) : Effect.void)
        yield* service.submit("two", { stretches: 2, calls: 1 })
        assert.deepInclude(yield* TestFleet.ended(service, "two"), { state: "failed", finished: 2, failed: 1 })
        world.before = () => Effect.void
        yield* service.retry("two")
        assert.strictEqual((yield* TestFleet.ended(service, "two")).state, "finished")
      })
    )

    it.effect("a transient failure is retried, and a stretch that fails five times without a commit has failed", () =>
      Effect.gen(function* () {
        const database = yield* TestFleet.database
        const world = TestJobs.world()
        const service = yield* database.fleet()
        yield* database.worker(world, { name: "a" })
        // Nothing waits for the queue: its elements are due at once.
        const hurry = database.sql.unsafe(
          "UPDATE callstream_default_queue SET visible_at = now() WHERE visible_at > now()"
        )
        yield* Effect.forkScoped(Effect.forever(Effect.andThen(hurry, Effect.sleep("300 millis"))))
        const tries = new Map<number, number>()
        world.before = ({ call, nth }) => {
          const before = tries.get(nth) ?? 0
          tries.set(nth, before + 1)
          const fails = nth === 0 ? call === 1 && before === 1 : nth === 1
          return fails ? Effect.fail(TestJobs.failed("not now", true)) : Effect.void
        }
        yield* service.submit("one", { stretches: 2, calls: 2 })
        const run = yield* TestFleet.ended(service, "one")
        assert.deepStrictEqual(
          run.stretches.map(({ status }) => status),
          ["finished", "failed", "open"]
        )
        assert.deepStrictEqual(
          [...tries].sort(([left], [right]) => left - right),
          [
            [0, 3],
            [1, 5]
          ]
        )
      })
    )

    it.effect("a run whose secret is missing fails with its name, others finish; old workers hand back", () =>
      Effect.gen(function* () {
        const database = yield* TestFleet.database
        const world = TestJobs.world()
        const service = yield* database.fleet()
        yield* database.worker(world, { name: "old", isOld: true })
        yield* service.submit("one", { stretches: 3, calls: 1 })
        yield* TestFleet.until(
          "the old one has looked",
          Effect.map(database.sql.unsafe("SELECT 1 FROM callstream_runs WHERE started"), (rows) => rows.length > 0)
        )
        yield* database.worker(world, { name: "new", secrets: ["TOKEN"] })
        yield* service.submit("two", { stretches: 3, calls: 1, secret: "OTHER_TOKEN" })
        yield* service.submit("three", { stretches: 3, calls: 1, secret: "TOKEN" })
        const two = yield* TestFleet.ended(service, "two")
        assert.strictEqual(two.state, "failed")
        assert.deepInclude(two.reason, { _tag: "Missing", names: ["OTHER_TOKEN"] })
        assert.strictEqual((yield* TestFleet.ended(service, "three")).state, "finished")
        assert.strictEqual((yield* TestFleet.ended(service, "one")).state, "finished")
        assert.deepStrictEqual([...world.by.keys()], ["new"])
      })
    )

    it.effect("a cancelled run commits nothing more; a retry resumes it", () =>
      Effect.gen(function* () {
        const database = yield* TestFleet.database
        const world = TestJobs.world()
        const service = yield* database.fleet()
        yield* database.worker(world, { name: "a" })
        const { gate, waiting } = yield* TestFleet.held(world, ({ call }) => call >= 2)
        yield* service.submit("one", { stretches: 2, calls: 4 })
        yield* TestFleet.until(
          "both wait",
          Effect.sync(() => waiting.size === 2)
        )
        yield* service.cancel("one")
        yield* gate.open
        yield* TestFleet.until(
          "nothing is left",
          Effect.map(leftOvers(database), (rows) => rows === 0)
        )
        assert.deepInclude(yield* service.run("one"), { state: "cancelled", finished: 0, failed: 0 })
        assert.strictEqual(world.delivered.size, 2 * 2)
        assert.strictEqual((yield* Effect.flip(service.cancel("one"))).reason._tag, "Ended")

        yield* service.retry("one")
        assert.strictEqual((yield* TestFleet.ended(service, "one")).state, "finished")
        eachOnce(world, 2 * 4, 1)
      })
    )

    it.effect("a worker that is stopped hands its stretches back, and two fleets do not meet", () =>
      Effect.gen(function* () {
        const database = yield* TestFleet.database
        const world = TestJobs.world()
        const service = yield* database.fleet("first")
        const scope = yield* Scope.make()
        yield* database.worker(world, { name: "a", fleet: "first", stretches: 3 }).pipe(Scope.provide(scope))
        yield* database.worker(world, { name: "other", fleet: "second" })
        const { waiting } = yield* TestFleet.held(world, ({ call, worker }) => worker === "a" && call === 2)
        yield* service.submit("one", { stretches: 3, calls: 4 })
        yield* TestFleet.until(
          "all wait",
          Effect.sync(() => waiting.size === 3)
        )
        yield* Scope.close(scope, Exit.void)
        const { stretches } = yield* service.run("one")
        assert.deepStrictEqual(
          stretches.map(({ worker }) => worker),
          [null, null, null, null]
        )
        const due = yield* database.sql.unsafe(
          "SELECT 1 FROM callstream_first_queue WHERE state = 'pending' AND acquired_by IS NULL AND attempts = 0"
        )
        assert.strictEqual(due.length, 3)

        yield* database.worker(world, { name: "b", fleet: "first" })
        assert.strictEqual((yield* TestFleet.ended(service, "one")).state, "finished")
        eachOnce(world, 3 * 4, 1)
        assert.deepStrictEqual(
          [...world.by],
          [
            ["a", 6],
            ["b", 6]
          ]
        )
        assert.deepStrictEqual(yield* (yield* database.fleet("second")).runs(), [])
      })
    )

    it.effect("a database that is away for a while costs no work", () =>
      Effect.gen(function* () {
        const database = yield* TestFleet.database
        const world = TestJobs.world()
        const service = yield* database.fleet()
        yield* database.worker(world, { name: "a" })
        const { gate, waiting } = yield* TestFleet.held(world, ({ call }) => call === 2)
        yield* service.submit("one", { stretches: 3, calls: 5 })
        yield* TestFleet.until(
          "all wait",
          Effect.sync(() => waiting.size === 3)
        )
        const before = yield* service.run("one")
        yield* database.isAway(
          Effect.gen(function* () {
            yield* gate.open
            // Long enough for polls, refreshed locks and commits to fail, and for a second try of each.
            yield* Effect.sleep("2500 millis")
            assert.strictEqual(world.delivered.size, 3 * 2)
          })
        )
        const after = yield* TestFleet.ended(service, "one")
        assert.strictEqual(after.state, "finished")
        eachOnce(world, 3 * 5, 1)
        const epochs = (run: typeof before) => run.stretches.slice(0, 3).map(({ epoch }) => epoch)
        assert.deepStrictEqual(epochs(after), epochs(before))
      })
    )

    it.effect("a run of many stretches lets another one through, and never fills the queue", () =>
      Effect.gen(function* () {
        const database = yield* TestFleet.database
        const world = TestJobs.world()
        const service = yield* database.fleet()
        yield* database.worker(world, { name: "a", stretches: 1 })
        const queue = (where: string) =>
          database.sql.unsafe(`SELECT 1 FROM callstream_default_queue WHERE state = 'pending' AND ${where}`)
        const most: Array<number> = []
        world.before = ({ nth, run }) =>
          Effect.gen(function* () {
            if (run === "large" && nth < 20) most.push((yield* queue("element NOT LIKE '%plan%'")).length)
            if (run !== "large" || nth !== 3) return
            yield* service.submit("small", { stretches: 1, calls: 1 })
            yield* TestFleet.until(
              "the small one is planned next",
              Effect.map(queue(`id LIKE '%plan'`), (rows) => rows.length > 0)
            )
          }).pipe(Effect.orDie)
        yield* service.submit("large", { stretches: 20, calls: 1 })
        const begun: Array<string> = []
        world.committed = ({ nth, run }) => Effect.sync(() => void begun.push(`${run}/${nth}`))
        assert.strictEqual((yield* TestFleet.ended(service, "large")).state, "finished")
        assert.strictEqual((yield* TestFleet.ended(service, "small")).state, "finished")
        assert.isAtMost(begun.indexOf("small/0"), 8)
        // The first ones are the largest.
        assert.deepStrictEqual(
          begun.filter((call) => call.startsWith("large/")),
          Array.from({ length: 20 }, (_, nth) => `large/${nth}`)
        )
        // Two of one reader, and the planning of the other run.
        assert.isAtMost(Math.max(...most), 3)
        eachOnce(world, 21, 2)
      })
    )

    it.effect("parts that wait for their API keep what they have, and leave their places to others", () =>
      Effect.gen(function* () {
        const database = yield* TestFleet.database
        const world = TestJobs.world()
        const service = yield* database.fleet()
        yield* database.worker(world, { name: "a", stretches: 1 })
        const gate = yield* TestFleet.gate
        world.isWaiting = (run) => Effect.succeed(run === "stuck")
        world.before = ({ call, run }) => (run === "stuck" && call === 1 ? gate.wait : Effect.void)
        yield* service.submit("stuck", { stretches: 1, calls: 3 })
        yield* TestFleet.until(
          "it has begun",
          Effect.sync(() => world.delivered.has("stuck/0/0"))
        )
        for (const name of ["first", "second"]) yield* service.submit(name, { stretches: 2, calls: 1 })
        for (const name of ["first", "second"]) {
          assert.strictEqual((yield* TestFleet.ended(service, name)).state, "finished")
        }
        yield* gate.open
        assert.strictEqual((yield* TestFleet.ended(service, "stuck")).state, "finished")
        eachOnce(world, 3 + 4, 3)
      })
    )

    it.effect("an idle fleet of three makes at most 12 commits a second", () =>
      Effect.gen(function* () {
        const database = yield* TestFleet.database
        for (const name of ["a", "b", "c"]) yield* database.worker(TestJobs.world(), { name })
        // What starting took is counted later, on a busy machine much later: an idle fleet comes to rest.
        const rate = Effect.gen(function* () {
          const before = yield* database.commits
          yield* Effect.sleep("12 seconds")
          return ((yield* database.commits) - before) / 12
        })
        assert.isAtMost(yield* Effect.repeat(rate, { until: (rate) => rate <= 12, times: 4 }), 12)
      })
    )
  })
})
