/** The table of a file: that of its first batch, or of the run that began it. */
import * as Effect from "effect/Effect"
import * as Column from "../../../model/Column.ts"
import type { Repairs } from "../../../model/internal/Json.ts"
import { SinkError } from "../../SinkError.ts"
import * as Table from "../../Table.ts"
import type { Columns } from "./Encoding.ts"
import * as Misfits from "../../internal/Misfits.ts"

export interface Tabular {
  readonly repairs: Repairs
  /** `undefined` before the first batch. */
  readonly table: () => Table.Table | undefined
  /** Reports each column that could not hold a value, once. */
  readonly told: Effect.Effect<void>
  /** The columns that were given, without `extra`. */
  readonly columns: () => Columns | undefined
  readonly of: (columns: ReadonlyArray<Column.Column>) => Effect.Effect<Table.Table, SinkError>
}

/** Nothing before the first batch of a run that does not resume. */
interface Known {
  columns: Columns | undefined
  table: Table.Table | undefined
}

export const make = (sink: string, kept: Columns | undefined, options: Table.Options = {}): Tabular => {
  const repairs: Repairs = { texts: 0 }
  const counting = { ...options, repairs }
  const ofBatches = Table.ofBatches(sink, counting)
  const warn = Misfits.warner(sink)
  const known: Known = { columns: kept, table: kept === undefined ? undefined : Table.make(kept, counting) }
  return {
    repairs,
    table: () => known.table,
    told: Effect.suspend(() => warn(known.table)),
    columns: () => known.columns,
    of: (given) =>
      kept !== undefined && !Column.same(kept, given)
        ? Effect.fail(
            new SinkError({
              sink,
              operation: "write",
              retryable: false,
              reason: { _tag: "OtherColumns", than: "the earlier run" }
            })
          )
        : Effect.tap(ofBatches(given), (found) =>
            Effect.sync(() => {
              known.columns = given
              known.table = found
            })
          )
  }
}
