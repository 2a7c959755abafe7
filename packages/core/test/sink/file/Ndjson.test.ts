import * as Ndjson from "@callstream/core/sink/Ndjson"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { between, json } from "../../history/Walking.ts"

/** What hides, reorders or commands: controls, formats (bidi among them), separators of lines and paragraphs. */
const dangerous = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

const parse = (text: string): ReadonlyArray<unknown> =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line): unknown => JSON.parse(line))

const interesting = [
  "\u0000",
  "\u0007",
  "\n",
  "\r\n",
  "\t",
  "\u001b[31m",
  "\u007f",
  "\u0085",
  "\u009b2J",
  "\u00ad",
  "\u061c",
  "\u180e",
  "\u200b",
  "\u200d",
  "\u200e",
  "\u2028",
  "\u2029",
  "\u202a",
  "\u202e",
  "\u2060",
  "\u2066",
  "\u2069",
  "\ufeff",
  "\ufff9",
  "\ud83d\ude00",
  "👩‍💻",
  "\ud800",
  "\udc00",
  '"',
  "\\",
  "\\u202e",
  "ü",
  "日本",
  "مرحبا",
  "\u{e0041}",
  "\u{1d173}"
]

describe("Ndjson", () => {
  const values = {
    picks: Schema.Array(between(0, interesting.length - 1)),
    text: Schema.String,
    key: Schema.String,
    number: Schema.Finite
  }

  it.prop(
    "encodeForTerminal says the same as encode, in characters that do nothing to a terminal",
    values,
    ({ key, number, picks, text }) => {
      const odd = picks.map((pick) => interesting[pick]).join("")
      const records = [{ text, odd, [`k${key}${odd}`]: [number, null, true] }, odd, text]
      const encoded = Ndjson.encodeForTerminal(records)
      const about = json({ key, odd, text })
      assert.deepStrictEqual(parse(encoded), parse(Ndjson.encode(records)), about)
      assert.notMatch(encoded.replaceAll("\n", ""), dangerous, about)
      assert.lengthOf(encoded.split("\n"), records.length + 1, about)
    },
    { arbitrary: { runs: 300 } }
  )

  it.each(interesting.map((text) => [json(text), text]))("encodeForTerminal takes %s alone", (_, text) => {
    const encoded = Ndjson.encodeForTerminal([{ text }])
    assert.deepStrictEqual(parse(encoded), [{ text: text.toWellFormed() }])
    assert.notMatch(encoded.slice(0, -1), dangerous)
  })

  it("leaves letters, emoji and ASCII as they are", () => {
    const plain = [{ name: "Zoë 日本 😀 مرحبا", n: 1.5 }]
    assert.strictEqual(Ndjson.encodeForTerminal(plain), `${JSON.stringify(plain[0])}\n`)
  })

  it("writes no half of a surrogate pair, and ends no line early", () => {
    const halves = { "k\udc00": ["a\ud83d", "\ude00b", "😀", "\\ud83d", '"\ud83d'] }
    assert.strictEqual(
      Ndjson.encode([halves, "a\u2028b\u2029"]),
      '{"k\ufffd":["a\ufffd","\ufffdb","😀","\\\\ud83d","\\"\ufffd"]}\n"a\\u2028b\\u2029"\n'
    )
    assert.strictEqual(Ndjson.encode([{ text: `${"x".repeat(3_000_000)}\ud83d` }]).length, 3_000_000 + 13)
  })

  it("is one line a value, each ended, and nothing for none", () => {
    assert.strictEqual(Ndjson.encode([]), "")
    assert.strictEqual(Ndjson.encodeForTerminal([]), "")
    assert.strictEqual(Ndjson.encode([{ a: "x\ny" }, 1]), '{"a":"x\\ny"}\n1\n')
  })
})
