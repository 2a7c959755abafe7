/** Calls without a start time, and with one in the year 9999, through the command: in a range, and in files of days. */
import { Manifest } from "@callstream/core"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, callstream, folder, idsOf, server } from "../Callstream.ts"

const hour = 3_600_000
/** The end of a day that is over. */
const midnight = Math.floor(Date.now() / (24 * hour)) * 24 * hour - 24 * hour
const iso = (millis: number) => new Date(millis).toISOString()

interface Row {
  readonly id: string
  readonly createdAt: string
  readonly startedAt?: string
}

/** Four calls an hour for five days: each fifth has no start, and each seventeenth one in the year 9999. */
const rows = Array.from({ length: 480 }, (_, i): Row => {
  const created = midnight - ((480 - i) * hour) / 4 + 1000
  const base = { id: `call-${String(i).padStart(3, "0")}`, createdAt: iso(created) }
  if (i % 5 === 2) return base
  return { ...base, startedAt: i % 17 === 3 ? "9999-12-31T00:00:00Z" : iso(created + 60_000) }
})
const isLoose = ({ startedAt }: Row) => startedAt === undefined || startedAt.startsWith("9999")

/** Newest start first, those without one last; `shows` says whether the order of creation can be asked for. */
const serving = (shows: () => boolean) =>
  server((request, response) => {
    const query = new URL(request.url ?? "/", "http://localhost").searchParams
    const instant = (name: string) => (query.has(name) ? Date.parse(query.get(name) ?? "") : undefined)
    const after = instant("started_after")
    const before = instant("started_before")
    const byCreation = shows() && query.get("sort_by") === "created_at"
    const keyOf = ({ createdAt, startedAt = "" }: Row) => (byCreation ? createdAt : startedAt)
    const sign = query.get("sort_order") === "asc" ? 1 : -1
    const fitting = rows
      .filter(({ startedAt }) => {
        if (after === undefined && before === undefined) return true
        const at = startedAt === undefined ? NaN : Date.parse(startedAt)
        return at >= (after ?? -Infinity) && at <= (before ?? Infinity)
      })
      .sort((a, b) => (keyOf(a) === keyOf(b) ? 0 : keyOf(a) < keyOf(b) ? -sign : sign))
    const size = Math.min(50, Number(query.get("page_size") ?? 20))
    const page = Number(query.get("page") ?? 1)
    response.setHeader("content-type", "application/json")
    response.end(
      JSON.stringify({
        success: true,
        message: "",
        data: { callSessions: fitting.slice((page - 1) * size, page * size) }
      })
    )
  })

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Manifest.Manifest))
const manifestOf = (cwd: string) => decode(readFileSync(join(cwd, "calls.manifest.json"), "utf8"))
const range = ["--since", iso(midnight - 72 * hour), "--until", iso(midnight - 24 * hour)]
const isIn = (text: string) => text >= iso(midnight - 72 * hour) && text < iso(midnight - 24 * hour)
const expected = (include: boolean) =>
  rows.flatMap((row) => {
    const at = isLoose(row) ? (include ? row.createdAt : "") : (row.startedAt ?? "")
    return isIn(at) ? [row.id] : []
  })
const dayOf = (millis: number) => iso(millis).slice(0, 10)
const looseFiles = [midnight - 72 * hour, midnight - 48 * hour].map((day) => `calls-${dayOf(day)}-without-start.ndjson`)
const looseNow = (cwd: string) => readdirSync(cwd).filter((name) => name.endsWith("-without-start.ndjson"))

describe("calls without a start time of a range", alongside, () => {
  it.live("come where the API shows when they were created, one that starts in the year 9999 too", () =>
    Effect.gen(function* () {
      const { url } = yield* serving(() => true)
      const run = (more: ReadonlyArray<string>) =>
        callstream(["export", ...range, ...more], { env: { AGNI_BASE_URL: url } })
      const { code, stderr, stdout } = yield* run([])
      assert.strictEqual(code, 0, stderr)
      assert.sameMembers(idsOf(stdout).map(String), expected(true))
      assert.include(stdout, "9999-12-31")
      assert.match(stderr, /Complete as of .* \d+ calls without a start time were created outside this range\.\n/)
      const skipped = yield* run(["--without-start", "skip"])
      assert.sameMembers(idsOf(skipped.stdout).map(String), expected(false))
    })
  )

  it.live("have files by the day of their creation, and each run replaces those that it reads", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      let shows = true
      const { url } = yield* serving(() => shows)
      const run = (...more: ReadonlyArray<string>) =>
        callstream(["export", "--rotate", "day", "--to", "calls.ndjson", ...more], { cwd, env: { AGNI_BASE_URL: url } })
      const first = yield* run()
      assert.strictEqual(first.code, 0, first.stderr)
      assert.lengthOf(looseNow(cwd), 5)
      const text = (name: string) => readFileSync(join(cwd, name), "utf8")
      for (const name of looseFiles) {
        const created = rows.filter((row) => isLoose(row) && name.includes(dayOf(Date.parse(row.createdAt))))
        assert.sameMembers(
          idsOf(text(name)).map(String),
          created.map(({ id }) => id)
        )
      }
      const before = manifestOf(cwd)
      const again = yield* run(...range, "--force")
      assert.strictEqual(again.code, 0, again.stderr)
      const days = looseFiles.map((name) => name.replace("-without-start", ""))
      assert.match(again.stderr, /\n {2}replaced 4 files: /)
      for (const name of [...days, ...looseFiles]) assert.include(again.stderr, name)
      assert.notInclude(again.stderr, "removed")
      const { files, run: second } = manifestOf(cwd)
      assert.sameMembers(
        files.map(({ name }) => name),
        before.files.map(({ name }) => name)
      )
      assert.deepStrictEqual(
        files
          .filter(({ run }) => run === undefined)
          .map(({ name }) => name)
          .toSorted(),
        [...days, ...looseFiles].toSorted()
      )

      // Where the API does not show which they are, what was exported before stays.
      shows = false
      const hidden = yield* run(...range, "--force")
      assert.strictEqual(hidden.code, 0, hidden.stderr)
      const loose = rows.filter(isLoose).length
      assert.include(
        hidden.stderr,
        ` ${loose} calls without a start time exist; this API does not tell which belong to this range: export without a range to have them.\n`
      )
      assert.match(hidden.stderr, /\n {2}replaced 2 files: /)
      assert.notInclude(hidden.stderr, "removed")
      assert.lengthOf(looseNow(cwd), 5)
      const kept = manifestOf(cwd).files.filter(({ name }) => looseFiles.includes(name))
      assert.deepStrictEqual(new Set(kept.map(({ run }) => run)), new Set([second]))
    })
  )
})
