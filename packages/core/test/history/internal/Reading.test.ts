import { AgniClient } from "@callstream/core/client/AgniClient"
import * as Coverage from "@callstream/core/history/Coverage"
import * as History from "@callstream/core/history/History"
import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, hour, open, rowsAt } from "./FakeServer.ts"

const from = began - 60 * hour
const to = began - 10 * hour
const range = { from: Instant.of(from), to: Instant.of(to) }
const starts = Array.from({ length: 240 }, (_, i) => began - (i + 1) * 0.25 * hour)

/** Each request takes a millisecond of the server's time. */
const step = 1000

const read = Effect.fnUntraced(function* (
  { client }: Adversary.Server,
  { clock = began, ...range }: History.OpenRange & { readonly clock?: number }
) {
  yield* TestClock.setTime(clock / 1000)
  return yield* Stream.runCollect(
    Stream.provideService(History.windows(range, { concurrency: 1, pagesPerWindow: 5 }), AgniClient, client)
  )
})

const verdictOf = (windows: ReadonlyArray<Coverage.Window>) =>
  windows.every(({ coverage, revised = [] }) => coverage._tag === "Proven" && revised.length === 0)

describe("a reading", () => {
  it.effect("counts the whole range at the end: a call that was hidden while its window was read is missed", () =>
    Effect.gen(function* () {
      const all = open(rowsAt(starts), {}, step)
      assert.isTrue(verdictOf(yield* read(all, range)))
      let counted = 0
      for (let requests = 0; requests <= all.requests(); requests++) {
        const hidden = { ids: ["row-120"], when: { by: "time", from: 0, to: requests * step + 1 } } as const
        const server = open(rowsAt(starts), { hidden }, step)
        const windows = yield* read(server, range)
        const came = windows.some(({ rows }) => rows.sessions().some(({ id }) => id === "row-120"))
        const isShown = server.listed.has("row-120") || server.counted.has("row-120")
        if (isShown && !came) assert.isFalse(verdictOf(windows), `hidden up to request ${requests}`)
        const reasons = windows.flatMap(({ revised = [] }) => revised.map(({ coverage }) => coverage))
        if (!came && reasons.some((one) => one._tag !== "Proven" && one.reason._tag === "CountDiffers")) counted++
      }
      assert.isAbove(counted, 0)
    })
  )

  it.effect("proves nothing that is too recent by the earliest clock: this machine's may be ahead", () =>
    Effect.gen(function* () {
      const windows = yield* read(open(rowsAt(starts), {}, step), { from: range.from, clock: began + 3 * hour })
      const proven = windows.filter(({ coverage, from, to }) => from < to && coverage._tag === "Proven")
      assert.isAbove(proven.length, 0)
      assert.isAtMost(Math.max(...proven.map(({ to }) => to)), began - 2 * hour)
    })
  )
})
