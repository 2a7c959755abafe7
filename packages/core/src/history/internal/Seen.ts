/** Remembers which records a walk has met, in bounded memory. */
import type { Page } from "../../model/Page.ts"
import * as Rows from "../../model/Rows.ts"
import { keyOf } from "../../endpoint/internal/ListedRows.ts"

/**
 * Which records a walk has met. Memory is bounded: it holds the first page, which a server may answer again past the
 * end, and the last ten to twenty thousand records (at least the last page), because a record that moved moves by as many
 * places as calls came in between.
 */
export interface Seen {
  /** The page without what was met before, which is remembered now. */
  readonly keepNew: (page: Page) => Page
}

const generation = 10_000

export const make = (): Seen => {
  let first: ReadonlySet<string> | undefined
  let recent = new Set<string>()
  let older = new Set<string>()

  const isNew = (key: string): boolean => {
    if (recent.has(key) || older.has(key) || first?.has(key) === true) return false
    recent.add(key)
    return true
  }

  return {
    keepNew: (page) => {
      // Between pages only: a page larger than a generation must be known as a whole when it comes again.
      if (recent.size >= generation) {
        older = recent
        recent = new Set()
      }
      const all = Rows.items(page.rows)
      const items = all.filter(({ id }) => isNew(id))
      const rejected = page.rejected.filter((record) => isNew(keyOf(record)))
      first ??= new Set(recent)
      return items.length === all.length && rejected.length === page.rejected.length
        ? page
        : { ...page, rows: Rows.make(items, page.observedAt), rejected }
    }
  }
}
