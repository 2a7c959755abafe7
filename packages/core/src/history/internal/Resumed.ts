/** Windows that resume where they were after an error: none of their calls comes twice, and none is missing. */
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { Instant } from "../../model/Instant.ts"
import * as Rows from "../../model/Rows.ts"
import * as ListedRows from "../../endpoint/internal/ListedRows.ts"
import { make, type Window } from "../Coverage.ts"
import type * as History from "../History.ts"
import * as IdSet from "./IdSet.ts"
import * as OnePiece from "./OnePiece.ts"

/** The part that was delivered. */
interface Position {
  /** Up to there, or down to there; `undefined` before the first window that has a place in time. */
  at: Instant | undefined
  /** Where the range ends: a reading that resumes has the same. */
  end: Instant | undefined
  /** What the reading that failed knows. */
  progress: OnePiece.Progress | undefined
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
      progress: undefined,
      ids: IdSet.make(),
      rejected: new Set()
    }
    const read = Stream.suspend(() => {
      const { at, end } = position
      return OnePiece.windows(
        range,
        { ...options, end: options.end ?? end, resume: at },
        evidenceOf(position, isNewestFirst)
      )
    })
    return read.pipe(
      Stream.map(({ progress, window }) => {
        position.progress = progress
        if (window.from < window.to) {
          if (isNewestFirst) position.end ??= window.to
          position.at = isNewestFirst ? window.from : window.to
        }
        return onlyNew(position, window)
      }),
      Stream.retry(Schedule.while(retry, ({ input }) => input.retryable))
    )
  })

/** What the reading that failed showed and brought: its answers are evidence, too. */
const evidenceOf = ({ at, progress }: Position, isNewestFirst: boolean) => {
  if (at === undefined) return undefined
  progress?.noteRest()
  const part = isNewestFirst ? { from: at, to: Infinity } : { from: -Infinity, to: at }
  return progress?.evidence({ parts: [part], listed: "all" })
}

/** The window without what came before an error: where bounds do not work, all pages come again. */
const onlyNew = ({ ids, rejected }: Position, window: Window): Window => {
  const items = Rows.items(window.rows)
  const fresh = items.filter(({ id }) => ids.add(id))
  const others = window.rejected.filter((record) => {
    const key = ListedRows.keyOf(record)
    return !rejected.has(key) && rejected.add(key)
  })
  return fresh.length === items.length && others.length === window.rejected.length
    ? window
    : make(fresh, { ...window, rejected: others })
}
