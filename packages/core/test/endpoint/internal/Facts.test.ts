/** An endpoint profile in words: each fact of each kind of server. */
import { assert, describe, it } from "@effect/vitest"
import type { EndpointProfile } from "@callstream/core/endpoint/EndpointProfile"
import * as CoverageReason from "../../../src/coverage/CoverageReason.ts"
import * as Facts from "../../../src/endpoint/internal/Facts.ts"
import { profileOf } from "./ProbeParts.ts"

const abouts = [
  "edition",
  "page size",
  "paging",
  "limits",
  "order",
  "sorting",
  "time bounds",
  "filters",
  "clock"
] as const

type Rest = Partial<EndpointProfile>

const textOf = (about: (typeof abouts)[number], rest: Rest): string | undefined =>
  Facts.facts(profileOf(rest)).find((fact) => fact.about === about)?.text

const says = (about: (typeof abouts)[number], cases: ReadonlyArray<readonly [rest: Rest, text: string]>) =>
  it(`says of the ${about}`, () => {
    for (const [rest, text] of cases) assert.strictEqual(textOf(about, rest), text, JSON.stringify(rest))
  })

const nobody = "not to be seen: there are no calls"
const understood = { after: "included", before: "not included", precision: "second", zone: "UTC" } as const
const sure = "the bound itself is included in started_after and not included in started_before"
const nothingProven = "so nothing can be proven, and each export reads everything"

describe("Facts.facts", () => {
  it("has the same facts in the same order, whatever was seen", () => {
    for (const profile of [profileOf(), profileOf({ pagesAtMost: 0, edition: "unknown" })])
      assert.deepStrictEqual(
        Facts.facts(profile).map(({ about }) => about),
        [...abouts]
      )
  })

  says("edition", [
    [{ edition: "camelCase" }, "camelCase records in data.callSessions, as documented"],
    [{ edition: "snake_case" }, "snake_case records in data, the older edition"],
    [{ edition: "unknown" }, nobody]
  ])

  says("page size", [
    [{ pageSize: 100 }, "100 in one request, and perhaps more"],
    [{ pageSize: 100, pagesAtMost: 3 }, "100 in one request, and perhaps more"],
    [
      { pageSizeAsked: 1000, pageSize: 100, pagesAtMost: 2 },
      "not known to have a limit: 1000 were asked for, and one page held nearly all there are"
    ],
    [{ pagesAtMost: 0 }, nobody],
    [
      { clamped: true, pageSize: 50, pageSizeAsked: 1000, pagesAtMost: 2 },
      "at most 50 in one request (asked for 1000): a larger page size brings no more"
    ],
    [{ clamped: true, pageSize: 50, pageSizeRefused: 100 }, "at most 50 in one request: 100 is refused"],
    [
      { pageSize: 100, roundsPageSize: true },
      "100 in one request, and perhaps more; other page sizes are ROUNDED: pages cannot overlap, and a sync may miss calls"
    ],
    [{ pageSize: 100, roundsPageSize: false }, "100 in one request, and perhaps more"]
  ])

  says("paging", [
    [{}, "not tried"],
    [{ pagesAtMost: 0, repeatsBeyondEnd: true }, nobody],
    [{ pagesAtMost: 8 }, "a page beyond the last brings no calls"],
    [{ repeatsBeyondEnd: true }, "a page beyond the last repeats another one"],
    [
      { offsets: "asked", pagesAtMost: 8 },
      "a page begins where earlier ones would end had they been as long as asked for; a page beyond the last brings no calls"
    ],
    [
      { offsets: "brought", repeatsBeyondEnd: true },
      "a page begins where the one before it ended; a page beyond the last repeats another one"
    ],
    [{ offsets: "brought" }, "a page begins where the one before it ended"]
  ])

  says("limits", [
    [{}, "none seen"],
    [{ pagesAtMost: 0, limits: { rows: 10 } }, nobody],
    [{ limits: {} }, "none seen"],
    [{ limits: { rows: 10_000 } }, "at most 10,000 calls of one range: larger ranges are read in parts"],
    [
      { limits: { rows: 10_000, span: 31 * 86_400_000_000 } },
      "at most 31 days of one range; at most 10,000 calls of one range: larger ranges are read in parts"
    ]
  ])

  says("order", [
    [{ order: "unknown" }, "not to be seen: too few calls"],
    [{ order: "start-desc" }, "newest start first, when none is asked for"],
    [
      { order: "start-asc", newestFirst: false },
      "oldest start first, when none is asked for; no way was seen to have the newest start first"
    ],
    [
      { order: "created-desc", sortBy: "started_at" },
      "newest creation first, when none is asked for; newest start first with sort_by=started_at"
    ],
    [
      { order: "created-asc", sortBy: "startedAt" },
      "oldest creation first, when none is asked for; newest start first with sort_by=startedAt"
    ],
    [
      { order: "other", newestFirst: false },
      "neither by start nor by creation, when none is asked for; no way was seen to have the newest start first"
    ]
  ])

  says("sorting", [
    [{}, "not to be seen: too few calls"],
    [
      { sortFields: { started_at: "understood", startedAt: "ignored" } },
      "sort_by=started_at is understood; sort_by=startedAt changes nothing"
    ],
    [{ sortFields: { started_at: "refused", startedAt: "unknown" } }, "sort_by=started_at is refused"],
    [{ sortFields: { started_at: "unknown", startedAt: "understood" } }, "sort_by=startedAt is understood"]
  ])

  says("time bounds", [
    [{}, "understood; whether a bound itself is included was not tried"],
    [{ pagesAtMost: 0 }, nobody],
    [{ bounds: understood }, `understood, in UTC; ${sure}; read to the second`],
    [{ bounds: { ...understood, precision: "unknown" } }, `understood, in UTC; ${sure}`],
    [
      { bounds: { ...understood, precision: "bounds with a fraction are ignored" } },
      `understood, in UTC; ${sure}; a bound with a fraction of a second is IGNORED`
    ],
    ...(["after", "before"] as const).map((side): readonly [Rest, string] => [
      { bounds: { ...understood, [side]: "unknown" } },
      "understood, in UTC; whether the bound itself is included could not be seen; read to the second"
    ]),
    [
      { bounds: { ...understood, zone: "another" }, filterProblem: { _tag: "OutsideBounds" }, pagesAtMost: 0 },
      `NOT UNDERSTOOD: they are read in another zone than UTC, ${nothingProven}`
    ],
    [
      { filterProblem: { _tag: "BoundsRefused" }, pagesAtMost: 0 },
      `NOT UNDERSTOOD: ${CoverageReason.describe({ _tag: "BoundsRefused" })}, ${nothingProven}`
    ]
  ])

  says("filters", [
    [{}, "not tried, or not to be seen"],
    [
      { filters: { agentId: "understood", channel: "understood", callerNumber: "understood" } },
      "agent_id, channel, caller_number are understood"
    ],
    [
      { filters: { agentId: "understood", channel: "ignored", callerNumber: "applied after paging" } },
      "agent_id is understood; channel is IGNORED; caller_number is APPLIED AFTER PAGING"
    ],
    [
      { filters: { agentId: "unknown", channel: "ignored", callerNumber: "ignored" } },
      "channel, caller_number are IGNORED; agent_id not seen to work"
    ],
    [
      { filters: { agentId: "unknown", channel: "understood", callerNumber: "unknown" } },
      "channel is understood; agent_id, caller_number not seen to work"
    ]
  ])

  says("clock", [
    [{ clockOffset: 0 }, "the server's agrees with this machine's"],
    [{ clockOffset: 2_499_999 }, "the server's agrees with this machine's"],
    [{ clockOffset: -2_500_000 }, "the server's agrees with this machine's"],
    [{ clockOffset: 2_500_000 }, "the server's is 3 s ahead of this machine's"],
    [{ clockOffset: -3_000_000 }, "the server's is 3 s behind this machine's"],
    [{ clockOffset: 7_200_000_000 }, "the server's is 7200 s ahead of this machine's"]
  ])
})
