/** What a record is about goes from all of it: its numbers and its name, in any spelling, in any field. */
import * as ExactNumber from "@callstream/core/model/ExactNumber"
import * as Redact from "@callstream/core/transform/Redact"
import * as Redacting from "../../src/transform/internal/Redacting.ts"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createHmac } from "node:crypto"
import { type Dice, dice, freeze, sessions, texts } from "./Records.ts"

type Row = Record<string, unknown>

const keyed: Redact.KeyedHash = {
  fingerprint: "ab12",
  hash: (text) => createHmac("sha256", "a key").update(text).digest("hex").slice(0, 32)
}

/** All digits of a text, whatever is between them, and whatever script or escape they are written in. */
const digitsIn = (text: string): string => {
  const decoded = text.replace(/%(?:25)*([0-7][\dA-Fa-f])/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16))
  )
  return decoded.normalize("NFKC").replace(/\D/g, "")
}

const wide = (text: string): string => text.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)))

/** One number as ids, URLs, systems and people write it. */
const spellings = (digits: string): readonly [string, ...Array<string>] => {
  const [a, b, c] = [digits.slice(1, 4), digits.slice(4, 7), digits.slice(7)]
  return [
    `+${digits}`,
    digits,
    digits.slice(1),
    `%2B${digits}`,
    `%252B${digits}`,
    `%2B1%20%28${a}%29%20${b}-${c}`,
    digits.replace(/\d/g, (digit) => `%3${digit}`),
    wide(`+${digits}`),
    encodeURIComponent(wide(digits)),
    `+1 (${a}) ${b}-${c}`,
    `1_${a}_${b}_${c}`,
    `1:${a}:${b}:${c}`,
    `${a}\u00a0${b}\u2011${c}`,
    `${a}&nbsp;${b}&nbsp;${c}`,
    `sip:+${digits}@54.172.60.0:5060`,
    `00${digits}`
  ]
}

const around = (random: Dice, value: string): string =>
  random.pick([
    value,
    `x${value}x`,
    `call_${value}_1790812800`,
    `https://r.example/a/${value}_17.wav?x=1`,
    `(${value})`
  ])

const fields = [
  "id",
  "agentId",
  "organizationId",
  "roomId",
  "channel",
  "status",
  "summary",
  "errorMessage",
  "disconnectReason",
  "recordingUrl",
  "agentName",
  "startedAt",
  "costTotal",
  "durationSec",
  "direction",
  "aFieldOfTomorrow"
] as const

const objects = ["metadata", "promptDynamicVariables", "postCallAnalysisResult", "creditBreakdown", "other"] as const

const plant = (random: Dice, row: Row, value: string, number: number): Row => {
  const text = around(random, value)
  const inner: unknown = random.pick<unknown>([
    text,
    { deep: [{ deeper: text }] },
    [1, [text], null],
    number,
    -number,
    { exact: ExactNumber.ExactNumber.ofCanonical(`${number}`) }
  ])
  return random.roll(2) === 0
    ? { ...row, [random.pick(fields)]: text }
    : { ...row, [random.pick(objects)]: random.roll(4) === 0 ? { [text]: 1 } : { planted: inner } }
}

const modes: readonly [Redact.Mode, ...Array<Redact.Mode>] = ["mask", "drop", keyed]
const numberFields = ["callerNumber", "calleeNumber", "customerNumber"] as const

const stringify = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe("Redact, of what the record is about", () => {
  it.effect("leaves its number nowhere, in no spelling, and redacting twice changes nothing", () =>
    Effect.gen(function* () {
      const records = yield* sessions(21, 200)
      for (let seed = 1; seed <= 800; seed++) {
        const random = dice(seed)
        const digits = `1${2 + random.roll(8)}${String(random.roll(1e9)).padStart(9, "5")}`
        const session = records[random.roll(records.length)]
        assert.isDefined(session)
        const own = random.pick([
          `+${digits}`,
          digits,
          `sip:+${digits}@203.0.113.7:5060`,
          `+${digits} ext. 5`,
          `tel:+${digits}`
        ])
        const planted = plant(
          random,
          plant(
            random,
            { ...session, [random.pick(numberFields)]: own },
            random.pick(spellings(digits)),
            Number(digits)
          ),
          random.pick(spellings(digits)),
          Number(digits)
        )
        const redact = Redacting.redact<Row>({ phone: random.pick(modes), email: random.pick(modes) })
        const out = redact.apply(freeze(planted))
        assert.isDefined(out)
        const left = texts(stringify(out)).filter((text) => digitsIn(text).includes(digits.slice(1)))
        assert.deepStrictEqual(left, [], `seed ${seed}: ${JSON.stringify(planted)}`)
        assert.deepStrictEqual(redact.apply(out), out, `seed ${seed}`)
        // The same of a record that is none, in either spelling of its keys.
        const snake = Object.fromEntries(
          Object.entries(planted).map(([key, value]) => [key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), value])
        )
        const json = redact.redaction?.apply({ id: 4, inner: [snake], ...snake })
        const said = texts(stringify(json?.value)).filter((text) => digitsIn(text).includes(digits.slice(1)))
        assert.deepStrictEqual(said, [], `seed ${seed}: ${JSON.stringify(snake)}`)
        assert.notInclude(digitsIn(json?.text(`bad value "${own}"`) ?? ""), digits.slice(1))
        assert.deepStrictEqual(redact.redaction?.apply(json?.value).value, json?.value, `seed ${seed}`)
      }
    })
  )

  it.effect("redacting twice changes nothing, whatever the record holds and whatever is redacted", () =>
    Effect.gen(function* () {
      const names = ["name", "Phone", "Ana", "Zoë Brontë", "a b", "[name]", "email", "+14155550123"] as const
      for (const [index, session] of (yield* sessions(22, 600)).entries()) {
        const random = dice(index)
        const callerName = random.pick(names)
        const record: Row = {
          ...session,
          callerName,
          summary: `${callerName}4155550123 415 +14155550123 5550199 [name] ${callerName} a@example.com${callerName}`,
          metadata: { "+14155550123": "order 12345", [`${callerName} mail`]: "12345678" }
        }
        const redact = Redacting.redact<Row>({
          phone: random.pick(modes),
          email: random.pick(modes),
          name: random.pick(modes),
          recording: random.pick(modes),
          ...(random.roll(3) === 0 ? { freeText: random.pick(modes) } : {})
        })
        const once = redact.apply(record)
        assert.isDefined(once)
        assert.deepStrictEqual(redact.apply(once), once, `seed ${index}`)
      }
    })
  )

  it("finds its name in any case and Unicode form, with any space", () => {
    const record = (callerName: string, summary: string) => ({ callerName, summary })
    const redact = Redacting.redact<Row>({ name: keyed })
    for (const [callerName, text] of [
      ["Asha Rao", "ASHA RAO"],
      ["Asha Rao", "asha\u00a0 rao"],
      ["Asha  Rao", "Asha\u2009Rao"],
      ["Asha Rao", "Asha\nRao"],
      ["Asha Rao", "asha%20rao"],
      ["Asha Rao", "asha+rao"],
      ["Asha Rao", "asha_rao"],
      ["Zoë Brontë", "Zoe\u0308 Bronte\u0308"],
      ["Zoe\u0308 Bronte\u0308", "ZOË BRONTË"],
      ["Zoë Brontë", "Zo%C3%AB%20Bront%C3%AB"],
      ["Jürgen Groß", "JÜRGEN GROSS"],
      ["İpek Yılmaz", "IPEK YILMAZ"],
      ["Γιώργος Σεφέρης", "ΓΙΏΡΓΟΣ ΣΕΦΈΡΗΣ"],
      ["Nguyễn Thị Ánh", "nguyễn thị ánh".normalize("NFD")],
      ["Patrick O'Neill", "patrick o’neill"],
      ["李小龍", "李小龍"],
      ["Prince", "PRINCE"]
    ] as const) {
      const out = redact.apply(record(callerName, `Then ${text} called.`))
      assert.strictEqual(out?.["summary"], `Then ${String(out?.["callerName"])} called.`, `${callerName} in ${text}`)
    }
    assert.strictEqual(redact.apply(record("Ana", "The analysis of Anaïs"))?.["summary"], "The analysis of Anaïs")
    assert.strictEqual(redact.apply(record("Jose", "Jose\u0301 called"))?.["summary"], "Jose\u0301 called")
  })

  it("gives a number one hash, anywhere in the record and in any notation", () => {
    const redact = Redacting.redact<Row>({ phone: keyed }, { callingCode: "1" })
    const out = redact.apply({
      id: "call-14155550123-7",
      callerNumber: "sip:+14155550123@54.172.60.0:5060",
      calleeNumber: "00 1 415 555 0123".replace("00", "011"),
      recordingUrl: "https://r.example/14155550123_1790812800.wav",
      disconnectReason: "sip:4155550123@pbx hung up",
      metadata: { from: 14155550123, exact: "(415) 555-0123" }
    })
    const hash = `phone_${keyed.hash("phone:+14155550123")}`
    assert.deepStrictEqual(out, {
      id: `id_${keyed.hash("id:call-14155550123-7")}`,
      callerNumber: hash,
      calleeNumber: hash,
      recordingUrl: `https://r.example/${hash}_1790812800.wav`,
      disconnectReason: `sip:${hash}@pbx hung up`,
      metadata: { from: hash, exact: hash }
    })
  })

  it("takes short numbers only where they are all of a value, and leaves what is a figure", () => {
    const record = {
      callerNumber: "12345",
      status: "12345",
      roomId: "room 123456",
      metadata: { extension: 12345, order: "A12345" },
      durationSec: 12345,
      costTotal: "12345",
      startedAt: "2026-07-31 07:16:10.117605 +0000 UTC"
    }
    assert.deepStrictEqual(Redacting.redact<Row>({ phone: "mask" }).apply(record), {
      ...record,
      callerNumber: "[phone]",
      status: "[phone]",
      metadata: { extension: "[phone]", order: "A12345" }
    })
    const odd = {
      callerNumber: "+14155550123",
      durationSec: 14155550123,
      costTotal: "14155550123",
      startedAt: "14155550123"
    }
    assert.deepStrictEqual(
      texts(Redacting.redact<Row>({ phone: "mask" }).apply(odd)).filter((text) => /\d/.test(text)),
      []
    )
  })
})
