/** All small histories of one window: the one or two things that happen while it is read. */
import type { Event } from "./SmallServer.ts"
import { type Shape, shapes } from "./SmallShapes.ts"

const second = 1_000_000

/** No reading of a few rows takes as many requests. */
const forever = 1e9

export interface History {
  readonly shape: Shape
  readonly events: ReadonlyArray<Event>
}

/** The starts that a row may move to: at the ends of the window, within it, and out of it. */
const targets = ({ range: { from, to } }: Shape): ReadonlyArray<number> => [
  from + 20 * second,
  (from + to) / 2,
  to - 20 * second,
  to + 100 * second,
  from - 100 * second
]

/** All that can happen once, while so many requests are made. */
const eventsOf = (shape: Shape, requests: number): ReadonlyArray<Event> => {
  const at = Array.from({ length: requests + 1 }, (_, after) => after)
  return at.flatMap((after): ReadonlyArray<Event> => [
    ...shape.rows.flatMap((_, row): ReadonlyArray<Event> => [
      { kind: "leaves", row, after },
      { kind: "arrives", row, after },
      ...targets(shape).map((start): Event => ({ kind: "moves", row, after, start })),
      { kind: "hides", row, from: 1, to: after, every: 1 },
      { kind: "hides", row, from: after + 1, to: after + 1, every: 1 },
      { kind: "hides", row, from: after + 1, to: after + 3, every: 1 },
      { kind: "hides", row, from: after + 1, to: forever, every: 1 },
      { kind: "hides", row, from: after + 1, to: forever, every: 2 }
    ]),
    { kind: "stale", from: after + 1, of: Math.max(1, after - 1) },
    { kind: "unbounded", from: after + 1, to: after + 1 }
  ])
}

/**
 * Two neighbours leave at once, and another one comes, or the other way round: one of those between two pages was passed by, and the
 * count is right.
 */
const swapsOf = (shape: Shape, requests: number): ReadonlyArray<ReadonlyArray<Event>> => {
  const at = Array.from({ length: requests + 1 }, (_, after) => after)
  const inside = shape.rows.slice(1, -1).map((_, i) => i + 1)
  const swaps = (two: "leaves" | "arrives", one: "leaves" | "arrives") =>
    at.flatMap((first) =>
      inside.slice(1).flatMap((row) =>
        at.flatMap((then) =>
          inside
            .filter((other) => other !== row && other !== row - 1)
            .map((other): ReadonlyArray<Event> => [
              { kind: two, row: row - 1, after: first },
              { kind: two, row, after: first },
              { kind: one, row: other, after: then }
            ])
        )
      )
    )
  return shape.name.startsWith("passed") ? swaps("arrives", "leaves") : swaps("leaves", "arrives")
}

/** Readings that take more requests are of servers that nobody can read well. */
const mostRequests = 60

/** Swaps are tried up to that request: behind it the ends of the window are looked at. */
const mostSwapped = 10

interface Happenings {
  readonly shape: Shape
  readonly events: ReadonlyArray<Event>
  readonly swaps: ReadonlyArray<ReadonlyArray<Event>>
}

function* every<A>(all: Iterable<A>, nth: number): Generator<A> {
  let place = 0
  for (const one of all) if (place++ % nth === 0) yield one
}

function* singles(lists: ReadonlyArray<Happenings>): Generator<History> {
  for (const { events, shape } of lists) for (const event of events) yield { shape, events: [event] }
}

function* swaps(lists: ReadonlyArray<Happenings>): Generator<History> {
  for (const { shape, swaps } of lists) for (const events of swaps) yield { shape, events }
}

/**
 * Each shape on which nothing happens, then swaps and single events, each one or each so manieth of them, then so many pairs of events of
 * each shape.
 *
 * @param requestsOf how many requests its reading takes when nothing happens.
 */
export function* all(
  requestsOf: (shape: Shape) => number,
  nth: { readonly swap: number; readonly single: number },
  pairs: number
): Generator<History> {
  for (const shape of shapes.values()) yield { shape, events: [] }
  const lists = [...shapes.values()].flatMap((shape): ReadonlyArray<Happenings> => {
    const requests = requestsOf(shape)
    if (requests > mostRequests) return []
    const { depth, results } = shape.traits
    const isLong =
      ["long", "passed"].some((layout) => shape.name.startsWith(layout)) && (depth ?? results) === undefined
    const swaps = isLong ? swapsOf(shape, Math.min(mostSwapped, requests)) : []
    return [{ shape, swaps, events: eventsOf(shape, requests) }]
  })
  yield* every(swaps(lists), nth.swap)
  yield* every(singles(lists), nth.single)
  for (let round = 0; round < pairs; round++)
    for (const { events, shape } of lists) {
      const pair = pairAt(events, round)
      if (pair !== undefined) yield { shape, events: pair }
    }
}

/** The pairs in an order in which those that follow each other have little in common: the step is prime, so that each comes once. */
const pairAt = (events: ReadonlyArray<Event>, round: number): ReadonlyArray<Event> | undefined => {
  const count = events.length
  const place = (round * 7_919_003) % (count * count)
  const [first, second] = [events[Math.floor(place / count)], events[place % count]]
  return round < count * count && first !== undefined && second !== undefined && first !== second
    ? [first, second]
    : undefined
}
