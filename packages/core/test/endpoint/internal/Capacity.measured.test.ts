import * as AgniClient from "@callstream/core/client/AgniClient"
import * as EndpointProfile from "@callstream/core/endpoint/EndpointProfile"
import * as History from "@callstream/core/history/History"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as ListServer from "../../history/ListServer.ts"

const hour = 3_600_000
const day = 24 * hour

type Server = ReturnType<typeof ListServer.make>

const examine = Effect.fnUntraced(function* (server: Server) {
  yield* TestClock.setTime(ListServer.now)
  const client = yield* Effect.provideService(
    AgniClient.AgniClient.make({ apiKey: Redacted.make("key") }),
    HttpClient.HttpClient,
    server.client
  )
  const { profile } = yield* Effect.provideService(EndpointProfile.examine(), AgniClient.AgniClient, client)
  return profile
})

const textOf = (profile: EndpointProfile.EndpointProfile) =>
  EndpointProfile.facts(profile).find(({ about }) => about === "limits")?.text

/** The widest bounds that were asked for, in days, where both are in the time of the calls. */
const widest = ({ questions }: Server, from: number, oldest: number): number =>
  questions.slice(from).reduce((most, question) => {
    const search = new URLSearchParams(question)
    const after = Date.parse(search.get("started_after") ?? "")
    const before = Date.parse(search.get("started_before") ?? "")
    return after >= oldest - day && before <= ListServer.now ? Math.max(most, (before - after) / day) : most
  }, 0)

describe("limits of a server", () => {
  const rows = ListServer.rowsOf(600, "same", 4 * hour)
  const oldest = rows[0]?.start ?? 0
  const range = { from: new Date(oldest), to: new Date((rows.at(-1)?.start ?? 0) + 1000) }

  it.effect("none: none is reported", () =>
    Effect.gen(function* () {
      const server = ListServer.make(rows)
      const profile = yield* examine(server)
      assert.isUndefined(profile.limits)
      assert.strictEqual(profile.calls, 600)
      assert.strictEqual(textOf(profile), "none seen")
      const { windows } = yield* ListServer.run(server, History.windows(range))
      assert.isUndefined(windows.at(-1)?.endpoint)
    })
  )

  for (const answer of ["last", "first", "empty", "error"] as const) {
    it.effect(`31 days of a range, otherwise ${answer}: measured, said, and kept in a profile`, () =>
      Effect.gen(function* () {
        const server = ListServer.make(rows, { span: { most: 31 * day, answer } })
        const profile = yield* examine(server)
        assert.deepStrictEqual(profile.limits, { span: 31 * day * 1000 })
        assert.match(textOf(profile) ?? "", /^at most 31 days of one range: larger ranges are read in parts$/)
        const found = yield* ListServer.run(server, History.windows(range))
        assert.deepStrictEqual(
          [found.ids.length, found.set],
          [600, "proven"],
          JSON.stringify(found.windows.map(({ coverage, from, to, rows }) => [from, to, rows.length, coverage]))
        )
        assert.strictEqual(found.windows.at(-1)?.endpoint?.span, 31 * day * 1000)
        const before = server.questions.length
        const known = yield* ListServer.run(server, History.windows(range, { profile, withoutStart: "skip" }))
        assert.deepStrictEqual([known.ids.length, known.set], [600, "proven"])
        assert.strictEqual(known.windows.at(-1)?.endpoint?.span, 31 * day * 1000)
        assert.isAtMost(widest(server, before, oldest), 31)
        assert.isBelow(known.requests, found.requests)
      })
    )
  }

  for (const [name, traits, most] of [
    ["an offset of 300", { offset: 300 }, 400],
    ["five pages", { depth: 5 }, 500],
    ["500 results", { results: 500 }, 500]
  ] as const) {
    for (const beyond of ["empty", "error"] as const) {
      it.effect(`${name}, then ${beyond}: measured, said, and kept in a profile`, () =>
        Effect.gen(function* () {
          const dense = ListServer.rowsOf(2000, "same", 60_000)
          const within = { from: new Date(dense[0]?.start ?? 0), to: new Date((dense.at(-1)?.start ?? 0) + 1000) }
          const server = ListServer.make(dense, { ...traits, beyond })
          const profile = yield* examine(server)
          assert.deepStrictEqual(profile.limits, { rows: most })
          assert.include(textOf(profile), `at most ${most} calls of one range`)
          const found = yield* ListServer.run(server, History.windows(within))
          assert.deepStrictEqual([found.ids.length, found.set], [2000, "proven"])
          const known = yield* ListServer.run(server, History.windows(within, { profile, withoutStart: "skip" }))
          assert.deepStrictEqual([known.ids.length, known.set], [2000, "proven"])
          assert.strictEqual(known.windows.at(-1)?.endpoint?.rows, most)
        })
      )
    }
  }

  for (const traits of [{ offset: 200 }, { depth: 2 }, { results: 200 }])
    for (const beyond of ["empty", "error"] as const)
      it.effect(`${JSON.stringify(traits)}, then ${beyond}: a run names calls, and not the days that they fill`, () =>
        Effect.gen(function* () {
          const found = yield* ListServer.run(ListServer.make(rows, { ...traits, beyond }), History.windows({}))
          assert.strictEqual(found.ids.length, 600)
          const endpoint = found.windows.at(-1)?.endpoint
          assert.isUndefined(endpoint?.span)
          assert.isAtMost(endpoint?.rows ?? Infinity, 300)
          // Fewer calls were counted than came: that is no call which is missing.
          assert.notStrictEqual(found.set, "unprovable")
        })
      )

  for (const order of ["scrambled", "created"] as const)
    it.effect(`rows in another order than by start (${order}): none is reported where there is none`, () =>
      Effect.gen(function* () {
        const queued = ListServer.rowsOf(600, "queued", 4 * hour)
        assert.isUndefined((yield* examine(ListServer.make(queued, { order }))).limits)
      })
    )

  it.effect("clocks that are more than two minutes apart are reported with the last window", () =>
    Effect.gen(function* () {
      for (const ahead of [-600_000, 600_000, 60_000]) {
        const server = ListServer.make(rows, { ahead })
        const { windows } = yield* ListServer.run(server, History.windows(range))
        const apart = windows.at(-1)?.endpoint?.clocksApart
        if (ahead === 60_000) assert.isUndefined(apart)
        else assert.strictEqual(apart, 600_000_000)
      }
    })
  )
})
