import { Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, realpathSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, callstream, folder, server, simulation } from "../Callstream.ts"

describe("a server that refuses", alongside, () => {
  it.live("a wrong key, a plan without access, a wrong address: once, and what to do", () =>
    Effect.gen(function* () {
      const quiet = yield* simulation()
      const forbidding = yield* simulation({ forbidden: true })
      const one = ["--concurrency", "1"]
      const [wrong, forbidden, lost, checked] = yield* Effect.all(
        [
          quiet.run(["export", ...one], { env: { AGNI_API_KEY: "canary-key" } }),
          forbidding.run(["export", ...one]),
          callstream(["export", "--base-url", `${quiet.url}/elsewhere/`, ...one]),
          quiet.run(["check"], { env: { AGNI_API_KEY: "canary-key" } })
        ],
        { concurrency: 2 }
      )
      assert.strictEqual(wrong.code, 1)
      assert.match(
        wrong.stderr,
        /^error: the server did not accept the API key \(401\).*\n {2}in GET .*\n {2}Check the key in AGNI_API_KEY.*\n$/
      )
      assert.strictEqual(forbidden.code, 1)
      assert.match(
        forbidden.stderr,
        /^error: the API key may not list call sessions \(403\).*\n {2}in GET .*\n {2}Ask the owner.*\n$/
      )
      assert.strictEqual(lost.code, 1)
      assert.match(
        lost.stderr,
        /^error: there is no .*\(404\).*\n {2}in GET .*\/elsewhere\/api\/.*\n {2}The API is at https:\/\/api\.ravan\.ai.*\n$/
      )
      assert.strictEqual(checked.code, 1)
      assert.strictEqual(checked.stdout, "")
      assert.match(checked.stderr, /^error: the server did not accept the API key/)
      assert.notInclude(wrong.stderr + checked.stderr, "canary")
      assert.deepStrictEqual(quiet.simulator.requests.map(({ outcome }) => outcome).sort(), [
        "not-found",
        "unauthorized",
        "unauthorized"
      ])
      assert.strictEqual(forbidding.simulator.requests.length, 1)
    })
  )

  it.live("a file in place of the state folder, before a call is read", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      writeFileSync(join(cwd, ".callstream"), "")
      const { run } = yield* simulation()
      for (const [args, path] of [
        [["export", "--name", "calls"], join(realpathSync(cwd), ".callstream")],
        [["export", "--name", "calls", "--state", ".callstream/states"], join(realpathSync(cwd), ".callstream")],
        [["sync", "--name", "calls"], ".callstream"],
        [["sync", "--name", "calls", "--state", ".callstream/states"], ".callstream"]
      ] as const) {
        const { code, stderr } = yield* run([...args, "--since", "7d", "--to", "calls.ndjson"], { cwd })
        assert.strictEqual(
          stderr,
          `error: ${path} is not a folder, and states are kept in one\n  Move it away, or name another folder with --state.\n`
        )
        assert.strictEqual(code, 2)
      }
      assert.deepStrictEqual(readdirSync(cwd), [".callstream"])
    })
  )

  it.live("nobody there: how many tries, over how long", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      // A port that was free a moment ago.
      const { url } = yield* Effect.scoped(server((_request, response) => response.end()))
      const { code, stderr } = yield* callstream(
        ["export", "--to", "calls.ndjson", "--retries", "1", "--base-url", url],
        {
          cwd
        }
      )
      assert.strictEqual(code, 1)
      assert.match(
        stderr,
        /^error: the server could not be reached: connection refused \(ECONNREFUSED\), after 2 attempts over \d.* m?s\n {2}in GET .*\n {2}Check that --base-url .*\n$/
      )
      assert.notInclude(readdirSync(cwd), "calls.ndjson")
    })
  )

  it.live("no answer in time: --timeout holds for each attempt", () =>
    Effect.gen(function* () {
      const { run, simulator } = yield* simulation({ script: [{ on: { from: 1 }, fault: Fault.hang, times: 9 }] })
      const { code, stderr } = yield* run(["export", "--timeout", "1s", "--retries", "0", "--concurrency", "1"])
      assert.strictEqual(code, 1)
      assert.match(stderr, /^error: no complete response within 1s\n/)
      // Two more: what the server sorts by is asked beside the first page, and then whether it answers at all.
      assert.strictEqual(simulator.requests.length, 3)
    })
  )

  it.live("a redirect to another origin is not followed, and takes no key there", () =>
    Effect.gen(function* () {
      const thief = yield* server((_request, response) => response.end("{}"))
      const { run, simulator } = yield* simulation({
        script: [{ on: { from: 1 }, fault: Fault.redirect(new URL(thief.url)), times: 9 }]
      })
      const { code, stderr } = yield* run(["export", "--concurrency", "1"])
      assert.strictEqual(code, 1)
      assert.include(stderr, `a redirect to another origin, ${thief.url}, was refused`)
      assert.strictEqual(thief.requests.length, 0)
      assert.strictEqual(simulator.requests.length, 1)
    })
  )

  it.live("repeats no key, number or search text, with --debug neither", () =>
    Effect.gen(function* () {
      const secrets = ["canary-key-7f3a", "+14155550123", "canary words"]
      // Says everything it was told, in an error that is tried again and in one that is not.
      const { requests, url } = yield* server((request, response) => {
        response.statusCode = requests.length === 1 ? 503 : 400
        const query = Object.fromEntries(new URL(request.url ?? "/", "http://localhost").searchParams)
        const echo = `key ${String(request.headers["x-api-key"])} in ${JSON.stringify(query)} of ${request.url}`
        response.end(JSON.stringify({ code: 3, message: `\u001b[2J${echo}` }))
      })
      const [, number = "", search = ""] = secrets
      const { code, stderr, stdout } = yield* callstream(
        ["export", "--debug", "--concurrency", "1", "--caller-number", number, "--search", search],
        { env: { AGNI_API_KEY: secrets[0], AGNI_BASE_URL: url } }
      )
      assert.strictEqual(code, 1)
      assert.include(stderr, "try 1 of 8 failed")
      assert.match(stderr, /error: the server refused the request with status 400: "/)
      assert.include(stderr, "caller_number=…&search=…")
      for (const secret of [...secrets, "14155550123", "canary", "\u001b"]) {
        assert.notInclude(stderr + stdout, secret)
      }
    })
  )
})
