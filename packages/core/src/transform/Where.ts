/**
 * Keeps some of the records.
 *
 * @since 0.1.0
 */
import { NotARow } from "./internal/Itself.ts"
import { make, type Transform } from "./Transform.ts"

/**
 * Keeps the records for which `predicate` holds. `label` says which those are: it stands for the predicate where a
 * pipeline is shown and told from another, so it changes when the predicate does.
 *
 * ```ts
 * Where.where("completed", (session: CallSession.CallSession) => session.status === "completed")
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const where = <A extends object>(label: string, predicate: (record: A) => boolean): Transform<A, A> =>
  make({
    label: `where ${label}`,
    columns: (columns) => columns,
    apply: (record) => {
      const holds: unknown = predicate(record)
      // A Promise would hold for every record.
      if (typeof holds !== "boolean") throw new NotARow(`where ${label}`, "no boolean for its condition")
      return holds ? record : undefined
    }
  })
