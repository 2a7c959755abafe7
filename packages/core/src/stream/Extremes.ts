/**
 * The sessions that started last, or first, whatever order the server gives them in.
 *
 * @since 0.1.0
 */
import * as Stream from "effect/Stream"
import * as CallSession from "../model/CallSession.ts"
import type { Page } from "../model/Page.ts"

interface Placed {
  readonly start: number
  readonly session: CallSession.CallSession
}

type Compare = (left: Placed, right: Placed) => number

const byStart: Compare = (left, right) =>
  left.start - right.start || (left.session.id < right.session.id ? -1 : left.session.id > right.session.id ? 1 : 0)

const keep =
  (compare: Compare) =>
  (limit: number) =>
  <E, R>(pages: Stream.Stream<Page, E, R>): Stream.Stream<Page, E, R> =>
    Stream.suspend(() => {
      let held: Array<Placed> = []
      let last: Page | undefined
      const trim = () => {
        held = held.sort(compare).slice(0, limit)
      }
      const add = (page: Page) => {
        last = page
        for (const session of page.sessions) {
          const start = CallSession.startInstant(session)
          if (start !== undefined) held.push({ start, session })
        }
        if (held.length >= 2 * limit + 1000) trim()
      }
      const kept = Stream.suspend(() => {
        trim()
        return last === undefined || held.length === 0
          ? Stream.empty
          : Stream.make({ ...last, sessions: held.map(({ session }) => session), rejected: [] })
      })
      return pages.pipe(
        Stream.map((page) => {
          add(page)
          return { ...page, sessions: [] }
        }),
        Stream.filter((page) => page.rejected.length > 0),
        Stream.concat(kept)
      )
    })

/**
 * Only the `limit` sessions that started last, newest first, as one page at the end. The whole stream is read, because
 * the endpoint does not say in which order it answers; `limit` sessions (and as many again) are held in memory. Sessions
 * without a start are left out; rejected records pass through.
 *
 * @since 0.1.0
 * @category streams
 */
export const newest = keep((left, right) => byStart(right, left))

/**
 * Only the `limit` sessions that started first, oldest first, as one page at the end: otherwise as `newest`.
 *
 * @since 0.1.0
 * @category streams
 */
export const oldest = keep(byStart)
