import { AgniClient } from "@callstream/core/client/AgniClient"
import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Histories from "../torture/Histories.ts"
import * as SeamWalk from "../torture/SeamWalk.ts"

const first = 1
const count = 300
/** The simple walks are read so often. */
const walks = 200
const hour = 3_600_000_000

/** A case without its range and filters: what the simple walks are about. */
const bare = (seed: number): Histories.Case => ({ ...Histories.make(seed), range: {}, read: {}, client: false })

describe("History.windows over any endpoint", () => {
  it.live(
    `${count} histories: never proven with a session missing, each session once, windows that tile the range`,
    () =>
      Effect.gen(function* () {
        const tally = { proven: 0, provisional: 0, unprovable: 0, failed: 0, windows: 0, provenWindows: 0 }
        for (let seed = first; seed < first + count; seed++) {
          const one = Histories.make(seed)
          const result = yield* Effect.result(Histories.run(one))
          if (result._tag === "Failure") {
            // A row that cannot be rendered, or a server that fails too often, ends a run: that is no lie.
            assert.isTrue(Histories.mayFail(one), `seed ${seed}: ${result.failure.message}`)
            tally.failed++
            continue
          }
          const { proven, verdict, windows, wrong } = result.success
          assert.deepStrictEqual(wrong, [], `seed ${seed}: ${JSON.stringify(one)}`)
          tally[verdict]++
          tally.windows += windows
          tally.provenWindows += proven
        }
        const told = JSON.stringify(tally)
        // Most of these cannot be proven, and it is not told which: what can be is held against the adversary.
        assert.isAtLeast(tally.proven, 0.23 * count, told)
        assert.isAtLeast(tally.proven + tally.provisional, 0.6 * count, told)
        assert.isAtLeast(tally.provenWindows, 0.4 * tally.windows, told)
        assert.isAtMost(tally.failed, 0.03 * count, told)
      })
  )

  it.live(
    "stopped after any window and resumed there, with other widths and any cuts: nothing missing, nothing twice",
    () =>
      Effect.gen(function* () {
        const tally = { resumed: 0, complete: 0, of: 0 }
        for (let seed = first; seed < first + 200; seed++) {
          const whole = Histories.make(seed)
          const { from = Histories.startAt - 800 * hour, to = Histories.startAt } = whole.range
          const one: Histories.Case = { ...whole, range: { from: Math.min(from, to), to }, client: false }
          if (one.simulator.poison !== undefined || one.simulator.faultRate !== undefined) continue
          const { next, pick } = Histories.random(-seed)
          const world = Histories.open(one)
          const read = (range: Histories.Case["range"], options: Histories.Read) =>
            Histories.windows({ range, read: { ...one.read, ...options } }).pipe(
              Stream.provideService(AgniClient, world.client),
              Stream.provideService(Clock.Clock, world.clock)
            )
          const stop = pick(0, 1, 1, 2, 2, 3, 5)
          const before = yield* Stream.runCollect(
            Stream.take(read(one.range, { pagesPerWindow: 1, pageSize: pick(2, 5) }), stop)
          )
          // Where bounds do not work the range stays unread until its end.
          if (before.some(({ coverage }) => coverage._tag === "Unprovable")) continue
          const frontier = before.at(-1)?.to ?? one.range.from ?? from
          const cuts = Array.from(
            { length: Math.floor(next() * 4) },
            () => frontier + Math.floor(next() * (to - frontier))
          )
          const after = yield* Stream.runCollect(
            read(
              { from: frontier, to: to },
              { cuts: [...cuts, frontier, to], concurrency: pick(1, 2, 5), pagesPerWindow: pick(undefined, 1, 3, 11) }
            )
          )
          const told = `seed ${seed}: ${JSON.stringify(one)}`
          const { complete, wrong } = Histories.judge(one, world, [...before, ...after])
          assert.deepStrictEqual(wrong, [], told)
          const edges = new Set(after.map((window) => window.from))
          if (after.every(({ coverage }) => coverage._tag !== "Unprovable")) {
            assert.isTrue(
              cuts.every((cut) => cut <= frontier || cut >= to || edges.has(Instant.of(cut))),
              told
            )
          }
          tally.of++
          if (before.length > 0 && frontier < to) tally.resumed++
          if (complete) tally.complete++
        }
        const told = JSON.stringify(tally)
        assert.isAtLeast(tally.resumed, 0.25 * tally.of, told)
        assert.isAtLeast(tally.complete, 0.9 * tally.of, told)
      })
  )

  it.live("the same histories make a page walk, and a cursor whose seams all meet, miss sessions", () =>
    Effect.gen(function* () {
      const missed = { pages: 0, seams: 0, of: 0 }
      for (let seed = first; seed < first + walks; seed++) {
        const one = bare(seed)
        const { pageSize = 10 } = Histories.make(seed).read
        const pages = Histories.open(one)
        const walked = yield* Effect.result(Effect.provideService(SeamWalk.byPages(pageSize), AgniClient, pages.client))
        const seams = Histories.open(one)
        const stepped = yield* Effect.result(SeamWalk.bySeams(seams.client, pageSize))
        if (walked._tag === "Failure" || stepped._tag === "Failure") continue
        missed.of++
        if (Histories.missed(one, pages, walked.success).length > 0) missed.pages++
        const { complete, ids } = stepped.success
        if (complete && Histories.missed(one, seams, ids).length > 0) missed.seams++
      }
      const told = JSON.stringify(missed)
      assert.isAtLeast(missed.of, 0.66 * walks, told)
      assert.isAtLeast(missed.pages, 0.05 * missed.of, told)
      assert.isAtLeast(missed.seams, 0.05 * missed.of, told)
    })
  )
})
