/** Which parts of a range a process reads, and what it takes over from those that read before it. */
import { assert, describe, it } from "@effect/vitest"
import * as Beginning from "../../../src/history/internal/Beginning.ts"
import * as IdSet from "../../../src/history/internal/IdSet.ts"
import * as PartEvidence from "../../../src/history/internal/PartEvidence.ts"
import * as ReadBefore from "../../../src/history/internal/ReadBefore.ts"
import * as Shown from "../../../src/history/internal/Shown.ts"
import { began, day, known } from "./FakeServer.ts"

const range = { from: began - 10 * day, to: began - 4 * day }
const middle = began - 7 * day
const [left, right] = [
  { from: range.from, to: middle },
  { from: middle, to: range.to }
]

/** The evidence of a part with so many calls. */
const evidenceOf = (of: typeof range, calls = 2): PartEvidence.Evidence => {
  const shown = Shown.make([of])
  const starts = Float64Array.from({ length: calls }, (_, i) => of.from + i)
  shown.delivered.put({ ...of, proven: true, calls, rows: calls, starts, extra: 0, inside: 0 }, new Uint32Array())
  return PartEvidence.save(of, known(), shown)
}

const entry = (of: typeof range, verdict: "proven" | "provisional") => ({
  range: { from: of.from as never, to: of.to as never },
  verdict,
  requests: 0,
  asOf: 0 as never
})

const proof = (of: typeof range, rest: Partial<ReadBefore.Proof> = {}): ReadBefore.Proof => ({
  ...of,
  evidence: undefined,
  entries: [entry(of, "proven")],
  calls: 2,
  ...rest
})

describe("the parts that are left to read", () => {
  const toRead = (stretches: ReadonlyArray<ReadBefore.Begun>, newestFirst = false) =>
    ReadBefore.toRead(stretches, range, newestFirst)

  it("are the rest of each stretch; those that touch are one", () => {
    assert.deepStrictEqual(toRead([left, right]), { parts: [range], range, inPart: false })
    const begun = [{ ...left, at: middle - day }, right]
    const rest = { from: middle - day, to: range.to }
    assert.deepStrictEqual(toRead(begun), { parts: [rest], range: rest, inPart: true })
    const apart = [left, { ...right, at: middle + day }]
    const parts = [left, { from: middle + day, to: range.to }]
    assert.deepStrictEqual(toRead(apart), { parts, range, inPart: true })
  })

  it("do not reach beyond the stretch, wherever an earlier run left off", () => {
    assert.deepStrictEqual(ReadBefore.restOf({ ...left, at: left.from - day }), left)
    assert.deepStrictEqual(ReadBefore.restOf({ ...left, at: range.to }), { from: middle, to: middle })
    assert.deepStrictEqual(toRead([{ ...left, at: range.to }, right]), { parts: [right], range: right, inPart: true })
  })

  it("are none where all was read: an empty one, where the reading ends", () => {
    const all = [
      { ...left, at: left.to },
      { ...right, at: right.to }
    ]
    const end = { from: range.to, to: range.to }
    const beginning = { from: range.from, to: range.from }
    assert.deepStrictEqual(toRead(all), { parts: [end], range: end, inPart: true })
    assert.deepStrictEqual(toRead(all, true), { parts: [beginning], range: beginning, inPart: true })
    assert.isTrue(toRead([]).inPart)
  })

  it("are all of it only up to its end, and from where its first stretch begins", () => {
    assert.isTrue(toRead([left]).inPart)
    // The oldest call may be older than it seemed when the range was made.
    const earlier = { from: range.from - day, to: middle }
    assert.isFalse(toRead([earlier, right]).inPart)
    assert.isTrue(toRead([{ ...earlier, at: range.from - 1 }, right]).inPart)
    assert.isTrue(toRead([right]).inPart)
  })
})

describe("a reading that resumes", () => {
  const rest = { parts: [right], range: right, inPart: true }

  it("has what an earlier one read as if it had read it itself", () => {
    const evidence = evidenceOf(left)
    assert.deepStrictEqual(ReadBefore.resume(rest, evidence), {
      parts: [range],
      range,
      inPart: true,
      before: [{ evidence, counted: undefined }]
    })
    assert.deepStrictEqual(ReadBefore.resume(rest, undefined), { ...rest, before: [] })
  })

  it("only where that ends at the commit", () => {
    const evidence = evidenceOf(left)
    assert.strictEqual(ReadBefore.resumed(middle, evidence), evidence)
    assert.isUndefined(ReadBefore.resumed(middle - 1, evidence))
    assert.isUndefined(ReadBefore.resumed(undefined, evidence))
    assert.isUndefined(ReadBefore.resumed(undefined, undefined))
  })
})

const hashOf = (id: string) => {
  const ids = IdSet.make()
  ids.add(id)
  return ids.hashes({ first: 0, end: 1 })
}

describe("what a process committed before it was killed", () => {
  const shown = Shown.make([range])
  const [first, second] = [middle - day, middle]
  for (const [at, of] of [
    { from: range.from, to: first },
    { from: first, to: second },
    { from: second, to: range.to }
  ].entries())
    shown.delivered.put(
      { ...of, proven: true, calls: 1, rows: 1, starts: Float64Array.of(of.from), extra: 0, inside: 0 },
      hashOf(`call-${at}`)
    )
  const evidence = PartEvidence.save(range, known(), shown)
  const idsIn = (some: PartEvidence.Evidence | undefined) => {
    const restored = Shown.make([range])
    if (some !== undefined) PartEvidence.restore(restored, some)
    return ["call-0", "call-1", "call-2"].filter((id) => restored.ids.has(id))
  }

  it("has the windows before the commit, and their calls only", () => {
    const kept = ReadBefore.committedTo(second, evidence)
    assert.deepStrictEqual(kept?.range, { from: range.from, to: second })
    assert.deepStrictEqual(kept?.parts, [{ from: range.from, to: second }])
    assert.deepStrictEqual(
      kept?.windows.map(({ to }) => to),
      [first, second]
    )
    assert.deepStrictEqual(idsIn(kept), ["call-0", "call-1"])
    assert.deepStrictEqual(idsIn(ReadBefore.committedTo(range.to, evidence)), ["call-0", "call-1", "call-2"])
  })

  it("is not known where its windows do not end there, or one is missing", () => {
    for (const at of [second - 1, range.to + 1, range.from])
      assert.isUndefined(ReadBefore.committedTo(at, evidence), `${at - second}`)
    const hole = { ...evidence, ...PartEvidence.within(evidence, [{ from: first, to: range.to }]), range }
    assert.isUndefined(ReadBefore.committedTo(range.to, hole))
    assert.isUndefined(ReadBefore.committedTo(second, undefined))
    assert.isUndefined(ReadBefore.committed([], evidence))
    assert.isUndefined(ReadBefore.committed([{ from: second, to: second }], evidence))
  })

  it("is of several parts where stretches were read", () => {
    const parts = [
      { from: range.from, to: first },
      { from: second, to: range.to }
    ]
    const kept = ReadBefore.committed(parts, evidence)
    assert.deepStrictEqual(kept?.parts, parts)
    assert.deepStrictEqual(idsIn(kept), ["call-0", "call-2"])
  })

  it("leaves nothing to others, where the rest is read by one", () => {
    const rest = { parts: [{ from: second, to: range.to }], range: { from: second, to: range.to }, inPart: true }
    const kept = ReadBefore.committedTo(second, evidence)
    assert.isTrue(ReadBefore.resume(rest, kept).inPart)
    const { inPart, parts } = ReadBefore.resume(rest, kept, true)
    assert.deepStrictEqual([inPart, parts], [false, [range]])
  })

  it("is forgotten where it is read again", () => {
    const again = Shown.make([range])
    PartEvidence.restore(again, evidence)
    Shown.forget(again, { from: first, to: second })
    assert.deepStrictEqual(
      ["call-0", "call-1", "call-2"].map((id) => again.ids.has(id)),
      [true, false, true]
    )
    assert.strictEqual(again.delivered.rows(), 2)
    assert.deepStrictEqual(again.reached, [
      { from: range.from, to: first },
      { from: second, to: range.to }
    ])
  })

  it("ends where the next process begins, wherever that one sees the first call", () => {
    const read = { from: range.from, to: middle }
    const bounds = { from: middle + day, to: range.to, all: { from: middle + day, to: range.to }, whole: true }
    assert.deepStrictEqual(Beginning.boundsAfter(bounds, read), { from: middle, to: range.to, all: range, whole: true })
    const earlier = { ...bounds, all: { from: range.from - day, to: range.to } }
    assert.strictEqual(Beginning.boundsAfter(earlier, read).all.from, range.from - day)
    assert.strictEqual(Beginning.boundsAfter(bounds, undefined), bounds)
  })
})

describe("what other processes read", () => {
  const horizon = range.to
  const evidence = evidenceOf(right)
  const of = (...proofs: ReadonlyArray<ReadBefore.Proof>) => ReadBefore.of(proofs, range, horizon)

  it("counts by the number of its calls without evidence; one that is young, or not read, leaves the sum open", () => {
    const both = [proof(left), proof(right, { evidence })]
    const { before, inPart, parts, range: read } = ReadBefore.of(both, range, horizon)
    assert.deepStrictEqual(before[0]?.counted, { ...left, rows: 2, proven: true })
    assert.isUndefined(before[1]?.counted)
    assert.deepStrictEqual([parts, read], [[right], right])
    assert.isFalse(inPart)
    assert.isTrue(ReadBefore.of(both, range, middle - 1).inPart)
    assert.isFalse(ReadBefore.of(both, range, middle).inPart)
    assert.isTrue(of(proof(left, { calls: undefined }), proof(right, { evidence })).inPart)
  })

  it("is all of it only without a gap, from its beginning to its end", () => {
    const whole = evidenceOf(range)
    assert.isFalse(of(proof(range, { evidence: whole })).inPart)
    // Each of its calls is known, however young, so their number is not needed.
    assert.isFalse(ReadBefore.of([proof(range, { evidence: whole, calls: undefined })], range, range.from - 1).inPart)
    assert.isTrue(of(proof(right, { evidence })).inPart)
    assert.isTrue(of(proof(left, { evidence: evidenceOf(left) })).inPart)
    const [first, last] = [
      { from: range.from, to: middle - day },
      { from: middle, to: range.to }
    ]
    assert.isTrue(of(proof(first, { evidence: evidenceOf(first) }), proof(last, { evidence })).inPart)
    assert.isTrue(of().inPart)
  })

  it("without any evidence is read nowhere: an empty part at the end", () => {
    const { parts, range: read } = of(proof(left), proof(right))
    const end = { from: range.to, to: range.to }
    assert.deepStrictEqual([parts, read], [[end], end])
    const [first, last] = [
      evidenceOf({ from: range.from, to: middle - day }),
      evidenceOf({ ...right, to: range.to - 1 })
    ]
    const two = of(proof(left, { evidence: first }), proof(right, { evidence: last }))
    assert.deepStrictEqual(two.range, { from: range.from, to: range.to - 1 })
  })

  it("of a stretch that two processes read, the calls of the first are those that the last one has not", () => {
    const late = evidenceOf({ from: middle + day, to: range.to }, 3)
    const { before } = of(proof(left), proof(right, { calls: 5, evidence: late }))
    assert.deepStrictEqual(before[1]?.counted, { from: middle, to: middle + day, rows: 2, proven: true })
  })

  it("is proven as far as it is old, and not known one by one", () => {
    const weak = (from: number, to: number) => proof(right, { entries: [entry({ from, to }, "provisional")] })
    const provenOf = (one: ReadBefore.Proof, at = horizon) => ReadBefore.of([one], range, at).before[0]?.counted?.proven
    assert.isFalse(provenOf(weak(middle, range.to)))
    // The calls of the rest of it are known one by one.
    const late = evidenceOf({ from: middle + day, to: range.to })
    assert.isTrue(provenOf({ ...weak(middle + day, range.to), evidence: late }))
    assert.isFalse(provenOf({ ...weak(middle + day - 1, range.to), evidence: late }))
    // It may still change, which takes nothing back.
    assert.isTrue(provenOf(weak(middle, range.to), range.to - 1))
    assert.isFalse(provenOf(weak(middle, range.to), range.to))
  })
})
