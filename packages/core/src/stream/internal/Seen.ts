import type { Page } from "../../model/Page.ts"
import type { Rejected } from "../../model/Rejected.ts"

/**
 * Which records a walk has met. Memory is bounded: it holds the first page, which a server may answer again past the
 * end, and the last ten to twenty thousand records, because a record that moved moves by as many places as calls came in
 * between.
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
    if (recent.size >= generation) {
      older = recent
      recent = new Set()
    }
    recent.add(key)
    return true
  }

  return {
    keepNew: (page) => {
      const sessions = page.sessions.filter((session) => isNew(session.id))
      const rejected = page.rejected.filter((record) => isNew(keyOf(record)))
      first ??= new Set(recent)
      return sessions.length === page.sessions.length && rejected.length === page.rejected.length
        ? page
        : { ...page, sessions, rejected }
    }
  }
}

/** A record that did not decode may still have an id; without one it is known by what it says. */
const keyOf = ({ raw }: Rejected): string =>
  typeof raw === "object" && raw !== null && "id" in raw && typeof raw.id === "string" && raw.id !== ""
    ? raw.id
    : `=${JSON.stringify(raw)}`
