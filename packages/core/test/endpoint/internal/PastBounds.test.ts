/** A server that takes bounds in the future for a mistake. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, InvalidRequest, Unavailable } from "@callstream/core/model/AgniError"
import * as History from "@callstream/core/history/History"
import * as Instant from "@callstream/core/model/Instant"
import * as CallRows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as PastBounds from "../../../src/endpoint/internal/PastBounds.ts"
import type { List } from "../../../src/endpoint/internal/Patience.ts"
import { began, day, hour, open, rowsAt, second } from "../../history/internal/FakeServer.ts"

const refusal = new AgniError({
  reason: new InvalidRequest({ status: 400, quote: "must not be in the future" }),
  request: "GET",
  attempts: 1,
  elapsed: Duration.zero
})

const failure = new AgniError({
  reason: new Unavailable({ outage: { _tag: "Status", status: 500, quote: "cannot answer" } }),
  request: "GET",
  attempts: 1,
  elapsed: Duration.zero
})

const starts = Arr.range(1, 60).map((i) => began - i * 2 * hour)

const serve = (refuses: boolean, error = refusal) => {
  const server = open(rowsAt(starts), { cap: 20 })
  const asked: Array<string> = []
  const list: List = (query, options) => {
    const before = query.startedBefore
    asked.push(String(before))
    return refuses && before !== undefined && (Instant.fromBound(before) ?? 0) > began
      ? Effect.fail(error)
      : server.client.list(query, options)
  }
  return { list, asked }
}

const at = (time: number) => Instant.format(Instant.of(time))
const now = at(began)

describe("PastBounds.make", () => {
  const ask = (list: List, from: number, to: number) =>
    Effect.exit(list({ page: 1, pageSize: 20, startedAfter: at(from), startedBefore: at(to) }))

  it.effect("a refused bound in the future is the server's clock, and from then on it is not tried", () =>
    Effect.gen(function* () {
      const { asked, list: bare } = serve(true)
      const list = PastBounds.make(bare, began)
      assert.strictEqual((yield* ask(list, began - day, began + hour))._tag, "Success")
      assert.strictEqual((yield* ask(list, began - day, began + hour))._tag, "Success")
      assert.strictEqual((yield* ask(list, began - day, began - hour))._tag, "Success")
      assert.deepStrictEqual(asked, [at(began + hour), now, now, at(began - hour)])
      assert.strictEqual((yield* ask(list, began, began + hour))._tag, "Failure")
    })
  )

  it.effect("where one is accepted, a refusal is for another reason", () =>
    Effect.gen(function* () {
      const { asked, list: bare } = serve(false)
      let fails = false
      const list = PastBounds.make((query, options) => (fails ? Effect.fail(refusal) : bare(query, options)), began)
      yield* ask(list, began - day, began + hour)
      fails = true
      assert.strictEqual((yield* ask(list, began - day, began + hour))._tag, "Failure")
      assert.lengthOf(asked, 1)
    })
  )
})

describe("History.windows", () => {
  /** @param ahead by how much this machine's clock is. */
  const read = (refuses: boolean, range: History.OpenRange, ahead: number, error = refusal) =>
    Effect.gen(function* () {
      yield* TestClock.setTime((began + ahead) / 1000)
      const { asked, list } = serve(refuses, error)
      const windows = yield* Stream.runCollect(History.windows(range)).pipe(
        Effect.provideService(AgniClient, AgniClient.of({ list }))
      )
      const old = windows.filter(({ from, to }) => from < to && to <= began - 2 * hour)
      return {
        calls: windows.flatMap(({ rows }) => CallRows.items(rows)).length,
        tags: [...new Set(old.map(({ coverage }) => coverage._tag))],
        requests: asked.length
      }
    })

  it.effect("an open range costs a few requests more, and is as proven", () =>
    Effect.gen(function* () {
      for (const range of [{}, { from: Instant.of(began - 3 * day - 5 * second) }])
        for (const ahead of [0, 100 * second]) {
          const usual = yield* read(false, range, ahead)
          assert.deepStrictEqual(usual.tags, ["Proven"])
          for (const error of [refusal, ...(ahead === 0 ? [failure] : [])]) {
            const refused = yield* read(true, range, ahead, error)
            assert.deepStrictEqual([refused.calls, refused.tags], [usual.calls, usual.tags])
            assert.isAtMost(refused.requests, usual.requests + 20)
          }
        }
    })
  )
})
