/** A server with a handful of calls on one page, which anything can happen to between two passes. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import * as VersionClock from "@callstream/core/client/VersionClock"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Rows from "@callstream/core/model/Rows"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"

const second = 1_000_000
export const minute = 60 * second
export const hour = 60 * minute
export const origin = Date.parse("2026-07-10T00:00:00Z") * 1000

/** A call as it is now. */
export interface Call {
  readonly id: string
  readonly created: number
  start: number | undefined
  status: "in_progress" | "completed"
  /** What any transform keeps. */
  crm: string
  /** What some transforms leave out. */
  secret: string
  cost: string | undefined
  analysis: string | undefined
  isListed: boolean
  /** When it was unlisted or listed last. */
  leftAt: number | undefined
}

export interface World {
  readonly calls: Array<Call>
  now: number
  requests: number
  /** Before each answer. */
  onRequest: () => void
  /** For so long an answer is given again, without saying so. */
  cachedFor: number
  /** Whether nothing changes: a long list is sorted once. */
  isStill: boolean
  /** Whether the header `Date` stands still. */
  isFrozen: boolean
  /** Where calls without a start time are: in order by their creation, in front, or behind all others in a list of one order. */
  undated: "among others" | "first" | "newest last" | "oldest last" | "last, in no order"
  readonly layer: Layer.Layer<AgniClient>
  readonly clock: Clock.Clock
}

export const recordOf = (call: Call, token = 0): CallSession => ({
  id: call.id,
  createdAt: Instant.format(Instant.of(call.created)),
  status: call.status,
  agentId: "0d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44",
  metadata: { crm: call.crm, secret: call.secret },
  recordingUrl: `https://files.example.com/${call.id}.mp3?token=${token}`,
  ...(call.start === undefined ? {} : { startedAt: Instant.format(Instant.of(call.start)) }),
  ...(call.cost === undefined ? {} : { costTotal: call.cost }),
  ...(call.analysis === undefined ? {} : { postCallAnalysisResult: { outcome: call.analysis } })
})

const copyOf = (call: Call): Call => ({ ...call })

export const newCall = (i: number, created: number, isDated: boolean): Call => ({
  id: `019f1b9b-7cf7-7087-88fa-${String(i).padStart(12, "0")}`,
  created,
  start: isDated ? created + 2 * second : undefined,
  status: "in_progress",
  crm: "a",
  secret: "x",
  cost: undefined,
  analysis: undefined,
  isListed: true,
  leftAt: undefined
})

export const make = (now: number, calls: Array<Call>): World => {
  const own = VersionClock.make()
  let last = 0
  const answers = new Map<string, { readonly at: number; readonly rows: ReadonlyArray<Call> }>()
  const orders = new Map<string, ReadonlyArray<Call>>()
  const atEnd = (): ReadonlyArray<Call> => {
    const dated = calls.filter(({ start }) => start !== undefined)
    const place = ({ created, id }: Call) =>
      world.undated === "oldest last"
        ? -created
        : world.undated === "newest last"
          ? created
          : (Number(id.slice(-3)) * 7919) % 1000
    return [
      ...dated.sort((left, right) => (right.start ?? 0) - (left.start ?? 0) || (left.id < right.id ? 1 : -1)),
      ...calls.filter(({ start }) => start === undefined).sort((left, right) => place(left) - place(right))
    ]
  }
  const sorted = (byCreation: boolean, isAscending: boolean): ReadonlyArray<Call> => {
    if (world.undated !== "among others" && world.undated !== "first") return atEnd()
    const key = `${byCreation} ${isAscending}`
    const keyOf = (call: Call) =>
      byCreation ? call.created : (call.start ?? call.created + (world.undated === "first" ? 1e15 : 0))
    const sign = isAscending ? -1 : 1
    const found =
      (world.isStill ? orders.get(key) : undefined) ??
      calls.toSorted((left, right) => sign * (keyOf(right) - keyOf(left) || (left.id < right.id ? 1 : -1)))
    orders.set(key, found)
    return found
  }
  const list: AgniClient["Service"]["list"] = (query) =>
    Effect.gen(function* () {
      world.now += 200_000
      world.requests++
      const { page = 1, pageSize = 20 } = query
      const after = query.startedAfter === undefined ? -Infinity : (Instant.fromBound(query.startedAfter) ?? 0)
      const before = query.startedBefore === undefined ? Infinity : (Instant.fromBound(query.startedBefore) ?? 0)
      const isBounded = after !== -Infinity || before !== Infinity
      const isIn = ({ isListed, start }: Call) =>
        isListed && (!isBounded || (start !== undefined && start >= after && start <= before))
      world.onRequest()
      const ordered = sorted(query.sortBy === "created_at", query.sortOrder === "asc")
      const question = JSON.stringify([page, pageSize, after, before, query.sortBy, query.sortOrder])
      const cached = answers.get(question)
      const isOld = cached === undefined || world.now - cached.at >= world.cachedFor
      const answer = isOld
        ? {
            at: world.now,
            rows: ordered
              .filter(isIn)
              .slice((page - 1) * pageSize, page * pageSize)
              .map(copyOf)
          }
        : cached
      answers.set(question, answer)
      const { rows } = answer
      last = world.isFrozen ? last : Math.floor(world.now / second) * second
      const observedAt = Instant.of(last)
      const version = yield* ((yield* VersionClock.Current) ?? own).observe(observedAt)
      const sessions = rows.map((call) => recordOf(call, world.requests))
      return {
        page,
        rows: Rows.ofSessions(sessions, observedAt, version),
        rejected: [],
        observedAt,
        version,
        edition: "camelCase" as const,
        total: undefined,
        age: 0
      }
    })
  const nanos = () => BigInt(Math.floor(world.now)) * 1000n
  const world: World = {
    calls,
    now,
    requests: 0,
    onRequest: () => {},
    cachedFor: 0,
    isStill: false,
    isFrozen: false,
    undated: "among others",
    layer: AgniClient.layerList(list),
    clock: {
      currentTimeMillisUnsafe: () => Math.floor(world.now / 1000),
      currentTimeMillis: Effect.sync(() => Math.floor(world.now / 1000)),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: () => Effect.void
    }
  }
  return world
}
