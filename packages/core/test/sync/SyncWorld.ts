/** A small endpoint with calls that live: they appear, start, end, get their cost, recording and analysis, move, and leave. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import * as VersionClock from "@callstream/core/client/VersionClock"
import type { CallSession } from "@callstream/core/model/CallSession"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import * as Instant from "@callstream/core/model/Instant"
import type { Page } from "@callstream/core/model/Page"
import * as Rows from "@callstream/core/model/Rows"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Random, random } from "./SyncRandom.ts"

const second = 1_000_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour
export const origin = Date.parse("2026-07-01T00:00:00Z") * 1000

/** Never. */
const never = Infinity

/** The life of a call: when each thing becomes true of it, by the server's clock. */
export interface Life {
  readonly id: string
  readonly agent: string
  readonly created: number
  readonly visible: number
  /** `never` of a call that does not connect. */
  readonly start: number
  /** When the start is known: until then it has none. */
  readonly startKnown: number
  /** When the start is corrected, and to what. */
  readonly moves: number
  readonly movedTo: number
  readonly end: number
  readonly ended: number
  readonly cost: number
  readonly recording: number
  readonly analysis: number
  readonly corrected: number
  readonly leaves: number
}

export interface Options {
  readonly seed: number
  readonly calls: number
  readonly days: number
  /** How much more often than usual rare things happen. @default 1 */
  readonly rare?: number
  readonly pageSize?: number
  /**
   * Calls without a start are in front of the list or at its end, and it has no other order; or it is ordered by creation when asked
   * to.
   */
  readonly undated?: "front" | "created" | "last"
  /** In which order they are at its end. @default "newest" */
  readonly last?: "newest" | "oldest" | "none"
  /** The share of calls that get a start. @default 0.85 */
  readonly connects?: number
  /** Whether bounds of time change nothing. @default false */
  readonly ignoresBounds?: boolean
  /** Whether a bound itself is within it. @default true */
  readonly isInclusive?: boolean
  /** How old every second answer is: a replica that lags. @default 0 */
  readonly lag?: number
  /** How long what takes hours takes, so that a short history holds as much as a long one. @default 1 */
  readonly scale?: number
}

const uuid = ({ below }: Random, at: number) => {
  const hex = Math.floor(at / 1000)
    .toString(16)
    .padStart(12, "0")
  const part = (length: number) => Array.from({ length }, () => below(16).toString(16)).join("")
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${part(3)}-8${part(3)}-${part(12)}`
}

const agents = [
  "0d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44",
  "1d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44",
  "2d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44"
]

/** From `least` to `most`, most of it short. */
const tail = ({ next }: Random, least: number, most: number) => least * (most / least) ** (next() ** 2)

const lifeOf = (
  source: Random,
  { calls, connects: share = 0.85, days, rare = 1, scale = 1 }: Options,
  i: number
): Life => {
  const { chance, pick } = source
  const created = Math.floor(origin + ((i + source.next()) * days * day) / calls)
  const connects = chance(share)
  const start = connects ? Math.floor(created + tail(source, second, 90 * second)) : never
  const end = connects ? Math.floor(start + tail(source, 5 * second, 20 * minute)) : Math.floor(created + 40 * second)
  const atEnd = chance(0.3)
  const late = chance(0.002 * rare)
  const ended = end + Math.floor(tail(source, second, 30 * second))
  const agent = pick(agents)
  const has = (share: number, most: number) =>
    chance(share) ? ended + Math.floor(tail(source, 10 * second, scale * most)) : never
  return {
    id: uuid(source, created),
    agent,
    created,
    visible: late ? end + Math.floor(scale * (0.5 + source.next() * 15) * hour) : atEnd ? end : created + second,
    start,
    startKnown: connects && chance(0.02 * rare) ? ended + Math.floor(tail(source, minute, scale * 3 * hour)) : start,
    moves: connects && chance(0.003 * rare) ? ended + Math.floor(source.next() * scale * 20 * hour) : never,
    movedTo: connects ? start - Math.floor((source.next() - 0.3) * scale * 5 * hour) : never,
    end,
    ended,
    cost: connects ? has(0.98, 2 * hour) : never,
    recording: connects ? has(0.7, 8 * hour) : never,
    analysis: connects && agent !== agents[1] ? has(0.8, day) : never,
    corrected: chance(0.002 * rare) ? ended + Math.floor(source.next() * scale * 2 * day) : never,
    leaves: chance(0.003 * rare) ? ended + Math.floor(source.next() * scale * 4 * day) : never
  }
}

export interface World {
  readonly lives: ReadonlyArray<Life>
  now: number
  requests: number
  lag: number
  pageSize: number
  organization: string
  /** The record as it is now, `undefined` of a call that is not listed. */
  readonly record: (life: Life, at?: number) => CallSession | undefined
  /** The start by which it is listed. */
  readonly startOf: (life: Life, at?: number) => number | undefined
  readonly layer: Layer.Layer<AgniClient>
  readonly clock: Clock.Clock
}

export const make = (options: Options): World => {
  const source = random(options.seed)
  const lives = Array.from({ length: options.calls }, (_, i) => lifeOf(source, options, i))
  const {
    ignoresBounds = false,
    isInclusive = true,
    lag = 0,
    pageSize = 50,
    last = "newest",
    undated = "front"
  } = options

  const startOf = (life: Life, at = world.now): number | undefined =>
    life.start === never || at < life.startKnown || at < life.start
      ? undefined
      : at >= life.moves
        ? life.movedTo
        : life.start

  const record = (life: Life, at = world.now): CallSession | undefined => {
    if (at < life.visible || at >= life.leaves) return undefined
    const isOver = at >= life.ended
    const start = startOf(life, at)
    return {
      id: life.id,
      organizationId: world.organization,
      agentId: life.agent,
      createdAt: Instant.format(Instant.of(life.created)),
      status: !isOver ? "in_progress" : life.start === never ? "no_answer" : "completed",
      callerName: `caller of ${life.id.slice(-6)}`,
      ...(start === undefined ? {} : { startedAt: Instant.format(Instant.of(start)) }),
      ...(isOver
        ? { endedAt: Instant.format(Instant.of(life.end)), durationSec: Math.round((life.end - life.created) / second) }
        : {}),
      ...(at >= life.cost ? { costTotal: `0.${life.id.charCodeAt(30)}${at >= life.corrected ? "9" : "1"}` } : {}),
      ...(at >= life.recording
        ? { recordingUrl: `https://files.example.com/${life.id.slice(-8)}.mp3?token=${world.requests}` }
        : {}),
      ...(at >= life.analysis ? { postCallAnalysisResult: { outcome: `outcome-${life.id.slice(-5)}` } } : {})
    }
  }

  const listed = (query: CallSessionQuery, at: number): ReadonlyArray<readonly [Life, number | undefined]> => {
    const boundOf = (bound: Instant.Bound | undefined) =>
      bound === undefined || ignoresBounds ? undefined : Instant.fromBound(bound)
    const [after, before] = [boundOf(query.startedAfter), boundOf(query.startedBefore)]
    const rows: Array<readonly [Life, number | undefined]> = []
    for (const life of lives) {
      if (life.created > at) break
      if (at < life.visible || at >= life.leaves) continue
      const start = startOf(life, at)
      if (after !== undefined && (start === undefined || (isInclusive ? start < after : start <= after))) continue
      if (before !== undefined && (start === undefined || (isInclusive ? start > before : start >= before))) continue
      rows.push([life, start])
    }
    const sign = query.sortOrder === "asc" ? -1 : 1
    const byCreation = undated === "created" && query.sortBy === "created_at"
    const keyOf = ([life, start]: readonly [Life, number | undefined]) =>
      byCreation ? life.created : (start ?? (undated === "front" ? Infinity : life.created))
    /** Calls without a start time are behind all others, whatever the order of those is. */
    const lastOf = (life: Life) =>
      last === "none"
        ? life.id.slice(-6)
        : String(last === "newest" ? 1e16 - life.created : 1e15 + life.created).padStart(17, "0")
    return rows.sort((left, right) => {
      if (undated === "last" && (left[1] === undefined || right[1] === undefined)) {
        if (left[1] !== undefined || right[1] !== undefined) return left[1] === undefined ? 1 : -1
        return lastOf(left[0]) < lastOf(right[0]) ? -1 : 1
      }
      const [one, other] = [keyOf(left), keyOf(right)]
      return one === other ? (left[0].id < right[0].id ? sign : -sign) : one < other ? sign : -sign
    })
  }

  const own = VersionClock.make()
  const list: AgniClient["Service"]["list"] = (query) =>
    Effect.gen(function* () {
      world.now += 200_000
      world.requests++
      const { page = 1 } = query
      const at = world.requests % 2 === 0 ? world.now - world.lag : world.now
      const size = Math.min(world.pageSize, query.pageSize ?? 20)
      const rows = listed(query, at).slice((page - 1) * size, page * size)
      // The header has whole seconds.
      const observedAt = Instant.of(Math.floor(world.now / second) * second)
      const version = yield* ((yield* VersionClock.Current) ?? own).observe(observedAt)
      const sessions = rows.flatMap(([life]) => record(life, at) ?? [])
      const result: Page = {
        page,
        rows: Rows.ofSessions(sessions, observedAt, version),
        rejected: [],
        observedAt,
        version,
        edition: "camelCase",
        total: undefined,
        age: 0
      }
      return result
    })

  const world: World = {
    lives,
    now: origin,
    requests: 0,
    lag,
    pageSize,
    organization: "ad5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44",
    record,
    startOf,
    layer: AgniClient.layerList(list),
    clock: {
      currentTimeMillisUnsafe: () => Math.floor(world.now / 1000),
      currentTimeMillis: Effect.sync(() => Math.floor(world.now / 1000)),
      currentTimeNanosUnsafe: () => BigInt(Math.floor(world.now)) * 1000n,
      currentTimeNanos: Effect.sync(() => BigInt(Math.floor(world.now)) * 1000n),
      monotonicTimeNanosUnsafe: () => BigInt(Math.floor(world.now)) * 1000n,
      monotonicTimeNanos: Effect.sync(() => BigInt(Math.floor(world.now)) * 1000n),
      // Nobody waits here.
      sleep: () => Effect.void
    }
  }
  return world
}
