/** The row of a pipeline, which one run holds at a time: what each database does with it, and the columns that it has. */
import type * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { CheckpointError } from "../CheckpointError.ts"

export interface LeaseRow {
  /** The saved state, `undefined` for none. `elsewhere` is the reason why the row cannot be taken. */
  readonly take: (
    own: string,
    refuseUnlessGone: (holder: string) => Effect.Effect<void, CheckpointError>,
    elsewhere: (holder: string | undefined) => CheckpointError
  ) => Effect.Effect<string | undefined, SqlError | CheckpointError>
  /** Saves the state, unless another run holds the row by now. */
  readonly write: (
    own: string,
    state: string,
    now: string
  ) => Effect.Effect<{ readonly holder: string | undefined } | undefined, SqlError | CheckpointError>
  readonly leave: (own: string) => Effect.Effect<void, SqlError | CheckpointError>
}

export const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

export const columns = (time: string) => `(name text PRIMARY KEY NOT NULL, state text, holder text, updated_at ${time})`
