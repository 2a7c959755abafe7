import * as Settlement from "@callstream/core/sync/Settlement"
import * as Tail from "@callstream/core/sync/Tail"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { random } from "./SyncRandom.ts"

const minute = 60_000_000
const hour = 60 * minute
const day = 24 * hour
const end = Date.parse("2026-07-31T07:16:10Z") * 1000

type Seen = Settlement.Facts & { readonly delays: ReadonlyArray<number> }

/** Calls of a few agents, some of which never have an analysis, and how long what came took. */
const callsOf = (seed: number): ReadonlyArray<Seen> => {
  const { below, chance, next, pick } = random(seed)
  return Array.from({ length: 1 + below(400) }, () => {
    const agent = pick(["a", "b", "c", ""])
    const lacks = Settlement.laters.filter((facet) => (facet === "analysis" && agent === "b") || chance(0.2))
    const delays = chance(0.7) ? [Math.floor(minute * 10 ** (3 * next()))] : []
    return { agent, status: pick(["answered", "unanswered"] as const), end, lacks, delays }
  })
}

const learn = (learned: Settlement.Statistics, { delays, ...call }: Seen): Settlement.Statistics => {
  const counted = Settlement.count(learned, call)
  return {
    ...counted,
    delays: { ...counted.delays, analysis: delays.reduce(Tail.observe, counted.delays.analysis) }
  }
}
const learnedOf = (calls: ReadonlyArray<Seen>) => calls.reduce(learn, Settlement.empty)

/** The chance, counted anew from the calls themselves. */
const chanceOf = (calls: ReadonlyArray<Seen>, facts: Settlement.Facts, facet: Settlement.Later, age: number) => {
  const alike = calls.filter(({ status }) => status === facts.status)
  const own = alike.filter(({ agent }) => agent === facts.agent)
  const having = (list: ReadonlyArray<Seen>) => list.filter(({ lacks }) => !lacks.includes(facet)).length
  const usual = (having(alike) + 1) / (alike.length + 2)
  const p = (having(own) + 2 * usual) / (own.length + 2)
  const delays = facet === "analysis" ? calls.flatMap(({ delays }) => delays) : []
  const longer = Tail.survival(delays.reduce(Tail.observe, Tail.empty), age)
  return (p * longer) / (p * longer + 1 - p)
}

describe("Settlement", () => {
  it("waits exactly as long as the chance, recounted from the calls, is 0.2 % or more: 60 histories", () => {
    let [awaited, given] = [0, 0]
    for (let seed = 1; seed <= 60; seed++) {
      const calls = callsOf(seed)
      const learned = learnedOf(calls)
      const { next, pick } = random(seed + 1000)
      for (let i = 0; i < 40; i++) {
        const { agent, lacks, status } = pick(calls)
        const facts = { agent, lacks, status, end }
        const age = Math.floor(minute * 10 ** (4.6 * next()))
        const standing = Settlement.standing(learned, facts, end + age)
        const expected = age >= Tail.longest ? [] : lacks.filter((facet) => chanceOf(calls, facts, facet, age) >= 0.002)
        const about = `seed ${seed}, ${JSON.stringify(facts)}, ${age}`
        if (expected.length > 0) {
          assert.deepStrictEqual(standing, { _tag: "Awaiting", facets: expected }, about)
          awaited++
        } else if (lacks.length === 0) assert.deepStrictEqual(standing, { _tag: "Final" }, about)
        else {
          assert.strictEqual(standing._tag, "GivenUp", about)
          given++
        }
      }
    }
    assert.isAbove(awaited, 100)
    assert.isAbove(given, 20)
  })

  it("says why it gave up", () => {
    const facts: Settlement.Facts = { agent: "b", status: "answered", end, lacks: ["analysis"] }
    const never = Array.from({ length: 3000 }, (): Seen => ({ ...facts, delays: [] }))
    const soon = Array.from({ length: 900 }, (): Seen => ({ ...facts, agent: "a", lacks: [], delays: [5 * minute] }))
    const learned = learnedOf([...never, ...soon])
    const because = (agent: string, age: number) => {
      const standing = Settlement.standing(learned, { ...facts, agent }, end + age)
      return standing._tag === "GivenUp" ? standing.facets : standing._tag
    }
    assert.deepStrictEqual(because("b", minute), [{ facet: "analysis", because: "never seen of this agent" }])
    assert.strictEqual(because("a", minute), "Awaiting")
    // An agent of whom nothing is known is like the others.
    assert.strictEqual(because("new", minute), "Awaiting")
    assert.deepStrictEqual(because("new", 40 * day), [{ facet: "analysis", because: "too old" }])
    const sooner = learnedOf(Array.from({ length: 90_000 }, (): Seen => ({ ...facts, delays: [minute] })))
    const mixed = Settlement.correct(sooner, facts, ["analysis"])
    const standing = Settlement.standing(mixed, facts, end + 20 * day)
    assert.deepStrictEqual(standing, {
      _tag: "GivenUp",
      facets: [{ facet: "analysis", because: "unlikely by now" }]
    })
  })

  it("an open call is awaited until it is a month old", () => {
    const facts: Settlement.Facts = { agent: "a", status: "open", end, lacks: ["cost"] }
    assert.deepStrictEqual(Settlement.standing(Settlement.empty, facts, end + 10 * day), {
      _tag: "Awaiting",
      facets: ["lifecycle", "cost"]
    })
    assert.strictEqual(Settlement.standing(Settlement.empty, facts, end + 40 * day)._tag, "GivenUp")
  })

  it("gain is a chance that rises with time from 0, and is 0 of what is not awaited", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const calls = callsOf(seed)
      const learned = learnedOf(calls)
      const { agent, lacks, status } = random(seed).pick(calls)
      const facts = { agent, lacks, status, end }
      const read = end + random(seed).below(day)
      let before = 0
      for (let later = 0; later < 60 * day; later += 7 * hour) {
        const gain = Settlement.gain(learned, facts, read, read + later)
        assert.isAtLeast(gain, before - 1e-12, `seed ${seed}`)
        assert.isAtMost(gain, 1)
        before = gain
      }
      assert.strictEqual(before === 0, Settlement.standing(learned, facts, read)._tag !== "Awaiting", `seed ${seed}`)
    }
  })

  it("what two observed is, merged, what one would have observed; it is kept as JSON", () => {
    const codec = Schema.toCodecJson(Settlement.Statistics)
    for (let seed = 1; seed <= 20; seed++) {
      const calls = callsOf(seed)
      const cut = random(seed).below(calls.length)
      const merged = Settlement.merge(learnedOf(calls.slice(0, cut)), learnedOf(calls.slice(cut)))
      assert.deepStrictEqual(merged, learnedOf(calls), `seed ${seed}`)
      const kept = JSON.stringify(Schema.encodeSync(codec)(merged))
      assert.deepStrictEqual(Schema.decodeUnknownSync(codec)(JSON.parse(kept)), merged)
    }
  })

  it("a correction counts what came after all, and never more than there are", () => {
    const facts: Settlement.Facts = { agent: "a", status: "answered", end, lacks: ["analysis", "cost"] }
    const counted = Settlement.count(Settlement.empty, facts)
    const once = Settlement.correct(counted, facts, ["analysis"])
    assert.deepStrictEqual(once.shares["a"]?.answered.analysis, { has: 1, of: 1 })
    assert.deepStrictEqual(once.shares["a"]?.answered.cost, { has: 0, of: 1 })
    assert.deepStrictEqual(Settlement.correct(once, facts, ["analysis"]), once)
    assert.strictEqual(Settlement.count(counted, { ...facts, status: "open" }), counted)
  })

  it("is described without the ids of agents", () => {
    const agent = "0d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44"
    const calls = Array.from({ length: 100 }, (): Seen => ({
      agent,
      status: "answered",
      end,
      lacks: ["recording"],
      delays: [5 * minute]
    }))
    const learned = { ...learnedOf(calls), audited: { looked: 40, changed: 2 } }
    assert.deepStrictEqual(Settlement.describe(learned), [
      "recording: never seen of 1 of 1 agents",
      "analysis: of 100, half came within 6 min, 99 % within 6 min",
      "audits: 2 of 40 calls had changed unexpectedly"
    ])
    assert.deepStrictEqual(Settlement.describe(Settlement.empty), [])
  })
})
