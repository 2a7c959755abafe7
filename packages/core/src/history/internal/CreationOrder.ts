/** The calls that were created about a time, in the order of creation, where the server has it. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Micros } from "../../endpoint/internal/Micros.ts"

const sort: Ask.Sort = { by: "created_at", order: "desc" }

const { second } = Ask

/** An id is made just before the record is. */
const before = second
const after = 5 * second

/** A search that takes more requests does not come nearer. */
const mostRequests = 60
const mostBeside = 10
const mostPages = 2 ** 20

/** A page of calls that were created later, and when the oldest of them was. */
interface Later {
  readonly page: number
  readonly created: Micros
}

/** A page of calls that were created earlier, and when the newest of them was; nothing of a page beyond the end. */
interface Earlier {
  readonly page: number
  readonly created: Micros | undefined
}

interface Created {
  readonly newest: Micros
  readonly oldest: Micros
  readonly rows: number
}

interface Options {
  readonly size: number
  readonly see: (rows: ReadonlyArray<Rows.Row>) => void
  readonly isFound: () => boolean
}

const createdIn = (rows: ReadonlyArray<Rows.Row>): Created | undefined => {
  let last = Infinity
  let newest: Micros | undefined
  for (const row of rows) {
    const created = Rows.createdOf(row)
    if (created === undefined || created > last) return undefined
    newest ??= created
    last = created
  }
  return { newest: newest ?? -Infinity, oldest: last, rows: rows.length }
}

/** The next page to look at: where the calls would be if they came evenly; every other time halfway, in case they do not. */
const between = (later: Later, earlier: Earlier | undefined, first: Micros, at: Micros, turn: number): number => {
  if (earlier === undefined) {
    const width = (first - later.created) / later.page
    const guess = later.page + Math.ceil((later.created - at) / width)
    return Math.max(later.page + 1, Math.min(guess, 64 * later.page, mostPages))
  }
  const isEven = turn % 2 === 0 && earlier.created !== undefined
  const share = isEven ? (later.created - at) / (later.created - earlier.created) : 0.5
  const guess = Math.round(later.page + share * (earlier.page - later.page))
  return Math.max(later.page + 1, Math.min(earlier.page - 1, guess))
}

/**
 * Looks through the pages of the calls created about a time. Returns whether they are all there: the server has the order, and
 * the pages around that time were read.
 */
export const around = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  at: Micros,
  { isFound, see, size }: Options
): Effect.fn.Return<boolean, AgniError> {
  let asked = size
  const look = (page: number) =>
    Effect.map(Ask.orNothing(ask(page, {}, { size: asked, sort })), (answer) => {
      if (answer === undefined) return undefined
      see(answer.rows)
      return createdIn(answer.rows)
    })
  const first = yield* look(1)
  if (first === undefined || first.rows === 0) return false
  asked = first.rows
  let later: Later = { page: 0, created: first.newest }
  let earlier: Earlier | undefined
  let page = 1
  let here: Created | undefined = first
  for (let turn = 0; turn < mostRequests && !isFound(); turn++) {
    if (here === undefined) return false
    if (here.rows > 0 && here.oldest > at + after) later = { page, created: here.oldest }
    else if (here.newest < at - before) earlier = { page, created: here.rows === 0 ? undefined : here.newest }
    else return yield* beside(look, page, here, at, isFound)
    // Nothing was created about that time. Had this page been read before the one in front of it, calls that came since could have moved
    // others onto it.
    if (page - later.page === 1) return true
    page = between(later, earlier, first.newest, at, turn)
    here = yield* look(page)
  }
  return isFound()
})

/**
 * The pages next to one that holds calls of that time, as far as they do too. Calls that come move others onto the pages behind: from the
 * first page on they are read in their order.
 */
const beside = Effect.fnUntraced(function* (
  look: (page: number) => Effect.Effect<Created | undefined, AgniError>,
  page: number,
  here: Created,
  at: Micros,
  isFound: () => boolean
): Effect.fn.Return<boolean, AgniError> {
  let first = page
  let last: Created | undefined = here
  for (; first > 1 && last.newest <= at + after && !isFound(); first--) {
    if (page - first === mostBeside) return false
    last = yield* look(first - 1)
    if (last === undefined) return false
  }
  for (let next = first + 1; last.rows > 0 && last.oldest >= at - before && !isFound(); next++) {
    if (next - page > mostBeside) return false
    last = yield* look(next)
    if (last === undefined) return false
  }
  return true
})
