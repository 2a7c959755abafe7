import * as AgniError from "@callstream/core/model/AgniError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Refuse from "../../../src/history/internal/Refuse.ts"

const reasonOf = (error: AgniError.AgniError | undefined) =>
  error?.reason._tag === "InvalidRequest" ? [error.reason.parameter, error.reason.requirement] : undefined

describe("Refuse", () => {
  it("a mistake names the parameter and what it must be, and took no request", () => {
    const error = Refuse.mistake("from", "must be earlier than to")
    assert.deepStrictEqual(reasonOf(error), ["from", "must be earlier than to"])
    assert.deepStrictEqual([error.request, error.attempts, Duration.toMillis(error.elapsed)], ["CallSessions", 0, 0])
  })

  it.effect("a stream that is refused fails with it", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Stream.runDrain(Refuse.refuse("pageSize", "must be an integer of at least 1")))
      assert.deepStrictEqual(reasonOf(error), ["pageSize", "must be an integer of at least 1"])
    })
  )
})

describe("Refuse.mistakeIn", () => {
  const requirement = "must be an integer of at least 1"

  for (const name of ["concurrency", "pageSize", "pagesPerWindow", "sideBySide", "stretchSize"] as const)
    it(`${name} is an integer of at least 1`, () => {
      for (const value of [undefined, 1, 2, Number.MAX_SAFE_INTEGER])
        assert.isUndefined(Refuse.mistakeIn({ [name]: value }), String(value))
      for (const value of [0, -1, 1.5, NaN, Infinity, Number.MAX_SAFE_INTEGER + 1])
        assert.deepStrictEqual(reasonOf(Refuse.mistakeIn({ [name]: value })), [name, requirement], String(value))
    })

  it("text is no number", () => {
    // @ts-expect-error Plain JavaScript may give text.
    assert.deepStrictEqual(reasonOf(Refuse.mistakeIn({ pageSize: "100" })), ["pageSize", requirement])
  })

  it("the horizon is a duration that is not negative", () => {
    for (const horizon of [undefined, 0, 1000, "2 hours", Duration.hours(2), Duration.infinity] as const)
      assert.isUndefined(Refuse.mistakeIn({ horizon }), String(horizon))
    for (const horizon of ["soon", "", "2 fortnights", null, Duration.millis(-1), Duration.negativeInfinity])
      assert.deepStrictEqual(
        // @ts-expect-error Plain JavaScript may give anything.
        reasonOf(Refuse.mistakeIn({ horizon })),
        ["horizon", "must be a duration such as 2 hours"],
        String(horizon)
      )
  })

  it("nothing is wrong with no options", () => {
    assert.isUndefined(Refuse.mistakeIn({}))
  })
})
