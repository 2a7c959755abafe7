import * as Column from "@callstream/core/model/Column"
import * as ExactNumber from "@callstream/core/model/ExactNumber"
import * as Redact from "@callstream/core/transform/Redact"
import * as Redacting from "../../src/transform/internal/Redacting.ts"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"

const redact = (what: Parameters<typeof Redacting.redact>[0], options?: Redact.Options) =>
  Redacting.redact<Record<string, unknown>>(what, options)

const summary = (text: string, what: Parameters<typeof Redacting.redact>[0]): unknown =>
  redact(what).apply({ id: "1", summary: text })?.["summary"]

/** A hash to look through: what it was given stands in it. */
const plainly: Redact.KeyedHash = { fingerprint: "ab12", hash: (text) => `<${text}>` }

describe("Redact", () => {
  it("masks what is a phone number, and nothing around it", () => {
    for (const [text, masked] of [
      ["on 2026-07-31 415-555-0123 called", "on 2026-07-31 [phone] called"],
      ["31.07.2026 at 10:30 555-0123", "31.07.2026 at 10:30 [phone]"],
      ["+14155550123 2026-07-31", "[phone] 2026-07-31"],
      ["Call (415) 555-0123 or 415.555.0124x12.", "Call [phone] or [phone]x12."],
      ["https://wa.me/4915112345678?text=hi", "https://wa.me/[phone]?text=hi"],
      ["?to=%2B14155550123&n=1", "?to=[phone]&n=1"],
      ["1".repeat(7) + " is short, 98765 43210 is not", "1111111 is short, [phone] is not"]
    ] as const) {
      assert.strictEqual(summary(text, { phone: "mask" }), masked)
    }
  })

  it("takes a number beyond doubles as it takes one within: by its digits, as one value", () => {
    const record = (number: string) =>
      ExactNumber.parseJson(
        `{"id":"1","callerNumber":"+4876876000000420001","metadata":{"id":${number},"phone":${number},"list":[${number}]}}`
      ) as Record<string, unknown>
    const masked = redact({ phone: "mask" })
    for (const number of ["4876876000000420001", "-4876876000000420001"]) {
      assert.deepStrictEqual(masked.apply(record(number)), {
        id: "1",
        callerNumber: "[phone]",
        metadata: { id: "[phone]", phone: "[phone]", list: ["[phone]"] }
      })
    }
    const other = record("99999999999999999999.5")
    // A field that is called so holds a number, whatever it looks like.
    assert.deepStrictEqual(masked.apply(other)?.["metadata"], { ...(other["metadata"] as object), phone: "[phone]" })
    const named = record("99999999999999999999")
    assert.deepStrictEqual(masked.apply(named)?.["metadata"], {
      ...(named["metadata"] as object),
      phone: "[phone]"
    })
    assert.strictEqual(
      JSON.stringify(redact({ email: "mask", name: "mask", freeText: "drop" }).apply(named)),
      JSON.stringify(named)
    )
    // A number in the place of text is the record's own number as well.
    assert.deepStrictEqual(masked.apply({ id: "1", callerNumber: 14_155_550_123, summary: "4155550123" }), {
      id: "1",
      callerNumber: "[phone]",
      summary: "[phone]"
    })
  })

  it("leaves what only has digits", () => {
    for (const text of [
      "0190f3c2-7d1e-7abc-8def-123456789012",
      "01901234-5678-7012-8123-123456789012",
      "order ORD-1234567890 and cmp_1234567890",
      "at 1753946170 or 1753946170117 or 20260731071610",
      "2026-07-31 07:16:10.117605 +0000 UTC m=+0.123456789",
      "31.07.2026, 7/31/26, 2019-2024",
      "1,234,567.00 or 1.234.567 or 1 234 567 or 3.14159265358979",
      "from 192.168.100.200",
      "94103-1234"
    ]) {
      assert.strictEqual(summary(text, { phone: "mask", email: "mask" }), text)
    }
  })

  it("masks what is an address, and nothing around it", () => {
    for (const [text, masked] of [
      ["'john@example.com', <ann@example.co.uk>.", "'[email]', <[email]>."],
      ["mailto:me@example.com?subject=a", "mailto:[email]?subject=a"],
      ["a@example.com,b@example.com", "[email],[email]"],
      ["https://x.example/?e=j%2540example.com&b=1", "https://x.example/?e=[email]&b=1"],
      ["5@10, lodash@4.17.21, @handle, foo@", "5@10, lodash@4.17.21, @handle, foo@"]
    ] as const) {
      assert.strictEqual(summary(text, { email: "mask" }), masked)
    }
  })

  it("takes long text apart in no time, also where everything nearly matches", () => {
    const before = performance.now()
    for (const text of [
      "1 ".repeat(50_000),
      "a".repeat(100_000),
      "@".repeat(100_000),
      "a@".repeat(50_000),
      "+".repeat(100_000),
      '"'.repeat(50_000) + "@",
      "://".repeat(30_000) + "="
    ]) {
      redact({ phone: "mask", email: "mask", recording: "mask", name: "mask" }).apply({
        callerName: "a b",
        callerNumber: "+11111111111",
        summary: text
      })
    }
    assert.isBelow(performance.now() - before, 5000)
  })

  it("hashes each notation of a number to the same text, and never a whole class to that of another", () => {
    const hash = redact({ phone: plainly, email: plainly, name: plainly }, { callingCode: "49" })
    const out = (callerNumber: string) => hash.apply({ callerNumber })?.["callerNumber"]
    for (const same of [
      "+49 30 1234567",
      "+49 (0)30 1234567",
      "0049301234567",
      "030 1234567",
      "(030) 123-4567",
      "%2B49301234567",
      "+４９３０１２３４５６７"
    ]) {
      assert.strictEqual(out(same), "phone_<phone:+49301234567>", same)
    }
    assert.deepStrictEqual(hash.apply({ callerEmail: "Jane@Example.COM", callerName: " Asha  RAO " }), {
      callerEmail: "email_<email:jane@example.com>",
      callerName: "name_<name:asha rao>"
    })
  })

  it("goes by the customer's keys for names and numbers, whatever is under them", () => {
    const metadata = {
      customer_name: "Asha",
      "Plan Name": "Gold",
      campaignName: "Summer",
      name: { first: "Asha", last: "Rao" },
      mobile: 4155550123,
      Phone: "55 01 23",
      phoneType: "android",
      orderId: 4155550123
    }
    assert.deepStrictEqual(redact({ name: "mask", phone: "mask" }).apply({ metadata })?.["metadata"], {
      customer_name: "[name]",
      "Plan Name": "Gold",
      campaignName: "Summer",
      name: { first: "[name]", last: "[name]" },
      mobile: "[phone]",
      Phone: "[phone]",
      phoneType: "android",
      orderId: 4155550123
    })
    const wrapped = { customer_name: { type: "string", value: "Asha" } }
    assert.deepStrictEqual(redact({ name: "mask" }).apply({ postCallAnalysisResult: wrapped }), {
      postCallAnalysisResult: { customer_name: { type: "string", value: "[name]" } }
    })
  })

  it("redacts signed URLs everywhere, and keeps other URLs", () => {
    const recordingUrl = "https://recordings.example/v1/calls/1/recording?token=abc"
    const out = redact({ recording: "mask" }).apply({
      recordingUrl,
      metadata: {
        copy: `see ${recordingUrl}`,
        other: "https://b.example/x.wav?X-Amz-Expires=60&X-Amz-Signature=00ff",
        page: "https://shop.example/?utm_source=mail"
      }
    })
    assert.deepStrictEqual(out, {
      recordingUrl: "[recording]",
      metadata: { copy: "see [recording]", other: "[recording]", page: "https://shop.example/?utm_source=mail" }
    })
  })

  it("keeps null, empty and absent apart, and loses no value when keys become the same", () => {
    const record = { callerNumber: null, calleeNumber: "", metadata: { "+14155550123": 1, "+14155550124": 2 } }
    assert.deepStrictEqual(redact({ phone: "mask" }).apply(record), {
      callerNumber: null,
      calleeNumber: "",
      metadata: { "[phone]": 1, "[phone] (2)": 2 }
    })
  })

  it("does not fall for keys that name a prototype", () => {
    const record: Record<string, unknown> = JSON.parse(
      '{"metadata":{"__proto__":{"polluted":"+14155550123"},"constructor":"+14155550123"},"__proto__":"a@example.com"}'
    )
    const out = redact({ phone: "mask", email: "mask" }).apply(record)
    assert.strictEqual(
      JSON.stringify(out),
      '{"metadata":{"__proto__":{"polluted":"[phone]"},"constructor":"[phone]"},"__proto__":"[email]"}'
    )
    assert.notProperty({}, "polluted")
  })

  it("takes the columns of what it drops", () => {
    const columns = Column.ofSession.filter(({ name }) =>
      ["id", "callerNumber", "recordingUrl", "summary", "metadata"].includes(name)
    )
    const drop = redact({ phone: "drop", recording: "drop", freeText: "mask" })
    assert.deepStrictEqual(Column.names(drop.columns(columns)), ["id", "summary", "metadata"])
    assert.deepStrictEqual(drop.apply({ id: "1", callerNumber: "+14155550123", summary: "a" }), {
      id: "1",
      summary: "[freeText]"
    })
  })

  it("has a label that identifies the key, and the calling code only where it matters", () => {
    const labels = [
      redact({ email: "mask", phone: plainly }, { callingCode: "49" }),
      redact({ phone: { ...plainly, fingerprint: "cd34" } }),
      redact({ phone: "mask" }, { callingCode: "49" }).pipe(Transform.andThen(redact({ name: "drop" })))
    ].map(({ label }) => label)
    assert.deepStrictEqual(labels, [
      "redact phone=hash:ab12,email=mask +49",
      "redact phone=hash:cd34",
      "redact phone=mask | redact name=drop"
    ])
  })
})
