/** Tables in real databases, as the conformance suite wants them. */
import type { CallSession } from "@callstream/core/model/CallSession"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as SqlSink from "@callstream/core/sink/SqlSink"
import type { SinkConformance } from "@callstream/core/testing"
import * as SqliteClient from "@callstream/node/SqliteClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Postgres from "../postgres/PostgresServer.ts"
import * as SinkStore from "../SinkStore.ts"
import * as Faults from "./DatabaseFaults.ts"

export interface Store extends SinkConformance.Store {
  readonly faults: Faults.Faults
  /** Calls that are not gone. */
  readonly shown: Effect.Effect<ReadonlyArray<string>, unknown>
}

/** What the sink keeps of the suite's sessions, read back: JSON as values, and what is in `extra` at its place. */
export const holds = (session: CallSession): unknown => {
  const { callerName, costTotal, durationSec, id, metadata, startedAt, summary } = session
  return {
    id,
    started: startedAt === null || startedAt === undefined ? null : Date.parse(startedAt),
    cost: Number(costTotal),
    duration: durationSec,
    metadata: metadata ?? null,
    beyond:
      summary === undefined && callerName === undefined
        ? null
        : { ...(callerName === undefined ? {} : { callerName }), ...(summary === undefined ? {} : { summary }) }
  }
}

/** PostgreSQL has no NUL: what has one is in `extra` as its JSON text, and shown with U+FFFD. */
export const unwrapped = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "$json" in value ? JSON.parse(String(value.$json)) : value

interface Read {
  readonly id: string
  readonly started: string | null
  readonly cost: string
  readonly duration: number
  readonly metadata: string | null
  readonly callerName: string | null
  readonly summary: string | null
  readonly extra: string | null
}

const asHeld = ({ callerName, cost, duration, extra, id, metadata, started, summary }: Read): unknown => {
  const { metadata: exact, ...beyond } = extra === null ? {} : (JSON.parse(extra) as Record<string, unknown>)
  const more = {
    ...(callerName === null ? {} : { callerName }),
    ...(summary === null ? {} : { summary }),
    ...Object.fromEntries(Object.entries(beyond).map(([name, value]) => [name, unwrapped(value)]))
  }
  return {
    id,
    started: started === null ? null : Date.parse(started),
    cost: Number(cost),
    duration,
    metadata: exact === undefined ? (metadata === null ? null : JSON.parse(metadata)) : unwrapped(exact),
    beyond: Object.keys(more).length === 0 ? null : more
  }
}

const named = { name: "calls", table: 'Calls of "July"', keepsOffset: true, sync: {} } as const

const present = `SELECT id FROM "Calls of ""July""" WHERE removed_at IS NULL`

const sinkOver = (
  client: Layer.Layer<SqlClient.SqlClient, SqlError>,
  faults: Faults.Faults
): SessionSink.SessionSink<CallSession> =>
  SessionSink.provide(
    SqlSink.make(named),
    Layer.effect(SqlClient.SqlClient, Effect.map(SqlClient.SqlClient, faults.over)).pipe(Layer.provide(client))
  )

export const sqlite = Effect.map(SinkStore.folder, (folder): Store & { readonly file: string } => {
  const file = join(folder, "calls.db")
  const faults = Faults.make("sqlite")
  return {
    file,
    faults,
    sink: sinkOver(SqliteClient.layer({ filename: file, busyTimeout: 200 }), faults),
    shown: Effect.try(() => {
      const database = new DatabaseSync(file)
      try {
        return database
          .prepare(present)
          .all()
          .map(({ id }) => String(id))
      } finally {
        database.close()
      }
    }),
    read: Effect.try(() => {
      const database = new DatabaseSync(file)
      try {
        const rows = database
          .prepare(
            `SELECT id, startedAt AS started, costTotal AS cost, durationSec AS duration, metadata, callerName, summary, extra FROM "Calls of ""July"""`
          )
          .all() as unknown as ReadonlyArray<Read>
        return rows.map(asHeld)
      } finally {
        database.close()
      }
    })
  }
})

const inDatabase = Effect.fnUntraced(function* (database: string) {
  const server = yield* Postgres.Server
  const faults = Faults.make("postgres")
  const reader = yield* server.client(database, { maxConnections: 1 })
  const client = Layer.effect(SqlClient.SqlClient, server.client(database, { maxConnections: 2 }))
  return {
    faults,
    reader,
    sink: sinkOver(client, faults),
    shown: Effect.map(reader.unsafe<{ readonly id: string }>(present), (rows) => rows.map(({ id }) => id)),
    read: Effect.map(
      reader.unsafe<Read>(
        `SELECT id, "startedAt"::text AS started, "costTotal"::text AS cost, "durationSec"::int AS duration, metadata::text, "callerName", summary, extra::text FROM "Calls of ""July"""`
      ),
      (rows) => rows.map(asHeld)
    )
  } satisfies Store & { readonly reader: SqlClient.SqlClient }
})

/** In a database of its own. */
export const postgres = Effect.flatMap(
  Effect.flatMap(Postgres.Server, (server) => server.database()),
  inDatabase
)

/** In one database that is emptied before: making a new one takes longer than a whole run. */
export const postgresAgain = Effect.flatMap(inDatabase("postgres"), (store) =>
  Effect.as(Effect.andThen(store.reader`DROP SCHEMA public CASCADE`, store.reader`CREATE SCHEMA public`), store)
)
