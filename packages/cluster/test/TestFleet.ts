/** Fleets in one process, on a real database. */
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import type { Scope } from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as PostgresClient from "../../node/src/PostgresClient.ts"
import * as Postgres from "../../node/test/postgres/PostgresServer.ts"
import * as Fleet from "../src/Fleet.ts"
import * as Worker from "../src/Worker.ts"
import * as Road from "./Road.ts"
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
  const administrator = yield* server.client("postgres", { maxConnections: 1 })
  const [{ port } = { port: "" }] = yield* administrator.unsafe<{ readonly port: string }>("SHOW port")
  const road = yield* Road.make(Number(port))
  const urlOf = (port: string | number) => `postgres://postgres@127.0.0.1:${port}/${name}?sslmode=disable`
  const pool = (maxConnections: number) => server.client(name, { maxConnections })
  return {
    /** For another process. */
    url: urlOf(port),
    /** Workers of this process lose all connections, and get none in the meantime. */
    isAway: <A, E, R>(meanwhile: Effect.Effect<A, E, R>) =>
      Effect.andThen(road.close, Effect.ensuring(meanwhile, road.open)),
    /** All transactions so far, failed ones too. */
    commits: administrator
      .unsafe<{ readonly done: number }>(
        `SELECT (xact_commit + xact_rollback)::float8 AS done FROM pg_stat_database WHERE datname = '${name}'`
      )
      .pipe(Effect.map(([row]) => row?.done ?? 0)),
    /** A client beside those of the workers. */
    sql: yield* pool(2),
    worker: (world: TestJobs.World, options: WorkerOptions): Effect.Effect<void, unknown, Scope> =>
      Effect.asVoid(
        Layer.build(
          Layer.fresh(Worker.layer({ name: options.name, fleet: options.fleet, stretches: options.stretches })).pipe(
            Layer.provide(
              Layer.merge(
                TestJobs.layer(world, options),
                PostgresClient.layer({ url: Redacted.make(urlOf(road.port)), maxConnections: 5 })
              )
            ),
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

/** Holds workers at a gate before each step for which it is so; `waiting` are the stretches that wait. */
export const held = (world: TestJobs.World, isHeld: (step: TestJobs.Step) => boolean) =>
  Effect.map(gate, (gate) => {
    const waiting = new Set<number>()
    world.before = (step) =>
      isHeld(step)
        ? Effect.andThen(
            Effect.sync(() => waiting.add(step.nth)),
            gate.wait
          )
        : Effect.void
    return { gate, waiting }
  })

/** Waits until it is so. What takes that long hangs. */
export const until = <E, R>(what: string, condition: Effect.Effect<boolean, E, R>) =>
  condition.pipe(
    Effect.flatMap((isSo) => (isSo ? Effect.void : Effect.fail(new NotYet({ what })))),
    Effect.retry({ schedule: Schedule.spaced("200 millis"), while: (error) => error instanceof NotYet }),
    Effect.timeout("4 minutes")
  )

export const ended = (fleet: Service, name: string) =>
  Effect.andThen(until(`${name} ends`, Effect.map(fleet.run(name), Fleet.hasEnded)), fleet.run(name))
