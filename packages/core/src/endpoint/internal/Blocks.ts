/** Rows by their places in a list, where some of them cannot be had: a block that fails is halved, down to single rows. */
import * as Effect from "effect/Effect"
import type { ListOptions } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "./Ask.ts"
import * as Patience from "./Patience.ts"
import * as Rows from "./ListedRows.ts"

export interface Block {
  /** In the order of the list; `undefined` for one that cannot be had. */
  readonly rows: ReadonlyArray<Rows.Row | undefined>
  /** Whether the list ended within it. */
  readonly ended: boolean
}

/** Blocks are powers of two, because then the halves of one are pages too. */
export const largest = (size: number): number => 2 ** Math.floor(Math.log2(size))

/**
 * Asks for blocks of one list. Half a block that fails is requested once: after a transient failure it comes in smaller parts. A row that
 * is left is asked for with the patience of `single`; without it, it is the one that fails.
 */
export const make = (ask: Ask.Ask, bounds: Ask.Bounds, sort: Ask.Sort, single?: ListOptions) => {
  const look = (at: number, size: number, how: ListOptions): Effect.Effect<Block | undefined, AgniError> =>
    Ask.catchPoison(
      Effect.map(ask(at / size + 1, bounds, { size, sort, how }), ({ rows }) => ({ rows, ended: rows.length < size })),
      () => Effect.undefined
    )

  /** A block of which it is known that it fails. */
  const halve = Effect.fnUntraced(function* (at: number, size: number): Effect.fn.Return<Block, AgniError> {
    if (size === 1) {
      const row = single === undefined ? undefined : yield* look(at, size, single)
      return row ?? { rows: [undefined], ended: false }
    }
    const half = size / 2
    const left = yield* look(at, half, Patience.once)
    if (left?.ended === true) return left
    // Where the first half comes, it is the second one that fails.
    if (left !== undefined) return join(left, yield* halve(at + half, half))
    const right = yield* look(at + half, half, Patience.once)
    if (right !== undefined) return join(yield* halve(at, half), right)
    // Nothing came: is the server still there?
    const again = yield* look(at, half, Patience.soon)
    return join(again ?? (yield* halve(at, half)), yield* halve(at + half, half))
  })

  /** The rows from a place on, which is a multiple of the size. */
  const read = (at: number, size: number): Effect.Effect<Block, AgniError> =>
    size === 1 && single !== undefined ? halve(at, size) : orHalve(at, size, Patience.soon)

  /** The same, of a page that fails as a whole; with `fails` this is the part that does. */
  const part = (at: number, size: number, fails = false): Effect.Effect<Block, AgniError> =>
    fails ? halve(at, size) : orHalve(at, size, Patience.once)

  const orHalve = (at: number, size: number, how: ListOptions): Effect.Effect<Block, AgniError> =>
    Effect.flatMap(look(at, size, how), (block) => (block === undefined ? halve(at, size) : Effect.succeed(block)))

  return { part, read }
}

/** So many blocks in a row that bring nothing new lie beyond the end. */
const mostIdle = 5

/**
 * All of a list: the rows that came, how many cannot be had, and whether its end was seen. Where it was not, those behind the
 * last row may be one, again and again, which a server lists beyond the end: so one is counted of them.
 */
export interface Whole {
  readonly held: Rows.Held
  readonly lost: number
  readonly ended: boolean
}

/** The rows of a short list, in blocks of one, one, two, four, …, up to the given size. */
export const all = Effect.fnUntraced(function* (
  { read }: Pick<ReturnType<typeof make>, "read">,
  { most, size }: { readonly most: number; readonly size: number }
): Effect.fn.Return<Whole, AgniError> {
  const held = Rows.makeHeld()
  let lost = 0
  /** Of these, those behind the last row that came. */
  let behind = 0
  let idle = 0
  for (let at = 0; at < most && idle < mostIdle;) {
    const width = Math.min(size, Math.max(1, at))
    const block: Block | undefined = yield* Effect.catchIf(read(at, width), Ask.isRefusal, () => Effect.undefined)
    // So deep the server does not go.
    if (block === undefined) break
    const { ended, rows } = block
    const came = rows.flatMap((row) => row ?? [])
    lost += rows.length - came.length
    const last = rows.findLastIndex((row) => row !== undefined && !held.rows.has(row.key))
    behind = (last < 0 ? behind : 0) + rows.filter((row, i) => i > last && row === undefined).length
    idle = held.add(came) === 0 ? idle + 1 : 0
    if (ended) return { held, lost, ended: true }
    at += width
  }
  return { held, lost: lost - behind + Math.min(1, behind), ended: false }
})

const join = (left: Block, right: Block): Block =>
  left.ended ? left : { rows: [...left.rows, ...right.rows], ended: right.ended }
