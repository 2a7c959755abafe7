/** A sync that is killed while it follows: nothing is lost, nothing comes twice where it must not. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { folder, idsOf, lines, simulation, until } from "../Callstream.ts"
import * as Plan from "../torture/KillPlan.ts"
import * as Receiver from "../torture/KillReceiver.ts"

const env = { CALLSTREAM_WEBHOOK_SECRET: "whsec_bm8gc2VjcmV0LCBqdXN0IGEgdGVzdCdzIGtleSE=" }

/** A minute of the server's time in a second, from so long ago that it stays behind this machine's clock, until it is stopped. */
const fastClock = (kills: number) => {
  const began = Date.now() - kills * 900_000
  let stopped: number | undefined
  const first = Date.now()
  const at = () => began - 7_200_000 + 60 * ((stopped ?? Date.now()) - first)
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: at,
    currentTimeMillis: Effect.sync(at),
    currentTimeNanosUnsafe: () => BigInt(at()) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(at()) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => BigInt(at()) * 1_000_000n,
    monotonicTimeNanos: Effect.sync(() => BigInt(at()) * 1_000_000n),
    sleep: () => Effect.void
  }
  // An hour later, so that the pass after it reads all that is new, as an hourly pass does.
  return { clock, stop: () => void (stopped = Date.now() + 60_000) }
}

const rowsOf = (file: string, sql: string): ReadonlyArray<Record<string, unknown>> => {
  const database = new DatabaseSync(file)
  const rows = database.prepare(sql).all()
  database.close()
  return rows.map((row) => ({ ...row }))
}

/** All files of a log of changes, the last one too. */
const logOf = (folder: string): string =>
  readdirSync(folder)
    .filter((name) => /^changes-\d+\.ndjson(\.partial)?$/.test(name))
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("")

/** A link is signed in each answer. */
const plain = (call: unknown): Record<string, unknown> => {
  const { recordingUrl, ...rest } = { ...(call as Record<string, unknown>) }
  return { ...rest, isRecorded: typeof recordingUrl === "string" && recordingUrl !== "" }
}

/** `pnpm torture:follow` kills a hundred times. */
const kills = Number(process.env["SYNC_KILLS"] ?? 6)

describe("a sync that follows", () => {
  it.live(
    `is killed ${kills} times: tables equal the truth, a log has each version once, a receiver the latest one`,
    () =>
      Effect.gen(function* () {
        const seed = Number(process.env["SYNC_SEED"] ?? 7)
        const random = Plan.random(seed)
        const cwd = yield* folder
        const { clock, stop } = fastClock(kills)
        const { run, simulator, start } = yield* Effect.provideService(
          simulation({
            seed,
            sessions: 100,
            span: "30 minutes",
            age: 0,
            arrivalsPerHour: 900,
            callDuration: "40 seconds",
            settlesWithin: "4 minutes",
            undated: 0
          }),
          Clock.Clock,
          clock
        )
        const receiver = yield* Receiver.make()
        const args = ["sync", "--since", "3d", "--to", "sqlite:calls.db", "--history", "--to", "changes.ndjson"]
        const all = [...args, "--to", receiver.url, "--allow-private-hosts", "--commit-every", "0ms"]
        for (let kill = 0; kill < kills; kill++) {
          const delay = Math.floor(2200 * random())
          yield* Effect.scoped(
            Effect.gen(function* () {
              const { child, ended, stderr } = yield* start([...all, "--follow", "--every", "100ms"], { cwd, env })
              // However long it takes to start, it is killed while it reads and delivers.
              const before = simulator.requests.length
              yield* until(() => simulator.requests.length > before || child.exitCode !== null)
              yield* Effect.sleep(delay)
              assert.isNull(child.exitCode, `seed ${seed}, kill ${kill}: ${stderr()}`)
              child.kill("SIGKILL")
              yield* ended
            })
          )
        }
        stop()
        const last = yield* run(all, { cwd, env })
        assert.strictEqual(last.code, 0, last.stderr)
        const truth = new Map(simulator.truth().map((call) => [call.id, call]))
        assert.isAbove(truth.size, 200)

        const exported = yield* run(["export", "--to", "truth.ndjson", "--quiet"], { cwd })
        assert.strictEqual(exported.code, 0, exported.stderr)
        const calls = new Map(
          lines(readFileSync(join(cwd, "truth.ndjson"), "utf8")).map((call) => [call["id"], plain(call)])
        )
        const ids = [...truth.keys()].sort()
        assert.deepStrictEqual([...calls.keys()].map(String).sort(), ids)

        const db = join(cwd, "calls.db")
        const shown = rowsOf(
          db,
          "SELECT id, status, durationSec FROM call_sessions WHERE removed_at IS NULL ORDER BY id"
        )
        assert.deepStrictEqual(
          shown,
          ids.map((id) => {
            const { durationSec = null, status = null } = calls.get(id) ?? {}
            return { id, status, durationSec }
          }),
          `seed ${seed}`
        )
        // Each call has one current version, and the versions of a call follow one another.
        const current = rowsOf(db, "SELECT id FROM call_sessions_history WHERE is_current ORDER BY id")
        assert.deepStrictEqual(
          current.map(({ id }) => id),
          ids
        )
        const gaps = rowsOf(
          db,
          `SELECT * FROM (SELECT id, valid_to, lead(valid_from) OVER (PARTITION BY id ORDER BY valid_from) AS next
           FROM call_sessions_history) WHERE valid_to IS NOT next`
        )
        assert.deepStrictEqual(gaps, [])

        const log = lines(logOf(cwd))
        const held = new Map<unknown, unknown>()
        const versions = log.map(({ sequence, sessionId }) => `${String(sessionId)} ${String(sequence)}`)
        assert.strictEqual(new Set(versions).size, versions.length, `seed ${seed}: the log has a version twice`)
        assert.strictEqual(new Set(idsOf(logOf(cwd))).size, log.length)
        // The last event of each call holds it as it is now.
        for (const { data, sessionId } of log.toSorted(
          (left, right) => Number(left["sequence"]) - Number(right["sequence"])
        )) {
          held.set(sessionId, data)
        }
        for (const [id, call] of calls) assert.deepStrictEqual(plain(held.get(id)), call, `seed ${seed}: ${String(id)}`)
        const lastOf = (events: ReadonlyArray<{ readonly sessionId?: unknown; readonly sequence?: unknown }>) =>
          new Map(
            events
              .toSorted((left, right) => Number(left.sequence) - Number(right.sequence))
              .map((event) => [String(event.sessionId), Number(event.sequence)])
          )
        const latest = lastOf(log)
        assert.deepStrictEqual([...latest.keys()].sort(), [...truth.keys()].sort())
        assert.deepStrictEqual(lastOf(receiver.events), latest)
        // No id has two contents.
        const contents = new Map<string, string>()
        for (const { data, id } of receiver.events) {
          const content = JSON.stringify(plain(data))
          assert.strictEqual(contents.get(id) ?? content, content)
          contents.set(id, content)
        }
        assert.isFalse(existsSync(join(cwd, "calls.db.dead-letters.ndjson")))

        // A signal ends it well.
        const { child, ended, stderr } = yield* start([...all, "--follow", "--every", "100ms"], { cwd, env })
        yield* Effect.repeat(Effect.delay(Effect.sync(stderr), "20 millis"), {
          until: (text) => text.includes("calls")
        })
        child.kill("SIGTERM")
        const stopped = yield* ended
        assert.strictEqual(stopped.code, 0, stopped.stderr)
        assert.include(stopped.stderr, "stopped; the same command continues")
      }),
    60_000 + 30_000 * kills
  )
})
