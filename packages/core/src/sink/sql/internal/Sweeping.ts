/** Deletes rows that are marked as removed, as many as one hour allows. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Dialect } from "./Dialect.ts"
import type { Removals } from "./Removal.ts"
import type { Transaction } from "./Transaction.ts"

const hour = 3_600_000

export interface Sweeping {
  /** There may be something to delete, as there may be when the table is opened. */
  readonly mark: () => void
  /** In the open transaction. One that is rolled back gives nothing back: fewer are deleted then, never more. */
  readonly sweep: (removals: Removals) => Effect.Effect<void, SqlError>
}

export const make = (dialect: Dialect, transaction: Transaction, most: number | undefined): Sweeping => {
  if (most === undefined) return { mark: () => {}, sweep: () => Effect.void }
  let left = most
  let since: number | undefined
  let isDue = true
  return {
    mark: () => {
      isDue = true
    },
    sweep: Effect.fnUntraced(function* (removals) {
      const now = yield* Clock.currentTimeMillis
      if (since === undefined || now - since >= hour) {
        since = now
        left = most
      }
      if (left === 0 || !isDue) return
      const deleted = yield* transaction.use((connection) => dialect.wrote(connection, removals.sweep(left)))
      isDue = deleted === left
      left -= deleted
    })
  }
}
