/** Runs that resume, and runs that are refused. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createHash, createHmac } from "node:crypto"
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, folder, idsOf, lines, type Simulation, simulation, until } from "../Callstream.ts"
import * as Receiver from "../torture/KillReceiver.ts"

const env = { CALLSTREAM_WEBHOOK_SECRET: "whsec_bm8gc2VjcmV0LCBqdXN0IGEgdGVzdCdzIGtleSE=" }
const narrow = ["--page-size", "5", "--concurrency", "4", "--commit-every", "0ms"]
const nightly = ["export", "--name", "nightly", "--to", "calls.ndjson", ...narrow]
const text = (...path: ReadonlyArray<string>) => readFileSync(join(...path), "utf8")
const truth = ({ simulator }: Simulation) => simulator.truth().map(({ id }) => id)
const sorted = (ids: ReadonlyArray<unknown>) => ids.map(String).sort()

/** Runs it until it has committed something, and kills it there. */
/** A state is kept before anything is read: it is one to resume from when a sink has something. */
const hasCommitted = (cwd: string): boolean => {
  const path = join(cwd, ".callstream", "nightly.json")
  return existsSync(path) && Object.keys(JSON.parse(text(path)).sinks).length > 0
}

const killedMidway = Effect.fnUntraced(function* (
  { start }: Simulation,
  args: ReadonlyArray<string>,
  cwd: string,
  commits = () => hasCommitted(cwd)
) {
  yield* Effect.scoped(
    Effect.gen(function* () {
      const { child, ended } = yield* start(args, { cwd, env })
      yield* until(() => commits() || child.exitCode !== null)
      child.kill("SIGKILL")
      assert.strictEqual((yield* ended).code, null)
    })
  )
})

/** Slow enough to be caught in the middle. */
const slow = { sessions: 300, latency: "20 millis" } as const

describe("an export under a name", alongside, () => {
  it.live("is refused while another run of it is in progress, which is named and not disturbed", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const one = yield* simulation(slow)
      const args = [...nightly, "--coverage", "coverage.json"]
      const { child, ended } = yield* one.start(args, { cwd })
      yield* until(() => existsSync(join(cwd, ".callstream", "nightly.lock")))
      const { code, stderr, stdout } = yield* one.run(args, { cwd })
      assert.strictEqual(code, 2)
      assert.include(stderr, `error: the pipeline nightly is running already: process ${child.pid} on `)
      assert.include(stderr, "Wait for it or stop it.")
      assert.strictEqual(stdout, "")
      const first = yield* ended
      assert.strictEqual(first.code, 0, first.stderr)
      assert.strictEqual(JSON.parse(text(cwd, "coverage.json")).of, 300)
    })
  )

  it.live("is refused with other flags, which are named, and resumes with other widths", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const one = yield* simulation(slow)
      yield* killedMidway(one, nightly, cwd)
      const changed = yield* one.run([...nightly, "--status", "completed", "--where", "durationSec > 5"], { cwd })
      assert.strictEqual(changed.code, 2)
      assert.match(
        changed.stderr,
        /^error: the checkpoint nightly belongs to another pipeline: filters, transforms differ\n {2}filters was not set, is now status=completed\n {2}transforms was .*, is now .*durationSec > 5.*\n {2}Use the earlier options to resume that run, or give this one another name\.\n$/
      )
      const elsewhere = yield* one.run(
        ["export", "--name", "nightly", "--to", "other.ndjson", "--since", "2020-01-01", ...narrow],
        { cwd }
      )
      assert.strictEqual(elsewhere.code, 2)
      assert.match(
        elsewhere.stderr,
        / {2}--since was not set, is now .*\n {2}--to was calls\.ndjson, is now other\.ndjson\n/
      )
      const { code, stderr } = yield* one.run(
        ["export", "--name", "nightly", "--to", "calls.ndjson", "--page-size", "100", "--concurrency", "8"],
        { cwd }
      )
      assert.strictEqual(code, 0)
      assert.match(stderr, / {2}resumed at .* UTC; [\d,]+ calls read with the earlier runs of this name\n/)
      assert.include(stderr, "Complete up to")
      assert.deepStrictEqual(sorted(idsOf(text(cwd, "calls.ndjson"))), sorted(truth(one)))
    })
  )

  it.live("does nothing after it finished, and reports what was proven then", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const one = yield* simulation({ sessions: 60 })
      assert.strictEqual((yield* one.run(nightly, { cwd })).code, 0)
      const before = text(cwd, "calls.ndjson")
      const again = yield* one.run([...nightly, "--coverage", "coverage.json"], { cwd })
      assert.strictEqual(again.code, 0)
      assert.match(
        again.stderr,
        /^run "nightly" has finished and exports nothing more\n {2}Complete up to .*\n {2}Use another name to begin a new run\.\n$/
      )
      assert.strictEqual(text(cwd, "calls.ndjson"), before)
      // Also when that run was killed before it wrote the file.
      assert.strictEqual(JSON.parse(text(cwd, "coverage.json")).of, 60)
      const json = yield* one.run([...nightly, "--json"], { cwd })
      assert.deepInclude(JSON.parse(json.stdout), { sessions: 0, finishedBefore: true })
    })
  )

  it.live("fails after it finished when its output is gone or replaced, for each kind of output", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const one = yield* simulation({ sessions: 60 })
      for (const [name, file, to] of [
        ["lines", "calls.ndjson.gz", ["calls.ndjson.gz"]],
        ["parquet", "calls.parquet", ["calls.parquet"]],
        ["sqlite", "calls.db", ["sqlite:calls.db"]],
        ["parts", "parts-00003.csv", ["parts.csv", "--rotate", "2KiB"]]
      ] as const) {
        const args = ["export", "--name", name, "--quiet", "--to", ...to]
        const first = yield* one.run(args, { cwd })
        assert.strictEqual(first.code, 0, first.stderr)
        rmSync(join(cwd, file))
        const gone = yield* one.run(args, { cwd })
        assert.strictEqual(gone.code, 1, gone.stderr)
        assert.match(gone.stderr, /^error: .*: the file is gone since the run finished\n {2}Put the file back, or give/)
        assert.include(gone.stderr, file)
        assert.isFalse(existsSync(join(cwd, file)))
        writeFileSync(join(cwd, file), "")
        const other = yield* one.run(args, { cwd })
        assert.strictEqual(other.code, 1, other.stderr)
        if (name === "sqlite") assert.include(other.stderr, "the table is gone since the run finished")
        else assert.match(other.stderr, /^error: .*: the file was replaced or changed since the run finished\n/)
      }
    })
  )

  it.live("resumes a failed webhook alone, and leaves the file as it is", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const one = yield* simulation({ sessions: 120, undated: 0.1 })
      const receiver = yield* Receiver.make()
      const args = [...nightly, "--to", receiver.url, "--allow-private-hosts", "--on-sink-failure", "continue"]
      receiver.answer(410)
      const first = yield* one.run([...args, "--coverage", "coverage.json"], { cwd, env })
      assert.strictEqual(first.code, 3)
      assert.match(
        first.stderr,
        / {2}120 calls to calls\.ndjson\n {2}0 calls to 127.*; it FAILED: the receiver answered 410/
      )
      assert.deepStrictEqual(sorted(idsOf(text(cwd, "calls.ndjson"))), sorted(truth(one)))
      const { ino, mtimeMs } = statSync(join(cwd, "calls.ndjson"))
      assert.strictEqual(receiver.events.length, 0)

      receiver.answer(undefined)
      // Its windows are others than the first time.
      const wide = ["--page-size", "50", "--concurrency", "1"]
      const second = yield* one.run(
        [...args.filter((arg) => !narrow.includes(arg)), ...wide, "--coverage", "coverage.json"],
        { cwd, env }
      )
      assert.strictEqual(second.code, 0, second.stderr)
      assert.match(second.stderr, / {2}0 calls to calls\.ndjson\n {2}120 calls to 127/)
      assert.deepInclude(statSync(join(cwd, "calls.ndjson")), { ino, mtimeMs })
      assert.deepStrictEqual(
        sorted([...new Set(receiver.events.map(({ sessionId }) => sessionId))]),
        sorted(truth(one))
      )
      // What was read again is told once.
      const coverage = JSON.parse(text(cwd, "coverage.json"))
      assert.strictEqual(coverage.of, 120)
    })
  )

  it.live("refuses a checkpoint that is torn, and says what to do", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const one = yield* simulation(slow)
      yield* killedMidway(one, nightly, cwd)
      const path = join(cwd, ".callstream", "nightly.json")
      writeFileSync(path, text(path).slice(0, -40))
      const { code, stderr } = yield* one.run(nightly, { cwd })
      assert.strictEqual(code, 2)
      assert.match(
        stderr,
        /^error: the checkpoint .*nightly\.json is torn: .*\n {2}Restore .*nightly\.json from a copy, or delete it to begin again from the beginning\.\n$/
      )
    })
  )

  it.live("keeps the range of its first run, however long ago that was", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      // A call a second: an age that is counted from the second run would leave out the oldest.
      const one = yield* simulation({ ...slow, sessions: 400, span: "400 seconds", age: 0 })
      const args = [...nightly, "--since", "200s", "--until", "20s", "--coverage", "coverage.json"]
      yield* killedMidway(one, args, cwd)
      const kept = JSON.parse(text(cwd, ".callstream", "nightly.json")).source
      yield* Effect.sleep("2 seconds")
      const { code } = yield* one.run(args, { cwd })
      assert.strictEqual(code, 0)
      const within = one.simulator
        .truth()
        .filter(({ createdAt, startedAt }) => {
          // Calls without a start are of the range that they were created in.
          const at = startedAt ?? createdAt
          return at >= kept.from && at < kept.to
        })
        .map(({ id }) => id)
      assert.isAbove(within.length, 50)
      assert.deepStrictEqual(sorted(idsOf(text(cwd, "calls.ndjson"))), sorted(within))
      const { windows } = JSON.parse(text(cwd, "coverage.json"))
      assert.strictEqual(Date.parse(windows[0].from) * 1000, Math.floor(kept.from / 1000) * 1000)
      assert.strictEqual(Date.parse(windows.at(-1).to) * 1000, Math.floor(kept.to / 1000) * 1000)
    })
  )

  it.live("appends to stdout what came after the last commit, and no line is torn", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const one = yield* simulation(slow)
      const args = ["export", "--name", "nightly", ...narrow]
      const { child, ended } = yield* one.start(args, { cwd })
      yield* until(() => hasCommitted(cwd))
      child.kill("SIGINT")
      const stopped = yield* ended
      assert.strictEqual(stopped.code, 130)
      assert.match(stopped.stderr, /^stopped after \d+ calls; the same command resumes from there\n$/)
      const { code, stdout } = yield* one.run(args, { cwd })
      assert.strictEqual(code, 0)
      // After a clean stop nothing comes twice.
      const ids = [...lines(stopped.stdout), ...lines(stdout)].map(({ id }) => id)
      assert.deepStrictEqual(sorted(ids), sorted(truth(one)))
    })
  )

  it.live("saves numbers and words as hashes that need the salt, and recognizes them", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const one = yield* simulation({ sessions: 40, undated: 0 })
      const number = "+14155550123"
      const filters = ["--caller-number", number, "--where", `callerNumber == "${number}"`]
      const args = ["export", "--name", "nightly", "--to", "calls.ndjson", ...filters]
      const first = yield* one.run(args, { cwd })
      assert.include([0, 3], first.code, first.stderr)
      const again = yield* one.run(args, { cwd })
      assert.include(again.stderr, "has finished and exports nothing more")
      const digits = number.replace(/^\+/, "")
      const state = text(cwd, ".callstream", "nightly.json")
      assert.notInclude(state, digits)
      // Whoever has the state, and tries all numbers, finds none without the salt.
      const words = state.match(/#[0-9a-f]{8}/g) ?? []
      assert.strictEqual(words.length, 2)
      for (const told of [number, `"${number}"`, digits]) {
        for (const hash of [createHash("sha256").update(told), createHmac("sha256", "").update(told)]) {
          assert.notInclude(words, `#${hash.digest("hex").slice(0, 8)}`)
        }
      }
      const salt = join(cwd, ".callstream", "salt")
      assert.strictEqual(statSync(salt).mode & 0o777, 0o600)
      assert.notInclude(state, text(salt).trim())

      // Another salt, then none: the same advice each time, until it is back.
      const kept = text(salt)
      rmSync(salt)
      for (const found of ["made anew", "there"]) {
        const lost = yield* one.run(args, { cwd })
        assert.strictEqual(lost.code, 2, found)
        assert.match(
          lost.stderr,
          /^error: the checkpoint nightly was saved with another salt than the one in \.callstream now, .*\n {2}Put the file salt back into \.callstream as it was, or give this run another name: .*\n$/m
        )
      }
      writeFileSync(salt, "torn")
      const torn = yield* one.run(args, { cwd })
      assert.strictEqual(torn.code, 2)
      assert.match(torn.stderr, /salt does not hold the salt of the checkpoints beside it\n {2}Restore it/)
      writeFileSync(salt, kept)
      assert.include((yield* one.run(args, { cwd })).stderr, "has finished and exports nothing more")
    })
  )
})
