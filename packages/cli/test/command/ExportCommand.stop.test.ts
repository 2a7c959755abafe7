import { Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { alongside, folder, idsOf, records, server, simulation, start, until } from "../Callstream.ts"

/** Two pages, and then no answer any more. */
const hanging = { sessions: 100, script: [{ on: { page: 3 }, fault: Fault.hang, times: 100 }] } as const
const paging = ["--walk", "pages", "--page-size", "20", "--concurrency", "1"]
const unix = it.live.skipIf(process.platform === "win32")

describe("an export that ends early", alongside, () => {
  it.live("leaves NAME.partial after a failure, says so, and no finished file", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({
        sessions: 100,
        script: [{ on: { page: 3 }, fault: Fault.status(500), times: 9 }]
      })
      const { code, stderr } = yield* run(["export", "--to", "calls.ndjson.gz", "--retries", "1", ...paging], { cwd })
      assert.strictEqual(code, 1)
      assert.match(
        stderr,
        /^stopped after 40 calls, which are in calls\.ndjson\.gz\.partial; calls\.ndjson\.gz was not made\nerror: the server failed with status 500: .*, after 2 attempts over .*\n {2}in GET .*page=3&page_size=20\n {2}The server failed.*\n$/
      )
      assert.deepStrictEqual(readdirSync(cwd), ["calls.ndjson.gz.partial"])
      const partial = gunzipSync(readFileSync(join(cwd, "calls.ndjson.gz.partial"))).toString()
      assert.strictEqual(idsOf(partial).length, 40)
    })
  )

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    unix(`${signal} ends it cleanly`, () =>
      Effect.gen(function* () {
        const cwd = yield* folder
        const { simulator, start } = yield* simulation(hanging)
        writeFileSync(join(cwd, "calls.ndjson"), "mine\n")
        const { child, ended } = yield* start(["export", "--force", "--to", "calls.ndjson", ...paging], { cwd })
        yield* until(() => simulator.requests.length === 3)
        child.kill(signal)
        const { code, stderr } = yield* ended
        assert.strictEqual(code, 130)
        assert.strictEqual(
          stderr,
          "stopped after 40 calls, which are in calls.ndjson.partial; calls.ndjson was left as it was\n"
        )
        assert.strictEqual(readFileSync(join(cwd, "calls.ndjson"), "utf8"), "mine\n")
        assert.strictEqual(idsOf(readFileSync(join(cwd, "calls.ndjson.partial"), "utf8")).length, 40)
      })
    )
  }

  unix("a SIGINT before the first session says that there is none", () =>
    Effect.gen(function* () {
      const { simulator, start } = yield* simulation(hanging)
      const { child, ended } = yield* start(["export", "--newest", "1", ...paging])
      yield* until(() => simulator.requests.length === 3)
      child.kill("SIGINT")
      assert.deepStrictEqual(yield* ended, { code: 130, stdout: "", stderr: "stopped before a call was written\n" })
    })
  )

  unix("a run that has kept nothing yet says that the next one begins anew, though it has a name", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      // Its pages are read without bounds, so there is no place to go on from.
      const { start } = yield* simulation({ sessions: 3000, bounds: { ignored: "all" }, latency: "50 millis" })
      const args = ["export", "--name", "all", "--to", "calls.ndjson", "--concurrency", "1"]
      const { child, ended } = yield* start(args, { cwd })
      const partial = join(cwd, "calls.ndjson.partial")
      yield* until(() => existsSync(partial) && statSync(partial).size > 0)
      child.kill("SIGINT")
      const { code, stderr } = yield* ended
      assert.strictEqual(code, 130)
      assert.match(stderr, /^stopped after [\d,]+ calls; the same command begins again\n$/)
    })
  )

  unix("a SIGINT while the reader of a pipe is slow waits for it, and counts the calls that it got", () =>
    Effect.gen(function* () {
      // More than is read ahead: the run cannot end before it sees the signal.
      const { simulator, start } = yield* simulation({ sessions: 20_000, content: "minimal" })
      const { child, ended } = yield* start(["export"])
      child.stdout?.pause()
      // It asks for nothing more because the pipe is full.
      const seen = { requests: 0, times: 0 }
      yield* until(() => {
        const { length } = simulator.requests
        seen.times = length > 0 && length === seen.requests ? seen.times + 1 : 0
        seen.requests = length
        return seen.times > 50
      })
      child.kill("SIGINT")
      child.stdout?.resume()
      const { code, stderr, stdout } = yield* ended
      const { length } = idsOf(stdout)
      assert.strictEqual(code, 130)
      assert.isTrue(length > 0 && length < 20_000)
      assert.strictEqual(stderr, `stopped after ${length} calls to stdout\n`)
    })
  )

  unix("a run without a name that is killed leaves no calls in the temporary folder", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { start } = yield* simulation()
      const { requests, url } = yield* server(() => undefined)
      const env = { TMPDIR: cwd, CALLSTREAM_WEBHOOK_SECRET: "whsec_bm8gc2VjcmV0LCBqdXN0IGEgdGVzdCdzIGtleSE=" }
      const { child, ended } = yield* start(["export", "--to", url, "--allow-private-hosts"], { cwd, env })
      yield* until(() => requests.length > 0)
      child.kill("SIGKILL")
      yield* ended
      assert.deepStrictEqual(readdirSync(cwd), [])
    })
  )

  unix("a second SIGINT quits at once, whatever a clean end would wait for", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      // A pipe that nobody reads: it cannot be opened, nor can the wait for that be broken off.
      const { requests, url } = yield* server(records([{ no: 1 }]))
      const { child, ended } = yield* start(["export", "--walk", "pages", "--dead-letters", "pipe"], {
        cwd,
        env: { AGNI_BASE_URL: url },
        shell: 'mkfifo pipe; exec "$@"'
      })
      yield* until(() => requests.length > 0)
      yield* Effect.sleep("1 second")
      child.kill("SIGINT")
      yield* Effect.sleep("300 millis")
      assert.strictEqual(child.exitCode, null)
      child.kill("SIGINT")
      yield* Effect.timeout(ended, "5 seconds")
      assert.strictEqual(child.signalCode, "SIGINT")
    })
  )

  unix("a reader that has seen enough is no failure", () =>
    Effect.gen(function* () {
      const { run, start } = yield* simulation({ sessions: 2000, latency: "20 millis" })
      const head = yield* run(["export", "--page-size", "20"], { shell: '{ "$@"; echo "code $?" >&2; } | head -n 1' })
      assert.strictEqual(idsOf(head.stdout).length, 1)
      assert.strictEqual(head.stderr, "code 0\n")
      const { child, ended, stdout } = yield* start(["export", "--page-size", "20"])
      yield* until(() => stdout() !== "")
      child.stdout?.destroy()
      const { code, stderr } = yield* ended
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
    })
  )

  it.live.skipIf(!existsSync("/dev/full"))("a full disk is told", () =>
    Effect.gen(function* () {
      const { run } = yield* simulation()
      const { code, stderr } = yield* run(["export"], { shell: '"$@" > /dev/full' })
      assert.strictEqual(code, 1)
      assert.strictEqual(
        stderr,
        "error: stdout: the disk is full (ENOSPC)\n  Make room, or write to another disk, and run it again.\n"
      )
    })
  )

  unix("a stdout that is closed is told", () =>
    Effect.gen(function* () {
      const { run } = yield* simulation()
      const { stderr } = yield* run(["export"], { shell: '"$@" >&-' })
      assert.match(stderr, /^25 calls to stdout, which leads nowhere, in /)
    })
  )

  unix("a file that may not grow is told, and gets no name", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 200 })
      const { code, stderr } = yield* run(["export", "--to", "calls.ndjson"], {
        cwd,
        shell: 'ulimit -f 20; "$@"'
      })
      assert.strictEqual(code, 1)
      assert.include(stderr, "error: calls.ndjson: the disk is full (EFBIG)")
      assert.deepStrictEqual(readdirSync(cwd), ["calls.ndjson.partial"])
    })
  )
})
