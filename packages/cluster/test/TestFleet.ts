/** Fleets in one process, on a real database. */
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import type { Scope } from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as Postgres from "../../node/test/postgres/PostgresServer.ts"
import * as Fleet from "../src/Fleet.ts"
import * as Worker from "../src/Worker.ts"
import * as TestJobs from "./TestJobs.ts"

interface WorkerOptions extends TestJobs.Options {
  readonly fleet?: string
  readonly stretches?: number
}

/** A fleet, seen from outside. */
export type Service = Fleet.Fleet["Service"]

/** A database of its own. */
export const database = Effect.gen(function* () {
  const server = yield* Postgres.Server
  const name = yield* server.database()
  const pool = (maxConnections: number) => server.client(name, { maxConnections })
  return {
    /** For another process. */
    url: Effect.map(
      (yield* pool(1)).unsafe<{ readonly port: string }>("SHOW port"),
      ([row]) => `postgres://postgres@127.0.0.1:${row?.port}/${name}`
    ),
    /** A client beside those of the workers. */
    sql: yield* pool(2),
    worker: (world: TestJobs.World, options: WorkerOptions): Effect.Effect<void, unknown, Scope> =>
      Effect.asVoid(
        Layer.build(
          Layer.fresh(Worker.layer({ name: options.name, fleet: options.fleet, stretches: options.stretches })).pipe(
            Layer.provide(Layer.merge(TestJobs.layer(world, options), Layer.effect(SqlClient.SqlClient, pool(5)))),
            Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
          )
        )
      ),
    fleet: (fleet?: string) =>
      Effect.flatMap(pool(2), (sql) => Effect.provideService(Fleet.make({ fleet }), SqlClient.SqlClient, sql))
  }
})

class NotYet extends Data.TaggedError("NotYet")<{ readonly what: string }> {}

/** Opens when somebody says so; holds everybody who comes to it before. */
export const gate = Effect.map(Deferred.make<void>(), (deferred) => ({
  wait: Deferred.await(deferred),
  open: Effect.asVoid(Deferred.succeed(deferred, undefined))
}))

/** Waits until it is so. What takes that long hangs. */
export const until = <E, R>(what: string, condition: Effect.Effect<boolean, E, R>) =>
  condition.pipe(
    Effect.flatMap((isSo) => (isSo ? Effect.void : Effect.fail(new NotYet({ what })))),
    Effect.retry({ schedule: Schedule.spaced("50 millis"), while: (error) => error instanceof NotYet }),
    Effect.timeout("60 seconds")
  )

export const ended = (fleet: Service, name: string) =>
  Effect.andThen(until(`${name} ends`, Effect.map(fleet.run(name), Fleet.hasEnded)), fleet.run(name))
