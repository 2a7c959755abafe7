import * as AgniClient from "@callstream/core/client/AgniClient"
import * as CallSessions from "@callstream/core/CallSessions"
import * as EndpointProfile from "@callstream/core/endpoint/EndpointProfile"
import * as History from "@callstream/core/history/History"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Ask from "../../src/endpoint/internal/Ask.ts"
import * as ReadRange from "../../src/history/internal/ReadRange.ts"
import * as Rows from "../../src/endpoint/internal/ListedRows.ts"
import * as ListServer from "./ListServer.ts"

const at = (rows: ReadonlyArray<ListServer.Row>, i: number, more = 0) => new Date((rows[i]?.start ?? 0) + more)

const connect = Effect.fnUntraced(function* (server: ReturnType<typeof ListServer.make>) {
  yield* TestClock.setTime(ListServer.now)
  return yield* Effect.provideService(
    AgniClient.AgniClient.make({ apiKey: Redacted.make("key") }),
    HttpClient.HttpClient,
    server.client
  )
})

/** What `check --json` saves of the server. */
const examined = (server: ReturnType<typeof ListServer.make>) =>
  Effect.flatMap(connect(server), (client) =>
    Effect.map(
      Effect.provideService(EndpointProfile.examine(), AgniClient.AgniClient, client),
      ({ profile }) => profile
    )
  )

describe("requests of a quiet server, 100 a page, probes and proof included", () => {
  for (const shape of ["same", "queued"] as const) {
    describe(`shape: ${shape}`, () => {
      for (const [count, bar] of [
        [20, 25],
        [3000, 65],
        [20_000, 250],
        // The other shape is that of the simulator: History.test.ts reads as many.
        ...(shape === "same" ? [[100_000, 1150] as const] : [])
      ] as const) {
        it.effect(`a whole history of ${count}: at most ${bar}`, () =>
          Effect.gen(function* () {
            const server = ListServer.make(ListServer.rowsOf(count, shape))
            const { ids, requests } = yield* ListServer.run(server, History.windows({}, { concurrency: 8 }))
            assert.lengthOf(ids, count)
            assert.isAtMost(requests, bar)
          })
        )
      }

      it.effect("the last window of a history whose rest was read before: at most 35", () =>
        Effect.gen(function* () {
          const server = ListServer.make(ListServer.rowsOf(3000, shape))
          const whole = yield* ListServer.run(server, History.windows({}, { concurrency: 8 }))
          const dated = whole.windows.filter(({ from, to }) => from < to)
          const resume = dated.at(-1)?.to
          const { requests } = yield* ListServer.run(server, History.windows({}, { concurrency: 8, resume }))
          assert.isAtMost(requests, 35)
        })
      )

      it.effect("all of 300 in one day: at most 18, and 8 with a profile", () =>
        Effect.gen(function* () {
          const rows = ListServer.rowsOf(300, shape, 200_000)
          const server = ListServer.make(rows)
          const range = { from: at(rows, 0, -1000), to: at(rows, 299, 1000) }
          const first = yield* ListServer.run(server, History.windows(range))
          assert.deepStrictEqual([first.ids.length, first.set], [300, "proven"])
          assert.isAtMost(first.requests, 18)
          const profile = yield* examined(server)
          const again = yield* ListServer.run(server, History.windows(range, { profile }))
          assert.deepStrictEqual([again.ids.length, again.set], [300, "proven"])
          assert.isAtMost(again.requests, 8)
        })
      )

      it.effect("a day of 300 among 20,000, with a profile: at most 8; an empty window in it: at most 3", () =>
        Effect.gen(function* () {
          const rows = ListServer.rowsOf(20_000, shape)
          const server = ListServer.make(rows)
          const profile = yield* examined(server)
          const range = { from: at(rows, 5000), to: at(rows, 5300) }
          const day = yield* ListServer.run(server, History.windows(range, { profile }))
          assert.deepStrictEqual([day.ids.length, day.set], [300, "proven"])
          assert.isAtMost(day.requests, 8)
          const between = { from: at(rows, 5000, 1000), to: at(rows, 5000, 5000) }
          const empty = yield* ListServer.run(server, History.windows(between, { profile }))
          assert.deepStrictEqual([empty.ids.length, empty.set], [0, "proven"])
          assert.isAtMost(empty.windows[0]?.requests ?? 0, 3)
        })
      )

      it.effect("sessions, and the first five of 60,000: at most 8", () =>
        Effect.gen(function* () {
          const rows = ListServer.rowsOf(60_000, shape)
          const server = ListServer.make(rows)
          const client = yield* connect(server)
          const five = yield* CallSessions.sessions().pipe(
            Stream.take(5),
            Stream.runCollect,
            Effect.provideService(AgniClient.AgniClient, client)
          )
          assert.deepStrictEqual(
            five.map(({ id }) => id),
            rows.slice(0, 5).map(({ id }) => id)
          )
          assert.isAtMost(server.requests(), 8)
        })
      )

      it.effect("a page of a known range again, with its control rows: at most 4", () =>
        Effect.gen(function* () {
          const rows = ListServer.rowsOf(1000, shape)
          const server = ListServer.make(rows)
          const { list } = yield* connect(server)
          const sort: Ask.Sort = { by: undefined, order: undefined }
          const ask = Ask.make(list, {}, { size: 100, sort })
          const start = (i: number) => (rows[i]?.start ?? 0) * 1000
          const { rows: known } = yield* ask(1, { after: start(500), before: start(560) })
          const before = server.requests()
          const outcome = yield* ReadRange.readRange(
            {
              list,
              filters: {},
              size: 100,
              sort,
              repeats: Effect.succeed(false),
              controls: known.filter(Rows.isDated).toReversed(),
              ends: { newest: false, oldest: false },
              hold: (rows) => rows,
              horizon: 7_200_000_000,
              now: ListServer.now * 1000,
              seen: ListServer.now * 1000,
              latest: ListServer.now * 1000,
              doubt: undefined,
              logs: new Set(),
              concurrency: 4,
              perWindow: 1000,
              mostOverlapping: 12,
              maxCharacters: 8_000_000
            },
            {
              order: "unknown",
              width: 0,
              refused: Infinity,
              differs: false,
              earliest: ListServer.now * 1000,
              deepest: Infinity,
              whole: 0,
              requests: 0,
              worth: 0
            },
            { from: start(500), to: start(560), expected: 60 }
          )
          if (outcome._tag !== "Read") return assert.fail("it was cut")
          const [window] = outcome.windows
          assert.deepStrictEqual([window?.rows.length, window?.coverage._tag], [60, "Proven"])
          assert.isAtMost(server.requests() - before, 4)
        })
      )
    })
  }
})

const day = 86_400_000

describe("requests of a server whose calls lie far apart", () => {
  const old = [160.2, 160.5, 160.9]
  for (const [name, ages] of [
    ["all months ago", old],
    ["a hole of two years", [1.4, 730.3, 730.8]],
    ["a call before the hole", [1.2, 1.9, 730.4]]
  ] as const)
    it.effect(`${name}, and one leaves while they are read: at most 100`, () =>
      Effect.gen(function* () {
        const rows = ages
          .toSorted((a, b) => b - a)
          .map((age, i): ListServer.Row => {
            const start = ListServer.now - age * day
            return { id: `call-${i}`, start, created: start }
          })
        for (const { id } of rows)
          for (let at = 1; at <= 24; at++) {
            const server = ListServer.make(rows, { leaves: { id, at } })
            const { ids, requests, set, windows } = yield* ListServer.run(
              server,
              History.windows({}, { concurrency: 4 })
            )
            const about = `${id} leaves at request ${at}`
            assert.isAtMost(requests, 100, about)
            assert.includeMembers(
              [...ids],
              rows.map((row) => row.id).filter((one) => one !== id),
              about
            )
            // One left: no reason speaks of more.
            if (set === "proven") continue
            for (const { coverage, revised = [] } of windows)
              for (const one of [coverage, ...revised.map(({ coverage }) => coverage)])
                if (one._tag === "Provisional" && one.reason._tag === "AnswersDiffer")
                  assert.strictEqual(one.reason.calls, 1, about)
          }
      })
    )
})

describe("requests where many calls start together", () => {
  const together = (pages: number, instants: number): ReadonlyArray<ListServer.Row> =>
    Array.from({ length: pages * 100 }, (_, i) => {
      const start = ListServer.now - 3 * day - (i % instants) * day
      return { id: `call-${i}`, start, created: start }
    })
  const range = { from: new Date(ListServer.now - 12 * day), to: new Date(ListServer.now - day / 8) }

  it.effect("grow with the pages, and not faster", () =>
    Effect.gen(function* () {
      const requests = []
      for (const pages of [40, 80]) {
        const server = ListServer.make(together(pages, 2))
        const found = yield* ListServer.run(server, History.windows(range))
        assert.deepStrictEqual([found.ids.length, found.set], [pages * 100, "proven"])
        requests.push(found.requests)
      }
      const [forty = 0, eighty = 0] = requests
      assert.isAtMost(forty, 16 * 40, requests.join())
      assert.isAtMost(eighty, 2.1 * forty, requests.join())
    })
  )
})
