/** A client whose statements fail when they are told to: by count, in a way that a real database fails. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { ConnectionError, SqlError, UnknownError } from "effect/sql/SqlError"

export type Kind = "full" | "lost"

export interface Faults {
  readonly over: (client: SqlClient.SqlClient) => SqlClient.SqlClient
  /** The next statements fail, this one first; with `Infinity` all of them. `after` says whether they were run all the same. */
  readonly fail: (options: {
    readonly skip?: number
    readonly times: number
    readonly kind?: Kind
    readonly after?: boolean
  }) => void
  /** How many statements there were. */
  readonly count: () => number
  /** Called before each statement. */
  readonly before: (run: Effect.Effect<void>) => void
}

export const make = (database: "postgres" | "sqlite"): Faults => {
  let count = 0
  let skip = 0
  let times = 0
  let kind: Kind = "full"
  let after = false
  let meanwhile: Effect.Effect<void> = Effect.void

  const error = () => {
    const cause =
      kind === "lost"
        ? Object.assign(new Error("gone"), { code: "ECONNRESET" })
        : database === "sqlite"
          ? Object.assign(new Error("full"), { code: "ERR_SQLITE_ERROR", errcode: 13 })
          : Object.assign(new Error("full"), { code: "53100", severity: "ERROR" })
    const props = { cause, message: "a fault", operation: "execute" }
    return new SqlError({ reason: kind === "lost" ? new ConnectionError(props) : new UnknownError(props) })
  }

  return {
    count: () => count,
    before: (run) => {
      meanwhile = run
    },
    fail: (options) => {
      skip = options.skip ?? 0
      times = options.times
      kind = options.kind ?? "full"
      after = options.after ?? false
    },
    over: (client) => {
      const watched = <A>(text: string, run: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> =>
        Effect.suspend(() => {
          // A transaction that is taken back is no step forward, and whoever lost the connection cannot do it.
          if (text === "ROLLBACK") return run
          count++
          const fails = skip > 0 ? (skip--, false) : times > 0 ? (times--, true) : false
          const step = Effect.andThen(meanwhile, run)
          if (!fails) return step
          return after ? Effect.andThen(step, Effect.fail(error())) : Effect.fail(error())
        })
      const reserve = Effect.map(client.reserve, (inner): Connection => ({
        execute: (text, params, transform) => watched(text, inner.execute(text, params, transform)),
        executeRaw: (text, params) => watched(text, inner.executeRaw(text, params)),
        executeStream: (text, params, transform) => inner.executeStream(text, params, transform),
        executeValues: (text, params) => watched(text, inner.executeValues(text, params)),
        executeValuesUnprepared: (text, params) => watched(text, inner.executeValuesUnprepared(text, params)),
        executeUnprepared: (text, params, transform) => watched(text, inner.executeUnprepared(text, params, transform))
      }))
      return Object.assign((...args: Parameters<SqlClient.SqlClient>) => client(...args), client, { reserve })
    }
  }
}
