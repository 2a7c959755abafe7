import type { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { alongside, simulation } from "../Callstream.ts"

const small = { sessions: 300, undated: 0 }

const servers: ReadonlyArray<readonly [name: string, AgniSimulator.Options, lines: Readonly<Record<string, string>>]> =
  [
    [
      "the documented one",
      { ...small, undated: 0.05 },
      {
        key: "accepted",
        edition: "camelCase records in data.callSessions, as documented",
        "page size": "at most 100 in one request (asked for 1000): a larger page size brings no more",
        order: "newest start first, when none is asked for",
        paging: "a page begins where the one before it ended; a page beyond the last brings no calls",
        limits: "none seen",
        sorting: "sort_by=started_at is understood; sort_by=startedAt is understood",
        "time bounds":
          "understood, in UTC; the bound itself is included in started_after and included in started_before; read to the microsecond",
        filters: "agent_id, channel, caller_number are understood",
        clock: "the server's agrees with this machine's",
        "no start": "among 200 calls read: a range has those that were created in it, where the API shows which",
        oldest: "none starts before 2"
      }
    ],
    [
      "the older edition, oldest first, bounds exclusive",
      {
        ...small,
        edition: "snake",
        order: "start-asc",
        sorting: "ignored",
        maxPageSize: 1000,
        bounds: { after: "exclusive", before: "exclusive" }
      },
      {
        edition: "snake_case records in data, the older edition",
        "page size": "not known to have a limit: 1000 were asked for, and one page held nearly all there are",
        order: "oldest start first",
        "time bounds":
          "understood, in UTC; the bound itself is not included in started_after and not included in started_before",
        "no start": "none among 300 calls read"
      }
    ],
    [
      "one that ignores what it is asked",
      {
        ...small,
        sessions: 1500,
        maxPageSize: 2000,
        sorting: "ignored",
        order: "insertion",
        bounds: { ignored: "all" }
      },
      {
        "page size": "1000 in one request, and perhaps more",
        "time bounds": "NOT UNDERSTOOD: calls from outside the time bounds came back, so nothing can be proven"
      }
    ],
    [
      "one in another zone",
      { sessions: 3000, undated: 0, bounds: { shift: "5 hours" }, sorting: "ignored" },
      {
        sorting: "sort_by=started_at changes nothing; sort_by=startedAt changes nothing",
        "time bounds": "NOT UNDERSTOOD: they are read in another zone than UTC"
      }
    ],
    [
      "one with one session",
      { sessions: 1, undated: 0, edition: "snake" },
      {
        edition: "snake_case records in data, the older edition",
        "page size": "not known to have a limit",
        order: "not to be seen: too few calls",
        sorting: "not to be seen: too few calls",
        "time bounds": "understood, in UTC",
        filters: "not tried, or not to be seen",
        "no start": "none among 1 call read"
      }
    ],
    [
      "one with one session, which ignores bounds",
      { sessions: 1, undated: 0, bounds: { ignored: "all" } },
      { "time bounds": "NOT UNDERSTOOD: calls from outside the time bounds came back" }
    ],
    [
      "an empty one",
      { sessions: 0 },
      {
        key: "accepted",
        edition: "camelCase records in data.callSessions",
        "page size": "not to be seen: there are no calls",
        paging: "not to be seen: there are no calls",
        order: "not to be seen: too few calls",
        "time bounds": "not to be seen: there are no calls",
        oldest: "unknown: there is no call with a start time",
        "no start": "none among 0 calls read"
      }
    ]
  ]

describe("callstream check", alongside, () => {
  for (const [name, options, expected] of servers) {
    it.live(`reports ${name}`, () =>
      Effect.gen(function* () {
        const { run, url } = yield* simulation(options)
        const { code, stderr, stdout } = yield* run(["check"])
        assert.strictEqual(code, 0, stderr)
        const told = new Map(stdout.split("\n").map((line) => [line.slice(0, 12).trim(), line.slice(13)]))
        for (const [about, text] of Object.entries(expected)) assert.include(told.get(about), text, about)
        assert.match(told.get("latency") ?? "", new RegExp(`^\\d.* m?s from ${url}, the median of \\d+ requests?$`))
      })
    )
  }

  it.live("reports a request that is refused, and sends the next one", () =>
    Effect.gen(function* () {
      const { run } = yield* simulation({ ...small, sortFields: [], unknownSort: "reject" })
      const { code, stdout } = yield* run(["check"])
      assert.strictEqual(code, 0)
      assert.include(stdout, "sorting      sort_by=started_at is refused; sort_by=startedAt is refused")
      assert.include(stdout, "latency")
    })
  )

  it.live.skipIf(process.platform === "win32")("a reader that has seen enough is no failure", () =>
    Effect.gen(function* () {
      const { run } = yield* simulation(small)
      const { stderr, stdout } = yield* run(["check"], { shell: '{ "$@"; echo "code $?" >&2; } | head -n 1' })
      assert.strictEqual(stdout, "key          accepted\n")
      assert.strictEqual(stderr, "code 0\n")
    })
  )
})
