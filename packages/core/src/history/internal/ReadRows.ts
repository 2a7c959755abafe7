/** Which way the rows of a range are read: by pages that overlap, or down by start. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Work } from "./RangeWork.ts"
import * as ReadPages from "./ReadPages.ts"
import * as Walk from "./Walk.ts"

/** What the range was counted to hold, if it was, and its first page, where it came already. */
interface Seen {
  readonly before: number | undefined
  readonly first: Ask.Answer | undefined
}

export const readRows = Effect.fnUntraced(function* (
  work: Work,
  { before, first }: Seen
): Effect.fn.Return<ReadPages.Read, AgniError> {
  const { ask, known, limit, settings, share, task } = work
  const { mostOverlapping, size } = settings
  const most = Math.max(limit, 4 * size)
  if (ask.log.rounds) return yield* withoutOverlap(work, most, first)
  const walks = known.order !== "other" && (before ?? task.expected) > mostOverlapping * size
  const read = yield* walks
    ? Walk.walk(settings, ask, task, most, share)
    : ReadPages.readPages(settings, ask, task, most, first)
  // The first page that should overlap showed that the server has sizes of its own.
  return ask.log.rounds && read.way === "pages" ? yield* withoutOverlap(work, most, undefined) : read
})

/**
 * Where the server rounds sizes no page begins within the one before it. Bounds can: a walk by start finds its last row again. Rows in no
 * order of time are read page after page, and a second time.
 */
const withoutOverlap = Effect.fnUntraced(function* (
  { ask, known, settings, share, task }: Work,
  most: number,
  first: Ask.Answer | undefined
): Effect.fn.Return<ReadPages.Read, AgniError> {
  // A full one came before the count that a walk needs.
  const isWhole = first !== undefined && first.rows.length < settings.size
  const page = isWhole ? first : yield* ask(1, Ask.boundsOf(task))
  const walks = known.order !== "other" && page.rows.length >= settings.size && Rows.isNewestFirst(page.rows)
  return yield* walks
    ? Walk.walk(settings, ask, task, most, share, page)
    : ReadPages.readPages(settings, ask, task, most, page)
})
