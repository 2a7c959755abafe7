/** A call is removed only if a search shows that it is nowhere. */
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import type { Page } from "@callstream/core/model/Page"
import * as Rows from "@callstream/core/model/Rows"
import * as Version from "@callstream/core/model/Version"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as World from "../pipeline/SyncDeliveryWorld.ts"
import { make, usual } from "./RulesWorld.ts"

const { hour, minute, origin } = World

/** The order of creation is not understood. */
const byStart = ({ sortBy: _, ...query }: CallSessionQuery): CallSessionQuery => query

/** Records of these calls cannot be decoded: `left` is what is left of one. */
const damaged =
  (ids: ReadonlyArray<string>, left: (record: object) => object) =>
  ({ page, rows, version, ...rest }: Page): Page => {
    const sessions = rows.sessions()
    const rejected = sessions.flatMap((raw, index) =>
      ids.includes(raw.id)
        ? [
            {
              stage: "decode",
              reason: "damaged",
              raw: left(raw),
              page,
              index,
              observedAt: version ?? Version.of(rest.observedAt)
            }
          ]
        : []
    )
    const whole = sessions.filter(({ id }) => !ids.includes(id))
    return { ...rest, page, version, rows: Rows.ofSessions(whole, rest.observedAt, version), rejected }
  }

/** A call every six minutes, each with a start time: a search takes few pages. */
const sparse = () =>
  usual()
    .filter((_, i) => i % 3 === 0)
    .map((call) => Object.assign(call, { start: call.created + 2_000_000 }))

const nameless = (record: object): object =>
  Object.fromEntries(Object.entries({ ...record, id: 7 }).filter(([name]) => name !== "status"))

describe("A call is not removed", () => {
  for (const order of ["creation", "start"] as const) {
    for (const [what, left] of [
      ["has an id", (record: object) => ({ ...record, status: 7 })],
      ["has no id", nameless],
      ["has an id and no start", (record: object) => ({ ...record, startedAt: "at noon", status: 7 })]
    ] as const) {
      it.effect(`while its record cannot be decoded, and ${what}, by ${order}`, () => {
        const { pass, play, server, told, world } = make()
        return play(
          Effect.gen(function* () {
            if (order === "start") server.hears = byStart
            yield* pass(origin)
            const young = world.calls.filter(({ created }) => origin - created < hour)
            const ids = [
              young.find(({ start }) => start !== undefined),
              young.find(({ start }) => start === undefined)
            ].flatMap((call) => call?.id ?? [])
            assert.strictEqual(ids.length, 2)
            server.says = damaged(order === "start" ? ids.slice(0, 1) : ids, left)
            for (let i = 1; i < 8; i++) yield* pass(origin + i * 30 * minute)
            const asked = world.requests
            yield* pass(origin + 5 * hour)
            assert.isBelow(world.requests - asked, 30)
            server.says = (page) => page
            for (let i = 6; i < 9; i++) yield* pass(origin + i * hour)
            for (const id of ids)
              assert.deepStrictEqual(
                told(id).map(({ kind }) => kind),
                ["created"]
              )
          })
        )
      })
    }
  }

  it.effect("while it may be in a second with more calls than a page has", () => {
    const crowd = Array.from({ length: 14 }, (_, i) =>
      Object.assign(World.newCall(2000 + i, origin - 5 * hour - 30_000_000, true), { start: origin - 5 * hour })
    )
    const appear = [1, 2].map((i) =>
      Object.assign(World.newCall(i, origin - 244 * minute + i * 5_000_000, true), { isListed: false })
    )
    const { pass, play, server, told, world } = make([...crowd, ...appear], sparse())
    return play(
      Effect.gen(function* () {
        server.hears = byStart
        yield* pass(origin)
        const moves = world.calls.find(({ created }) => created === origin - 246 * minute)
        assert.isDefined(moves?.start)
        // Two more where it was: that range is read. Where it is now, another one left unseen.
        for (const call of appear) call.isListed = true
        Object.assign(moves ?? {}, { start: origin - 5 * hour })
        Object.assign(crowd[0] ?? {}, { isListed: false })
        for (let i = 1; i < 5; i++) yield* pass(origin + i * hour)
        assert.notInclude(
          told(moves?.id ?? "").map(({ kind }) => kind),
          "removed"
        )
      })
    )
  })

  it.effect("while it is in front of the list, without the start that it had", () => {
    const { pass, play, server, told, world } = make([], sparse())
    world.undated = "first"
    return play(
      Effect.gen(function* () {
        server.hears = byStart
        for (let i = -12; i <= 0; i++) yield* pass(origin + i * 30 * minute)
        const loses = world.calls.find(({ created }) => created === origin - 3 * hour)
        assert.isDefined(loses?.start)
        if (loses !== undefined) loses.start = undefined
        for (let i = 1; i < 7; i++) yield* pass(origin + i * hour)
        assert.deepStrictEqual(
          told(loses?.id ?? "").map(({ kind }) => kind),
          ["created", "updated"]
        )
      })
    )
  })

  it.effect("by an answer with nothing, before half a day", () => {
    const lonely = [0, 1, 2].map((i) =>
      Object.assign(World.newCall(i, origin - 30 * hour + i * minute, true), { status: "completed" as const })
    )
    const { pass, play, server, told } = make(lonely)
    return play(
      Effect.gen(function* () {
        server.hears = byStart
        yield* pass(origin)
        const kinds = () =>
          lonely.map(({ id }) =>
            told(id)
              .map(({ kind }) => kind)
              .join()
          )
        for (const call of lonely) call.isListed = false
        for (let i = 1; i < 5; i++) yield* pass(origin + i * hour)
        assert.deepStrictEqual(kinds(), ["created", "created", "created"])
        for (let i = 5; i < 16; i++) yield* pass(origin + i * hour)
        assert.deepStrictEqual(kinds(), ["created,removed", "created,removed", "created,removed"])
      })
    )
  })
})
