import type { CallSession } from "@callstream/core"
import { TransformError } from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Expression from "../../src/expression/Expression.ts"
import * as Steps from "../../src/expression/Steps.ts"

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)
const text = (length: number, letter = "a") => letter.repeat(length)

const condition = (written: string) => Result.getOrThrow(Expression.parse(written)).holds
const record = (metadata: Readonly<Record<string, unknown>>): CallSession.CallSession => ({ id: "1", metadata })

const outcome = (written: string, metadata: Readonly<Record<string, unknown>>): unknown => {
  const holds = condition(written)
  try {
    return holds(record(metadata))
  } catch (error) {
    return error
  }
}

describe("the steps of a condition", () => {
  it("are enough for lists as people have them", () => {
    for (const [written, metadata] of [
      ["metadata.l.all(a, metadata.l.all(b, a + b >= 0))", { l: numbers(900) }],
      ["metadata.l.exists(a, metadata.m.exists(b, a.id == b.id))", { l: [{ id: 1 }], m: [{ id: 2 }, { id: 1 }] }],
      ["metadata.words.all(w, !metadata.text.lowerAscii().contains(w))", { words: ["x", "yz"], text: text(1e6) }],
      ["metadata.l.all(a, !(a in metadata.m))", { l: numbers(1000), m: numbers(1000).map((at) => -1 - at) }]
    ] as const) {
      assert.strictEqual(outcome(written, metadata), true, written)
    }
  })

  it("end what would take minutes, whatever makes it long", () => {
    const long = { l: numbers(100_000), x: text(100_000), y: `${text(50_000)}b${text(49_999)}` }
    for (const [written, metadata] of [
      ["metadata.l.all(a, metadata.l.all(b, metadata.l.all(c, metadata.l.all(d, d >= 0))))", { l: numbers(200) }],
      ["metadata.l.exists(a, metadata.l.exists(b, metadata.l.exists(c, c < 0)))", { l: numbers(200) }],
      ["metadata.l.all(a, metadata.l.all(b, b >= 0))", long],
      ["metadata.l.all(a, !(-1 in metadata.l))", long],
      ["metadata.l.all(a, metadata.x.lowerAscii() != a)", long],
      ["metadata.l.all(a, metadata.x.trim() != a)", long],
      ["metadata.l.all(a, size(metadata.x) > 0)", long],
      ["metadata.l.all(a, double(metadata.x) == null)", long],
      ["metadata.l.all(a, metadata.x + metadata.y + metadata.x != a)", long],
      ["metadata.l.all(a, metadata.x < metadata.x + metadata.y)", long],
      ["metadata.l.all(a, metadata.x.startsWith(metadata.x))", long],
      ["metadata.l.all(a, size(metadata.o) > 0)", { ...long, o: Object.fromEntries(numbers(10_000).entries()) }],
      ["metadata.l.all(a, metadata.o.exists(k, true))", { ...long, o: Object.fromEntries(numbers(10_000).entries()) }],
      ["metadata.x.contains(metadata.y)", { x: `${text(1_000_000)}.`, y: `${text(50_000)}b${text(50_000)}` }]
    ] as const) {
      const error = outcome(written, metadata)
      assert(error instanceof TransformError, `${written}: ${String(error)}`)
      assert.strictEqual(error.message, "the condition takes more than 5,000,000 steps")
    }
  })

  it("count characters, not halves of them", () => {
    for (const text of [
      "",
      "a",
      "é",
      "\u{1f600}",
      "a\u{1f600}b\u{1f600}",
      "\ud83d",
      "\ude00\ud83d",
      "\ud83d\ud83d\ude00"
    ]) {
      assert.strictEqual(outcome(`size(metadata.t) == ${Array.from(text).length}`, { t: text }), true, text)
    }
  })

  it("start at zero with each record", () => {
    const holds = condition("metadata.l.all(a, metadata.l.all(b, metadata.l.all(c, c >= 0)))")
    const small = record({ l: numbers(20) })
    for (let round = 0; round < 1 + Steps.limit / 24_000; round++) assert.isTrue(holds(small))
    assert.throws(() => holds(record({ l: numbers(200) })), TransformError)
    assert.isTrue(holds(small))
  })
})
