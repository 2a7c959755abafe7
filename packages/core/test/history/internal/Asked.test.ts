import type { AgniError } from "@callstream/core/model/AgniError"
import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import * as Asked from "../../../src/history/internal/Asked.ts"

const at = (text: string): Instant.Instant => Instant.of(Date.parse(text) * 1000)
const [one, two] = ["2026-07-31T07:16:10Z", "2026-08-01T00:00:00Z"]

/** The parameter that is refused, and why. */
const mistakeOf = <A>(result: Result.Result<A, AgniError>) => {
  const reason = Result.isFailure(result) ? result.failure.reason : undefined
  return reason?._tag === "InvalidRequest" ? [reason.parameter, reason.requirement] : undefined
}

const requirement = "must be a time in ISO 8601, such as 2026-07-31T07:16:10Z"

describe("Asked.read", () => {
  it("reads each bound as an instant", () => {
    const read = Asked.read({ from: one, to: two, end: one, resume: two, cuts: [two, one] })
    assert.deepStrictEqual(
      read,
      Result.succeed({ from: at(one), to: at(two), end: at(one), resume: at(two), cuts: [at(two), at(one)] })
    )
  })

  it("has no bound that was not given", () => {
    const nothing = { from: undefined, to: undefined, end: undefined, resume: undefined, cuts: [] }
    assert.deepStrictEqual(Asked.read({}), Result.succeed(nothing))
    assert.deepStrictEqual(Asked.read({ ...nothing, cuts: undefined }), Result.succeed(nothing))
  })

  it("takes a Date, a DateTime, and a date alone", () => {
    const read = Asked.read({ from: new Date(one), to: DateTime.makeUnsafe(one), end: "2026-08-01" })
    assert.deepStrictEqual(
      Result.map(read, ({ end, from, to }) => [from, to, end]),
      Result.succeed([at(one), at(one), at(two)])
    )
  })

  it("names the bound that is no time; the first of several", () => {
    for (const name of ["from", "to", "end", "resume"])
      assert.deepStrictEqual(mistakeOf(Asked.read({ [name]: "yesterday" })), [name, requirement])
    assert.deepStrictEqual(mistakeOf(Asked.read({ cuts: [one, "noon", two] })), ["cuts", requirement])
    assert.deepStrictEqual(mistakeOf(Asked.read({ cuts: ["noon"], to: "x", end: "y" })), ["to", requirement])
  })
})

describe("Asked.range", () => {
  it("is open where a bound is not given", () => {
    assert.deepStrictEqual(Asked.range({}), Result.succeed({ from: undefined, to: undefined }))
    assert.deepStrictEqual(Asked.range({ from: two }), Result.succeed({ from: at(two), to: undefined }))
    assert.deepStrictEqual(Asked.range({ to: one }), Result.succeed({ from: undefined, to: at(one) }))
    assert.deepStrictEqual(Asked.range({ from: one, to: two }), Result.succeed({ from: at(one), to: at(two) }))
  })

  it("begins before it ends", () => {
    for (const from of [one, two])
      assert.deepStrictEqual(mistakeOf(Asked.range({ from, to: one })), ["from", "must be earlier than to"])
    assert.deepStrictEqual(mistakeOf(Asked.range({ from: two, to: "x" })), ["to", requirement])
  })
})

describe("Asked.reading", () => {
  it("reads all bounds, and names the option that is wrong before a bound", () => {
    const bounds = { from: one, to: two, cuts: [two] }
    assert.deepStrictEqual(Asked.reading(bounds, { pageSize: 1 }), Asked.read(bounds))
    assert.deepStrictEqual(mistakeOf(Asked.reading({ from: "x" }, { pageSize: 0 }))?.[0], "pageSize")
    assert.deepStrictEqual(mistakeOf(Asked.reading({ from: "x" }, {})), ["from", requirement])
  })

  it("begins no later than it ends, if both are given", () => {
    assert.deepStrictEqual(mistakeOf(Asked.reading({ from: two, to: one }, {})), ["from", "must not be later than to"])
    for (const bounds of [{ from: one, to: one }, { from: two }, { to: one }, { from: two, end: one }])
      assert.deepStrictEqual(Asked.reading(bounds, {}), Asked.read(bounds))
  })
})
