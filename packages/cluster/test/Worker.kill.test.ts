/** Workers in processes of their own: one is killed, one is frozen and thawed. */
import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { join } from "node:path"
import * as Postgres from "../../node/test/postgres/PostgresServer.ts"
import * as TestFleet from "./TestFleet.ts"
import * as TestJobs from "./TestJobs.ts"

const start = (name: string, url: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const args = [join(import.meta.dirname, "WorkerProcess.ts"), name, "1", url]
      return spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] })
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

describe.skipIf(Postgres.missing)(`workers that disappear${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect("are replaced: each call is committed once, also when one of them comes back", () =>
      Effect.gen(function* () {
        const { fleet, sql, url, worker } = yield* TestFleet.database
        const service = yield* fleet()
        yield* sql.unsafe("CREATE TABLE gate (open boolean)")
        yield* sql.unsafe("CREATE TABLE committed (worker text, nth integer, call integer)")
        const killed = yield* start("killed", url)
        const frozen = yield* start("frozen", url)
        yield* service.submit("one", { stretches: 2, calls: 5 })
        const waiting = sql.unsafe("SELECT 1 FROM committed WHERE call = 1")
        yield* TestFleet.until(
          "both wait",
          Effect.map(waiting, (rows) => rows.length === 2)
        )
        killed.kill("SIGKILL")
        frozen.kill("SIGSTOP")
        const at = performance.now()
        const world = TestJobs.world()
        yield* worker(world, { name: "other" })
        const run = yield* TestFleet.ended(service, "one")
        // 7 seconds until locks expire, and polls; a busy machine is slow.
        const seconds = (performance.now() - at) / 1000
        assert.isBelow(seconds, 30)
        assert.strictEqual(run.state, "finished")
        assert.strictEqual(run.counters.delivered, 10)
        assert.sameMembers(
          [...world.delivered.keys()],
          ["one/0/2", "one/0/3", "one/0/4", "one/1/2", "one/1/3", "one/1/4", "one/ending"]
        )

        yield* sql.unsafe("INSERT INTO gate VALUES (true)")
        frozen.kill("SIGCONT")
        // It reads further, is refused, and takes what nobody else takes.
        const isBack = TestFleet.until(
          "it works again",
          Effect.map(sql.unsafe("SELECT 1 FROM committed WHERE worker = 'frozen'"), (rows) => rows.length > 2)
        )
        world.before = () => Effect.orDie(isBack)
        yield* service.submit("two", { stretches: 6, calls: 3 })
        assert.strictEqual((yield* TestFleet.ended(service, "two")).state, "finished")
        assert.deepStrictEqual((yield* service.run("one")).stretches, run.stretches)
      })
    )
  })
})
