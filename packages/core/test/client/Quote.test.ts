import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Quote from "../../src/client/internal/Quote.ts"

describe("Quote", () => {
  it("repeats harmless words", () => {
    assert.strictEqual(Quote.make(["sk-1"])("page_size must be at most 100"), "page_size must be at most 100")
    assert.strictEqual(Quote.make([])("Clé refusée: 日本"), "Clé refusée: 日本")
    assert.strictEqual(Quote.make([""])("an empty secret hides nothing"), "an empty secret hides nothing")
  })

  it("takes out every occurrence of a secret", () => {
    assert.strictEqual(Quote.make(["sk-1", "+14155550123"])("sk-1 asked for +14155550123, sk-1!"), "… asked for …, …!")
  })

  it("also as a URL holds it, in either encoding", () => {
    const quote = Quote.make(["+14155550123", "john o'neil & co"])
    assert.strictEqual(quote("caller_number=%2B14155550123"), "caller_number=…")
    assert.strictEqual(quote("search=john%20o'neil%20%26%20co"), "search=…")
    assert.strictEqual(quote("search=john+o%27neil+%26+co"), "search=…")
  })

  it("whatever the case of the percent escapes and of the echo", () => {
    assert.strictEqual(Quote.make(["+1415"])("caller_number=%2b1415"), "caller_number=…")
    assert.strictEqual(Quote.make(["Ada Lovelace"])("no match for ADA LOVELACE"), "no match for …")
  })

  it("a number also without its plus", () => {
    assert.notInclude(Quote.make(["+14155550123"])("no calls from 14155550123"), "4155550123")
  })

  it("a secret within another leaves no remainder", () => {
    assert.strictEqual(Quote.make(["ada", "ada lovelace"])("no match for ada lovelace"), "no match for …")
  })

  it("regular-expression and replacement characters are only text", () => {
    assert.strictEqual(Quote.make(["a.b*c$&(["])("a.b*c$&([ axbbc"), "… axbbc")
  })

  it("survives half of a surrogate pair", () => {
    assert.strictEqual(Quote.make(["a\ud800"])("ok"), "ok")
  })

  it.each([
    ["https://api.example/recording?token=SECRET", "https://api.example/…"],
    ["see https://s3.example/a/b.wav?X-Amz-Signature=SECRET for it", "see https://s3.example/… for it"],
    ["https://api.example?token=SECRET", "https://api.example/…"],
    ["https://api.example#SECRET", "https://api.example/…"],
    ["https://user:SECRET@api.example/x", "https://api.example/…"],
    ["wss://api.example/SECRET", "wss://api.example/…"],
    ["s3://bucket/SECRET", "s3://bucket/…"],
    ["HTTPS://API.EXAMPLE/SECRET", "HTTPS://API.EXAMPLE/…"],
    ["\"https://a.example/SECRET\" and 'http://b.example/SECRET'", "\"https://a.example/…\" and 'http://b.example/…'"],
    ["at /v1/recording?token=SECRET&x=1", "at /v1/recording?…"]
  ])("hides what follows the host of %j", (text, expected) => {
    assert.strictEqual(Quote.make([])(text), expected)
  })

  it("keeps an address without a path readable", () => {
    assert.include(Quote.make([])("try https://api.example"), "https://api.example")
  })

  it("is one line without control, format or ANSI characters", () => {
    assert.strictEqual(Quote.make([])(" a\r\n\tb\u0000c\u001b[31md\u202ee\u2028f\u200bg "), "a b c [31md e f g")
  })

  it.prop(
    "never more than 200 characters, never a control character, never the secret",
    [Schema.String, Schema.NonEmptyString.check(Schema.isMinLength(4)), Schema.String],
    ([before, secret, after]) => {
      const safe = Quote.make([secret])(`${before}${secret}${after}`.repeat(20))
      assert.isAtMost(safe.length, 200)
      assert.notMatch(safe, /[\p{Cc}\u2028\u2029]/u)
      if (secret.trim() === secret && !"https://…".includes(secret)) assert.notInclude(safe, secret)
    },
    { arbitrary: { runs: 200 } }
  )

  it("cuts no character in two", () => {
    assert.isTrue(Quote.make([])("a" + "💥".repeat(200)).isWellFormed())
    assert.isTrue(Quote.make([])("💥".repeat(200)).isWellFormed())
  })
})
