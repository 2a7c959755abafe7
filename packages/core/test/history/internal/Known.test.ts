import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Known from "../../../src/history/internal/Known.ts"
import * as Histories from "../../torture/Histories.ts"
import { between, json } from "../Walking.ts"
import { began, day, hour, second } from "./FakeServer.ts"

/** A part whose reading showed nothing. */
const nothing = (rest: Partial<Known.Evidence> = {}, log: Partial<Ask.Log> = {}): Known.Evidence => ({
  order: "unknown",
  differs: false,
  deepest: Infinity,
  whole: 0,
  worth: 0,
  log: { ...Ask.makeLog(), ...log },
  ...rest
})

const start = Known.make(began)

describe("Known.make", () => {
  it("knows nothing but what time it is", () => {
    assert.deepStrictEqual(start, {
      order: "unknown",
      width: 0,
      refused: Infinity,
      differs: false,
      earliest: began,
      deepest: Infinity,
      span: undefined,
      whole: 0,
      requests: 0,
      worth: 0
    })
  })

  it("has the limits of a profile", () => {
    const { deepest, span } = Known.make(began, { rows: 500, span: 31 * day })
    assert.deepStrictEqual([deepest, span], [500, 31 * day])
    assert.strictEqual(Known.make(began, { span: day }).deepest, Infinity)
  })

  it("trusts a day and a few seconds unseen", () => {
    assert.strictEqual(Known.leastWidth, day + 10 * second)
  })
})

describe("Known.fold", () => {
  it("an order that is no order by start is never one again", () => {
    const orders = ["unknown", "start", "other"] as const
    const folded = orders.map((before) =>
      orders.map((order) => Known.fold({ ...start, order: before }, nothing({ order })).order)
    )
    assert.deepStrictEqual(folded, [
      ["unknown", "start", "other"],
      ["start", "start", "other"],
      ["other", "other", "other"]
    ])
  })

  it("keeps the widest, the least that was refused, the earliest, the deepest, and the sums", () => {
    const known = Known.make(began, { rows: 500, span: 31 * day })
    const folded = Known.fold(
      Known.fold(
        known,
        nothing(
          { deepest: 400, whole: 90, worth: 150, cut: true, differs: true },
          {
            width: 3 * hour,
            refused: 5 * day,
            observedAt: began - 7,
            requests: 12,
            rounds: true,
            gone: new Map([["row-1", began]])
          }
        )
      ),
      nothing(
        { deepest: 450, whole: 70, worth: 20 },
        { width: hour, refused: 9 * day, observedAt: began, requests: 3, gone: new Map([["row-2", began - day]]) }
      )
    )
    assert.deepStrictEqual(folded, {
      order: "unknown",
      width: 3 * hour,
      refused: 5 * day,
      rounds: true,
      differs: true,
      earliest: began - 7,
      deepest: 400,
      span: 31 * day,
      cut: true,
      whole: 90,
      requests: 15,
      worth: 170,
      gone: new Map([
        ["row-1", began],
        ["row-2", began - day]
      ])
    })
  })

  it("what shows nothing changes nothing", () => {
    const { cut, gone, rounds, ...rest } = Known.fold(start, nothing())
    assert.deepStrictEqual([{ ...rest }, cut, gone, rounds], [{ ...start }, false, undefined, false])
  })

  it.effect.prop(
    "in any order the same: parts are read at the same time",
    { seed: between(1, 1_000_000), parts: between(2, 5), before: Schema.Literals(["unknown", "start", "other"]) },
    ({ before, parts, seed }) =>
      Effect.sync(() => {
        const { next } = Histories.random(seed)
        const draw = (below: number) => Math.floor(next() * below)
        const evidence = Array.from({ length: parts }, () =>
          nothing(
            {
              order: (["unknown", "start", "other"] as const)[draw(3)] ?? "unknown",
              differs: draw(3) === 0,
              cut: [true, false, undefined][draw(3)],
              deepest: draw(2) === 0 ? Infinity : draw(1000),
              whole: draw(100),
              worth: draw(100)
            },
            {
              width: draw(1000),
              refused: draw(2) === 0 ? Infinity : draw(1000),
              rounds: draw(4) === 0,
              observedAt: draw(3) === 0 ? undefined : began - 500 + draw(1000),
              requests: draw(50)
            }
          )
        )
        const foldAll = (all: ReadonlyArray<Known.Evidence>) => all.reduce(Known.fold, { ...start, order: before })
        assert.deepStrictEqual(foldAll(evidence), foldAll(evidence.toReversed()), json({ seed, parts, before }))
      }),
    { arbitrary: { runs: 100 } }
  )
})

describe("Known.isExhausted", () => {
  it("eight thousand requests for nothing, and ten for a page of what came", () => {
    assert.isFalse(Known.isExhausted({ ...start, requests: 8000 }, 100))
    assert.isTrue(Known.isExhausted({ ...start, requests: 8001 }, 100))
    assert.isFalse(Known.isExhausted({ ...start, requests: 8030, worth: 300 }, 100))
    assert.isTrue(Known.isExhausted({ ...start, requests: 8031, worth: 300 }, 100))
    assert.isTrue(Known.isExhausted({ ...start, requests: 8030, worth: 299 }, 100))
  })
})
