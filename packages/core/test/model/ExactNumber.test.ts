import * as ExactNumber from "@callstream/core/model/ExactNumber"
import { assert, describe, it } from "@effect/vitest"
import * as Equal from "effect/Equal"
import * as ExactJson from "./ExactJson.ts"

const seed = Number(process.env["SEED"] ?? 1)

const one = (text: string): ExactNumber.ExactNumber => {
  const found = ExactNumber.fromText(text)
  return ExactNumber.isExactNumber(found) ? found : assert.fail(`${text} is a double`)
}

describe("ExactNumber", () => {
  it.each([
    ["4876876000000420001", "4876876000000420001"],
    ["1e400", "1e+400"],
    ["10.0E0399", "1e+400"],
    ["0.1e-400", "1e-401"],
    ["12345678.1234567890120", "12345678.123456789012"],
    ["-00.10000000000000001", "-0.10000000000000001"],
    ["123456789012345678901234567890", "123456789012345678901234567890"],
    ["4e-324", "4e-324"],
    ["+.123456789012345678901e3", "123.456789012345678901"]
  ])("%s is written %s", (text, written) => {
    const number = one(text)
    assert.strictEqual(number.text, written)
    assert.strictEqual(JSON.stringify({ n: [number] }), `{"n":[${written}]}`)
    assert.strictEqual(String(number), written)
    assert.isTrue(Equal.equals(number, one(written)))
  })

  it.each([
    ["0", 0],
    ["-0", -0],
    ["0e999999", 0],
    ["1e2", 100],
    ["1790812800000000", 1_790_812_800_000_000],
    ["0.30000000000000004", 0.300_000_000_000_000_04],
    ["123456789012345680000", 123_456_789_012_345_680_000],
    ["5e-324", 5e-324],
    ["1.7976931348623157e308", Number.MAX_VALUE],
    ["9007199254740992", 2 ** 53]
  ])("%s stays a double: it prints back as the same value", (text, double) => {
    assert.strictEqual(ExactNumber.fromText(text), double)
    assert.deepStrictEqual(ExactNumber.parseJson(`[${text}]`), JSON.parse(`[${text}]`))
  })

  it.each(["", " ", "x", "1e", "e5", ".", "-", "0x10", "1_000", "1,5", "NaN", "Infinity", "1e5.5", "1 2"])(
    "%j is no number",
    (text) => assert.isUndefined(ExactNumber.fromText(text))
  )

  it("survives the spread of what holds it, and is a leaf", () => {
    const session = ExactNumber.parseJson('{"id":"a","metadata":{"id":4876876000000420001}}')
    const copy = { ...(session as object), more: 1 }
    assert.strictEqual(JSON.stringify(copy), '{"id":"a","metadata":{"id":4876876000000420001},"more":1}')
    assert.deepStrictEqual(JSON.parse(JSON.stringify(structuredClone(session))), {
      id: "a",
      metadata: { id: { text: "4876876000000420001" } }
    })
  })

  it("is a string of its digits where JSON.rawJSON is missing, and is read in the same way", () => {
    const raw = Object.getOwnPropertyDescriptor(JSON, "rawJSON") ?? assert.fail("the engine has no JSON.rawJSON")
    assert.isTrue(Reflect.deleteProperty(JSON, "rawJSON"))
    try {
      const value = ExactNumber.parseJson("[4876876000000420001,1]")
      assert.strictEqual(JSON.stringify(value), '["4876876000000420001",1]')
    } finally {
      Object.defineProperty(JSON, "rawJSON", raw)
    }
  })

  it.each([
    "{4876876000000420001:1}",
    '{"a":1 4876876000000420001}',
    "[04876876000000420001]",
    "[4876876000000420001x]",
    "[+4876876000000420001]",
    "[4876876000000420001.]",
    '["4876876000000420001]',
    '[4876876000000420001""]',
    '["a"4876876000000420001]',
    "[1e400,]",
    "4876876000000420001 5"
  ])("what is no JSON stays none: %s", (text) => {
    assert.throws(() => JSON.parse(text))
    assert.throws(() => ExactNumber.parseJson(text))
  })

  it("takes no text of a record for a number, and nothing nested for too deep", () => {
    const text = '{"a":"exact-0-0-0-0:5","b":": 4876876000000420001","c":4876876000000420001}'
    assert.strictEqual(JSON.stringify(ExactNumber.parseJson(text)), text)
    const deep = `${"[".repeat(20_000)}1e400${"]".repeat(20_000)}`
    let inside: unknown = ExactNumber.parseJson(deep)
    while (Array.isArray(inside)) inside = inside[0]
    assert.isTrue(ExactNumber.isExactNumber(inside))
  })

  it("takes time in proportion, also for digits without end", () => {
    for (const text of [`[${"1".repeat(200_000)}x]`, `[1e${"9".repeat(5000)}]`, `[${"0".repeat(200_000)}]`]) {
      const began = performance.now()
      try {
        ExactNumber.parseJson(text)
      } catch {
        // No JSON.
      }
      assert.isBelow(performance.now() - began, 2000, text.slice(0, 5))
    }
  })

  it(`reads and writes any JSON without rounding a number (seed ${seed})`, () => {
    const roll = ExactJson.rollOf(seed)
    let exact = 0
    for (let n = 0; n < 3000; n++) {
      const text = ExactJson.json(roll)
      const value = ExactNumber.parseJson(text)
      const written = JSON.stringify(value)
      assert.deepStrictEqual(ExactJson.read(written), ExactJson.read(text), text)
      if (JSON.stringify(JSON.parse(text)) !== written) exact++
      else assert.deepStrictEqual(value, JSON.parse(text))
    }
    assert.isAbove(exact, 100)
  })

  it(`compares as fractions do (seed ${seed})`, () => {
    const roll = ExactJson.rollOf(seed)
    // Beyond this a fraction would be larger than anybody wants to compute with.
    const within = (text: string) => Math.abs(Number(/e[+-]?(\d+)/i.exec(text)?.[1] ?? 0)) < 2000
    const scaled = (text: string): bigint => {
      const [digits = "", power = ""] = ExactJson.exact(text).split("*10^")
      return BigInt(digits) * 10n ** BigInt(Number(power || 0) + 4000)
    }
    for (let n = 0; n < 3000; n++) {
      const a = ExactJson.number(roll)
      const b =
        roll(4) === 0 ? a.replace(/(\d)$/, (last) => String((Number(last) + roll(2)) % 10)) : ExactJson.number(roll)
      if (!within(a) || !within(b)) continue
      const [x, y] = [ExactNumber.fromText(a), ExactNumber.fromText(b)]
      if (x === undefined || y === undefined) return assert.fail(`${a} or ${b}`)
      const expected = scaled(a) < scaled(b) ? -1 : scaled(a) > scaled(b) ? 1 : 0
      assert.strictEqual(Math.sign(ExactNumber.compare(x, y)), expected, `${a} ${b}`)
      assert.strictEqual(Equal.equals(x, y), expected === 0, `${a} ${b}`)
    }
  })

  it("negates and truncates", () => {
    assert.strictEqual(ExactNumber.negate(one("4876876000000420001")).text, "-4876876000000420001")
    assert.strictEqual(ExactNumber.negate(one("-1e400")).text, "1e+400")
    assert.strictEqual(ExactNumber.truncate(one("12345678.123456789012")), 12_345_678)
    assert.strictEqual(String(ExactNumber.truncate(one("-4876876000000420001.5"))), "-4876876000000420001")
    assert.strictEqual(ExactNumber.truncate(one("1e-400")), 0)
    assert.strictEqual(String(ExactNumber.truncate(one("1e400"))), "1e+400")
    assert.isUndefined(ExactNumber.truncate(one("1e999999999999")))
  })
})
