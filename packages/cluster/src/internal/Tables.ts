/** The tables of fleets, and how each version of them leads to the next one. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

export const runs = "callstream_runs"
export const stretches = "callstream_stretches"
export const budgets = "callstream_budgets"
const schema = "callstream_fleet_schema"

/** Where PostgreSQL notifies of runs whose state changed. */
export const channelOf = (fleet: string): string => `callstream_${fleet}_runs`

const migrations: ReadonlyArray<ReadonlyArray<string>> = [
  [
    `CREATE TABLE ${runs} (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  sequence bigint GENERATED ALWAYS AS IDENTITY,
  fleet text NOT NULL,
  name text NOT NULL,
  organization text,
  spec json NOT NULL,
  state text NOT NULL DEFAULT 'planned',
  attempt integer NOT NULL DEFAULT 1,
  -- Whether the engine has the workflow of this attempt, and whether it has nothing of this run any more.
  started boolean NOT NULL DEFAULT false,
  swept boolean NOT NULL DEFAULT false,
  -- Workers that began to cut it.
  claims integer NOT NULL DEFAULT 0,
  cut json,
  summary json,
  reason json,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
)`,
    `CREATE UNIQUE INDEX ${runs}_open ON ${runs} (fleet, name) WHERE state IN ('planned', 'running')`,
    `CREATE INDEX ${runs}_name ON ${runs} (fleet, name, sequence)`,
    `CREATE INDEX ${runs}_unswept ON ${runs} (fleet) WHERE NOT swept`,
    `CREATE TABLE ${stretches} (
  run uuid NOT NULL REFERENCES ${runs} ON DELETE CASCADE,
  nth integer NOT NULL,
  -- The ending has none.
  range json,
  status text NOT NULL DEFAULT 'open',
  epoch bigint NOT NULL DEFAULT 0,
  worker text,
  -- Claims without a commit since.
  claims integer NOT NULL DEFAULT 0,
  state json,
  counters json,
  coverage json,
  reason json,
  updated_at timestamptz,
  PRIMARY KEY (run, nth)
)`,
    // In seconds since 1970.
    `CREATE TABLE ${budgets} (
  organization text PRIMARY KEY,
  starts float8[] NOT NULL DEFAULT '{}',
  latest float8 NOT NULL DEFAULT 0,
  held float8 NOT NULL DEFAULT 0
)`
  ],
  [
    // Whatever changes a state: each statement of each version, and by hand.
    `CREATE FUNCTION ${runs}_notify() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
  PERFORM pg_notify('${channelOf("' || NEW.fleet || '")}', json_build_object('run', NEW.id, 'attempt', NEW.attempt)::text);
  RETURN NULL;
END$$`,
    `CREATE TRIGGER ${runs}_notify AFTER INSERT OR UPDATE OF state ON ${runs}
FOR EACH ROW EXECUTE FUNCTION ${runs}_notify()`
  ]
]

/** Makes the tables, or brings them to this version. Processes that start at once wait for each other. */
export const migrate: Effect.Effect<void, SqlError, SqlClient.SqlClient> = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`SELECT pg_advisory_xact_lock(hashtextextended('callstream makes ' || ${runs}::text, 0))`
      yield* sql.unsafe(`CREATE TABLE IF NOT EXISTS ${schema} (version integer NOT NULL)`)
      const [row] = yield* sql.unsafe<{ readonly version: number }>(`SELECT version FROM ${schema}`)
      const found = row?.version ?? 0
      if (found >= migrations.length) return
      for (const text of migrations.slice(found).flat()) yield* sql.unsafe(text)
      yield* sql.unsafe(
        row === undefined
          ? `INSERT INTO ${schema} VALUES (${migrations.length})`
          : `UPDATE ${schema} SET version = ${migrations.length}`
      )
    })
  )
)
