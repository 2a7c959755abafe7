/** The rows of a response: their keys, their times, and where they are on the page. */
import { assert, describe, it } from "@effect/vitest"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import type { Page } from "@callstream/core/model/Page"
import type { Rejected } from "@callstream/core/model/Rejected"
import * as Version from "@callstream/core/model/Version"
import * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import { page, session } from "../../history/Walking.ts"

const at = (text: string): Instant.Instant => Instant.of(Date.parse(text) * 1000)
const startedAt = "2026-05-01T10:00:00Z"
const createdAt = "2026-05-01T09:00:00Z"

const rejected = (raw: unknown, index = 0): Rejected => ({
  stage: "decode",
  reason: "id is missing",
  raw,
  page: 1,
  index,
  observedAt: Version.of(0)
})

const rowOf = (fields: Partial<CallSession>): Rows.Row => {
  const [row] = Rows.ofPage(page(3, [session("a", fields)], [], 77))
  if (row === undefined) throw new Error("no row")
  return row
}

describe("a record that did not decode", () => {
  it("has the key, the start and the time of creation that it has in either spelling", () => {
    for (const raw of [
      { id: "a", startedAt, createdAt },
      { id: "a", started_at: startedAt, created_at: createdAt }
    ]) {
      const row = Rows.ofRejected(rejected(raw))
      assert.deepStrictEqual([row.key, row.start, Rows.createdOf(row)], ["a", at(startedAt), at(createdAt)])
      assert.deepStrictEqual([row.item, row.rejected], [undefined, rejected(raw)])
      assert.isTrue(Rows.isDated(row))
      assert.isFalse(Rows.isUnplaced(row))
    }
  })

  it("has no time that is none, or before there were calls, and goes with the window that it came for", () => {
    for (const start of [undefined, null, 5, "", "soon", "0001-01-01T00:00:00Z"]) {
      const row = Rows.ofRejected(rejected({ id: "a", startedAt: start, createdAt: start }))
      assert.deepStrictEqual([row.start, Rows.createdOf(row)], [undefined, undefined])
      assert.isTrue(Rows.isUnplaced(row))
    }
  })

  it("without an id is known by what it says, whatever the signature of its recording is", () => {
    const raw = { id: "", status: "busy", startedAt }
    const key = Rows.keyOf(rejected({ ...raw, recordingUrl: "https://host/a?sig=1" }))
    assert.isTrue(key.startsWith("="))
    assert.strictEqual(Rows.keyOf(rejected({ ...raw, recordingUrl: "https://host/a?sig=2" })), key)
    assert.strictEqual(Rows.keyOf(rejected({ ...raw, recording_url: "https://host/b/2" })), key)
    assert.strictEqual(Rows.keyOf(rejected({ startedAt, id: "", status: "busy" })), key)
    assert.notStrictEqual(Rows.keyOf(rejected({ ...raw, status: "failed" })), key)
    for (const [one, other] of [
      [null, "null"],
      [null, {}],
      [["a"], "a"],
      [["a"], { 0: "a" }],
      [{ recordingUrl: [1] }, [1]],
      [undefined, {}]
    ])
      assert.notStrictEqual(Rows.keyOf(rejected(one)), Rows.keyOf(rejected(other)))
  })

  it("has no id of another type", () => {
    for (const id of [7, null, ["a"], { id: "a" }]) assert.isUndefined(Rows.idOf(rejected({ id })))
    for (const raw of [null, undefined, "id", 3]) assert.isUndefined(Rows.idOf(rejected(raw)))
    assert.strictEqual(Rows.idOf(rejected({ ID: "b", id: "a" })), "a")
    assert.strictEqual(Rows.keyOf(rejected(["a"])), Rows.keyOf(rejected(["a"])))
  })

  it("has a key where it is nested deeper than the stack", () => {
    const depth = 20_000
    const nested = (of: string): unknown => ({ of, x: JSON.parse("[".repeat(depth) + "]".repeat(depth)) })
    assert.strictEqual(Rows.keyOf(rejected(nested("a"))), Rows.keyOf(rejected(nested("a"))))
    assert.notStrictEqual(Rows.keyOf(rejected(nested("a"))), Rows.keyOf(rejected(nested("b"))))
  })
})

describe("a record that did", () => {
  it("has the times of its session", () => {
    const row = rowOf({ startedAt, createdAt })
    assert.deepStrictEqual([row.key, row.start, Rows.createdOf(row)], ["a", at(startedAt), at(createdAt)])
    assert.isUndefined(row.rejected)
    assert.isFalse(Rows.isUnplaced(row))
    assert.isFalse(Rows.isUnplaced(rowOf({})))
  })

  it("is rejected from the range if its start is text that is no time: it can be placed nowhere", () => {
    for (const text of ["soon", "13/05/2026", " tomorrow "]) {
      const row = rowOf({ startedAt: text })
      assert.isTrue(Rows.hasUnreadableStart(session("a", { startedAt: text })))
      assert.isTrue(Rows.isUnplaced(row))
      const { index, observedAt, page, raw, reason, stage } = row.rejected ?? rejected(undefined)
      assert.deepStrictEqual([stage, page, index, observedAt], ["range", 3, 0, Version.of(77)])
      assert.deepStrictEqual(raw, session("a", { startedAt: text }))
      assert.match(reason, /startedAt is not a time/)
    }
    assert.isFalse(Rows.hasUnreadableStart(session("a")))
    for (const text of [null, "", "  ", ` ${startedAt} `, "0001-01-01T00:00:00Z"]) {
      assert.isFalse(Rows.hasUnreadableStart(session("a", { startedAt: text })))
      assert.isUndefined(rowOf({ startedAt: text }).rejected)
    }
    // A value of another type is kept as it came, and is no start.
    assert.isFalse(Rows.hasUnreadableStart(Object.assign(session("a"), JSON.parse('{ "startedAt": 5 }'))))
  })

  it("that is rejected has the version of its page, where that has one", () => {
    const given: Page = { ...page(1, [session("a", { startedAt: "soon" })], [], 77), version: Version.of(99) }
    assert.strictEqual(Rows.ofPage(given)[0]?.rejected?.observedAt, Version.of(99))
  })
})

describe("a field by which calls are filtered", () => {
  it("is read of a session, and of a record that did not decode, in either spelling", () => {
    const values = { agentId: "A", channel: "voice", callerNumber: "+1" } as const
    const names = ["agentId", "channel", "callerNumber"] as const
    for (const row of [
      rowOf(values),
      Rows.ofRejected(rejected(values)),
      Rows.ofRejected(rejected({ agent_id: "A", channel: "voice", caller_number: "+1" }))
    ])
      assert.deepStrictEqual(
        names.map((name) => Rows.textIn(row, name)),
        ["A", "voice", "+1"]
      )
    for (const row of [rowOf({}), rowOf({ agentId: null }), Rows.ofRejected(rejected({ agentId: 5 }))])
      assert.isUndefined(Rows.textIn(row, "agentId"))
  })
})

describe("Rows.ofPage", () => {
  it("has each record at its place", () => {
    for (const places of [[], [0], [1, 2], [3], [0, 1, 2, 3], [0, 4]]) {
      const sessions = Array.from({ length: 5 - places.length }, (_, i) => session(`session-${i}`, { startedAt: "x" }))
      const records = places.map((index) => rejected({ id: `rejected-${index}` }, index))
      const rows = Rows.ofPage({ ...page(1, sessions), rejected: records })
      let next = 0
      const keys = Array.from({ length: 5 }, (_, i) => (places.includes(i) ? `rejected-${i}` : `session-${next++}`))
      assert.deepStrictEqual(
        rows.map(({ key }) => key),
        keys
      )
      // The place is also in what rejects a session.
      assert.deepStrictEqual(
        rows.map(({ rejected }) => rejected?.index),
        [0, 1, 2, 3, 4]
      )
    }
  })

  it("leaves out a place that no record is on", () => {
    for (const index of [2, 7]) {
      const rows = Rows.ofPage({ ...page(1, [session("a")]), rejected: [rejected({ id: "b" }, index)] })
      assert.deepStrictEqual(
        rows.map(({ key }) => key),
        ["a"]
      )
    }
  })
})

describe("Rows.pack", () => {
  it("keeps sessions as JSON, once, beside records that did not decode", () => {
    const sessions = [session("a", { startedAt }), session("b")]
    const rows = Rows.ofPage({ ...page(1, sessions), rejected: [rejected({ id: "c" }, 1)] })
    const packed = Rows.pack(rows)
    assert.deepStrictEqual(
      packed.map(({ item, key, start }) => [key, start, item?.id, item?.row]),
      [
        ["a", at(startedAt), "a", sessions[0]],
        ["c", undefined, undefined, undefined],
        ["b", undefined, "b", sessions[1]]
      ]
    )
    assert.deepStrictEqual(
      packed.map(({ item }) => item?.json !== undefined),
      [true, false, true]
    )
    assert.strictEqual(Rows.pack(packed), packed)
    const more = Rows.ofPage(page(1, [session("d")]))
    const both = Rows.pack([...packed, ...more])
    assert.strictEqual(both[0], packed[0])
    assert.strictEqual(both[3]?.item?.row.id, "d")
    assert.isDefined(both[3]?.item?.json)
  })

  it("leaves rows as they are where there is nothing to keep", () => {
    const rows = [Rows.ofRejected(rejected({ id: "c" }))]
    assert.strictEqual(Rows.pack(rows), rows)
    // JSON does not have all values.
    const big = Rows.ofPage(page(1, [Object.assign(session("a"), { metadata: { n: 1n } })]))
    assert.strictEqual(Rows.pack(big), big)
  })
})
