/** Values that their column cannot hold, in a table without `extra`: reported once for each column. */
import * as Effect from "effect/Effect"
import type { Table } from "../Table.ts"

export const warner = (sink: string): ((table: Table | undefined) => Effect.Effect<void>) => {
  const told = new Set<string>()
  return (table) =>
    Effect.suspend(() => {
      if (table === undefined || table.misfits.size === told.size) return Effect.void
      const fresh = [...table.misfits].filter((name) => !told.has(name))
      for (const name of fresh) told.add(name)
      return Effect.annotateLogs(
        Effect.logWarning(
          `${sink}: ${fresh.join(", ")} had values that the column cannot hold: their cells are empty. Select extra, too, to keep such values there`
        ),
        { "callstream.sink.name": sink, "callstream.columns": fresh }
      )
    })
}
