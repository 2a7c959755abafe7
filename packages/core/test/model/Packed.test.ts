import * as Instant from "../../src/model/Instant.ts"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as CallSession from "../../src/model/CallSession.ts"
import * as ExactNumber from "../../src/model/ExactNumber.ts"
import * as Version from "../../src/model/Version.ts"
import * as CallRows from "../../src/model/Rows.ts"
import * as Envelope from "../../src/client/internal/Envelope.ts"
import * as Packed from "../../src/model/internal/Packed.ts"
import * as Coverage from "../../src/history/Coverage.ts"
import * as Rows from "../../src/endpoint/internal/ListedRows.ts"
import { AgniSimulator } from "../../src/testing/index.ts"

const sessionOf = (raw: object): CallSession.CallSession => Result.getOrThrow(CallSession.fromWire(raw))

const now = Date.UTC(2026, 6, 31)

/** Records in many scripts, with and without a start, of a random seed. */
const varied = (seed: number): ReadonlyArray<CallSession.CallSession> => {
  const simulator = AgniSimulator.makeUnsafe(
    { wire: "seen", seed, sessions: 180, undated: 20, content: "varied" },
    () => now
  )
  const { body } = simulator.handle(
    {
      method: "GET",
      origin: "https://api.ravan.ai",
      path: "/api/v1/calling/call-sessions",
      search: "page_size=200",
      params: { page_size: "200" },
      headers: { "x-api-key": simulator.apiKey }
    },
    now
  )
  const read = Envelope.read(typeof body === "string" ? body : new TextDecoder().decode(body))
  return read._tag === "Records" ? read.sessions : assert.fail(read._tag)
}

const unpacked = (sessions: ReadonlyArray<CallSession.CallSession>) =>
  Packed.unpack(Packed.pack(sessions), () => undefined)

describe("Packed", () => {
  const seed = Number(process.env["SEED"] ?? 1)
  it(`gives back what was packed, in whatever order it is asked for, and knows the rest without reading (seed ${seed})`, () => {
    const sessions = varied(seed)
    assert.isAtLeast(sessions.length, 100)
    const half = sessions.length >>> 1
    const items = [...unpacked(sessions.slice(0, half)), ...unpacked(sessions.slice(half))]
    assert.deepStrictEqual(
      items.map((item) => [item.id, item.start, Packed.createdInstant(item), Packed.isSettled(item)]),
      sessions.map((session) => [
        session.id,
        CallSession.startInstant(session),
        CallSession.createdInstant(session),
        CallSession.isSettled(session)
      ])
    )
    const ascending = sessions.map((_, i) => i)
    const scattered = ascending.map((i) => (i * 7919) % sessions.length)
    for (const i of [...ascending, ...ascending.toReversed(), ...scattered]) {
      assert.deepStrictEqual(items[i]?.row, sessions[i])
    }
    const decoder = new TextDecoder()
    assert.deepStrictEqual(
      items.map(({ json }) => decoder.decode(json?.bytes.subarray(json.begin, json.end))),
      sessions.map((session) => JSON.stringify(session))
    )
    assert.deepStrictEqual(unpacked([]), [])
  })

  it("gives no JSON of a session with half of a surrogate pair, and none that ends a line early", () => {
    const sessions = ["plain 😀", "half \ud83d", "\\ud83d", "\u2028 and \u2029"].map((summary, at) =>
      sessionOf({ id: `${at}`, summary, metadata: { n: ExactNumber.fromText("4876876000000420001") } })
    )
    const items = unpacked(sessions)
    assert.deepStrictEqual(
      items.map(({ row }) => row),
      sessions
    )
    const text = items.map(({ json }) => json && new TextDecoder().decode(json.bytes.subarray(json.begin, json.end)))
    assert.isUndefined(text[1])
    assert.notMatch(text.join("\n"), /[\u2028\u2029]/)
    for (const at of [0, 2, 3]) {
      assert.deepStrictEqual<unknown>(ExactNumber.parseJson(text[at] ?? ""), sessions[at])
      assert.include(text[at], '"n":4876876000000420001')
    }
    // Rows that are kept as JSON already stay so, and the others are themselves.
    const rows = items.map((item) => ({ key: item.id, start: undefined, item, rejected: undefined }))
    assert.deepStrictEqual(
      Rows.pack(rows).map(({ item }) => item?.row),
      sessions
    )
  })

  it("has room for what is longer than any page before", () => {
    const sessions = Array.from({ length: 3 }, (_, i) =>
      sessionOf({ id: `${i}`, metadata: { text: "é☎😀".repeat(400_000) } })
    )
    assert.deepStrictEqual(
      unpacked(sessions).map(({ row }) => row),
      sessions
    )
  })
})

describe("Rows.pack", () => {
  it("keeps the version of each row, also where they are of several answers", () => {
    const rows = [5, undefined, 7].map((version, at) => ({
      key: `${at}`,
      start: undefined,
      rejected: undefined,
      item: {
        id: `${at}`,
        start: undefined,
        version: version === undefined ? undefined : Version.of(version),
        row: sessionOf({ id: `${at}` })
      }
    }))
    const packed = Rows.pack(rows).map(({ item }) => [item?.json === undefined, item?.version])
    assert.deepStrictEqual<ReadonlyArray<unknown>>(packed, [
      [false, 5],
      [false, undefined],
      [false, 7]
    ])
  })

  it("leaves rows as they are that cannot be said in JSON", () => {
    // In Node 22 that is also what is nested five thousand deep.
    const row = Object.assign(sessionOf({ id: "a" }), { metadata: { n: 1n } })
    const rows = [{ key: "a", start: undefined, item: { id: "a", start: undefined, row }, rejected: undefined }]
    assert.strictEqual(Rows.pack(rows), rows)
  })
})

describe("the rows of a window", () => {
  const sessions = ["a", "b", "c"].map((id) => sessionOf({ id, status: "failed", startedAt: "2026-07-31T07:16:10Z" }))
  const [from, to, observedAt] = [Instant.of(0), Instant.of(1), Instant.of(5)]
  const rest = { from, to, rejected: [], coverage: { _tag: "Proven" }, requests: 1, observedAt } as const
  const window = Coverage.make(unpacked(sessions), rest)

  it("are counted without decoding them, and decoded once", () => {
    assert.strictEqual(window.settled, 3)
    assert.deepStrictEqual(
      CallRows.items(window.rows).map(({ id }) => id),
      ["a", "b", "c"]
    )
    assert.deepStrictEqual(window.rows.sessions(), sessions)
    assert.strictEqual(window.rows.sessions(), window.rows.sessions())
  })

  it("are all in a copy, as the JSON that they are held as", () => {
    const { rows } = { ...window }
    assert.deepStrictEqual(
      CallRows.items(rows).map(({ json }) => json?.bytes === CallRows.items(window.rows)[0]?.json?.bytes),
      [true, true, true]
    )
    assert.deepStrictEqual(
      sessions.map((_, at) => ({ ...rows }).decode(at)),
      sessions
    )
  })
})
