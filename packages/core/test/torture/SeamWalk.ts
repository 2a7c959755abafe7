/** Two walks that look complete, for comparison: over page numbers, and down a cursor whose seams meet. */
import type { AgniClient } from "@callstream/core/client/AgniClient"
import { startInstant } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as CallSessions from "@callstream/core/CallSessions"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** Page after page, by number. */
export const byPages = (pageSize: number) =>
  Stream.runFold(
    CallSessions.pages({ pageSize }, { concurrency: 1 }),
    () => new Set<string>(),
    (ids, page) => {
      for (const { id } of page.rows.sessions()) ids.add(id)
      return ids
    }
  )

/** Newest first, each answer bounded by the oldest start of the one before plus a second; complete when each seam met. */
export const bySeams = Effect.fnUntraced(function* (client: AgniClient["Service"], pageSize: number) {
  const ids = new Set<string>()
  let before: number | undefined
  let seam: string | undefined
  let met = true
  for (let steps = 0; steps < 500; steps++) {
    const { rows } = yield* client.list({
      pageSize,
      sortBy: "started_at",
      sortOrder: "desc",
      startedBefore: before === undefined ? undefined : Instant.format(Instant.of(before))
    })
    const sessions = rows.sessions()
    if (seam !== undefined && !sessions.some(({ id }) => id === seam)) met = false
    const fresh = sessions.filter(({ id }) => !ids.has(id))
    for (const { id } of fresh) ids.add(id)
    const [oldest] = sessions.toSorted((a, b) => (startInstant(a) ?? Infinity) - (startInstant(b) ?? Infinity))
    const start = oldest && startInstant(oldest)
    if (fresh.length === 0 || start === undefined) break
    before = Math.ceil(start / 1e6) * 1e6 + 1e6
    seam = oldest?.id
  }
  return { ids, complete: met }
})
