/** Rows by their places in a list, where some of them cannot be had: a block that fails is halved, down to single rows. */
import * as Effect from "effect/Effect"
import type { ListOptions } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "./Ask.ts"
import { pageBeyondAll } from "../../model/Limits.ts"
import * as Patience from "./Patience.ts"
import * as Rows from "./ListedRows.ts"

export interface Block {
  /** In the order of the list; `undefined` for one that cannot be had. */
  readonly rows: ReadonlyArray<Rows.Row | undefined>
  /** Whether the list ended within it. */
  readonly ended: boolean
  /** The end is where the last row begins to come again and again, which is no proof: rows of equal start may look the same. */
  readonly repeats?: true
}

/** Blocks are powers of two, because then the halves of one are pages too. */
export const largest = (size: number): number => 2 ** Math.floor(Math.log2(size))

/** So many rows in a row that cannot be had lie beyond the end, where the page beyond it has such a row, too. */
const mostFailing = 4

/** What the answers for a list showed. */
interface Shown {
  /** Rows in a row that could not be had. */
  failing: number
  beyond: Beyond | undefined
  /** How many rows it has, where a page beyond its end shows it. */
  rows: number | undefined
}

/** What a page far beyond the end brings: nothing, the last row again, or a failure, because that row fails. */
type Beyond = Rows.Row | "fails" | "nothing"

const lookBeyond = (ask: Ask.Ask, bounds: Ask.Bounds, sort: Ask.Sort): Effect.Effect<Beyond, AgniError> =>
  ask(pageBeyondAll, bounds, { size: 1, sort, how: Patience.once }).pipe(
    Effect.map(({ rows }) => rows[0] ?? ("nothing" as const)),
    Effect.catchIf(Ask.isRefusal, () => Effect.succeed("nothing" as const)),
    Effect.catchIf(Ask.isPoison, () => Effect.succeed("fails" as const))
  )

/** Whether a block has only what comes beyond the end. */
const isBeyond = (rows: Block["rows"], beyond: Beyond): boolean =>
  typeof beyond === "string"
    ? beyond === "fails" && rows.length >= mostFailing && rows.every((row) => row === undefined)
    : rows.every((row) => row?.key === beyond.key)

/**
 * How many rows there are, where the server repeats the last of them beyond the end: that is the first place from which on a single
 * row is always the same. Another row that fails is none of them.
 */
const countRepeating = Effect.fnUntraced(function* (
  one: (at: number, how: ListOptions) => Effect.Effect<Block | undefined, AgniError>,
  { key }: Rows.Row,
  expected: number
): Effect.fn.Return<number, AgniError> {
  const isLast = (at: number) =>
    Effect.map(one(at, Patience.once), (block) => block !== undefined && (block.ended || block.rows[0]?.key === key))
  let low = 0
  let high = Infinity
  let place = Math.max(1, expected)
  // The guess is mostly right, or nearly: it is left in both directions in steps that grow.
  for (let step = 1; high - low > 1 && low < pageBeyondAll; step *= 8) {
    if (yield* isLast(place - 1)) high = place
    else low = place
    const next = high === Infinity ? low + step : low === 0 && step <= 64 ? high - step : Math.floor((low + high) / 2)
    place = Math.max(low + 1, Math.min(high - 1, next))
  }
  return Math.min(high, pageBeyondAll)
})

/** A row that cannot be had. */
const failed = (shown: Shown): Block => {
  shown.failing++
  return { rows: [undefined], ended: false }
}

/**
 * Asks for blocks of one list. Half a block that fails is requested once: after a transient failure it comes in smaller parts. A row that
 * is left is asked for with the patience of `single`; without it, it is the one that fails.
 */
export const make = (ask: Ask.Ask, bounds: Ask.Bounds, sort: Ask.Sort, single?: ListOptions) => {
  const shown: Shown = { failing: 0, beyond: undefined, rows: undefined }
  const beyond = Effect.suspend(() =>
    shown.beyond === undefined
      ? Effect.map(lookBeyond(ask, bounds, sort), (found) => (shown.beyond = found))
      : Effect.succeed(shown.beyond)
  )
  const look = (at: number, size: number, how: ListOptions): Effect.Effect<Block | undefined, AgniError> =>
    Ask.catchPoison(
      Effect.map(ask(at / size + 1, bounds, { size, sort, how }), ({ rows }) => {
        if (rows.length > 0) shown.failing = 0
        return { rows, ended: rows.length < size }
      }),
      () => Effect.undefined
    )
  /** The row at a place, or nothing behind the end; no block if it cannot be had. */
  const one = (at: number, how: ListOptions) => look(at, 1, how)
  /** How many rows the list has, where a page beyond its end shows it. */
  const count = Effect.fnUntraced(function* (expected: number): Effect.fn.Return<number | undefined, AgniError> {
    const last = yield* beyond
    if (typeof last !== "string") shown.rows ??= yield* countRepeating(one, last, expected)
    return shown.rows
  })

  /** A block of which it is known that it fails, and perhaps that rows come behind it. */
  const halve = Effect.fnUntraced(function* (
    at: number,
    size: number,
    isInside: boolean
  ): Effect.fn.Return<Block, AgniError> {
    if (size === 1) return (single === undefined ? undefined : yield* one(at, single)) ?? failed(shown)
    const half = size / 2
    const left = yield* look(at, half, Patience.once)
    if (left?.ended === true) return left
    // Where the first half comes, it is the second one that fails.
    if (left !== undefined) return join(left, yield* halve(at + half, half, isInside))
    const right = yield* look(at + half, half, Patience.once)
    if (right !== undefined) return join(yield* halve(at, half, true), right)
    if (!isInside && shown.failing >= mostFailing && (yield* beyond) === "fails")
      return { rows: Array.from({ length: size }, () => undefined), ended: false }
    // Nothing came: is the server still there? Of larger blocks their parts show it.
    const again = half === 1 ? yield* look(at, half, Patience.soon) : undefined
    const end = isInside ? undefined : yield* count(at + size)
    // A row that was asked for again is not asked for once more.
    const first = again ?? (half === 1 ? failed(shown) : yield* halve(at, half, isInside))
    if (end !== undefined && end <= at + half) return { ...first, ended: true, repeats: true }
    return join(first, yield* halve(at + half, half, isInside))
  })

  const orHalve = (at: number, size: number, how: ListOptions): Effect.Effect<Block, AgniError> =>
    Effect.flatMap(look(at, size, how), (block) =>
      block === undefined ? halve(at, size, false) : Effect.succeed(block)
    )

  /** Behind the end there is nothing, whatever comes. */
  const within = (at: number, block: Effect.Effect<Block, AgniError>): Effect.Effect<Block, AgniError> =>
    Effect.suspend(() => {
      const { rows = Infinity } = shown
      if (at >= rows) return Effect.succeed<Block>({ rows: [], ended: true, repeats: true })
      return Effect.map(block, (found): Block => {
        const { rows = Infinity } = shown
        return at + found.rows.length > rows
          ? { rows: found.rows.slice(0, rows - at), ended: true, repeats: true }
          : found
      })
    })

  /** The rows from a place on, which is a multiple of the size. */
  const read = (at: number, size: number): Effect.Effect<Block, AgniError> =>
    within(at, size === 1 && single !== undefined ? halve(at, size, false) : orHalve(at, size, Patience.soon))

  /** The same, of a page that fails as a whole; with `fails` this is the part that does. */
  const part = (at: number, size: number, fails = false): Effect.Effect<Block, AgniError> =>
    within(at, fails ? halve(at, size, false) : orHalve(at, size, Patience.once))

  return { beyond, count, one, part, read }
}

/** So many blocks in a row that bring nothing new lie beyond the end. */
const mostIdle = 5

/**
 * All of a list: the rows that came, the places of those that cannot be had, and whether its end was seen. Where it was not, those
 * behind the last row may be one, again and again, which a server lists beyond the end: so one is counted of them.
 */
export interface Whole {
  readonly held: Rows.Held
  readonly lost: ReadonlyArray<number>
  readonly ended: boolean
}

type Reader = ReturnType<typeof make>

interface Extent {
  readonly most: number
  readonly size: number
}

/**
 * The rows of a short list, in blocks of one, one, two, four, …, up to the given size.
 *
 * @param placed Rows by their places, as they came before: those that come are added.
 */
export const all = Effect.fnUntraced(function* (
  { beyond, read }: Pick<Reader, "beyond" | "read">,
  { most, size }: Extent,
  placed = new Map<number, Rows.Row>()
): Effect.fn.Return<Whole, AgniError> {
  const held = Rows.makeHeld()
  const lost: Array<number> = []
  /** The place of the last row that came for the first time. */
  let last = -1
  let idle = 0
  for (let at = 0; at < most && idle < mostIdle;) {
    const width = Math.min(size, Math.max(1, at))
    const block: Block | undefined = yield* Effect.catchIf(read(at, width), Ask.isRefusal, () => Effect.undefined)
    // So deep the server does not go.
    if (block === undefined) break
    const rows = block.rows.map((row, i) => row ?? placed.get(at + i))
    for (const [i, row] of rows.entries()) {
      if (row === undefined) {
        lost.push(at + i)
        continue
      }
      placed.set(at + i, row)
      if (!held.rows.has(row.key)) last = at + i
    }
    const came = rows.flatMap((row) => row ?? [])
    idle = held.add(came) === 0 ? idle + 1 : 0
    if (block.ended) return { held, lost, ended: block.repeats !== true }
    if (idle > 0 && width > 1 && isBeyond(rows, yield* beyond)) break
    at += width
  }
  const behind = lost.find((at) => at > last)
  return { held, lost: lost.filter((at) => at < last || at === behind), ended: false }
})

/**
 * The same, and those that cannot be had are tried with all the patience of `how`, at the same time: many records wait no longer than
 * one.
 */
export const patiently = Effect.fnUntraced(function* (
  reader: Pick<Reader, "beyond" | "one" | "read">,
  extent: Extent,
  how: ListOptions
): Effect.fn.Return<Whole, AgniError> {
  const placed = new Map<number, Rows.Row>()
  for (let left = mostTimes; ; left--) {
    const { ended, held, lost } = yield* all(reader, extent, placed)
    const found = yield* Effect.forEach(lost, (at) => reader.one(at, how), { concurrency: mostAtOnce })
    for (const [i, block] of found.entries()) {
      const [at, row] = [lost[i], block?.rows[0]]
      if (at !== undefined && row !== undefined) placed.set(at, row)
    }
    const fresh = held.add(found.flatMap((block) => block?.rows.flatMap((row) => row ?? []) ?? []))
    // Behind a row that came after all there may be more.
    if (fresh === 0 || ended || left === 0) return { held, lost: lost.filter((_, i) => found[i] === undefined), ended }
  }
})

const mostAtOnce = 8

/** The list is read again so often: requests may fail by chance each time. */
const mostTimes = 3

const join = (left: Block, right: Block): Block =>
  left.ended ? left : { ...right, rows: [...left.rows, ...right.rows] }
