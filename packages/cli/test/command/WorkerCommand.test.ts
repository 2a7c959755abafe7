/** Workers as people run them: processes, a real database, the simulator. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Postgres from "../../../node/test/postgres/PostgresServer.ts"
import { alongside, folder, lines, simulation, until } from "../Callstream.ts"

const cluster = ["--cluster", "postgres:CLUSTER_URL"]

/** A database, and an environment that has its address. */
const database = Effect.gen(function* () {
  const server = yield* Postgres.Server.make
  const name = yield* server.database()
  const sql = yield* server.client(name, { maxConnections: 1 })
  const url = `postgres://postgres@127.0.0.1:${sql.config.port}/${name}?sslmode=disable`
  return { sql, env: { CLUSTER_URL: url, SINK_URL: url } }
})

describe.skipIf(Postgres.missing)(`callstream worker${Postgres.reason}`, alongside, () => {
  it.live("two share a run, one is killed: the table equals the API, each call once, and it is proven", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const one = yield* simulation({ sessions: 8000, undated: 0.05, seed: 7 })
      const { env, sql } = yield* database
      writeFileSync(join(cwd, "calls.yaml"), `stretches: 8\nsinks: ["postgres:SINK_URL"]\ncommitEvery: 100ms\n`)
      const worker = one.start(["worker", ...cluster, "--stretches", "2"], { cwd, env })
      const first = yield* worker
      const second = yield* worker
      const run = yield* one.start(["run", "calls.yaml", ...cluster, "--json"], { cwd, env })
      yield* until(() => first.stderr().includes(" begins\n"))
      first.child.kill("SIGKILL")
      const ran = yield* run.ended
      assert.strictEqual(ran.code, 0, ran.stderr)
      assert.include(lines(ran.stdout)[0], { sessions: 8000, rejected: 0 })
      const rows = yield* sql<{ readonly id: string }>`SELECT id FROM call_sessions ORDER BY id`
      assert.deepStrictEqual(
        rows.map(({ id }) => id),
        one.simulator
          .truth()
          .map(({ id }) => id)
          .sort()
      )
      second.child.kill("SIGTERM")
      const stopped = yield* second.ended
      assert.strictEqual(stopped.code, 0, stopped.stderr)
    }).pipe(Effect.scoped)
  )
})
