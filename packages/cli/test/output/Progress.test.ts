import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { CallSession, Instant, type Page } from "@callstream/core"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as Progress from "../../src/output/Progress.ts"
import { Screen } from "../../src/output/Screen.ts"

const start = "2026-07-31T07:16:10Z"

const page = (ids: ReadonlyArray<string>, total?: number): Page => ({
  page: 1,
  sessions: ids.map((id) => Result.getOrThrow(CallSession.fromWire({ id, startedAt: start }))),
  rejected: [],
  observedAt: 0,
  age: 0,
  edition: "camelCase",
  total
})

const none: Progress.Requests = { sent: 1, retried: [] }

describe("Progress", () => {
  it.effect("says what was read, how fast, up to where, and how long it will take", () =>
    Effect.gen(function* () {
      const progress = yield* Progress.make
      assert.strictEqual(Progress.line(progress, { sent: 0, retried: [] }, 0, 80), "0 sessions · 0 requests")
      Progress.addRead(progress, page(["a"]))
      assert.strictEqual(Progress.line(progress, none, 0, 80), "1 session · at 2026-07-31 07:16 · 1 request")
      Progress.addRead(progress, page(["b", "c"], 1003))
      const retried: Progress.Requests = { sent: 3, retried: [["RateLimited", 2]] }
      assert.strictEqual(
        Progress.line(progress, retried, 1000, 200),
        "3 of 1,003 sessions · 3/s · at 2026-07-31 07:16 · 5 min 33 s left · 3 requests · 2 tried again (2 rate limited)"
      )
      assert.strictEqual(Progress.line(progress, retried, 1000, 40), "3 of 1,003 sessions · 3/s · 3 requests")
      assert.include(Progress.line(progress, retried, 1000, 97), " · 3 requests · 2 tried again")
      assert.strictEqual(Progress.line(progress, retried, 1000, 10), "3/s")
    })
  )

  it.effect("tells what was read from what was written", () =>
    Effect.gen(function* () {
      const progress = yield* Progress.make
      Progress.addRead(progress, page(["a", "b"]))
      Progress.addWritten(progress, page(["b"]))
      assert.deepInclude(progress, {
        read: 2,
        sessions: 1,
        earliest: Instant.parse(start),
        latest: Instant.parse(start)
      })
    })
  )

  it("counts retries by reason", () => {
    assert.strictEqual(Progress.describeRetries(none), "")
    assert.strictEqual(
      Progress.describeRetries({
        sent: 9,
        retried: [
          ["Unavailable", 1],
          ["InvalidResponse", 1200]
        ]
      }),
      "1,201 tried again (1 unavailable, 1,200 unreadable)"
    )
  })

  it.effect("redraws ten times a second at most, within the columns, and takes the line away", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const progress = yield* Progress.make
      Progress.addRead(progress, page(["a"], 1003))
      const shown = yield* Effect.scoped(
        Effect.andThen(
          Progress.show(() => progress),
          Effect.sleep("1 second")
        )
      ).pipe(
        Effect.provideService(Screen, {
          live: true,
          colors: false,
          columns: () => 30,
          write: (text) => Effect.sync(() => void written.push(text)),
          reword: () => Effect.void,
          reworded: (text) => text
        }),
        Effect.forkChild
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(shown)
      assert.isAtLeast(written.length, 5)
      assert.isAtMost(written.length, 12)
      for (const text of written.slice(0, -1)) {
        assert.isTrue(text.startsWith("\r\u001b[2K1 of 1,003 sessions"))
        assert.isAtMost(text.length, "\r\u001b[2K".length + 27)
      }
      assert.strictEqual(written.at(-1), "\r\u001b[2K")
    })
  )
})
