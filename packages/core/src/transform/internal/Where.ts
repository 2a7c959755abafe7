/** Keeps some of the records. */
import { NotARow } from "./Itself.ts"
import { make, type Pure } from "../TransformContract.ts"

export const where = <A extends object>(
  label: string,
  predicate: (record: A) => boolean,
  { reads }: { readonly reads?: ReadonlyArray<string> | undefined } = {}
): Pure<A, A> =>
  make({
    label: `where ${label}`,
    needs: reads && { fields: reads, characters: "" },
    columns: (columns) => columns,
    apply: (record) => {
      const holds: unknown = predicate(record)
      // A Promise would hold for every record.
      if (typeof holds !== "boolean") throw new NotARow(`where ${label}`, "no boolean for its condition")
      return holds ? record : undefined
    }
  })
