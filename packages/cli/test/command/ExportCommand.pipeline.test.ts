import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { zstdDecompressSync } from "node:zlib"
import { alongside, callstream, folder, idsOf, lines, server, simulation } from "../Callstream.ts"

describe("callstream export as a pipeline", alongside, () => {
  it.live("filters and masks on the way to several sinks, which get the same", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 400, undated: 0 })
      const transforms = [
        "--where",
        "durationSec > 60",
        "--redact",
        "email,phone",
        "--select",
        "id,callerEmail,durationSec"
      ]
      const { code, stderr, stdout } = yield* run(
        ["export", ...transforms, "--to", "a.ndjson", "--to", "b.ndjson.zst", "--to", "-"],
        { cwd }
      )
      assert.strictEqual(code, 0, stderr)
      const text = readFileSync(join(cwd, "a.ndjson"), "utf8")
      assert.strictEqual(stdout, text)
      assert.strictEqual(zstdDecompressSync(readFileSync(join(cwd, "b.ndjson.zst"))).toString(), text)
      const rows = lines(text)
      const taken = rows.length
      assert.isAbove(taken, 10)
      assert.isBelow(taken, 400)
      for (const row of rows) {
        assert.isAbove(Number(row["durationSec"]), 60)
        assert.notMatch(String(row["callerEmail"]), /@/)
        assert.hasAllKeys(row, ["id", "callerEmail", "durationSec"])
      }
      assert.include(stderr, `${taken} calls to 3 sinks in `)
      assert.include(stderr, `  ${taken} calls to b.ndjson.zst\n`)
      assert.include(stderr, `  ${400 - taken} calls left out by filters\n`)
      const ids = new Set(simulator.truth().map(({ id }) => id))
      assert.isTrue(idsOf(text).every((id) => ids.has(String(id))))
    })
  )

  it.live("makes a file a day, which the manifest names, and all of them together hold everything", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 300, undated: 0.1, span: "4 days" })
      const { code, stderr } = yield* run(["export", "--to", "calls.ndjson.gz", "--rotate", "day"], { cwd })
      assert.strictEqual(code, 0, stderr)
      const names = readdirSync(cwd)
      assert.include(names, "calls.manifest.json")
      assert.isAtLeast(names.filter((name) => name.endsWith("-without-start.ndjson.gz")).length, 3)
      assert.isAtLeast(names.length, 6)
      const manifest: { readonly files?: ReadonlyArray<{ readonly rows: number }> } = JSON.parse(
        readFileSync(join(cwd, "calls.manifest.json"), "utf8")
      )
      assert.strictEqual(
        (manifest.files ?? []).reduce((sum, { rows }) => sum + rows, 0),
        simulator.truth().length
      )
    })
  )

  it.live("a reader of stdout that goes away is no success where a file was to be whole", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 3000, undated: 0 })
      const { stderr } = yield* run(["export", "--to", "-", "--to", "a.ndjson"], {
        cwd,
        shell: '{ "$@"; echo "code $?" >&2; } | head -n 1'
      })
      assert.include(stderr, "error: stdout: its reader went away, and the other sinks have not got everything")
      assert.include(stderr, "code 1\n")
      assert.notInclude(readdirSync(cwd), "a.ndjson")
    })
  )

  it.live("what a run left for a webhook is never sent by one with other flags, and no state names a person", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 200, undated: 0 })
      let accepts = false
      const bodies: Array<string> = []
      const { url } = yield* server((request, response) => {
        let body = ""
        request.setEncoding("utf8").on("data", (text: string) => (body += text))
        request.on("end", () => {
          if (accepts) bodies.push(body)
          response.statusCode = accepts ? 204 : 401
          response.end()
        })
      })
      const env = { CALLSTREAM_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }
      const args = ["export", "--name", "z", "--to", url, "--allow-private-hosts"]
      assert.strictEqual((yield* run(args, { cwd, env })).code, 1)
      accepts = true
      const canary = 'callerName != "canary person" && durationSec > 60'
      const less = yield* run([...args, "--where", canary, "--select", "id,durationSec"], { cwd, env })
      assert.strictEqual(less.code, 0, less.stderr)
      assert.isAbove(bodies.length, 0)
      // What waits for the other run stays, and what this one used is gone.
      const spools = readdirSync(join(cwd, ".callstream")).filter((name) => name.startsWith("spool-"))
      assert.lengthOf(spools, 1)
      assert.isAbove(readdirSync(join(cwd, ".callstream", spools[0] ?? ""), { recursive: true }).length, 1)
      for (const body of bodies) assert.notMatch(body, /callerNumber|calleeNumber|summary/)
      const state = readFileSync(join(cwd, ".callstream", "z.json"), "utf8")
      assert.notInclude(state, "canary person")
      const other = yield* run(args, { cwd, env })
      assert.strictEqual(other.code, 2)
      assert.notInclude(other.stderr, "canary person")
    })
  )

  it.live("--explain prints the guarantee of each sink, without a request", () =>
    Effect.gen(function* () {
      const args = ["export", "--explain", "--name", "nightly", "--to", "calls.ndjson", "--to", "-"]
      const { code, stderr, stdout } = yield* callstream(args, { env: { AGNI_BASE_URL: "http://127.0.0.1:1" } })
      assert.strictEqual(code, 0, stderr)
      assert.match(stdout, /^calls\.ndjson: each call exactly once, because /m)
      assert.match(stdout, /^stdout: each call at least once \(a repeat is there twice\), because /m)
    })
  )

  it.live("a mistake in a condition is marked where it is", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* callstream(["export", "--where", "durationSecs > 60"])
      assert.strictEqual(code, 2)
      assert.match(stderr, /durationSecs > 60\n {2,}\^+\n/)
      assert.include(stderr, "durationSec")
    })
  )
})
