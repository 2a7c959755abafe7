/** Evidence that a process saves, and another one reads: from files, from tables, and from an earlier version. */
import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as EvidenceJson from "../../../src/history/internal/EvidenceJson.ts"
import type * as PartEvidence from "../../../src/history/internal/PartEvidence.ts"
import * as Histories from "../../torture/Histories.ts"
import { began, day, known } from "./FakeServer.ts"

/** As it is in a file. */
const written = (json: Schema.Json): Schema.Json => JSON.parse(JSON.stringify(json))

const error = new AgniError({
  reason: new Unavailable({ outage: { _tag: "Status", status: 500, quote: "cannot render" } }),
  request: "GET",
  attempts: 3,
  elapsed: Duration.seconds(2)
})

const fieldsOf = Schema.decodeUnknownSync(Schema.Record(Schema.String, Schema.Json))

/** Evidence at random. It need not fit together. */
const evidenceOf = (seed: number): PartEvidence.Evidence => {
  const { next, pick } = Histories.random(seed)
  const whole = (most: number) => Math.floor(next() * most)
  const time = () => pick(began, began - whole(30 * day), -Infinity, Infinity, 0, -1.5)
  const list = <A>(make: (i: number) => A) => Array.from({ length: pick(0, 1, 5) }, (_, i) => make(i))
  const key = (i: number) => pick(`id-${i}`, `Ä "${i}"\n`, "")
  const keys = () => new Set(list(key))
  const times = () => new Map(list((i) => [key(i), time()] as const))
  const range = () => ({ from: time(), to: time() })
  const bounds = () => ({ after: time(), before: time(), rows: whole(1000) })
  const counts = () => new Map(list((i) => [key(i), bounds()] as const))
  const bytes = () => Uint8Array.from({ length: 8 * pick(0, 1, 4) }, () => whole(256))
  const flag = () => next() < 0.5
  return {
    range: range(),
    parts: list(range),
    known: {
      ...known({ order: pick("unknown", "start", "other"), refused: time(), deepest: time(), differs: flag() }),
      span: pick(undefined, day),
      cut: pick(undefined, true, false)
    },
    windows: list(() => ({
      ...range(),
      proven: flag(),
      calls: whole(9),
      rows: whole(9),
      starts: whole(9),
      ids: whole(9),
      extra: whole(9),
      inside: whole(9)
    })),
    starts: bytes(),
    ids: bytes(),
    listed: times(),
    withoutStart: keys(),
    recent: keys(),
    unplaced: keys(),
    created: times(),
    placed: times(),
    moved: keys(),
    counts: counts(),
    places: counts(),
    sure: counts(),
    failing: counts(),
    lengths: new Map(
      list((i) => [key(i), { ...bounds(), size: whole(9), length: whole(9), isFirst: flag() }] as const)
    ),
    revisions: list(() => ({
      ...range(),
      verdict: pick("Provisional", "Unprovable"),
      reason: pick({ _tag: "CallsMoved" }, { _tag: "AnswersDiffer", calls: whole(9) })
    })),
    readOnce: list(time),
    lost: pick(undefined, { rows: whole(9), error }),
    proven: flag(),
    later: whole(9),
    differing: whole(9),
    gone: times(),
    older: flag()
  }
}

describe("the evidence of a reading as JSON", () => {
  it("is the same once it was written and read, whatever it holds", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const evidence = evidenceOf(seed)
      const { lost, ...read } = EvidenceJson.decode(written(EvidenceJson.encode(evidence))) ?? {}
      const { lost: before, ...rest } = evidence
      assert.deepStrictEqual(read, rest, `seed ${seed}`)
      assert.deepStrictEqual(
        lost && [lost.rows, lost.error.message, lost.error.attempts],
        before && [before.rows, before.error.message, before.error.attempts],
        `seed ${seed}`
      )
    }
  })

  it("is nothing where there is none, or something else", () => {
    for (const json of [undefined, null, {}, [], "evidence", 7]) assert.isUndefined(EvidenceJson.decode(json))
  })

  it("is nothing where another version has written it, and left something out or has it as something else", () => {
    const fields = Object.entries(fieldsOf(written(EvidenceJson.encode(evidenceOf(1)))))
    assert.isAbove(fields.length, 25)
    for (const [name] of fields) {
      const without = Object.fromEntries(fields.filter(([other]) => other !== name))
      // These came later than the others, and are none where they are not there.
      const isNew = ["gone", "placed"].includes(name)
      assert.strictEqual(EvidenceJson.decode(without) !== undefined, isNew, name)
      assert.isUndefined(EvidenceJson.decode({ ...without, [name]: { other: 1 } }), name)
    }
  })
})
