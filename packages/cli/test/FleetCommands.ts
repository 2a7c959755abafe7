/** A fleet as people run it: commands that find a real database, and the simulator. */
import * as Effect from "effect/Effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Postgres from "../../node/test/postgres/PostgresServer.ts"
import { folder, type Options, type Simulation } from "./Callstream.ts"

const cluster = ["--cluster", "postgres:CLUSTER_URL"]

/** A database, and commands that find it and the simulator by their environment. */
export const make = Effect.fnUntraced(function* (api: Simulation) {
  const server = yield* Postgres.Server
  const name = yield* server.database()
  const sql = yield* server.client(name, { maxConnections: 1 })
  const url = `postgres://postgres@127.0.0.1:${sql.config.port}/${name}?sslmode=disable`
  const cwd = yield* folder
  const given = ({ env, ...options }: Options = {}): Options => ({
    cwd,
    ...options,
    env: { CLUSTER_URL: url, SINK_URL: url, ...env }
  })
  return {
    sql,
    cwd,
    file: (path: string, text: string) => Effect.sync(() => writeFileSync(join(cwd, path), text)),
    run: (args: ReadonlyArray<string>, options?: Options) => api.run([...args, ...cluster], given(options)),
    start: (args: ReadonlyArray<string>, options?: Options) => api.start([...args, ...cluster], given(options)),
    ids: (table: string) =>
      Effect.map(sql<{ readonly id: string }>`SELECT id FROM ${sql(table)} ORDER BY id`, (rows) =>
        rows.map(({ id }) => id)
      )
  }
})

export const idsOf = ({ simulator }: Simulation): ReadonlyArray<string> =>
  simulator
    .truth()
    .map(({ id }) => id)
    .sort()
