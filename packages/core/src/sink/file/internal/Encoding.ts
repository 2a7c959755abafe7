/** How rows become what a file holds. */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Repairs } from "../../../model/internal/Json.ts"
import type { Batch, Refused } from "../../SessionSink.ts"
import type { SinkError } from "../../SinkError.ts"
import type { Line } from "./Lines.ts"

/** Columns as a position keeps them. */
export const Columns = Schema.Array(
  Schema.Struct({
    name: Schema.String,
    type: Schema.Literals(["text", "integer", "number", "decimal", "timestamp", "date", "boolean", "json", "any"]),
    chosen: Schema.optionalKey(Schema.Literal(true))
  })
)
export type Columns = typeof Columns.Type

export interface Encoding {
  /** Identifies the encoding in a position: a run resumes a file only in the encoding that it began in. */
  readonly name: string
  /** @param kept The columns of what an earlier run wrote. */
  readonly open: (kept: Columns | undefined) => Rows
}

/** The rows of one run. */
export interface Rows {
  readonly repairs: Repairs
  /** How many texts were too long for a cell. */
  readonly cuts?: { readonly texts: number } | undefined
  /** The start of each file, such as a line of names; `undefined` until the first batch. */
  readonly begin: () => string | undefined
  /** The columns that the rest of the file must have, for a position; `undefined` where rows may differ in them. */
  readonly columns: () => Columns | undefined
  /** Lines in pieces, made as they are asked for. */
  readonly pieces: (
    batch: Batch<unknown>,
    refused: Array<Refused>
  ) => Effect.Effect<Iterable<ReadonlyArray<Line>>, SinkError>
  /** Reports the results of a batch's rows, once they are written. */
  readonly told: Effect.Effect<void>
}
