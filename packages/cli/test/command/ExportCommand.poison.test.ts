import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { alongside, callstream, idsOf, server } from "../Callstream.ts"

const first = Date.parse("2026-01-01T00:00:00Z")
const count = 900
const timeOf = (i: number) => first + i * 7000

/** Newest start first, 100 a page; each page with that record is answered with 500. It shares no code with the simulator. */
const failingAt =
  (victim: number) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const query = new URL(request.url ?? "/", "http://localhost").searchParams
    const bound = (name: string, otherwise: number) => Date.parse(query.get(name) ?? "") || otherwise
    const [after, before] = [bound("started_after", -Infinity), bound("started_before", Infinity)]
    const calls = Array.from({ length: count }, (_, i) => i).filter((i) => timeOf(i) >= after && timeOf(i) <= before)
    if (query.get("sort_order") !== "asc") calls.reverse()
    const size = Math.min(100, Number(query.get("page_size") ?? 20))
    const skip = (Number(query.get("page") ?? 1) - 1) * size
    const page = calls.slice(skip, skip + size)
    response.setHeader("content-type", "application/json")
    if (page.includes(victim)) {
      response.statusCode = 500
      response.end(JSON.stringify({ code: 13, message: "cannot render" }))
      return
    }
    const callSessions = page.map((i) => {
      const at = new Date(timeOf(i)).toISOString()
      return { id: `call-${i}`, status: "completed", startedAt: at, createdAt: at }
    })
    response.end(JSON.stringify({ success: true, data: { callSessions } }))
  }

describe("callstream export --keep-going with one record that fails each page", alongside, () => {
  for (const victim of [0, 450, 899]) {
    it.live(`number ${victim} of 900: all others, and at most 150 requests`, () =>
      Effect.gen(function* () {
        const { requests, url } = yield* server(failingAt(victim))
        const { code, stderr, stdout } = yield* callstream(["export", "--keep-going"], { env: { AGNI_BASE_URL: url } })
        assert.strictEqual(code, 3, stderr)
        assert.match(stderr, /could not all be read: the server failed with status 500: "cannot render"/)
        assert.sameMembers(
          [...idsOf(stdout)],
          Array.from({ length: count }, (_, i) => `call-${i}`).filter((_, i) => i !== victim)
        )
        assert.isAtMost(requests.length, 150)
      })
    )
  }

  it.live("without it: the error names the seconds, and says that other requests were answered", () =>
    Effect.gen(function* () {
      const { url } = yield* server(failingAt(450))
      const { code, stderr } = yield* callstream(["export"], { env: { AGNI_BASE_URL: url } })
      assert.strictEqual(code, 1)
      assert.match(stderr, /status 500: "cannot render", after 8 attempts over [\d.]+ s; other requests were answered/)
      assert.match(stderr, /started_after=2026-01-01T00%3A52/)
      assert.match(stderr, /Skip records that fail with --keep-going/)
    })
  )
})
