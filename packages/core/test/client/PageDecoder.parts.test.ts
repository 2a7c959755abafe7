import * as PageDecoder from "@callstream/core/client/PageDecoder"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Packed from "../../src/model/internal/Packed.ts"
import { make, page } from "./Responses.ts"

const decoder = new TextDecoder()

/** What the thread makes of a response: for each call its row as text, that it is left out, or that it is not known. */
const madeOf = (body: Uint8Array<ArrayBuffer>, transform: PageDecoder.Plain): unknown => {
  const { message } = PageDecoder.digest(body.slice(), { hold: "response" }, transform)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as `fromDigest` takes it
  const { sessions, ...rest } = message as { readonly sessions?: Packed.Packed }
  if (sessions?.made === undefined) return rest
  const { bytes, ends, outcomes } = sessions.made
  const begins = [1, ...Array.from(ends, (end) => end + 1)]
  const rows = Array.from(ends, (end, i) => decoder.decode(bytes.subarray(begins[i], end)))
  const { created, ids, settled, starts } = sessions
  return { ...rest, ids, starts, created, settled, outcomes: [...outcomes], rows }
}

type Chain = Transform.Pure<CallSession, CallSession>

const hash = { fingerprint: "f", hash: (text: string) => Array.from(text, (each) => each.codePointAt(0)).join("") }

const conditions: ReadonlyArray<readonly [string, (call: CallSession) => boolean, ReadonlyArray<string>]> = [
  ["long", ({ durationSec }) => Number(durationSec) > 2, ["durationSec"]],
  ["of a status", ({ status }) => String(status).includes("o"), ["status"]],
  [
    "with a summary",
    ({ metadata, summary }) => `${String(summary)}${JSON.stringify(metadata)}`.includes("e"),
    ["summary", "metadata"]
  ],
  ["without an address", ({ callerEmail }) => !String(callerEmail).includes("@"), ["callerEmail"]],
  [
    "no error",
    ({ startedAt }) => {
      if (startedAt === null) throw new Transform.TransformError("no start")
      return true
    },
    ["startedAt"]
  ]
]

const keep = (chain: Chain, i: number): Chain => {
  const [label, holds, reads] = conditions[i % conditions.length] ?? ["", () => true, []]
  return Transform.where(chain, label, holds, { reads })
}

const chains: ReadonlyArray<Chain> = [
  ...conditions.map((_, i) => keep(Transform.sessions, i)),
  Transform.redact(Transform.sessions, { email: "mask" }),
  Transform.redact(Transform.sessions, { email: hash }),
  Transform.redact(keep(Transform.sessions, 2), { email: "drop" }),
  keep(Transform.redact(Transform.sessions, { email: "mask" }), 3),
  Transform.redact(keep(keep(Transform.sessions, 0), 1), { email: "mask" })
]

const addresses = [
  "@",
  "%40",
  "＠",
  "﹫",
  "a@b.example",
  "jane%2540b.example",
  "\\n@",
  "[email]",
  "，",
  "😀@例子.公司",
  "then",
  "%"
]

describe("PageDecoder, of transforms that need a part of a call", () => {
  const seed = Number(process.env["SEED"] ?? 1)

  it(`makes of any response what is made of whole calls (seed ${seed})`, () => {
    const { next } = make(seed + 1)
    const emails = ['"a@b.example"', '"none"', '""', "null", "7", '{"a":"a@b.example"}']
    const random = make(seed, {
      pieces: [...addresses, ...addresses],
      fields: [
        ["callerEmail", () => emails[next(emails.length)] ?? ""],
        ["a@b.example", () => (next(20) === 0 ? '"a"' : "")],
        ["then", () => (next(20) === 0 ? '"a"' : "")]
      ]
    })
    // Only calls that are written as `JSON.stringify` writes them are not parsed.
    const call = (id: number) => (next(4) === 0 ? random.call(id) : JSON.stringify(JSON.parse(random.call(id))))
    let parts = 0
    for (let i = 0; i < 600; i++) {
      const body = page(...Array.from({ length: 1 + random.next(4) }, (_, id) => call(id)))
      const { apply, label, needs } = chains[i % chains.length] ?? Transform.sessions
      assert.isDefined(needs)
      const counting = (call: CallSession) => {
        if (!("id" in call)) parts++
        return apply(call)
      }
      for (const given of [body, random.damaged(body)])
        assert.deepStrictEqual(madeOf(given, { label, apply: counting, needs }), madeOf(given, { label, apply }), label)
    }
    assert.isAbove(parts, 150)
  })

  it("gives a condition the fields that it reads, and a redaction those that may hold an address", () => {
    const seen: Array<string> = []
    const chain = Transform.redact(keep(Transform.sessions, 0), { email: "mask" })
    const call =
      '{"id":"a","summary":"to a@b.example","agentName":"A","durationSec":7,"metadata":{"list":["a%40b.example"]},"roomId":"b"}'
    const made = madeOf(page(call), {
      ...chain,
      apply: (given) => {
        seen.push(...Object.keys(given))
        return chain.apply(given)
      }
    })
    assert.deepStrictEqual(seen, ["summary", "durationSec", "metadata"])
    assert.deepInclude(made, {
      rows: [
        '{"id":"a","summary":"to [email]","agentName":"A","durationSec":7,"metadata":{"list":["[email]"]},"roomId":"b"}'
      ]
    })
  })

  it("knows of other classes and verbs that they need the whole call", () => {
    assert.isUndefined(Transform.redact(Transform.sessions, { email: "mask", phone: "mask" }).needs)
    assert.isUndefined(Transform.redact(Transform.sessions, { name: "mask" }).needs)
    assert.isUndefined(Transform.derive(Transform.sessions, ["cost"]).needs)
    assert.isUndefined(Transform.where(Transform.sessions, "any", () => true).needs)
    assert.isUndefined(Transform.omit(keep(Transform.sessions, 0), ["summary"]).needs)
  })
})
