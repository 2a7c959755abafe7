import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Instant } from "@callstream/core"
import * as Metric from "effect/Metric"
import * as TestClock from "effect/testing/TestClock"
import * as Zone from "../../src/option/Zone.ts"
import * as ProgressLine from "../../src/render/ProgressLine.ts"
import * as Progress from "../../src/run/Progress.ts"
import type { Requests } from "../../src/run/Requests.ts"
import { Screen } from "../../src/render/Screen.ts"

const start = Instant.parse("2026-07-31T07:16:10Z")

/** So many were read, and so many of them delivered. */
const after = (read: number, delivered = 0) =>
  Progress.after({
    _tag: "Delivered",
    totals: {
      committed: undefined,
      stage: "reading",
      written: delivered,
      safe: 0,
      inFlight: 0,
      read,
      delivered,
      filtered: 0,
      rejected: 0,
      dead: 0,
      earliest: delivered === 0 ? undefined : start,
      latest: delivered === 0 ? undefined : start,
      last: start
    }
  })

const none: Requests = { read: 2, sent: 1, retried: [] }

/** Shows it for so long, on a terminal that can redraw a line or not. */
const showing = Effect.fnUntraced(function* (progress: Progress.Progress, long: Duration.Input, live: boolean) {
  const written: Array<string> = []
  const shown = yield* Effect.scoped(
    Effect.andThen(
      ProgressLine.show(() => progress, undefined),
      Effect.sleep(long)
    )
  ).pipe(
    // What clients of other tests counted is not shown.
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provideService(Screen, {
      live,
      colors: false,
      columns: () => 30,
      write: (text) => Effect.sync(() => void written.push(text)),
      reword: () => Effect.void,
      reworded: (text) => text,
      log: "text",
      errors: "text"
    }),
    Effect.forkChild
  )
  return { shown, written }
})

describe("Progress", () => {
  it.effect("says what was read, how fast, and up to where", () =>
    Effect.gen(function* () {
      const begun = yield* Progress.make
      assert.strictEqual(
        ProgressLine.line(begun, { read: 0, sent: 0, retried: [] }, 0, 80, undefined),
        "0 calls read · 0 requests"
      )
      assert.strictEqual(
        ProgressLine.line(after(2)(begun), none, 0, 80, undefined),
        "2 calls read · at 2026-07-31 07:16 UTC · 1 request"
      )
      const progress = after(3)(begun)
      const retried: Requests = { read: 3, sent: 3, retried: [["RateLimited", 2]] }
      assert.strictEqual(
        ProgressLine.line(progress, retried, 1000, 200, undefined),
        "3 calls read · 3/s · at 2026-07-31 07:16 UTC · 3 requests · 2 retried (2 rate limited)"
      )
      assert.strictEqual(ProgressLine.line(progress, retried, 1000, 35, undefined), "3 calls read · 3/s · 3 requests")
      assert.include(ProgressLine.line(progress, retried, 1000, 75, undefined), " · 3 requests · 2 retried")
      assert.strictEqual(ProgressLine.line(progress, retried, 1000, 5, undefined), "3/s")
      assert.strictEqual(
        ProgressLine.line(after(3, 2)(begun), none, 1000, 200, undefined),
        "2 calls written · 2 read · 2/s · at 2026-07-31 07:16 UTC · 1 request"
      )
    })
  )

  it.effect("shows times in the zone that is set", () =>
    Effect.gen(function* () {
      const { clock } = yield* Zone.make("Asia/Kolkata")
      const progress = after(2)(yield* Progress.make)
      assert.strictEqual(
        ProgressLine.line(progress, none, 0, 80, clock),
        "2 calls read · at 2026-07-31 12:46 · 1 request"
      )
    })
  )

  it.effect("shows calls read apart from calls written", () =>
    Effect.gen(function* () {
      const progress = after(2, 1)(yield* Progress.make)
      assert.deepInclude(progress, {
        read: 2,
        sessions: 1,
        earliest: start,
        latest: start
      })
    })
  )

  it("counts retries by reason", () => {
    assert.strictEqual(ProgressLine.describeRetries(none), "")
    assert.strictEqual(
      ProgressLine.describeRetries({
        read: 0,
        sent: 9,
        retried: [
          ["Unavailable", 1],
          ["InvalidResponse", 1200]
        ]
      }),
      "1,201 retried (1 unavailable, 1,200 unreadable)"
    )
  })

  it.effect("redraws ten times a second at most, within the columns, and takes the line away", () =>
    Effect.gen(function* () {
      const progress = after(1)(yield* Progress.make)
      const { shown, written } = yield* showing(progress, "1 second", true)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(shown)
      assert.isAtLeast(written.length, 5)
      assert.isAtMost(written.length, 12)
      for (const text of written.slice(0, -1)) {
        assert.isTrue(text.startsWith("\r\u001b[2K0 calls read"))
        assert.isAtMost(text.length, "\r\u001b[2K".length + 27)
      }
      assert.strictEqual(written.at(-1), "\r\u001b[2K")
    })
  )

  it.effect("writes a line every 30 seconds where no line can be redrawn", () =>
    Effect.gen(function* () {
      const progress = yield* Progress.make
      const { shown, written } = yield* showing(progress, "95 seconds", false)
      yield* TestClock.adjust("29 seconds")
      assert.lengthOf(written, 0)
      yield* TestClock.adjust("66 seconds")
      yield* Fiber.join(shown)
      assert.deepStrictEqual(
        written,
        Array.from({ length: 3 }, () => "0 calls read · 0 requests\n")
      )
    })
  )
})
