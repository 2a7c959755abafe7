/** Histories of what a sync delivers, with kills at each step, whose table is in a real database. */
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as SqlSink from "@callstream/core/sink/SqlSink"
import * as SqliteClient from "@callstream/node/SqliteClient"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { join } from "node:path"
import * as Deliveries from "../../../core/test/pipeline/SyncDeliveries.ts"
import * as Receivers from "../../../core/test/pipeline/SyncReceivers.ts"
import * as Postgres from "../postgres/PostgresServer.ts"
import * as SinkStore from "../SinkStore.ts"

interface Database {
  readonly client: Layer.Layer<SqlClient.SqlClient, SqlError>
  /** Selects a time as text in ISO 8601, with microseconds. */
  readonly time: (column: string) => string
}

interface Row {
  readonly id: string
  readonly seen: string
  readonly removed: string | null
  readonly status: string | null
}

const select = ({ client, time }: Database) =>
  Effect.scoped(
    Effect.flatMap(Layer.build(client), (context) =>
      Effect.provideContext(
        Effect.flatMap(SqlClient.SqlClient, (client) =>
          client.unsafe<Row>(
            `SELECT id, status, ${time("observed_at")} AS seen, ${time("removed_at")} AS removed FROM call_sessions`
          )
        ),
        context
      )
    )
  )

const micros = (text: string): number =>
  Math.floor(Date.parse(text.replace(/\.\d+/, "")) / 1000) * 1_000_000 +
  Number((/\.(\d+)/.exec(text)?.[1] ?? "").padEnd(6, "0"))

const statusOf = (row: object | null | undefined): unknown =>
  row !== null && row !== undefined && "status" in row ? row.status : null

/** The database has its own time, because its driver waits. */
const tableIn =
  (database: Database, clock: Clock.Clock): typeof Receivers.table =>
  (at, judge) => {
    const name = "table"
    const inner = SessionSink.provide(SqlSink.make({ keepsOffset: true, sync: { history: false } }), database.client)
    const live = Effect.provideService(Clock.Clock, clock)
    /** What each version was given as. */
    const given = new Map<string, object | null>()
    let shown: ReadonlyMap<string, Receivers.Held> = new Map()
    const read = Effect.map(Effect.orDie(select(database)), (rows) => {
      shown = new Map(
        rows.map(({ id, removed, seen, status }) => {
          const version = micros(seen)
          const row = removed === null ? given.get(`${id} ${version}`) : null
          if (row === undefined) judge.wrong.add(`table: ${id} has a version that it was not given`)
          else if (row !== null && statusOf(row) !== status) judge.wrong.add(`table: ${id} is not as it was given`)
          return [id, { sequence: version, row: row ?? null }]
        })
      )
    })
    return {
      name,
      shown: () => shown,
      // What it kept is on its disk.
      crash: () => {},
      sink: {
        ...inner,
        name,
        open: (opening) =>
          Effect.map(Effect.andThen(at(name, "open"), live(inner.open(opening))), (writer) => {
            const held = new Map(shown)
            const note = (batch: SessionSink.Batch<object | null>) => {
              for (const event of Receivers.itemsOf(batch)) {
                Receivers.check(name, held.get(event.id), event, judge)
                held.set(event.id, { sequence: event.change.sequence, row: event.row })
                given.set(`${event.id} ${event.change.sequence}`, event.row)
              }
            }
            return {
              ...writer,
              write: (batch) =>
                Effect.tap(Effect.andThen(at(name, "write"), live(writer.write(batch))), () =>
                  Effect.sync(() => note(batch))
                ),
              remove: (batch) =>
                Effect.tap(
                  Effect.andThen(at(name, "write"), live(writer.remove?.(batch) ?? Effect.die("it removes nothing"))),
                  () => Effect.sync(() => note(batch))
                ),
              flush: (cursor) =>
                at(name, "flush").pipe(
                  Effect.andThen(live(writer.flush(cursor))),
                  Effect.tap(() => live(read)),
                  Effect.tap(() => at(name, "flushed"))
                )
            }
          })
      }
    }
  }

const assertTruth = Effect.fnUntraced(function* <R>(
  database: Effect.Effect<Database, unknown, R>,
  first: number,
  count: number
): Effect.fn.Return<void, unknown, R> {
  const clock = yield* Clock.Clock
  const state = yield* Deliveries.known
  const sums = { kills: 0, failures: 0, events: 0 }
  for (let seed = first; seed < first + count; seed++) {
    const { sinks, transforms, ...one } = Deliveries.make(seed)
    // The columns of a table are those that it was made with.
    const whole = transforms.filter((transform) => transform < 2)
    const outcome = yield* Deliveries.run(
      { ...one, sinks: sinks.includes("table") ? sinks : ["table", ...sinks], transforms: whole, transform: 0 },
      state,
      tableIn(yield* database, clock)
    )
    assert.deepStrictEqual(outcome.wrong, [], `seed ${seed}`)
    for (const name of ["kills", "failures", "events"] as const) sums[name] += outcome[name]
  }
  // Otherwise the histories would show nothing.
  assert.isAbove(sums.kills, 0.1 * count)
  assert.isAbove(sums.failures, count)
  assert.isAbove(sums.events, 1.5 * count)
})

describe("Deliveries of a sync into a table", () => {
  const sqlite = Effect.map(SinkStore.folder, (folder): Database => ({
    client: SqliteClient.layer({ filename: join(folder, "calls.db") }),
    time: (column) => column
  }))
  it.live("25 histories in SQLite: it ends with the truth", () => assertTruth(sqlite, 1, 25), 120_000)

  const postgres = Effect.gen(function* () {
    const server = yield* Postgres.Server
    const name = yield* server.database()
    return {
      client: Layer.effect(SqlClient.SqlClient, server.client(name, { maxConnections: 2 })),
      time: (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
    }
  })
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect("10 histories in PostgreSQL: it ends with the truth", () => assertTruth(postgres, 61, 10), 120_000)
  })
})
