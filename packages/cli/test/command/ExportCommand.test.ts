import { Instant } from "@callstream/core"
import { Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { parquetMetadata } from "hyparquet"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync, inflateRawSync } from "node:zlib"
import { alongside, callstream, folder, idsOf, lines, records, server, simulation } from "../Callstream.ts"

const summaryOf = (stderr: string): Record<string, unknown> => {
  assert.match(stderr, /^\{.*\}\n$/)
  return JSON.parse(stderr)
}

const sorted = (values: ReadonlyArray<unknown>) => values.map(String).sort()

const truth = (sessions: ReadonlyArray<{ readonly id: string }>) => sorted(sessions.map(({ id }) => id))

describe("callstream export", alongside, () => {
  it.live("writes what there is to stdout, and about it to stderr", () =>
    Effect.gen(function* () {
      const { run, simulator, url } = yield* simulation({
        sessions: 250,
        edition: "snake",
        unknownFields: true,
        content: "hostile",
        integers: "string"
      })
      const { code, stderr, stdout } = yield* run(["export", "--page-size", "60"])
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(sorted(idsOf(stdout)), truth(simulator.truth()))
      assert.match(
        stderr,
        /^(?:warning: .* U\+FFFD\n)?250 calls to stdout in .*\n {2}\d+ requests\n {2}started between [-\d]+ [:\d]+ and [-\d]+ [:\d]+ UTC\n {2}Complete up to .*\n$/m
      )
      for (const record of lines(stdout)) {
        assert.notProperty(record, "agent_id")
        assert.property(record, "agentId")
      }
      // The customer's own keys, and fields that no contract names, come as they were sent.
      const sent: { readonly data: ReadonlyArray<Record<string, unknown>> } = yield* Effect.promise(async () => {
        const response = await fetch(`${url}/api/v1/calling/call-sessions?page_size=60`, {
          headers: { "x-api-key": simulator.apiKey }
        })
        // Half of a pair is the one thing that a file cannot hold.
        return JSON.parse(await response.text(), (_, value: unknown) =>
          typeof value === "string" ? value.toWellFormed() : value
        )
      })
      const first = sent.data[0] ?? {}
      const same = lines(stdout).find(({ id }) => id === first["id"]) ?? {}
      assert.deepStrictEqual(same["metadata"], first["metadata"])
      const unknown = Object.keys(first).filter((key) => Object.hasOwn(same, key) && key.includes("_"))
      assert.isAbove(unknown.length, 0)
      for (const key of unknown) assert.deepStrictEqual(same[key], first[key])
    })
  )

  it.live("writes files, whole and private, compressed where the name says so", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 120 })
      const [plain, packed] = yield* Effect.all(
        [
          run(["export", "--to", "calls.ndjson"], { cwd }),
          run(["export", "--quiet", "--to", "calls.ndjson.gz"], { cwd })
        ],
        { concurrency: 2 }
      )
      assert.deepInclude(plain, { code: 0, stdout: "" })
      assert.include(plain.stderr, "120 calls to calls.ndjson in ")
      assert.deepStrictEqual(packed, { code: 0, stdout: "", stderr: "" })
      assert.deepStrictEqual(readdirSync(cwd).sort(), [
        "calls.ndjson",
        "calls.ndjson.coverage.json",
        "calls.ndjson.gz",
        "calls.ndjson.gz.coverage.json"
      ])
      assert.strictEqual(statSync(join(cwd, "calls.ndjson")).mode & 0o777, 0o600)
      const ids = truth(simulator.truth())
      assert.deepStrictEqual(sorted(idsOf(readFileSync(join(cwd, "calls.ndjson"), "utf8"))), ids)
      assert.deepStrictEqual(sorted(idsOf(gunzipSync(readFileSync(join(cwd, "calls.ndjson.gz"))).toString())), ids)
    })
  )

  it.live("spreadsheets show the clock of the zone, and another zone begins another run", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 30 })
      const zoned = ["export", "--zone", "Asia/Kolkata", "--select", "id,startedAt"]
      const targets = ["--to", "calls.ndjson", "--to", "calls.csv", "--csv-excel", "--to", "calls.xlsx"]
      const { code, stderr } = yield* run([...zoned, ...targets], { cwd })
      assert.strictEqual(code, 0, stderr)
      const table = readFileSync(join(cwd, "calls.csv"), "utf8").slice(1).split("\r\n")
      assert.strictEqual(table.shift(), "id,startedAt")
      const workbook = readFileSync(join(cwd, "calls.xlsx"))
      const sheet = "xl/worksheets/sheet1.xml"
      const xml = inflateRawSync(workbook.subarray(workbook.indexOf(sheet) + sheet.length)).toString()
      const serials = Array.from(xml.matchAll(/<c r="B\d+" s="1"><v>([\d.]+)</g), ([, serial]) => Number(serial))
      const started = lines(readFileSync(join(cwd, "calls.ndjson"), "utf8")).map(({ id, startedAt }) => ({
        id: String(id),
        local: typeof startedAt === "string" ? (Instant.parse(startedAt) ?? 0) / 1000 + 5.5 * 3_600_000 : undefined
      }))
      assert.isAbove(started.length, 25)
      assert.deepStrictEqual(
        table.slice(0, -1),
        started.map(({ id, local }) =>
          local === undefined ? `${id},` : `${id},${new Date(local).toISOString().slice(0, 19).replace("T", " ")}`
        )
      )
      assert.deepStrictEqual(
        serials.map((serial) => Math.round((serial - 25_569) * 86_400_000)),
        started.flatMap(({ local }) => (local === undefined ? [] : [Math.round(local)]))
      )
      // A file that was begun in one zone is not continued in another.
      const named = (zone: string) => ["export", "--name", "n", "--zone", zone, "--to", "named.xlsx", "--quiet"]
      assert.strictEqual((yield* run(named("Asia/Kolkata"), { cwd })).code, 0)
      const other = yield* run(named("Europe/Berlin"), { cwd })
      assert.notStrictEqual(other.code, 0)
      assert.match(other.stderr, /zone/)
    })
  )

  it.live("writes tables: CSV that no spreadsheet runs, and Parquet, with the customer's objects whole", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 90, content: "hostile" })
      const targets = ["calls.ndjson", "calls.csv", "calls.csv.gz", "calls.parquet", "calls.xlsx"].flatMap((name) => [
        "--to",
        name
      ])
      const { code, stderr } = yield* run(["export", "--flatten", "--csv-excel", ...targets], { cwd })
      assert.strictEqual(code, 0, stderr)
      for (const name of ["calls.csv", "calls.csv.gz", "calls.parquet", "calls.xlsx"])
        assert.include(stderr, `to ${name}`)
      const rows = simulator.truth()
      const csv = readFileSync(join(cwd, "calls.csv"), "utf8")
      assert.strictEqual(gunzipSync(readFileSync(join(cwd, "calls.csv.gz"))).toString(), csv)
      assert.isTrue(csv.startsWith("\ufeffid,agentId,"))
      const [header = ""] = csv.split("\r\n")
      assert.isTrue(header.endsWith(",creditBreakdown.total_credits,creditBreakdown,extra"))
      assert.notMatch(csv, /(?:^|[,\n])"?[=@]/)
      for (const { id } of rows) assert.include(csv, `\n${id},`)
      const parquet = new Uint8Array(readFileSync(join(cwd, "calls.parquet"))).buffer
      const metadata = parquetMetadata(parquet)
      assert.strictEqual(Number(metadata.num_rows), rows.length)
      assert.strictEqual(metadata.schema.map(({ name }) => name).join(), `calls,${header.slice(1)}`)
      const workbook = readFileSync(join(cwd, "calls.xlsx"))
      const sheet = "xl/worksheets/sheet1.xml"
      const xml = inflateRawSync(workbook.subarray(workbook.indexOf(sheet) + sheet.length)).toString()
      assert.strictEqual(xml.match(/<row /g)?.length, 1 + rows.length)
      // For all of the sinks alike: a row is made once.
      assert.isTrue(
        lines(readFileSync(join(cwd, "calls.ndjson"), "utf8")).some(({ metadata }) => typeof metadata === "object")
      )

      const raw = yield* run(["export", "--quiet", "--csv-raw", "--rotate", "day", "--to", "raw.csv"], { cwd })
      assert.strictEqual(raw.code, 0, raw.stderr)
      const parts = readdirSync(cwd).filter((name) => /^raw-.*\.csv$/.test(name))
      assert.isAbove(parts.length, 1)
      for (const part of parts) assert.isTrue(readFileSync(join(cwd, part), "utf8").startsWith("id,agentId,"))
    })
  )

  it.live("takes exactly the range, and ages back from now", () =>
    Effect.gen(function* () {
      // Whole seconds, so that sessions lie on the bounds themselves.
      const { run, simulator } = yield* simulation({ sessions: 200, granularity: "second", undated: 0.1 })
      const starts = simulator
        .truth()
        .flatMap(({ startedAt }) => startedAt ?? [])
        .sort((a, b) => a - b)
      const [from = 0, to = 0] = [starts[50], starts[120]]
      const aged = simulator.now() - 10 * 86_400e6
      const [ranged, recent] = yield* Effect.all(
        [
          run(["export", "--since", Instant.format(Instant.of(from)), "--until", Instant.format(Instant.of(to))]),
          run(["export", "--since", "10d", "--json"])
        ],
        { concurrency: 2 }
      )
      // Calls without a start are of the range that they were created in.
      const all = simulator.truth()
      const within = (from: number, to: number) =>
        truth(all.filter(({ createdAt, startedAt = createdAt }) => startedAt >= from && startedAt < to))
      assert.deepStrictEqual(sorted(idsOf(ranged.stdout)), within(from, to))
      assert.isAbove(idsOf(ranged.stdout).length, 40)
      // The clock moves on while the command starts, by less than the gap to the next session.
      assert.deepStrictEqual(sorted(idsOf(recent.stdout)), within(aged + 60e6, Infinity))
      assert.notInclude(simulator.requests.map(({ url }) => url).join(), "10d")
    })
  )

  it.live("sends filters to the server, trimmed", () =>
    Effect.gen(function* () {
      const { run, simulator } = yield* simulation({ sessions: 60 })
      const [agent = ""] = simulator.agentIds
      const all = yield* run([
        "export",
        "--agent-id",
        agent,
        "--status",
        "completed",
        "--channel",
        "inbound_call",
        "--search",
        " refund & more ",
        "--caller-number",
        "+14155550123",
        "--page-size",
        "7",
        "--concurrency",
        "1"
      ])
      // Nothing found is what a filter that does not work looks like too.
      assert.strictEqual(all.code, 3)
      assert.strictEqual(all.stdout, "")
      assert.match(all.stderr, /^0 calls to stdout in /)
      assert.include(all.stderr, "the filter could not be tried")
      assert.deepStrictEqual(simulator.requests[0]?.params, {
        page: "1",
        page_size: "7",
        agent_id: agent,
        status: "completed",
        channel: "inbound_call",
        caller_number: "+14155550123",
        search: "refund & more"
      })
      const one = yield* run(["export", "--status", "completed", "--quiet"])
      assert.deepStrictEqual(sorted(idsOf(one.stdout)), truth(simulator.truth({ status: "completed" })))
    })
  )

  it.live("--newest and --oldest take so many from the ends, in their order", () =>
    Effect.gen(function* () {
      const { run, simulator } = yield* simulation({ sessions: 150, order: "id-desc" })
      const [newest, oldest] = yield* Effect.all([run(["export", "--newest", "3"]), run(["export", "--oldest", "1"])], {
        concurrency: 2
      })
      const ids = simulator
        .truth({ from: "1970-01-01" })
        .toSorted((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0))
        .map(({ id }) => id)
      assert.deepStrictEqual(idsOf(newest.stdout), ids.slice(-3).reverse())
      assert.deepStrictEqual(idsOf(oldest.stdout), ids.slice(0, 1))
      assert.match(newest.stderr, /^3 calls to stdout/)
      assert.match(oldest.stderr, /^1 call to stdout in .*\n.*\n {2}started at \S+ \S+ UTC\n/)
    })
  )

  it.live("retries transient failures, and reports them in JSON too", () =>
    Effect.gen(function* () {
      const { run, simulator } = yield* simulation({
        sessions: 80,
        script: [
          { on: 1, fault: Fault.status(503) },
          { on: 2, fault: Fault.truncated() },
          { on: 3, fault: Fault.reset },
          { on: 4, fault: Fault.tooManyRequests({ retryAfter: "0 seconds" }) }
        ]
      })
      const { code, stderr, stdout } = yield* run([
        "export",
        "--walk",
        "pages",
        "--json",
        "--page-size",
        "30",
        "--concurrency",
        "1"
      ])
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(sorted(idsOf(stdout)), truth(simulator.truth()))
      const { earliest, elapsedMs, latest, ...summary } = summaryOf(stderr)
      assert.deepStrictEqual(summary, {
        sessions: 80,
        rejected: 0,
        to: "stdout",
        requests: simulator.requests.length,
        retries: { Unavailable: 2, InvalidResponse: 1, RateLimited: 1 },
        walk: "pages"
      })
      assert.isNumber(elapsedMs)
      assert.isAbove(Instant.parse(String(latest)) ?? 0, Instant.parse(String(earliest)) ?? Infinity)
    })
  )

  it.live("puts records that cannot be read aside, whole", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const odd = { id: null, startedAt: "2026-07-31T07:16:10Z", metadata: { "a b": 1 } }
      const { url } = yield* server(records([{ id: "one" }, odd, "text", { no: "two" }]))
      const env = { AGNI_BASE_URL: url }
      const [beside, named] = yield* Effect.all(
        [
          callstream(["export", "--walk", "pages", "--to", "calls.ndjson"], { cwd, env }),
          callstream(["export", "--walk", "pages", "--strict", "--json", "--dead-letters", "odd.ndjson"], { cwd, env })
        ],
        { concurrency: 2 }
      )
      assert.strictEqual(beside.code, 0)
      assert.include(beside.stderr, "1 call to calls.ndjson")
      assert.include(beside.stderr, "  3 records rejected: see calls.ndjson.dead-letters.ndjson\n")
      const path = join(cwd, "calls.ndjson.dead-letters.ndjson")
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
      const [first, second, third] = lines(readFileSync(path, "utf8"))
      assert.deepInclude(first, { stage: "decode", record: odd })
      assert.match(String(first?.["reason"]), /"id"/)
      assert.approximately(Number(first?.["observedAt"]) / 1000, Date.now(), 30_000)
      assert.deepInclude(second, { record: "text" })
      assert.match(String(third?.["reason"]), /no id/)

      assert.strictEqual(named.code, 3)
      assert.deepStrictEqual(idsOf(named.stdout), ["one"])
      assert.deepInclude(summaryOf(named.stderr), { rejected: 3, deadLetters: "odd.ndjson" })
      assert.strictEqual(lines(readFileSync(join(cwd, "odd.ndjson"), "utf8")).length, 3)

      // What was put aside before is still there after the next run; without such a record there is no file.
      yield* callstream(["export", "--walk", "pages", "--quiet", "--dead-letters", "odd.ndjson"], { cwd, env })
      assert.strictEqual(lines(readFileSync(join(cwd, "odd.ndjson"), "utf8")).length, 6)
      assert.isFalse(existsSync(join(cwd, "callstream.dead-letters.ndjson")))
    })
  )

  it.live("replaces a file only with --force, and then in one step", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation()
      const path = join(cwd, "calls.ndjson")
      writeFileSync(path, "mine\n")
      const refused = yield* run(["export", "--to", "calls.ndjson"], { cwd })
      assert.strictEqual(refused.code, 2)
      assert.strictEqual(
        refused.stderr,
        "error: calls.ndjson: the file is there already\n  Choose another name, or add --force to replace it.\n"
      )
      assert.strictEqual(simulator.requests.length, 0)
      assert.strictEqual(readFileSync(path, "utf8"), "mine\n")
      const forced = yield* run(["export", "--to", "calls.ndjson", "--force"], { cwd })
      assert.strictEqual(forced.code, 0)
      assert.strictEqual(idsOf(readFileSync(path, "utf8")).length, 25)
      assert.deepStrictEqual(readdirSync(cwd).sort(), ["calls.ndjson", "calls.ndjson.coverage.json"])
    })
  )
})
