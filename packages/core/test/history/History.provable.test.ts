import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Adversaries from "../torture/Adversaries.ts"
import { began, type Case } from "../torture/Adversaries.ts"
import type * as Adversary from "../torture/Adversary.ts"
import * as Judge from "../torture/AdversaryJudge.ts"
import { quiet } from "./internal/FakeServer.ts"

const second = 1_000_000
const hour = 3600 * second
const day = 24 * hour

const at = (id: string, start: number | undefined, rest: Partial<Adversary.Row> = {}): Adversary.Row => ({
  id,
  start,
  created: start ?? began - day,
  ...rest
})
const evenly = (count: number, apart: number, newest = began - 60 * second) =>
  Array.from({ length: count }, (_, i) => at(`row-${i}`, newest - i * apart))

interface Given {
  readonly rows: ReadonlyArray<Adversary.Row>
  readonly server?: Partial<Adversary.Traits>
  readonly range?: Case["range"]
  readonly pageSize?: number
  readonly step?: number
  readonly sideBySide?: Case["read"]["sideBySide"]
}

/** Newest first, ten a page, nothing moves. */
const run = ({ pageSize = 10, range = {}, rows, server = {}, sideBySide, step = 0 }: Given) =>
  Judge.run({
    seed: 1,
    traits: [],
    server: { ...quiet, ...server },
    rows,
    range,
    read: { concurrency: 3, pageSize, pagesPerWindow: undefined, keepGoing: false, cuts: [], sideBySide },
    step
  })

const burst = Array.from({ length: 16 }, (_, i) => at(`tied-${i}`, began - 3 * day))

/** Created in another order than they started: the first one is the newest of the first page, and not of all. */
const shuffled = [100, 20, 50, 30, 10, 70, 110, 90, 60, 40].map((hours, i) =>
  at(`row-${i}`, began - (120 - hours) * hour, { created: began - (200 + i) * hour })
)

/** What is proven up to the horizon, although something stands in the way. */
const cases: ReadonlyArray<readonly [string, Given]> = [
  [
    "pages that cut a range into stretches, where a limit on its width cut the list, whose last page is repeated",
    {
      rows: evenly(60, 10 * hour),
      range: { from: began - 20 * day, to: began - day },
      server: { beyond: "last", span: { most: 7 * day, cut: "last" } },
      sideBySide: { readers: 2, size: 20_000 }
    }
  ],
  [
    "all calls of the first page start together, and one on the next page elsewhere",
    {
      rows: [...burst, at("other", began - day)],
      server: { newestFirst: false, sorting: false },
      range: { from: began - 5 * day, to: began - 4 * hour }
    }
  ],
  [
    "all calls start together but the oldest one, and the list is in another order",
    {
      rows: [
        ...Array.from({ length: 36 }, (_, i) => at(`tied-${i}`, began - 3 * day, { created: began - i * hour })),
        at("old", began - 30 * day, { created: began - 15.5 * hour })
      ],
      server: { order: "created" },
      range: { from: began - 40 * day, to: began - 20 * day }
    }
  ],
  [
    "a control call gets another start while bounds are tried",
    {
      rows: [
        ...evenly(9, 5 * hour, began - 5 * hour),
        at("moving", began - hour, { moves: [{ at: began + 12 * second, start: began - 30 * 60 * second }] })
      ],
      server: { order: "id", sorting: false },
      range: { from: began - 40 * hour, to: began - 20 * hour },
      step: second
    }
  ],
  [
    "nothing behind the newest call, in a range that is wider than the server answers",
    {
      rows: [at("old", began - 17 * day), at("new", began - 60 * hour)],
      server: { span: { most: 2 * day, cut: "empty" } },
      range: { from: began - 5 * day }
    }
  ],
  [
    "a list in another order, whose first call is not the newest",
    {
      rows: shuffled,
      server: { order: "created", cap: 5, span: { most: 2 * day, cut: "empty" } },
      range: { from: began - 118 * hour }
    }
  ],
  [
    "calls that appear when they end, while a whole history is read",
    {
      rows: [
        ...evenly(300, 1000 * second),
        ...Array.from({ length: 30 }, (_, i) =>
          at(`late-${i}`, began - 600 * second + i * 10 * second, { seen: began + (1 + 8 * i) * second })
        )
      ],
      step: second
    }
  ],
  [
    "calls that ring for a while and then start, one after the other, while a whole history is read",
    {
      rows: [
        ...evenly(300, 1000 * second),
        ...Array.from({ length: 80 }, (_, i) => {
          const seen = began + (6 * i - 20) * second
          const start = seen + 12 * second
          return at(`ringing-${i}`, undefined, { created: seen, seen, moves: [{ at: start, start }] })
        })
      ],
      step: 0.3 * second
    }
  ],
  [
    "calls without a start time at the end of the list, in another order on each page",
    {
      rows: [...evenly(28, 3000 * second), ...Array.from({ length: 7 }, (_, i) => at(`undated-${i}`, undefined))],
      server: { undatedFirst: false, tieOrder: "random" }
    }
  ],
  [
    "calls without a start time at the end of a list that is paged before it is read",
    {
      rows: [...evenly(60, 3000 * second), ...Array.from({ length: 12 }, (_, i) => at(`undated-${i}`, undefined))],
      server: { newestFirst: false, undatedFirst: false, sorting: false }
    }
  ],
  [
    "calls without a start time all over a list in no order of time",
    {
      rows: [...evenly(180, 3000 * second), ...Array.from({ length: 15 }, (_, i) => at(`undated-${i}`, undefined))],
      server: { order: "id" }
    }
  ],
  [
    "all calls start together, but a few somewhere in the middle of a list in no order of time",
    {
      rows: [
        ...Array.from({ length: 60 }, (_, i) => at(`tied-${i}`, began - 3 * day, { created: began - i * hour })),
        at("one", began - 30 * day, { created: began - 35.5 * hour }),
        at("two", began - 20 * day, { created: began - 36.5 * hour })
      ],
      server: { order: "created", sorting: false },
      range: { from: began - 40 * day, to: began - 10 * day }
    }
  ],
  [
    "a limit on results that brings nothing for more",
    { rows: evenly(200, 300 * second), server: { results: { most: 30, cut: "empty" } }, range: { from: began - day } }
  ],
  [
    "a limit on results that cuts off the oldest calls of a range that reaches to now",
    { rows: evenly(120, 150 * second), server: { results: { most: 50, cut: "first" } }, range: { from: began - day } }
  ],
  [
    "a range without a beginning that ends before the first call, on a server that does not sort",
    {
      rows: evenly(40, 600 * second),
      server: { order: "id", sorting: false },
      range: { to: began - 40 * hour }
    }
  ],
  [
    "the same where a limit cuts the list before the first call",
    {
      rows: evenly(60, 600 * second),
      server: { sorting: false, depth: { most: 5, cut: "last" } },
      range: { to: began - 40 * hour }
    }
  ],
  [
    "a limit on the width of a range, and a list in no order of time",
    {
      rows: evenly(163, 1100 * second),
      server: { order: "id", sorting: false, span: { most: 31 * day, cut: "empty" } }
    }
  ]
]

describe("what can be proven is", () => {
  for (const [name, given] of cases)
    it.live(name, () =>
      Effect.gen(function* () {
        const { provenToHorizon, reasons, wrong } = yield* run(given)
        assert.deepStrictEqual({ provenToHorizon, reasons, wrong }, { provenToHorizon: true, reasons: [], wrong: [] })
      })
    )
})

describe("what can be proven is, of the histories of torture", () => {
  for (const [name, seed, also, only] of [
    ["a limit on the depth brings a smaller page again", 690003033],
    ["the same in pages of another size, and in no order of time", 720001867],
    ["calls that start together on the last page, which comes again", 730002099],
    ["smaller pages than those of the list lie beyond a limit on the depth", 730004721],
    ["a first page that fails by chance, and a next one that is larger than the server's", 500000667, "flaky"],
    ["what lies before the oldest call fails by chance", 310002181],
    ["a page beyond the end fails by chance, where other records would be a gap", 500001195, "flaky"],
    ["a call leaves between two counts of those without a start time", 500000083, undefined, "one leaves"],
    ["the last page comes again, and calls of it that start together change places", 916000325],
    ["a page of fewer calls than the server gives is counted, and is rounded", 912000035, undefined, "rounds"],
    ["a list of one page, whose length is no size of a page", 912000196, undefined, "rounds"],
    ["the same, where one call less is a size of a page", 912000230, undefined, "rounds"],
    ["a page of one call has two, which shows only then that sizes are rounded", 925000229, undefined, "rounds"],
    ["a limit repeats a page, which was forgotten and is found again by the count", 924000137, undefined, "offset"],
    ["a limit repeats a page of a part that was counted at the end", 924000060, undefined, "offset"],
    ["a limit repeats a page that is no multiple of it, and cuts the count", 924000022, undefined, "offset"],
    ["pages of each size but one end in front of a limit", 913000247, "flaky"],
    ["pages of smaller sizes are refused, and the last one is not full", 933000051, "burst"],
    ["pages of smaller sizes are refused, and the last one is full", 931000451, "results"],
    ["rows that come one by one fail by chance each time that they are read", 926000786, "flaky"],
    ["rows that came fail by chance when they are read again", 913000112, "flaky"],
    ["the calls beside an empty range are away over one connection", 920000784, undefined, "shard"],
    ["so many calls lie between an empty range and those that are known that a limit answers with nothing", 928001112],
    ["calls without a start time that were created together change places", 928000534],
    ["gaps that are too wide for a server to count them", 1262, "slow"],
    ["a list in no order of time, and no range reaches far back", 880898, undefined, "slow"],
    ["a list that ends with calls without a start time, and no range reaches far back", 772435, "slow"],
    ["windows counted calls without a start time, and pages by creation do not overlap", 770611, "slow"]
  ] as const)
    it.live(name, () =>
      Effect.gen(function* () {
        const one = Adversaries.make(seed, only, also)
        const { possible, provenToHorizon, reasons, wrong } = yield* Judge.run(one)
        assert.deepStrictEqual(
          { possible, provenToHorizon, reasons, wrong },
          { possible: true, provenToHorizon: true, reasons: [], wrong: [] },
          `seed ${seed}`
        )
      })
    )
})

describe("a whole list, on a server that answers no range that reaches far back", () => {
  const span = { most: 31 * day, cut: "empty" } as const
  for (const [count, sorting, isProven] of [
    [30, false, false],
    [33, false, true],
    [7, false, false],
    [30, true, true],
    [7, true, true]
  ] as const) {
    const end = count < 10 ? "has one page" : count % 10 === 0 ? "ends with a full page" : "ends within a page"
    it.live(`it ${end}, and ${sorting ? "can" : "cannot"} begin with the oldest: ${isProven ? "" : "not "}proven`, () =>
      Effect.gen(function* () {
        const rows = evenly(count, 5 * hour)
        const { possible, provenToHorizon, reasons, wrong } = yield* run({ rows, server: { span, sorting } })
        assert.deepStrictEqual([possible || sorting, provenToHorizon, wrong], [isProven, isProven, []])
        if (!isProven) assert.include(reasons, "the API does not show how far back calls go")
      })
    )
  }
})

describe("a range without a beginning, on a server that answers no range that reaches far back", () => {
  for (const sorting of [true, false])
    it.live(`the list ${sorting ? "can" : "cannot"} begin with the oldest: ${sorting ? "" : "not "}proven`, () =>
      Effect.gen(function* () {
        const span = { most: 31 * day, cut: "empty" } as const
        const range = { to: began - 30 * hour }
        const { provenToHorizon, reasons, wrong } = yield* run({
          rows: evenly(30, 5 * hour),
          server: { span, sorting },
          range
        })
        assert.deepStrictEqual([provenToHorizon, wrong], [sorting, []])
        if (!sorting) assert.include(reasons, "the API does not show how far back calls go")
      })
    )
})

describe("a burst of which a limit on results lets only a part come is not proven", () => {
  const inBurst = (count: number) =>
    Array.from({ length: count }, (_, i) => at(`burst-${i}`, began - 3 * day + (i * 15 * second) / count))
  const behind = evenly(40, 2 * second, began - 3 * day + 100 * second)
  for (const [name, count, server] of [
    ["its newest ones come, in the order of start", 120, { results: { most: 50, cut: "first" } }],
    ["its newest ones come, in the order of creation", 120, { order: "created", results: { most: 50, cut: "first" } }],
    ["nothing comes for more", 300, { newestFirst: false, tieOrder: "query", results: { most: 100, cut: "empty" } }]
  ] as const)
    it.live(name, () =>
      Effect.gen(function* () {
        const rows = [...behind, ...inBurst(count)]
        const includes = { after: true, before: true }
        const { provenToHorizon, wrong } = yield* run({ rows, server: { includes, sorting: false, ...server } })
        assert.deepStrictEqual({ provenToHorizon, wrong }, { provenToHorizon: false, wrong: [] })
      })
    )
})

describe("an organization without a call", () => {
  for (const [name, date] of [
    ["answers of now", undefined],
    ["answers of three hours ago", { offset: -3 * hour, from: 5, to: Infinity, every: 1 }]
  ] as const)
    it.live(`takes few requests where wide ranges are refused: ${name}`, () =>
      Effect.gen(function* () {
        const span = { most: 2 * day, cut: "error" } as const
        const { provenToHorizon, requests } = yield* run({ rows: [], server: { span, date }, step: second })
        assert.isFalse(provenToHorizon)
        assert.isAtMost(requests, 30)
      })
    )
})
