import * as ExactNumber from "@callstream/core/model/ExactNumber"
import * as Redact from "@callstream/core/transform/Redact"
import * as Redacting from "../../src/transform/internal/Redacting.ts"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type Dice, dice, freeze, type Session, sessions, texts } from "./Records.ts"

type Row = Record<string, unknown>

const toScript = (text: string, zero: number): string =>
  text.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)))

/** One number, as people, systems and URLs write it. */
const notations = (random: Dice): readonly [string, ...Array<string>] => {
  const digits = (count: number) => Array.from({ length: count }, () => random.roll(10)).join("")
  const area = `${2 + random.roll(8)}${digits(2)}`
  const office = `${2 + random.roll(8)}${digits(2)}`
  const line = digits(4)
  const german = digits(7)
  return [
    `+1 ${area} ${office} ${line}`,
    `+1${area}${office}${line}`,
    `(${area}) ${office}-${line}`,
    `${area}-${office}-${line}`,
    `${area}.${office}.${line}`,
    `${area}\u00a0${office}\u2011${line}`,
    `${area}${office}${line}`,
    `+49 (0)30 ${german}`,
    `0049 30 ${german}`,
    `030 ${german}`,
    `030/${german}`,
    `+91 98${digits(3)} ${digits(5)}`,
    toScript(`+91 98${digits(3)} ${digits(5)}`, 0x966),
    toScript(`0049 30 ${german}`, 0x660),
    toScript(`+1 ${area} ${office} ${line}`, 0xff10)
  ]
}

const addresses = (random: Dice): readonly [string, ...Array<string>] => {
  const n = random.roll(1_000_000)
  return [
    `jane.roe${n}@example.com`,
    `jane+tag${n}@mail.example.co.uk`,
    `o'neill${n}@example.ie`,
    `käthe${n}@bücher.example`,
    `用户${n}@例子.公司`,
    `"jane roe ${n}"@example.com`,
    `j${n}@[10.0.0.1]`,
    `jane${n}%40example.com`,
    `JANE_${n}@EXAMPLE.COM`
  ]
}

const names = ["Asha Rao", "Zoë Brontë-O'Neill", "محمد الأحمد", "李小龍", "Nguyễn Thị Ánh", "Prince"] as const

/** Text with a value in it, as summaries, transcripts and payloads have it. */
const around = (random: Dice, value: string): string =>
  random.pick([
    value,
    `Please call ${value} tomorrow.`,
    `${value}, ${value}`,
    `Caller (${value}) hung up.\nNext step: none`,
    `{"contact":${JSON.stringify(value)}}`,
    `नमस्ते ${value} धन्यवाद`,
    `<b>${value}</b>`,
    `電話：${value}。`
  ])

/** A record with the value in one more place, wherever that may be. */
const plant = (random: Dice, session: Session, value: string): Row => {
  const text = around(random, value)
  const inner: unknown = random.pick<unknown>([
    text,
    { note: text },
    { [text]: 1 },
    [1, [text], null],
    { deep: { deeper: [{ deepest: text }] } },
    { type: "string", value: text }
  ])
  const field = random.pick([
    "summary",
    "errorMessage",
    "agentName",
    "metadata",
    "promptDynamicVariables",
    "extractDynamicVariables",
    "postCallAnalysisResult",
    "creditBreakdown",
    "aFieldOfTomorrow"
  ])
  const isText = ["summary", "errorMessage", "agentName"].includes(field)
  return random.roll(12) === 0
    ? { ...session, [text]: true }
    : { ...session, [field]: isText ? text : { planted: inner } }
}

const modes = (random: Dice): Redact.Mode =>
  random.pick<Redact.Mode>([
    "mask",
    "drop",
    {
      fingerprint: "0",
      hash: (text) =>
        Array.from(text)
          .reduce((h, c) => (h * 33 + (c.codePointAt(0) ?? 0)) % 1e9, 7)
          .toString(16)
    }
  ])

const first = 1
const rounds = 1500

const assertLeaves = Effect.fnUntraced(function* (
  what: "phone" | "email" | "name",
  original: (random: Dice) => string,
  known: (session: Session, value: string) => Session
) {
  const records = yield* sessions(7, 200)
  for (let seed = first; seed < first + rounds; seed++) {
    const random = dice(seed)
    const value = original(random)
    const session = records[random.roll(records.length)]
    assert.isDefined(session)
    const record = freeze(plant(random, known(session, value), value))
    const out = Redacting.redact<Row>({ [what]: modes(random) }).apply(record)
    const left = texts(out).filter((text) => text.includes(value))
    assert.deepStrictEqual(left, [], `seed ${seed}: ${value} in ${JSON.stringify(record)}`)
  }
})

describe("Redact", () => {
  it.effect("leaves no phone number anywhere in the output", () =>
    assertLeaves(
      "phone",
      (random) => random.pick(notations(random)),
      (session) => session
    )
  )

  it.effect("leaves no e-mail address anywhere in the output", () =>
    assertLeaves(
      "email",
      (random) => random.pick(addresses(random)),
      (session) => session
    )
  )

  it.effect("leaves the caller's name nowhere in the output", () =>
    assertLeaves(
      "name",
      (random) => random.pick(names),
      (session, callerName) => ({ ...session, callerName })
    )
  )

  it.effect("leaves the caller's own number nowhere, in the middle of a word or as a number neither", () =>
    Effect.gen(function* () {
      const records = yield* sessions(8, 100)
      for (const [index, session] of records.entries()) {
        const random = dice(index)
        const digits = `1${2 + random.roll(8)}${String(random.roll(1e9)).padStart(9, "5")}`
        const record = {
          ...session,
          callerNumber: `+${digits}`,
          roomId: `call_${digits}_x`,
          metadata: { ref: `sip${digits}x`, asNumber: Number(digits), [`call_${digits}`]: 1 }
        }
        const out = Redacting.redact<Row>({ phone: "mask" }).apply(record)
        assert.deepStrictEqual(
          texts(out).filter((text) => text.includes(digits.slice(1))),
          [],
          JSON.stringify(out)
        )
      }
    })
  )

  it.effect("leaves ids, times, costs, numbers and everything without personal data as they are", () =>
    Effect.gen(function* () {
      const kept = [
        "id",
        "agentId",
        "organizationId",
        "roomId",
        "startedAt",
        "endedAt",
        "createdAt",
        "costTotal",
        "durationSec",
        "callLatencyMs",
        "status",
        "channel",
        "disconnectReason",
        "creditBreakdown"
      ] as const
      const redact = Redacting.redact<Session>({ phone: "mask", email: "mask", name: "mask", freeText: "mask" })
      for (const session of yield* sessions(9, 400)) {
        const out = redact.apply(freeze(session))
        for (const field of kept) assert.deepStrictEqual(out?.[field], session[field], `${field} of ${session.id}`)
        assert.deepStrictEqual(Object.keys(out ?? {}), Object.keys(session))
      }
    })
  )

  it.effect("changes nothing in the customer's objects that is no phone number and no address", () =>
    Effect.gen(function* () {
      const redact = Redacting.redact<Session>({ phone: "mask", email: "mask", recording: "mask" })
      for (const session of yield* sessions(10, 400)) {
        const out = redact.apply(session)
        for (const field of ["metadata", "extractDynamicVariables", "postCallAnalysisResult"] as const) {
          assert.strictEqual(out?.[field], session[field], `${field} of ${session.id}: ${JSON.stringify(out?.[field])}`)
        }
        assert.strictEqual(out?.summary, session.summary)
      }
    })
  )

  it.effect("does nothing more the second time, and returns the same object when there is nothing to do", () =>
    Effect.gen(function* () {
      const redact = Redacting.redact<Row>({
        phone: "mask",
        email: "mask",
        name: "drop",
        recording: "mask",
        freeText: "mask"
      })
      for (const session of yield* sessions(11, 200)) {
        const once = redact.apply({ ...session })
        assert.isDefined(once)
        assert.deepStrictEqual(redact.apply(once), once)
        const { id, status } = session
        const plain = { id, status, durationSec: 61, metadata: { attempt: 1, list: [1, true] } }
        assert.strictEqual(redact.apply(plain), plain)
      }
    })
  )

  it.effect("free text leaves no text in what is the customer's", () =>
    Effect.gen(function* () {
      const redact = Redacting.redact<Session>({ freeText: "drop" })
      const strings = (value: unknown): ReadonlyArray<string> =>
        typeof value === "string"
          ? [value].filter((text) => text !== "")
          : typeof value === "object" && value !== null && !ExactNumber.isExactNumber(value)
            ? Object.entries(value).flatMap(([key, inner]) => (key === "type" ? [] : strings(inner)))
            : []
      for (const session of yield* sessions(12, 200)) {
        const out = redact.apply(session)
        assert.isFalse(Object.hasOwn(out ?? {}, "summary") && session.summary !== null && session.summary !== "")
        const { extractDynamicVariables, metadata, postCallAnalysisResult, promptDynamicVariables } = out ?? session
        assert.deepStrictEqual(
          strings([extractDynamicVariables, metadata, postCallAnalysisResult, promptDynamicVariables]),
          []
        )
      }
    })
  )
})
