/** Calls without a start time behind all others, in a list that knows no order but the newest start first. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Sync from "@callstream/core/sync/Sync"
import * as Verdict from "@callstream/core/sync/Verdict"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as World from "../pipeline/SyncDeliveryWorld.ts"

const { hour, minute, origin } = World
const day = 24 * hour

const begin = "2026-07-01T00:00:00Z"

type Undated = Exclude<World.World["undated"], "among others">

interface Options {
  readonly undated?: Undated
  /** Calls before the first pass, one each six minutes, a third of them without a start time. @default 300 */
  readonly calls?: number
  readonly remember?: Sync.Options["remember"]
}

/** A world with pages of ten calls; a call comes each six minutes, for three days after the first pass. */
const make = ({ calls: before = 300, remember, undated = "newest last" }: Options = {}) => {
  const later = Array.from({ length: before + 720 }, (_, i) =>
    Object.assign(World.newCall(1000 + i, origin + (i - before) * 6 * minute, i % 3 !== 0), {
      status: "completed" as const
    })
  )
  const world = World.make(origin, [])
  world.undated = undated
  const told: Array<Sync.Change> = []
  const requests: Array<CallSessionQuery> = []
  const layer = Layer.effect(
    AgniClient,
    Effect.map(AgniClient, (client) => ({
      ...client,
      list: (query: CallSessionQuery) => {
        requests.push(query)
        return client.list(query)
      }
    }))
  ).pipe(Layer.provide(world.layer))
  const pass = (at: number, arrive = true) =>
    Effect.suspend(() => {
      world.now = at
      requests.length = 0
      while (arrive && (later[0]?.created ?? Infinity) < at) world.calls.push(...later.splice(0, 1))
      return Sync.changes({ name: "calls", from: begin, pageSize: 10, remember }).pipe(
        Stream.tap((change) => {
          told.push(change)
          return change.acknowledge
        }),
        Stream.runDrain,
        Effect.provide(layer)
      )
    })
  const undatedCalls = () => world.calls.filter(({ start }) => start === undefined)
  return {
    world,
    pass,
    undatedCalls,
    told: (id: string) => told.filter((change) => change.id === id),
    kinds: (id: string) => told.filter((change) => change.id === id).map(({ kind }) => kind),
    /** Requests of the last pass for later pages without bounds. */
    ofEnd: () =>
      requests.filter(({ page = 1, startedAfter, startedBefore }) => {
        return page > 1 && startedAfter === undefined && startedBefore === undefined
      }).length,
    assertAll: () => {
      const came = new Set(told.map(({ id }) => id))
      assert.deepStrictEqual(
        world.calls.filter(({ id, isListed }) => isListed && !came.has(id)),
        []
      )
    },
    verdict: Effect.scoped(
      Effect.gen(function* () {
        const view = yield* (yield* Ledger).view("calls")
        return view === undefined ? assert.fail("no ledger") : yield* Verdict.of(view)
      })
    ),
    play: <A, E>(effect: Effect.Effect<A, E, Ledger>) =>
      effect.pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
  }
}

const shapes: ReadonlyArray<Undated> = ["newest last", "oldest last", "last, in no order"]

describe("Calls without a start time at the end of the list", () => {
  for (const undated of shapes) {
    it.effect(`${undated}: all come, and one that leaves is removed`, () => {
      const { assertAll, kinds, pass, play, undatedCalls, verdict } = make({ undated, calls: 200 })
      return play(
        Effect.gen(function* () {
          yield* pass(origin)
          assertAll()
          for (let i = 1; i <= 4; i++) {
            yield* pass(origin + i * hour)
            assertAll()
          }
          const { withoutStart } = yield* verdict
          assert.deepStrictEqual(withoutStart, { by: "end", hidden: 0 })
          // One of a day ago: no page that brings new ones shows it.
          const gone = undatedCalls()[20] ?? assert.fail("too few")
          gone.isListed = false
          for (let i = 5; i <= 8; i++) yield* pass(origin + i * hour)
          assert.deepStrictEqual(kinds(gone.id), ["created", "removed"])
          assert.deepStrictEqual(
            undatedCalls().filter(({ id, isListed }) => isListed && kinds(id).includes("removed")),
            []
          )
          gone.isListed = true
          for (let i = 9; i <= 10; i++) yield* pass(origin + i * hour)
          assert.deepStrictEqual(kinds(gone.id), ["created", "removed", "created"])
        })
      )
    })
  }

  it.effect("many of them in no order are read once a day", () => {
    const { assertAll, kinds, pass, play, ofEnd, undatedCalls } = make({ undated: "last, in no order", calls: 600 })
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        assertAll()
        const gone = undatedCalls()[20] ?? assert.fail("too few")
        gone.isListed = false
        let pages = 0
        for (let i = 1; i <= 50; i += 2) {
          yield* pass(origin + i * hour, i < 24)
          if (i > 24) pages += ofEnd()
        }
        assertAll()
        assert.deepStrictEqual(kinds(gone.id), ["created", "removed"])
        // Some requests a pass, and 28 pages a day.
        assert.isAtMost(pages, 13 * 7 + 2 * 40)
      })
    )
  })

  it.effect("while their number stays the same, two requests are all", () => {
    const { pass, play, ofEnd } = make()
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        yield* pass(origin + hour)
        for (let i = 2; i <= 4; i++) {
          yield* pass(origin + i * hour, false)
          assert.isAtMost(ofEnd(), 2)
        }
      })
    )
  })

  it.effect("where one left among hundreds is found by halves", () => {
    const { kinds, pass, play, ofEnd, undatedCalls } = make({ calls: 1400 })
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        yield* pass(origin + hour)
        const gone = undatedCalls()[230] ?? assert.fail("too few")
        gone.isListed = false
        yield* pass(origin + 2 * hour)
        // Of 47 pages.
        assert.isAtMost(ofEnd(), 20)
        for (let i = 3; i <= 5; i++) yield* pass(origin + i * hour)
        assert.deepStrictEqual(kinds(gone.id), ["created", "removed"])
      })
    )
  })

  it.effect("one that leaves while another one comes is found by an audit", () => {
    const { kinds, pass, play, undatedCalls, world } = make()
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        for (let i = 1; i <= 3; i++) yield* pass(origin + i * hour)
        const gone = undatedCalls().at(-5) ?? assert.fail("too few")
        gone.isListed = false
        const comes = Object.assign(World.newCall(1, origin - 8 * hour, false), { status: "completed" as const })
        world.calls.push(comes)
        for (let i = 4; i <= 40; i++) yield* pass(origin + i * hour)
        assert.deepStrictEqual(kinds(comes.id), ["created"])
        assert.deepStrictEqual(kinds(gone.id), ["created", "removed"])
      })
    )
  })

  it.effect("one that changes later is read again by an audit", () => {
    const { pass, play, told, undatedCalls } = make()
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        const [call] = undatedCalls().slice(-40)
        assert.isDefined(call)
        Object.assign(call ?? {}, { cost: "0.02" })
        for (let i = 1; i <= 36; i++) yield* pass(origin + i * hour)
        assert.deepStrictEqual(
          told(call?.id ?? "").map(({ facets, kind }) => [kind, kind === "created" || facets.includes("cost")]),
          [
            ["created", true],
            ["updated", true]
          ]
        )
      })
    )
  })

  it.effect("one that starts is a call like others", () => {
    const { kinds, pass, play, undatedCalls } = make()
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        yield* pass(origin + hour)
        const call = undatedCalls().at(-8) ?? assert.fail("too few")
        call.start = call.created + 2_000_000
        for (let i = 2; i <= 4; i++) yield* pass(origin + i * hour)
        assert.deepStrictEqual(kinds(call.id), ["created", "updated"])
      })
    )
  })

  for (const undated of shapes) {
    it.effect(`${undated}: one that loses its start while another one leaves is not removed`, () => {
      const { kinds, pass, play, undatedCalls, world } = make({ undated, calls: 200 })
      return play(
        Effect.gen(function* () {
          for (let i = 0; i <= 3; i++) yield* pass(origin + i * hour)
          const loses = world.calls.find(({ created, start }) => start !== undefined && created > origin - 10 * hour)
          const gone = undatedCalls().find(({ created }) => created > origin - 15 * hour)
          assert(loses !== undefined && gone !== undefined)
          loses.start = undefined
          gone.isListed = false
          for (let i = 4; i <= 12; i++) yield* pass(origin + i * hour)
          assert.deepStrictEqual(kinds(loses.id), ["created", "updated"])
          assert.deepStrictEqual(kinds(gone.id), ["created", "removed"])
        })
      )
    })
  }

  it.effect("where they are among others later on, none of them is removed", () => {
    const { assertAll, kinds, pass, play, undatedCalls, world } = make()
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        for (let i = 1; i <= 2; i++) yield* pass(origin + i * hour)
        world.undated = "among others"
        for (let i = 3; i <= 12; i++) yield* pass(origin + i * hour)
        assertAll()
        for (const { id } of undatedCalls()) assert.deepStrictEqual(kinds(id), ["created"])
      })
    )
  })

  it.effect("while pages move, none is removed", () => {
    const { kinds, pass, play, undatedCalls, world } = make()
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        yield* pass(origin + hour)
        const gone = undatedCalls().at(-40) ?? assert.fail("too few")
        gone.isListed = false
        yield* pass(origin + 2 * hour)
        const other = world.calls[1] ?? assert.fail("too few")
        world.onRequest = () => {
          other.isListed = world.requests % 2 === 0
        }
        yield* pass(origin + 3 * hour)
        assert.deepStrictEqual(kinds(gone.id), ["created"])
        world.onRequest = () => {}
        other.isListed = true
        yield* pass(origin + 4 * hour)
        assert.deepStrictEqual(kinds(gone.id), ["created", "removed"])
      })
    )
  })

  it.effect("what was forgotten does not come again", () => {
    const { kinds, pass, play, undatedCalls, ofEnd } = make({ remember: "8 days" })
    return play(
      Effect.gen(function* () {
        yield* pass(origin)
        for (let i = 1; i <= 8; i++) yield* pass(origin + i * day, false)
        for (const { id } of undatedCalls()) assert.deepStrictEqual(kinds(id), ["created"])
        yield* pass(origin + 8 * day + hour, false)
        assert.isAtMost(ofEnd(), 2)
      })
    )
  })
})
