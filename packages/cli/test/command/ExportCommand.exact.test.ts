/** Values as the server sends them: no number rounded, nothing refused for its type, no text that another reader refuses. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createReadStream, readFileSync, writeFileSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { DatabaseSync } from "node:sqlite"
import { alongside, callstream, folder, lines, server } from "../Callstream.ts"

/** Answers one page of these records, which are JSON text, where they start within the bounds, and then empty ones. */
const pages = (records: ReadonlyArray<string>) => (request: IncomingMessage, response: ServerResponse) => {
  const query = new URL(request.url ?? "/", "http://localhost").searchParams
  const after = Date.parse(query.get("started_after") ?? "1970-01-01")
  const before = Date.parse(query.get("started_before") ?? "2100-01-01")
  const found = records.filter((text) => {
    const start = Date.parse(/"startedAt":"([^"]*)"/.exec(text)?.[1] ?? "")
    return Number.isNaN(start) ? before > Date.now() : start >= after && start <= before
  })
  response.setHeader("content-type", "application/json")
  response.end(`{"success":true,"data":{"callSessions":[${query.get("page") === "1" ? found.join() : ""}]}}`)
}

const one = `{"id":"one","startedAt":"2026-07-31T07:16:10Z","costTotal":0.30000000000000004,"metadata":{"zohoContactId":4876876000000420001,"huge":1e400,"f":12345678.123456789012}}`
const two = `{"id":"two","startedAt":"2026-07-31T07:16:11Z","costTotal":1e20,"metadata":{"zohoContactId":4876876000000420002}}`
const exact = `{"zohoContactId":4876876000000420001,"huge":1e+400,"f":12345678.123456789012}`

const prepared = Effect.fnUntraced(function* (records: ReadonlyArray<string>) {
  const { url } = yield* server(pages(records))
  const cwd = yield* folder
  return {
    cwd,
    text: (name: string) => readFileSync(join(cwd, name), "utf8"),
    run: (...args: ReadonlyArray<string>) => callstream(args, { cwd, env: { AGNI_BASE_URL: url } })
  }
})

describe("values", alongside, () => {
  it.live("of numbers are exact in files, tables and conditions", () =>
    Effect.gen(function* () {
      const { cwd, run, text } = yield* prepared([one, two])
      const where = ["--where", "metadata.zohoContactId == 4876876000000420001"]
      const to = ["calls.ndjson", "calls.csv", "sqlite:calls.db"].flatMap((place) => ["--to", place])
      yield* run("export", ...to, ...where)
      assert.strictEqual(
        text("calls.ndjson"),
        `{"id":"one","startedAt":"2026-07-31T07:16:10Z","costTotal":"0.30000000000000004","metadata":${exact}}\n`
      )
      assert.include(text("calls.csv"), exact.replaceAll('"', '""'))
      assert.include(text("calls.csv"), ",0.30000000000000004,")
      const database = new DatabaseSync(join(cwd, "calls.db"))
      const rows = database.prepare("SELECT id, costTotal, metadata FROM call_sessions").all()
      database.close()
      assert.deepStrictEqual({ ...rows[0] }, { id: "one", costTotal: "0.30000000000000004", metadata: exact })
      assert.lengthOf(rows, 1)

      const all = yield* run("export", "--to", "-", "--select", "id,costTotal,metadata.zohoContactId=contact")
      assert.strictEqual(
        all.stdout,
        `{"id":"one","costTotal":"0.30000000000000004","contact":4876876000000420001}\n` +
          `{"id":"two","costTotal":"100000000000000000000","contact":4876876000000420002}\n`
      )
      const flat = yield* run("export", "--to", "-", "--flatten", "--omit", "metadata.huge", "--derive", "cost")
      assert.include(flat.stdout, '"metadata.zohoContactId":4876876000000420001,')
      assert.notInclude(flat.stdout, "text")
    })
  )

  it.live("of dead letters are exact, and in what is replayed of them", () =>
    Effect.gen(function* () {
      const { run, text } = yield* prepared([one, `{"no":"id","big":4876876000000420001}`, "1e400"])
      yield* run("export", "--to", "calls.ndjson", "--max-dead-letters", "100", "--dead-letters", "dead.ndjson")
      const raws = text("dead.ndjson")
        .trimEnd()
        .split("\n")
        .map((line) => /"record":(.*),"observedAt"/.exec(line)?.[1])
      assert.deepStrictEqual(raws, ['{"no":"id","big":4876876000000420001}', "1e+400"])
      // Somebody mends the record.
      const cwd = yield* folder
      writeFileSync(join(cwd, "mended.ndjson"), text("dead.ndjson").replace('"no":"id"', '"id":"mended"'))
      const replayed = yield* callstream(["replay", "mended.ndjson", "--to", "again.ndjson"], { cwd })
      assert.include(replayed.stderr, "1 dead letter replayed, 1 left")
      assert.strictEqual(readFileSync(join(cwd, "again.ndjson"), "utf8"), '{"id":"mended","big":4876876000000420001}\n')
    })
  )

  it.live("of another type are kept as they came, in extra where a column cannot hold them", () =>
    Effect.gen(function* () {
      const odd = [
        `{"id":"a","startedAt":"2026-07-31T07:16:10Z","metadata":[]}`,
        `{"id":"b","startedAt":"2026-07-31T07:16:10Z","metadata":""}`,
        `{"id":"c","startedAt":"2026-07-31T07:16:10Z","metadata":"{\\"a\\":1}"}`,
        `{"id":"d","startedAt":"2026-07-31T07:16:10Z","durationSec":"65s"}`,
        `{"id":"e","startedAt":1785482170,"status":5,"channel":[],"callerNumber":14155550123,"costTotal":{"usd":1},"creditBreakdown":7,"postCallAnalysisResult":"none"}`,
        `{"id":5,"startedAt":"2026-07-31T07:16:10Z"}`
      ]
      const { cwd, run } = yield* prepared(odd)
      const ran = yield* run("export", "--to", "-", "--strict", "--derive", "direction,customerNumber,cost,analysis")
      assert.notInclude(ran.stderr, "rejected")
      const found = new Map(lines(ran.stdout).map((row) => [row["id"], row] as const))
      assert.strictEqual(found.size, odd.length)
      for (const text of odd) {
        const record = JSON.parse(text) as Record<string, unknown>
        assert.deepInclude(found.get(String(record["id"])), { ...record, id: String(record["id"]) })
      }
      yield* run("export", "--to", "sqlite:calls.db")
      const database = new DatabaseSync(join(cwd, "calls.db"))
      const rows = database.prepare("SELECT id, metadata, durationSec, extra FROM call_sessions ORDER BY id").all()
      database.close()
      assert.deepStrictEqual(
        rows.map(({ durationSec, extra, id, metadata }) => [id, metadata, durationSec, extra]),
        [
          ["5", null, null, null],
          ["a", "[]", null, null],
          ["b", null, null, '{"metadata":""}'],
          ["c", null, null, '{"metadata":"{\\"a\\":1}"}'],
          ["d", null, null, '{"durationSec":"65s"}'],
          ["e", null, null, odd[4]?.replace(/"id":"e",/, "") ?? ""]
        ]
      )
    })
  )

  it.live("of text are such that every reader takes them, and it is said how many were repaired", () =>
    Effect.gen(function* () {
      const records = [
        `{"id":"a","startedAt":"2026-07-31T07:16:10Z","summary":"half \\ud83d and \\ude00","metadata":{"k\\ud83d":["x\\uD800y", "\\\\ud83d"]}}`,
        `{"id":"b","startedAt":"2026-07-31T07:16:11Z","summary":"line and more \\u2028"}`,
        `{"id":"c","startedAt":"2026-07-31T07:16:12Z","summary":"\\ud83d\\ude00 whole 😀"}`
      ]
      const { cwd, run, text } = yield* prepared(records)
      for (const more of [[], ["--where", "true"]]) {
        const ran = yield* run("export", "--to", "calls.ndjson", "--force", ...more)
        assert.include(ran.stderr, "calls.ndjson: 3 texts had an unpaired surrogate", ran.stderr)
        const written = text("calls.ndjson")
        assert.notMatch(written, /[\u2028\u2029]|\\ud[89a-f](?<!\\\\ud[89a-f])/)
        assert.deepStrictEqual(
          lines(written).map(({ summary }) => summary),
          ["half \ufffd and \ufffd", "line\u2028and\u2029more \u2028", "😀 whole 😀"]
        )
        assert.deepStrictEqual(lines(written)[0]?.["metadata"], { "k\ufffd": ["x\ufffdy", "\\ud83d"] })
        const read: Array<string> = []
        yield* Effect.promise(async () => {
          for await (const line of createInterface({ input: createReadStream(join(cwd, "calls.ndjson")) }))
            read.push(line)
        })
        assert.lengthOf(read, 3)
      }
      const stdout = yield* run("export", "--to", "-")
      assert.strictEqual(stdout.stdout, text("calls.ndjson"))
      assert.include(stdout.stderr, "3 texts had an unpaired surrogate")
      const many = yield* run("export", "--to", "calls.csv", "--to", "sqlite:calls.db", "--to", "calls.parquet")
      for (const to of ["calls.csv", "calls.db", "calls.parquet"]) {
        assert.include(many.stderr, `${to}: 3 texts had an unpaired surrogate`)
      }
    })
  )
})
