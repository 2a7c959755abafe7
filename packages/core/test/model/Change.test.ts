import * as CallSession from "@callstream/core/model/CallSession"
import * as Change from "@callstream/core/model/Change"
import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { type Random, random } from "../sync/SyncRandom.ts"

type Fields = Record<string, unknown>

const key: Change.Key = [7, 9]
const start = Date.parse("2026-07-31T07:16:10Z") * 1000

const at = (micros: number) => Instant.format(Instant.of(micros))

const recordOf = ({ below, chance }: Random): Fields => ({
  id: `call-${below(1000)}`,
  agentId: "0d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44",
  status: chance(0.8) ? "completed" : "in_progress",
  startedAt: at(start + below(1e9)),
  endedAt: chance(0.8) ? at(start + 2e9 + below(1e9)) : undefined,
  durationSec: below(600),
  costTotal: chance(0.7) ? `0.${1 + below(999)}` : undefined,
  creditBreakdown: chance(0.5) ? { total_credits: below(90), model_credits: below(90), other: "x" } : undefined,
  recordingUrl: chance(0.6) ? `https://files.example.com/${below(999)}/recording.mp3?token=1` : undefined,
  postCallAnalysisResult: chance(0.6)
    ? { "Was it good?": "yes", score: { type: "number", value: below(5) } }
    : undefined,
  summary: chance(0.5) ? `summary ${below(999)}` : undefined,
  metadata: {
    crm: { id: below(9_999), link: `https://crm.example.com/${below(9)}?id=${below(9)}&X-Amz-Signature=a#top` }
  },
  unknownField: [below(9), null, { deep: below(9) }]
})

const shuffled = ({ below }: Random, fields: Fields): Fields => {
  const entries = Object.entries(fields)
  for (let i = entries.length - 1; i > 0; i--) {
    const j = below(i + 1)
    const [one, other] = [entries[i], entries[j]]
    if (one !== undefined && other !== undefined) [entries[i], entries[j]] = [other, one]
  }
  return Object.fromEntries(entries)
}

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The same content as another answer may write it. */
const again = (random: Random, value: unknown, top = true): unknown => {
  if (Array.isArray(value)) return value.map((one) => again(random, one, false))
  if (typeof value === "number") return random.chance(0.5) ? String(value) : value
  if (typeof value === "string") return value.replace("Signature=a", `Signature=${random.next()}`)
  if (!isFields(value)) return value
  const copy = Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) =>
      one === null || one === undefined
        ? random.chance(0.5)
          ? [[name, null]]
          : []
        : [[name, again(random, one, false)]]
    )
  )
  if (top) {
    if (typeof value["recordingUrl"] === "string")
      copy["recordingUrl"] = value["recordingUrl"].replace("token=1", `token=${random.next()}&x=1`)
    if (typeof value["costTotal"] === "string" && random.chance(0.5)) copy["costTotal"] = `${value["costTotal"]}00`
    if (typeof value["costTotal"] === "string" && random.chance(0.3)) copy["costTotal"] = Number(value["costTotal"])
    for (const name of ["startedAt", "endedAt"]) {
      const text = value[name]
      if (typeof text === "string" && random.chance(0.5)) {
        copy[name] = text.replace("T", " ").replace("Z", " +0000 UTC")
      } else if (text === undefined && random.chance(0.3)) copy[name] = "0001-01-01T00:00:00Z"
    }
  }
  return shuffled(random, copy)
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const older = (fields: Fields): Fields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name === "unknownField" ? name : snake(name), value])
  )

const decode = (wire: unknown): CallSession.CallSession => {
  const decoded = CallSession.fromWire(JSON.parse(JSON.stringify(wire)))
  if (Result.isFailure(decoded)) throw new Error(decoded.failure)
  return decoded.success
}

const digests = (wire: unknown) => Change.digests(decode(wire), key)

/** One change of content a facet. */
const changes: ReadonlyArray<readonly [Change.Facet, (fields: Fields) => Fields]> = [
  ["lifecycle", (fields) => ({ ...fields, status: "failed" })],
  ["lifecycle", (fields) => ({ ...fields, startedAt: "2026-07-31T07:16:09.000001Z" })],
  ["lifecycle", (fields) => ({ ...fields, durationSec: 601 })],
  ["cost", (fields) => ({ ...fields, costTotal: "1.5" })],
  ["cost", (fields) => ({ ...fields, creditBreakdown: { total_credits: 91 } })],
  ["recording", (fields) => ({ ...fields, recordingUrl: "https://files.example.com/new.mp3?token=1" })],
  [
    "recording",
    (fields) => ({ ...fields, recordingUrl: fields["recordingUrl"] === undefined ? "https://a.b/c" : null })
  ],
  ["analysis", (fields) => ({ ...fields, postCallAnalysisResult: { "Was it good?": "no" } })],
  ["analysis", (fields) => ({ ...fields, summary: "" })],
  ["rest", (fields) => ({ ...fields, metadata: { crm: 1 } })],
  ["rest", (fields) => ({ ...fields, metadata: { crm: { id: "0.30" } } })],
  ["rest", (fields) => ({ ...fields, newField: false })],
  ["rest", (fields) => ({ ...fields, unknownField: [] })]
]

describe("Change", () => {
  it("unchanged content, however it is written, has equal digests: 600 records", () => {
    for (let seed = 1; seed <= 600; seed++) {
      const source = random(seed)
      const fields = recordOf(source)
      const other = again(source, fields)
      const wire = source.chance(0.5) && isFields(other) ? older(other) : other
      assert.deepStrictEqual(digests(wire), digests(fields), `seed ${seed}: ${JSON.stringify([fields, wire])}`)
    }
  })

  it("another content differs in its facet, and in no other one", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const fields = recordOf(random(seed))
      for (const [at, [facet, change]] of changes.entries()) {
        const found = Change.differing(digests(fields), digests(change(fields)))
        assert.deepStrictEqual(found, [facet], `seed ${seed}, change ${at}: ${JSON.stringify(fields)}`)
      }
    }
  })

  it("text of the customer's own that looks like another number is other content", () => {
    const versions = ["1.1", "1.10", "01.1", "", "1.1 "]
    const found = versions.map((version) => String(digests({ id: "a", metadata: { version } })))
    assert.strictEqual(new Set(found).size, versions.length)
  })

  it("what surrounds a value is part of it: lists and objects of other shapes differ", () => {
    const shapes = [
      [["a"], ["b"]],
      [["a", "b"]],
      ["a", ["b"]],
      { a: "b" },
      [{ a: "b" }],
      ["a:b"],
      [["a"]],
      [[], "a"],
      [null],
      []
    ]
    const found = shapes.map((shape) => String(digests({ id: "a", shape })))
    assert.strictEqual(new Set(found).size, shapes.length)
  })

  it("another key gives other digests", () => {
    const session = decode(recordOf(random(1)))
    assert.deepStrictEqual(
      Change.differing(Change.digests(session, key), Change.digests(session, [7, 10])),
      Change.facets
    )
  })

  it("reads a record that is nested deeper than the stack", () => {
    let deep: unknown = 1
    for (let i = 0; i < 200_000; i++) deep = [deep]
    const of = (deep: unknown) => {
      const record = { id: "a", deep }
      return Change.digests(record, key)
    }
    assert.deepStrictEqual(Change.differing(of(deep), of([deep])), ["rest"])
  })

  it("a field named __proto__ is content", () => {
    const wire = (value: number) => JSON.parse(`{"id":"a","__proto__":{"x":${value}}}`) as CallSession.CallSession
    assert.deepStrictEqual(Change.differing(Change.digests(wire(1), key), Change.digests(wire(2), key)), ["rest"])
  })

  it("Azure's parameters count as a signature only beside `sig`", () => {
    const of = (url: string) => String(digests({ id: "a", metadata: { url } }))
    assert.strictEqual(of("https://a.b/c?sv=1&sig=2&se=3"), of("https://a.b/c?sv=4&sig=5&se=6"))
    assert.notStrictEqual(of("https://a.b/c?sv=1&x=2"), of("https://a.b/c?sv=4&x=2"))
    assert.notStrictEqual(of("https://a.b/c?id=1"), of("https://a.b/c?id=2"))
  })

  it("milestones are those that the record shows", () => {
    assert.deepStrictEqual(Change.milestones({ id: "a", status: "ringing" }), [])
    assert.deepStrictEqual(
      Change.milestones({
        id: "a",
        status: "Completed",
        costTotal: "0",
        recordingUrl: "https://a.b/c",
        postCallAnalysisResult: { a: 1 }
      }),
      ["completed", "cost", "recording", "analysis"]
    )
    assert.deepStrictEqual(
      Change.milestones({ id: "a", status: "no answer", costTotal: "", recordingUrl: "", postCallAnalysisResult: {} }),
      ["completed"]
    )
  })
})
