/** What a filter does, on servers that understand it, ignore it, or apply it to a page that was cut before. */
import type { AgniClient } from "@callstream/core/client/AgniClient"
import type { CallSession } from "@callstream/core/model/CallSession"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FilterProbe from "../../../src/endpoint/internal/FilterProbe.ts"
import { page, session } from "../../history/Walking.ts"
import { iso } from "../../history/internal/AllPages.ts"
import { began, hour, second } from "../../history/internal/FakeServer.ts"
import { failing, poisoned, refusal } from "./BoundedList.ts"
import { AgniError, NotFound } from "@callstream/core/model/AgniError"

const { kinds } = FilterProbe
type Kind = FilterProbe.Kind
type Mode = "understood" | "ignored" | "applied after paging"

/** Agents, whose ids must be UUIDs. */
const agents = ["usual", "rare", "once", "third", "other"]
const agent = (nth: number | string) =>
  `00000000-0000-4000-8000-${String(typeof nth === "number" ? 100 + nth : agents.indexOf(nth)).padStart(12, "0")}`

/** A call that started so many hours ago. */
const call = (hours: number, rest: Partial<CallSession> = {}) =>
  session(`call-${hours}`, {
    startedAt: iso(began - hours * hour),
    agentId: agent(hours % 4 === 1 ? "rare" : "usual"),
    channel: hours % 5 === 1 ? "web" : "phone",
    callerNumber: hours % 3 === 1 ? "+4930123456" : "+4930987654",
    ...rest
  })

/** The newest first; ten a page. The first one has none of the rare values. */
const calls = (count = 40, rest: (hours: number) => Partial<CallSession> = () => ({})) =>
  Array.from({ length: count }, (_, i) => call(i + 2, rest(i + 2)))

interface Given {
  readonly rows?: ReadonlyArray<CallSession>
  readonly modes?: Partial<Record<Kind, Mode>>
  readonly tried?: ReadonlyArray<Kind>
  /** An error, or another list, in place of the answer. */
  readonly instead?: (query: CallSessionQuery, nth: number) => AgniError | ReadonlyArray<CallSession> | undefined
}

const isIn = ({ startedAt }: CallSession, { startedAfter, startedBefore }: CallSessionQuery) => {
  const at = Date.parse(startedAt ?? "")
  const bound = (text: unknown, otherwise: number) => (typeof text === "string" ? Date.parse(text) : otherwise)
  return (
    (startedAfter === undefined && startedBefore === undefined) ||
    (at >= bound(startedAfter, -Infinity) && at <= bound(startedBefore, Infinity))
  )
}

const filtersOf = ({ instead = () => undefined, modes = {}, rows = calls(), tried = kinds }: Given) => {
  const asked: Array<CallSessionQuery> = []
  const list: AgniClient["Service"]["list"] = (query) =>
    Effect.suspend(() => {
      asked.push(query)
      const other = instead(query, asked.length)
      if (other instanceof AgniError) return Effect.fail(other)
      const { page: number = 1, pageSize: size = 10 } = query
      const matches = (row: CallSession, mode: Mode) =>
        kinds.every(
          (kind) => query[kind] === undefined || (modes[kind] ?? "understood") !== mode || row[kind] === query[kind]
        )
      const all = (other ?? rows).filter((row) => isIn(row, query) && matches(row, "understood"))
      const cut = all.slice((number - 1) * size, number * size)
      return Effect.succeed(
        page(
          number,
          cut.filter((row) => matches(row, "applied after paging"))
        )
      )
    })
  return Effect.map(FilterProbe.filters(list, tried, 10), (answers) => ({ answers, asked }))
}

const unknown = { agentId: "unknown", channel: "unknown", callerNumber: "unknown" } as const

/** What is said of the filter by agent. */
const agentOf = (one: Given) => Effect.map(filtersOf({ ...one, tried: ["agentId"] }), ({ answers }) => answers.agentId)

describe("FilterProbe.filters", () => {
  it.effect("each is what it does, whatever the others do", () =>
    Effect.gen(function* () {
      const modes = ["understood", "ignored", "applied after paging"] as const
      for (const agentId of modes)
        for (const channel of modes)
          for (const callerNumber of modes) {
            const given = { agentId, channel, callerNumber }
            assert.deepStrictEqual((yield* filtersOf({ modes: given })).answers, given)
          }
    })
  )

  it.effect("several take no more questions without a filter than one", () =>
    Effect.gen(function* () {
      const unfiltered = (tried: ReadonlyArray<Kind>) =>
        Effect.map(filtersOf({ tried }), ({ asked }) => {
          const plain = asked.filter((query) => kinds.every((kind) => query[kind] === undefined))
          return plain.length
        })
      assert.strictEqual(yield* unfiltered(["agentId"]), 15)
      assert.strictEqual(yield* unfiltered(kinds), 15)
    })
  )

  it.effect("only those that are asked for are tried, and nothing where none is", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* filtersOf({ tried: [] }), { answers: unknown, asked: [] })
      const { answers, asked } = yield* filtersOf({ tried: ["channel"] })
      assert.deepStrictEqual(answers, { ...unknown, channel: "understood" })
      assert.isTrue(asked.every(({ agentId, callerNumber }) => agentId === undefined && callerNumber === undefined))
    })
  )

  it.effect("it is understood once it was so twice, in the older half and in all that is known", () =>
    Effect.gen(function* () {
      const { asked } = yield* filtersOf({ tried: ["agentId"] })
      assert.deepStrictEqual(
        asked.slice(0, 5).map(({ page }) => page),
        [1, 2, 3, 5, 8]
      )
      const bounds = asked.slice(5).map(({ startedAfter, startedBefore }) => [startedAfter, startedBefore].join(" "))
      const at = (hours: number, seconds: number) => iso(began - hours * hour + seconds * second)
      assert.deepStrictEqual(
        [...new Set(bounds)],
        // Of forty calls on three pages, thirty are known; no page lies behind those.
        [`${at(31, -1)} ${at(16, 1)}`, `${at(31, -1)} ${at(2, 1)}`]
      )
      // Each try: what is first, three pages, three rows of the rare value, and what is first.
      assert.lengthOf(asked, 5 + 2 * 8)
      assert.deepStrictEqual(
        asked.slice(5, 13).map(({ agentId, page, pageSize }) => [agentId, page, pageSize]),
        [
          [undefined, 1, 10],
          [undefined, 2, 10],
          [undefined, 3, 10],
          [undefined, 1, 1],
          [agent("rare"), 1, 1],
          [agent("rare"), 2, 1],
          [agent("rare"), 3, 1],
          [undefined, 1, 1]
        ]
      )
    })
  )

  it.effect("nothing is known where no call is listed, or none with a start", () =>
    Effect.gen(function* () {
      for (const rows of [[], calls(5, () => ({ startedAt: null }))]) {
        const { answers, asked } = yield* filtersOf({ rows })
        assert.deepStrictEqual([answers, asked.length], [unknown, 5])
      }
    })
  )

  it.effect("nothing is known where all calls have one value, or none that can be asked for", () =>
    Effect.gen(function* () {
      for (const agentId of [agent("usual"), ""])
        assert.strictEqual(yield* agentOf({ rows: calls(40, () => ({ agentId })) }), "unknown")
      const number = (hours: number) => ({ callerNumber: hours % 3 === 0 ? "sip:nobody@example.com" : "+4930987654" })
      const { answers, asked } = yield* filtersOf({ rows: calls(40, number), tried: ["callerNumber"] })
      assert.strictEqual(answers.callerNumber, "unknown")
      assert.isTrue(asked.every(({ callerNumber }) => callerNumber === undefined))
    })
  )

  it.effect("a value of another type than text, as a record may have it, is not asked for", () =>
    Effect.gen(function* () {
      for (const value of ["7", "{}", "[]", "true", "null", `""`, `" "`]) {
        const rest = (hours: number): Partial<CallSession> =>
          hours % 2 === 0 ? {} : JSON.parse(`{"agentId":${value},"channel":${value},"callerNumber":${value}}`)
        const rows = calls(40, (hours) => ({
          agentId: agent("usual"),
          channel: "voice",
          callerNumber: "+49",
          ...rest(hours)
        }))
        assert.deepStrictEqual((yield* filtersOf({ rows })).answers, unknown, value)
      }
    })
  )

  it.effect("a value of a call that may share the first place shows nothing", () =>
    Effect.gen(function* () {
      const of = (away: number) => {
        const rest = (hours: number) => ({
          agentId: agent(hours === 17 || hours === 3 ? "rare" : "usual"),
          ...(hours === 17 ? { startedAt: iso(began - 16 * hour - away) } : {}),
          ...(hours === 3 ? { startedAt: iso(began - 2 * hour - away) } : {})
        })
        return agentOf({ rows: calls(40, rest), modes: { agentId: "ignored" } })
      }
      assert.strictEqual(yield* of(second), "unknown")
      assert.strictEqual(yield* of(second + 1000), "ignored")
    })
  )

  it.effect("rare values are tried first, and four at most", () =>
    Effect.gen(function* () {
      const rows = calls(40, (hours) => ({ agentId: agent(hours % 2 === 0 ? "usual" : Math.floor(hours / 4)) }))
      const { asked } = yield* filtersOf({ rows, tried: ["agentId"] })
      const once = asked.slice(5, asked.length / 2 + 3)
      const tried = new Set(once.flatMap(({ agentId }) => agentId ?? []))
      assert.strictEqual(tried.size, 4)
      const uneven = calls(40, (hours) => ({
        agentId: agent(hours % 2 === 0 ? "usual" : hours === 25 ? "once" : hours % 3 === 0 ? "third" : "other")
      }))
      const { asked: more } = yield* filtersOf({ rows: uneven, tried: ["agentId"] })
      const order = [...new Set(more.flatMap(({ agentId }) => agentId ?? []))]
      assert.strictEqual(order[0], agent("once"))
    })
  )

  it.effect("a page without a call of the value may lack one that left: those that are known must come back", () =>
    Effect.gen(function* () {
      const isAlone = ({ startedAfter, startedBefore }: CallSessionQuery) =>
        Date.parse(String(startedBefore)) - Date.parse(String(startedAfter)) < 10_000
      const answer = yield* agentOf({
        modes: { agentId: "applied after paging" },
        instead: (query) => (isAlone(query) ? [] : undefined)
      })
      assert.strictEqual(answer, "unknown")
      // One of them is enough.
      let alone = 0
      const one = yield* agentOf({
        modes: { agentId: "applied after paging" },
        instead: (query) => (isAlone(query) && alone++ % 3 === 1 ? [] : undefined)
      })
      assert.strictEqual(one, "unknown")
    })
  )

  it.effect("what is first must be the same before and after", () =>
    Effect.gen(function* () {
      let tops = 0
      const answer = yield* agentOf({
        instead: ({ agentId, pageSize }) =>
          pageSize === 1 && agentId === undefined && tops++ % 2 === 1
            ? [call(1, { startedAt: iso(began - 20 * hour) })]
            : undefined
      })
      assert.strictEqual(answer, "unknown")
    })
  )

  it.effect("a try of which nothing is seen is made again, four times in all", () =>
    Effect.gen(function* () {
      for (const error of [poisoned, refusal])
        for (const [fails, answer] of [
          [1, "understood"],
          [2, "understood"],
          [3, "unknown"],
          [4, "unknown"]
        ] as const) {
          let left = fails
          const isPage = (nth: number, { page, pageSize }: CallSessionQuery) => nth > 5 && page === 1 && pageSize === 10
          const instead: Given["instead"] = (query, nth) => (isPage(nth, query) && left-- > 0 ? error : undefined)
          assert.strictEqual(yield* agentOf({ instead }), answer, `${fails}`)
          left = fails
          const modes = { agentId: "ignored" } as const
          assert.strictEqual(yield* agentOf({ instead, modes }), fails === 4 ? "unknown" : "ignored", `${fails}`)
        }
    })
  )

  it.effect("of pages that cannot be had the others are enough, and any other error ends it", () =>
    Effect.gen(function* () {
      for (const error of [poisoned, refusal])
        assert.strictEqual(
          yield* agentOf({ instead: (_, nth) => (nth < 5 && nth !== 2 ? error : undefined) }),
          "understood"
        )
      for (const at of [1, 6]) {
        const error = yield* Effect.flip(
          agentOf({ instead: (_, nth) => (nth === at ? failing(new NotFound()) : undefined) })
        )
        assert.strictEqual(error.reason._tag, "NotFound")
      }
    })
  )
})

describe("FilterProbe.problemOf", () => {
  it("is none of a filter that is understood", () => {
    for (const kind of kinds) {
      assert.isUndefined(FilterProbe.problemOf(kind, "understood"))
      for (const answer of ["ignored", "applied after paging", "unknown"] as const)
        assert.deepStrictEqual(FilterProbe.problemOf(kind, answer), { _tag: "FilterFails", filter: kind, answer })
    }
  })
})
