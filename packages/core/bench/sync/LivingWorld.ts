/** An endpoint over calls that live, as fast as its answers: lists are kept in order while its clock moves. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import * as VersionClock from "@callstream/core/client/VersionClock"
import type { CallSession } from "@callstream/core/model/CallSession"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import * as Instant from "@callstream/core/model/Instant"
import type { Page } from "@callstream/core/model/Page"
import * as Rows from "@callstream/core/model/Rows"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Lives from "./Lives.ts"

const { second } = Lives

export interface Options extends Lives.Options {
  /** Whether the server understands an order by creation. Calls without a start are in front otherwise. @default true */
  readonly isOrderedByCreation?: boolean
}

/** Calls by a key, then by their place. */
const makeList = () => {
  const keys: Array<number> = []
  const places: Array<number> = []
  const at = (key: number, place: number) => {
    let low = 0
    let high = keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = keys[middle] ?? 0
      if (other < key || (other === key && (places[middle] ?? 0) < place)) low = middle + 1
      else high = middle
    }
    return low
  }
  return {
    at,
    places,
    add: (key: number, place: number) => {
      const i = at(key, place)
      keys.splice(i, 0, key)
      places.splice(i, 0, place)
    },
    remove: (key: number, place: number) => {
      const i = at(key, place)
      if (places[i] !== place) return
      keys.splice(i, 1)
      places.splice(i, 1)
    }
  }
}

export interface World {
  readonly lives: ReadonlyArray<Lives.Life>
  /** The place of a call by its id. */
  readonly placeOf: ReadonlyMap<string, number>
  now: number
  requests: number
  readonly layer: Layer.Layer<AgniClient>
  readonly clock: Clock.Clock
}

type Event = readonly [at: number, place: number]

/** What is listed, and where. */
const makeLists = (lives: ReadonlyArray<Lives.Life>) => {
  const dated = makeList()
  const undated = makeList()
  const created = makeList()
  const events = lives
    .flatMap((life, place): ReadonlyArray<Event> => {
      const { leaves, moves, start, startKnown, visible } = life
      const all = [visible, Math.max(start, startKnown), moves, leaves]
      return all.filter((at) => at >= visible && at < Infinity).map((at) => [at, place])
    })
    .sort((left, right) => left[0] - right[0])
  /** By what each is listed now: its start, or nothing. */
  const listed = new Map<number, number | undefined>()
  let next = 0
  const move = ([at, place]: Event) => {
    const life = lives[place]
    if (life === undefined) return
    if (listed.has(place)) {
      const start = listed.get(place)
      if (start === undefined) undated.remove(life.created, place)
      else dated.remove(start, place)
    } else created.add(life.created, place)
    if (at >= life.leaves) {
      created.remove(life.created, place)
      listed.delete(place)
      return
    }
    const start = Lives.startAt(life, at)
    if (start === undefined) undated.add(life.created, place)
    else dated.add(start, place)
    listed.set(place, start)
  }
  const advance = (now: number) => {
    for (let event = events[next]; event !== undefined && event[0] <= now; event = events[++next]) move(event)
  }
  return { advance, created, dated, undated }
}

const recordOf = (life: Lives.Life, at: number, request: number): CallSession => {
  const isOver = at >= life.ended
  const start = Lives.startAt(life, at)
  const text = (instant: number) => Instant.format(Instant.of(instant))
  return {
    id: life.id,
    organizationId: "ad5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44",
    agentId: Lives.agents[life.agent]?.id ?? null,
    createdAt: text(life.created),
    status: !isOver ? "in_progress" : life.start === Infinity ? "no_answer" : "completed",
    ...(start === undefined ? {} : { startedAt: text(start) }),
    ...(isOver ? { endedAt: text(life.end) } : {}),
    ...(at >= life.cost ? { costTotal: at >= life.corrected ? "0.19" : "0.11" } : {}),
    ...(at >= life.recording ? { recordingUrl: `https://files.example.com/${life.id}.mp3?token=${request}` } : {}),
    ...(at >= life.analysis ? { postCallAnalysisResult: { outcome: "yes" } } : {})
  }
}

const boundOf = (bound: CallSessionQuery["startedAfter"]) =>
  bound === undefined ? undefined : Instant.fromBound(bound)

export const make = (options: Options): World => {
  const { isOrderedByCreation = true } = options
  const lives = Lives.make(options)
  const lists = makeLists(lives)

  /** The places of a page. Without an order by start, the newest start is first, and calls without one are before it. */
  const pageOf = (query: CallSessionQuery): ReadonlyArray<number> => {
    const { created, dated, undated } = lists
    const { page = 1, pageSize = 20 } = query
    const size = Math.min(100, pageSize)
    const [after, before] = [boundOf(query.startedAfter), boundOf(query.startedBefore)]
    const isBounded = after !== undefined || before !== undefined
    const [first, last] = [
      after === undefined ? 0 : dated.at(after, -1),
      before === undefined ? dated.places.length : dated.at(before, Infinity)
    ]
    const isAscending = query.sortOrder === "asc"
    const take = (parts: ReadonlyArray<readonly [ReadonlyArray<number>, number, number]>) => {
      const all: Array<number> = []
      let skip = (page - 1) * size
      for (const [places, from, to] of parts) {
        const length = Math.max(0, to - from)
        const begin = Math.min(skip, length)
        const part = isAscending
          ? places.slice(from + begin, Math.min(to, from + begin + size - all.length))
          : places.slice(Math.max(from, to - begin - (size - all.length)), to - begin).reverse()
        all.push(...part)
        skip -= begin
        if (all.length >= size) break
      }
      return all
    }
    const range = [dated.places, first, last] as const
    if (isBounded) return take([range])
    if (isOrderedByCreation && query.sortBy === "created_at") return take([[created.places, 0, created.places.length]])
    const none = [undated.places, 0, undated.places.length] as const
    return take(isAscending ? [range, none] : [none, range])
  }

  const own = VersionClock.make()
  const list: AgniClient["Service"]["list"] = (query) =>
    Effect.gen(function* () {
      world.now += 200_000
      world.requests++
      lists.advance(world.now)
      const places = pageOf(query)
      const observedAt = Instant.of(Math.floor(world.now / second) * second)
      const version = yield* ((yield* VersionClock.Current) ?? own).observe(observedAt)
      const sessions = places.flatMap((place) => {
        const life = lives[place]
        return life === undefined ? [] : [recordOf(life, world.now, world.requests)]
      })
      const page: Page = {
        page: query.page ?? 1,
        rows: Rows.ofSessions(sessions, observedAt, version),
        rejected: [],
        observedAt,
        version,
        edition: "camelCase",
        total: undefined,
        age: 0
      }
      return page
    })

  const millis = () => Math.floor(world.now / 1000)
  const nanos = () => BigInt(Math.floor(world.now)) * 1000n
  const world: World = {
    lives,
    placeOf: new Map(lives.map(({ id }, place) => [id, place])),
    now: Lives.origin,
    requests: 0,
    layer: AgniClient.layerList(list),
    clock: {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      // Nobody waits here.
      sleep: () => Effect.void
    }
  }
  return world
}
