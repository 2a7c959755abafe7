import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, callstream, folder, idsOf, lines, records, server } from "../Callstream.ts"

/** Around a day of 23 hours in Berlin: its first and last microseconds, and those beside it. */
const starts = [
  ["before", "2026-03-28T22:59:59.999999Z"],
  ["first", "2026-03-28T23:00:00Z"],
  ["gap", "2026-03-29T01:00:00Z"],
  ["last", "2026-03-29T21:59:59.999999Z"],
  ["after", "2026-03-29T22:00:00Z"]
] as const

const calls = records(starts.map(([id, startedAt]) => ({ id, startedAt, status: "completed" })))

const berlin = ["export", "--walk", "pages", "--zone", "Europe/Berlin"]

describe("callstream --zone", alongside, () => {
  it.live("a day is that of the zone, and so are derived fields, files of days and the summary", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { url } = yield* server(calls)
      const env = { AGNI_BASE_URL: url }
      const derive = ["--derive", "startedDate,startedTime,startedHour,weekday"]
      const one = yield* callstream([...berlin, "--on", "2026-03-29", ...derive], { env, cwd })
      assert.strictEqual(one.code, 0, one.stderr)
      assert.deepStrictEqual(
        lines(one.stdout).map(({ id, startedDate, startedTime, startedHour, weekday }) => [
          id,
          startedDate,
          startedTime,
          startedHour,
          weekday
        ]),
        [
          ["first", "2026-03-29", "00:00:00", 0, "sunday"],
          ["gap", "2026-03-29", "03:00:00", 3, "sunday"],
          ["last", "2026-03-29", "23:59:59", 23, "sunday"]
        ]
      )
      assert.include(one.stderr, "started between 2026-03-29 00:00:00 and 2026-03-29 23:59:59\n")

      const days = yield* callstream([...berlin, "--rotate", "day", "--to", "calls.ndjson"], { env, cwd })
      assert.strictEqual(days.code, 0, days.stderr)
      assert.deepStrictEqual(readdirSync(cwd).sort(), [
        "calls-2026-03-28.ndjson",
        "calls-2026-03-29.ndjson",
        "calls-2026-03-30.ndjson",
        "calls.manifest.json"
      ])
      const file = readFileSync(join(cwd, "calls-2026-03-29.ndjson"), "utf8")
      assert.deepStrictEqual(idsOf(file), ["first", "gap", "last"])

      // The clock skips 02:30, which is then an hour later; with an offset the zone says nothing.
      const since = yield* callstream([...berlin, "--since", "2026-03-29 02:30"], { env })
      assert.deepStrictEqual(idsOf(since.stdout), ["last", "after"])
      const until = yield* callstream([...berlin, "--until", "2026-03-29T01:00:00.000001Z"], { env })
      assert.deepStrictEqual(idsOf(until.stdout), ["before", "first", "gap"])
      const utc = yield* callstream(["export", "--walk", "pages", "--on", "2026-03-29"], { env })
      assert.deepStrictEqual(idsOf(utc.stdout), ["gap", "last", "after"])
      assert.include(utc.stderr, "started between 2026-03-29 01:00:00 and 2026-03-29 22:00:00 UTC\n")
    })
  )

  it.live("a file says it too, --save writes it, and local is the zone of the machine that runs it", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { url } = yield* server(calls)
      const env = { AGNI_BASE_URL: url }
      const args = ["export", "--walk", "pages", "--zone", "local", "--on", "2026-03-29", "--save", "day.yaml"]
      assert.strictEqual((yield* callstream(args, { env, cwd })).code, 0)
      const text = readFileSync(join(cwd, "day.yaml"), "utf8")
      assert.match(text, /^zone: local # that of the machine on which it is run$/m)
      assert.match(text, /^ {2}on: 2026-03-29$/m)
      for (const [TZ, ids] of [
        ["Europe/Berlin", ["first", "gap", "last"]],
        ["UTC", ["gap", "last", "after"]]
      ] as const) {
        const { code, stderr, stdout } = yield* callstream(["run", "day.yaml"], { env: { ...env, TZ }, cwd })
        assert.strictEqual(code, 0, stderr)
        assert.deepStrictEqual(idsOf(stdout), ids)
      }
      const unknown = yield* callstream(["run", "day.yaml"], { env: { ...env, TZ: "Mars/Base" }, cwd })
      assert.strictEqual(unknown.code, 2)
      assert.include(unknown.stderr, "day.yaml:")
      assert.include(unknown.stderr, "the time zone of this machine is not known")

      writeFileSync(join(cwd, "wrong.yaml"), "zone: Asia/Kolkatta\nsource: { on: yesterday }\nsinks: [calls.ndjson]\n")
      const wrong = yield* callstream(["run", "wrong.yaml"], { env, cwd })
      assert.strictEqual(wrong.code, 2)
      assert.include(wrong.stderr, "wrong.yaml:1:7: zone: there is no time zone Asia/Kolkatta")
      assert.include(wrong.stderr, "Did you mean Asia/Kolkata?")
    })
  )

  it.live("a named run resumes only in its own zone, where the zone changes the output", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { url } = yield* server(calls)
      const env = { AGNI_BASE_URL: url }
      const run = (name: string, zone: string, ...rest: ReadonlyArray<string>) =>
        callstream(["export", "--walk", "pages", "--name", name, "--zone", zone, ...rest], { env, cwd })
      for (const [name, rest] of [
        ["day", ["--on", "monday", "--to", "a.ndjson"]],
        ["files", ["--rotate", "day", "--to", "b.ndjson"]],
        ["hours", ["--derive", "startedHour", "--to", "c.ndjson"]]
      ] as const) {
        assert.strictEqual((yield* run(name, "Europe/Berlin", ...rest)).code, 0)
        const other = yield* run(name, "Asia/Kolkata", ...rest)
        assert.strictEqual(other.code, 2, name)
        assert.include(other.stderr, "--zone was Europe/Berlin, is now Asia/Kolkata")
      }
    })
  )

  it.live("under local that of the machine is kept: elsewhere it is another run", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { url } = yield* server(calls)
      const args = [
        "export",
        "--walk",
        "pages",
        "--name",
        "day",
        "--zone",
        "local",
        "--on",
        "monday",
        "--to",
        "a.ndjson"
      ]
      const on = (TZ: string) => callstream(args, { env: { AGNI_BASE_URL: url, TZ }, cwd })
      assert.strictEqual((yield* on("Europe/Berlin")).code, 0)
      assert.strictEqual((yield* on("Europe/Berlin")).code, 0)
      assert.include((yield* on("America/Lima")).stderr, "--zone was Europe/Berlin, is now America/Lima")
    })
  )

  it.live("a named run resumes in another zone, where the zone changes only the times on screen", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { url } = yield* server(calls)
      const run = (name: string, zone: string, ...rest: ReadonlyArray<string>) =>
        callstream(["export", "--walk", "pages", "--name", name, "--zone", zone, ...rest], {
          env: { AGNI_BASE_URL: url },
          cwd
        })
      const since = ["--since", "2026-03-28T23:00:00Z", "--to", "d.ndjson"]
      assert.strictEqual((yield* run("plain", "Europe/Berlin", ...since)).code, 0)
      assert.strictEqual((yield* run("plain", "Asia/Kolkata", ...since)).code, 0)
      // A date is the instant that it was.
      const dated = ["--since", "2026-03-29", "--to", "e.ndjson"]
      assert.strictEqual((yield* run("dated", "Europe/Berlin", ...dated)).code, 0)
      const moved = yield* run("dated", "Asia/Kolkata", ...dated)
      assert.strictEqual(moved.code, 2)
      assert.include(moved.stderr, "--since was 2026-03-28T23:00:00Z, is now 2026-03-28T18:30:00Z")
    })
  )
})
