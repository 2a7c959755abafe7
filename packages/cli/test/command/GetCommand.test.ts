import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { alongside, idsOf, records, server, callstream, simulation } from "../Callstream.ts"

const unknown = "0198f3a2-6c1e-7d4b-9a55-3f2e1d0c9b8a"

describe("callstream get", alongside, () => {
  it.live("prints the calls in the order of their ids, and what it took", () =>
    Effect.gen(function* () {
      const { run, simulator } = yield* simulation({ sessions: 2000 })
      const all = simulator.truth()
      const ids = [all[1500]?.id ?? "", all[3]?.id ?? "", all.find((one) => one.startedAt === undefined)?.id ?? ""]
      const { code, stderr, stdout } = yield* run(["get", ...ids])
      assert.strictEqual(code, 0, stderr)
      assert.deepStrictEqual(idsOf(stdout), ids)
      assert.match(stderr, /^3 of 3 calls found in \d+ requests\n$/)
      const quiet = yield* run(["get", ids[0] ?? "", "--quiet"])
      assert.strictEqual(quiet.stderr, "")
    })
  )

  it.live("names what it did not find, says where it looked, and exits with 3", () =>
    Effect.gen(function* () {
      const { run, simulator } = yield* simulation({ sessions: 300 })
      const [first] = simulator.truth()
      const { code, stderr, stdout } = yield* run(["get", unknown, first?.id ?? "", "call-7"])
      assert.strictEqual(code, 3)
      assert.deepStrictEqual(idsOf(stdout), [first?.id])
      assert.include(
        stderr,
        `not found: ${unknown}, which was made at 2025-08-29 02:22:44 UTC
  Looked for it among the calls that started in the minute after its creation, in the order of creation and by the server's search.
`
      )
      assert.include(stderr, "not found: call-7\n  Looked for it by the server's search.\n  Its time is not known")
      const walked = yield* run(["get", "call-7", "--walk", "--quiet"])
      assert.strictEqual(walked.code, 3)
      assert.strictEqual(
        walked.stderr,
        "not found: call-7\n  Looked for it by the server's search and on every page.\n"
      )
    })
  )

  it.live("prints numbers as the server wrote them, and records that are no calls", () =>
    Effect.gen(function* () {
      const { url } = yield* server(
        records([
          { id: "a", metadata: { big: 12345678901234567890n.toString() } },
          { id: "b", startedAt: { no: "text" } }
        ])
      )
      const { code, stderr, stdout } = yield* callstream(["get", "a", "b"], { env: { AGNI_BASE_URL: url } })
      assert.strictEqual(code, 0, stderr)
      assert.deepStrictEqual(idsOf(stdout), ["a", "b"])
    })
  )

  it.live("refuses an empty id before any request", () =>
    Effect.gen(function* () {
      const { run, simulator } = yield* simulation()
      const { code, stderr } = yield* run(["get", " "])
      assert.deepStrictEqual([code, stderr], [2, "error: expected the id of a call, not an empty one\n"])
      const second = yield* run(["get", unknown, "", "call-7"])
      assert.deepStrictEqual(
        [second.code, second.stderr],
        [2, "error: expected the id of a call; number 2 of 3 is empty\n"]
      )
      assert.lengthOf(simulator.requests, 0)
    })
  )
})
