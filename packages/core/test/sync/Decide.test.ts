import type { CallSession } from "@callstream/core/model/CallSession"
import * as Change from "@callstream/core/model/Change"
import * as Version from "@callstream/core/model/Version"
import type { Entry } from "@callstream/core/sync/Ledger"
import * as Settlement from "@callstream/core/sync/Settlement"
import * as CallSessionOf from "@callstream/core/model/CallSession"
import { assert, describe, it } from "@effect/vitest"
import * as Struct from "effect/Struct"
import * as Outline from "../../src/model/internal/Outline.ts"
import * as Decide from "../../src/sync/internal/Decide.ts"

const second = 1_000_000
const minute = 60 * second
const now = Date.parse("2026-07-31T12:00:00Z") * 1000

const call = (fields: Partial<CallSession> = {}): CallSession => ({
  id: "call",
  status: "completed",
  startedAt: "2026-07-31T11:00:00Z",
  endedAt: "2026-07-31T11:05:00Z",
  createdAt: "2026-07-31T10:59:00Z",
  costTotal: "0.1",
  recordingUrl: "https://a.example.com/1",
  postCallAnalysisResult: { outcome: "yes" },
  ...fields
})

/** What answers make of a call, one after another; each is minutes after the first. */
const told = (
  answers: ReadonlyArray<readonly [after: number, session: CallSession]>,
  { from = 0, version }: { readonly from?: number; readonly version?: number } = {}
) => {
  let entry: Entry | undefined
  let { empty: learned } = Settlement
  return answers.map(([after, session], i) => {
    const at = now + after * minute
    const one = {
      id: session.id,
      outline: Outline.of(session),
      start: CallSessionOf.startInstant(session),
      version: Version.of(version ?? at)
    }
    const decided = Decide.seen(learned, entry, one, { key: [1, 2], from, now: at, isFirst: false })
    learned = decided.learned
    if (decided.entry !== undefined) entry = { ...decided.entry, changed: i + 1, born: entry?.born ?? 1 }
    return { change: decided.change, entry, learned }
  })
}
const changesOf = (...args: Parameters<typeof told>) => told(...args).map(({ change }) => change)

describe("Decide", () => {
  it("a call that was not known is created, with everything that it reached", () => {
    const [change] = changesOf([[0, call()]])
    assert.deepStrictEqual(change, {
      kind: "created",
      facets: Change.facets,
      milestones: ["completed", "cost", "recording", "analysis", "final"],
      sequence: Version.of(now),
      previous: null
    })
  })

  it("the same content makes no change, another one names its facets, and what it is the first to reach", () => {
    const [, same, later, again] = changesOf([
      [0, call({ costTotal: null, recordingUrl: null })],
      [1, call({ costTotal: null, recordingUrl: "" })],
      [2, call({ recordingUrl: null })],
      [3, call({ recordingUrl: null, metadata: {} })]
    ])
    // "" is another content than null, of the same facet.
    assert.deepStrictEqual(same?.facets, ["recording"])
    assert.deepStrictEqual(later?.facets, ["cost", "recording"])
    assert.deepStrictEqual(later?.milestones, ["cost"])
    assert.deepStrictEqual([again?.facets, again?.milestones], [["rest"], []])
    assert.deepStrictEqual(
      changesOf([
        [0, call()],
        [1, call()],
        [99, call({ recordingUrl: "https://a.example.com/1?token=2" })]
      ]).slice(1),
      [undefined, undefined]
    )
  })

  it("sequences rise strictly though the server's clock does not move, also from A to B to A", () => {
    const a = call({ metadata: { crm: "a" } })
    const b = call({ metadata: { crm: "b" } })
    const changes = changesOf(
      [
        [0, a],
        [1, b],
        [2, a],
        [3, b]
      ],
      { version: now }
    )
    assert.deepStrictEqual<unknown>(
      changes.map((change) => [change?.sequence, change?.previous]),
      [
        [now, null],
        [now + 1, now],
        [now + 2, now + 1],
        [now + 3, now + 2]
      ]
    )
  })

  it("a step back is held until it is seen again ten minutes later, and forgotten when it is contradicted", () => {
    const steps = [
      call({ status: "in_progress" }),
      call({ startedAt: null }),
      call({ costTotal: null }),
      call({ postCallAnalysisResult: null })
    ]
    for (const back of steps) {
      const held = changesOf([
        [0, call()],
        [1, back],
        [9, back],
        [12, back]
      ])
      assert.deepStrictEqual(
        held.map((change) => change?.kind),
        ["created", undefined, undefined, "updated"],
        JSON.stringify(back)
      )
      const flapping = changesOf([
        [0, call()],
        [1, back],
        [12, call()],
        [13, back],
        [22, call()]
      ])
      assert.deepStrictEqual(flapping.slice(1), [undefined, undefined, undefined, undefined], JSON.stringify(back))
    }
  })

  it("a call that never connected is followed if it was created in the range, or at an unknown time", () => {
    const from = now - 2 * 60 * minute
    const created = (createdAt: string) => call({ startedAt: null, status: "failed", createdAt })
    const unknown = Struct.omit(call({ startedAt: null, status: "failed" }), ["createdAt"])
    assert.deepStrictEqual(changesOf([[0, created("2026-07-31T09:59:59Z")]], { from }), [undefined])
    for (const one of [created("2026-07-31T10:00:00Z"), unknown]) {
      assert.deepStrictEqual(
        changesOf([[0, one]], { from }).map((change) => change?.kind),
        ["created"]
      )
    }
    // Once it connects it is a call of the range, whenever it was created.
    const connected = call({ createdAt: "2026-07-31T09:59:59Z" })
    const kinds = changesOf(
      [
        [0, created("2026-07-31T09:59:59Z")],
        [1, connected]
      ],
      { from }
    ).map((change) => change?.kind)
    assert.deepStrictEqual(kinds, [undefined, "created"])
  })

  it("a call whose start moves out of the range has left, once; one that comes back is created", () => {
    const from = now - 2 * 60 * minute
    const outside = call({ startedAt: "2026-07-31T09:00:00Z" })
    const kinds = changesOf(
      [
        [0, call()],
        [1, outside],
        [2, outside],
        [3, call()]
      ],
      { from }
    ).map((change) => change?.kind)
    assert.deepStrictEqual(kinds, ["created", "left", undefined, "created"])
    assert.deepStrictEqual(changesOf([[0, outside]], { from }), [undefined])
  })

  it("a call that a consumer may lack is a change though it is the same, with everything, and no version before", () => {
    const [first] = told([[0, call()]])
    const entry = first?.entry
    assert.isDefined(entry)
    const one = { id: call().id, outline: Outline.of(call()), start: entry?.start, version: Version.of(now + minute) }
    const about: Decide.About = { key: [1, 2], from: 0, now: now + minute, isFirst: false }
    const { change, entry: next } = Decide.seen(
      Settlement.empty,
      entry === undefined ? undefined : { ...entry, owed: true },
      one,
      about
    )
    assert.deepStrictEqual([change?.kind, change?.facets, change?.previous], ["updated", Change.facets, null])
    assert.strictEqual(next?.owed, false)
  })

  it("notes when a facet came, and counts a call when it is a day old", () => {
    const waiting = call({ costTotal: null })
    const steps = told([
      [0, waiting],
      [10, call()],
      [1600, call()],
      [1700, call()]
    ])
    const sum = (list: ReadonlyArray<number>) => list.reduce((one, other) => one + other, 0)
    assert.deepStrictEqual(
      steps.map(({ learned }) => sum(learned.delays.cost)),
      [0, 1, 1, 1]
    )
    assert.deepStrictEqual(
      steps.map(({ learned }) => learned.shares[""]?.answered.cost.of ?? 0),
      [0, 0, 1, 1]
    )
    assert.deepStrictEqual(
      steps.map(({ entry }) => entry?.due !== undefined),
      [true, false, false, false]
    )
  })

  it("is due when half of what can be expected has become likely, later each time", () => {
    const waiting = call({ postCallAnalysisResult: null })
    const dues = told([1, 10, 100, 1000, 10_000].map((after) => [after, waiting] as const)).map(
      ({ entry }) => (entry?.due ?? 0) - (entry?.readAt ?? 0)
    )
    assert.isTrue(
      dues.every((due, i) => due >= minute && due >= (dues[i - 1] ?? 0)),
      String(dues)
    )
  })
})
