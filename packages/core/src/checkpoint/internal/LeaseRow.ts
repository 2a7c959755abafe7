/** The row of a pipeline, which one run holds at a time: what each database does with it, and the columns that it has. */
import type * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { CheckpointError } from "../CheckpointError.ts"

/** A row when it was taken. */
export interface Taken {
  readonly epoch: number
  /** The saved state, `undefined` for none. */
  readonly state: string | undefined
}

export interface LeaseRow {
  /** Raises the epoch, to `least` or more. `elsewhere` is the reason why the row cannot be taken. */
  readonly take: (
    own: string,
    least: number,
    refuseUnlessGone: (holder: string) => Effect.Effect<void, CheckpointError>,
    elsewhere: (holder: string | undefined) => CheckpointError
  ) => Effect.Effect<Taken, SqlError | CheckpointError>
  /** Saves the state, unless the row has another epoch by now: then the answer is who holds it. */
  readonly write: (
    epoch: number,
    state: string,
    now: string
  ) => Effect.Effect<{ readonly holder: string | undefined } | undefined, SqlError | CheckpointError>
  readonly leave: (own: string) => Effect.Effect<void, SqlError | CheckpointError>
}

export const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

export const takenOf = ({ epoch, state }: { readonly epoch?: unknown; readonly state?: unknown } = {}): Taken => ({
  epoch: Number(epoch),
  state: textOf(state)
})

export const columns = (time: string, integer: string) =>
  `(name text PRIMARY KEY NOT NULL, state text, holder text, updated_at ${time}, ${epochColumn(integer)})`

/** Tables of earlier versions lack it. */
export const epochColumn = (integer: string) => `epoch ${integer} NOT NULL DEFAULT 0`
