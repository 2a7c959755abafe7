/** A worker as a process of its own: `node WorkerProcess.ts NAME STRETCHES URL`. It waits before its third call until it may continue. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as SqlClient from "effect/sql/SqlClient"
import * as PostgresClient from "../../node/src/PostgresClient.ts"
import * as Worker from "../src/Worker.ts"
import * as TestJobs from "./TestJobs.ts"

const [, , name = "", stretches = "1", url = ""] = process.argv

const client = (maxConnections: number) =>
  PostgresClient.layer({ url: Redacted.make(url), maxConnections, idleInTransaction: "5 seconds" })

const program = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const world = TestJobs.world()
  const mayContinue = Effect.map(sql.unsafe("SELECT 1 FROM gate"), (rows) => rows.length > 0)
  world.before = ({ call }) =>
    call === 2 ? Effect.orDie(Effect.repeat(Effect.delay(mayContinue, "50 millis"), { until: Boolean })) : Effect.void
  // What it committed, as it sees it.
  world.committed = ({ call, nth }) =>
    Effect.orDie(sql.unsafe(`INSERT INTO committed VALUES ('${name}', ${nth}, ${call})`))
  return yield* Worker.layer({ name, stretches: Number(stretches) }).pipe(
    Layer.provide(TestJobs.layer(world, { name })),
    Layer.provide(client(5)),
    Layer.provide(Layer.succeed(References.MinimumLogLevel, "None")),
    Layer.launch
  )
})

Effect.runFork(Effect.provide(program, client(1)))
