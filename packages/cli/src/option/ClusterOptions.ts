/** Which database workers share, and which fleet of it is meant. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { one } from "./Declared.ts"
import * as Database from "./Database.ts"
import * as Kind from "./Kind.ts"
import { UsageError } from "./UsageError.ts"

const expected = "postgres:VARIABLE, with the environment variable that has the URL of a PostgreSQL database"

export const place = {
  cluster: one(
    Kind.text("DATABASE", expected),
    "PostgreSQL database that workers share: postgres:DATABASE_URL, by the environment variable that has its URL"
  ),
  fleet: one(
    Kind.text("NAME", "1 to 20 of a-z, 0-9 and _", (text) => /^[a-z0-9_]{1,20}$/.test(text)),
    "Which fleet of that database; fleets share no runs",
    { fallback: "default" }
  )
}

/** The database of `--cluster`, which is PostgreSQL. */
export const databaseOf = Effect.fnUntraced(function* (cluster: string | undefined) {
  if (cluster !== undefined) yield* Database.refusePassword("cluster", [cluster])
  const database = cluster === undefined ? undefined : Option.getOrUndefined(Database.parse(cluster))
  if (database?._tag === "Postgres") return database
  return yield* new UsageError({
    option: "cluster",
    reason: database === undefined ? { _tag: "Expected", expected } : { _tag: "NotPostgres" }
  })
})
