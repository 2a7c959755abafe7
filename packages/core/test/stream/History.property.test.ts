import { AgniClient } from "@callstream/core/client/AgniClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Histories from "../torture/Histories.ts"
import * as SeamWalk from "../torture/SeamWalk.ts"

const first = 1
const count = 2600

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
        assert.isAtLeast(tally.proven, 0.25 * count, told)
        assert.isAtLeast(tally.proven + tally.provisional, 0.6 * count, told)
        assert.isAtLeast(tally.provenWindows, 0.4 * tally.windows, told)
        assert.isAtMost(tally.failed, 0.03 * count, told)
        console.log(told)
      }),
    { timeout: 120_000 }
  )

  it.live(
    "the same histories make a page walk, and a cursor whose seams all meet, miss sessions",
    () =>
      Effect.gen(function* () {
        const missed = { pages: 0, seams: 0, of: 0 }
        for (let seed = first; seed < first + 600; seed++) {
          const one = bare(seed)
          const { pageSize = 10 } = Histories.make(seed).read
          const pages = Histories.open(one)
          const walked = yield* Effect.result(
            Effect.provideService(SeamWalk.byPages(pageSize), AgniClient, pages.client)
          )
          const seams = Histories.open(one)
          const stepped = yield* Effect.result(SeamWalk.bySeams(seams.client, pageSize))
          if (walked._tag === "Failure" || stepped._tag === "Failure") continue
          missed.of++
          if (Histories.missed(one, pages, walked.success).length > 0) missed.pages++
          const { complete, ids } = stepped.success
          if (complete && Histories.missed(one, seams, ids).length > 0) missed.seams++
        }
        const told = JSON.stringify(missed)
        console.log(told)
        assert.isAtLeast(missed.of, 400, told)
        assert.isAtLeast(missed.pages, 0.05 * missed.of, told)
        assert.isAtLeast(missed.seams, 0.05 * missed.of, told)
      }),
    { timeout: 120_000 }
  )
})
