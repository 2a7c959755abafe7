/** Windows that resume where they were after an error: none of their calls comes twice, and none is missing. */
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { Instant } from "../../model/Instant.ts"
import * as Rows from "../../model/Rows.ts"
import * as ListedRows from "../../endpoint/internal/ListedRows.ts"
import { make, type Window } from "../Coverage.ts"
import * as History from "../History.ts"
import * as IdSet from "./IdSet.ts"

/** The part that was delivered. */
interface Position {
  /** Up to there, or down to there; `undefined` before the first window that has a place in time. */
  at: Instant | undefined
  /** Where the range ends: a reading that resumes has the same. */
  end: Instant | undefined
  attempts: number
  readonly ids: IdSet.IdSet
  readonly rejected: Set<string>
}

/** As `History.windows`. The schedule begins again with each window; an error that is not retryable ends the stream. */
export const windows = (
  range: History.OpenRange,
  options: Omit<History.Options, "resume">,
  retry: Schedule.Schedule<unknown, AgniError>
): Stream.Stream<Window, AgniError, AgniClient> =>
  Stream.suspend(() => {
    const isNewestFirst = options.order === "newest"
    const position: Position = {
      at: undefined,
      end: undefined,
      attempts: 0,
      ids: IdSet.make(),
      rejected: new Set()
    }
    const read = Stream.suspend(() => {
      const { at, end } = position
      position.attempts++
      return History.windows(range, { ...options, end: options.end ?? end, resume: at })
    })
    return read.pipe(
      Stream.map((window) => {
        if (window.from < window.to) {
          if (isNewestFirst) position.end ??= window.to
          position.at = isNewestFirst ? window.from : window.to
        }
        return onlyNew(position, window)
      }),
      Stream.retry(Schedule.while(retry, ({ input }) => input.retryable))
    )
  })

/** The window without what came before an error. */
const onlyNew = ({ attempts, ids, rejected }: Position, window: Window): Window => {
  const isNew = window.rejected.map((record) => {
    const key = ListedRows.keyOf(record)
    return !rejected.has(key) && rejected.add(key) !== undefined
  })
  if (attempts === 1) {
    for (let place = 0; place < window.rows.length; place++) ids.add(window.rows.id(place))
    return window
  }
  const items = Rows.items(window.rows)
  const fresh = items.filter(({ id }) => ids.add(id))
  return fresh.length === items.length && isNew.every(Boolean)
    ? window
    : make(fresh, { ...window, rejected: window.rejected.filter((_, i) => isNew[i]) })
}
