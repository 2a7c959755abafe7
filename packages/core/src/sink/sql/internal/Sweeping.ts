/** Deletes rows that are marked as removed, as many as one hour allows. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { SqlError } from "effect/sql/SqlError"
import type { Dialect, Statement } from "./Dialect.ts"
import type { Transaction } from "./Transaction.ts"

const hour = 3_600_000

interface State {
  /** So many may still be deleted in the hour that began then. */
  readonly left: number
  readonly since: number | undefined
  readonly isDue: boolean
}

export interface Sweeping {
  /** There may be something to delete, as there may be when the table is opened. */
  readonly mark: Effect.Effect<void>
  /** In the open transaction. One that is rolled back gives nothing back: fewer are deleted then, never more. */
  readonly sweep: (deletes: (most: number) => Statement) => Effect.Effect<void, SqlError>
}

export const make = (dialect: Dialect, transaction: Transaction, most: number | undefined): Sweeping => {
  if (most === undefined) return { mark: Effect.void, sweep: () => Effect.void }
  const state = Ref.makeUnsafe<State>({ left: most, since: undefined, isDue: true })
  return {
    mark: Ref.update(state, (before) => ({ ...before, isDue: true })),
    sweep: Effect.fnUntraced(function* (deletes) {
      const now = yield* Clock.currentTimeMillis
      const known = yield* Ref.get(state)
      const { since = now } = known
      const isNewHour = now - since >= hour
      const left = isNewHour ? most : known.left
      if (left === 0 || !known.isDue) return
      const deleted = yield* transaction.use((connection) => dialect.wrote(connection, deletes(left)))
      yield* Ref.set(state, { left: left - deleted, since: isNewHour ? now : since, isDue: deleted === left })
    })
  }
}
