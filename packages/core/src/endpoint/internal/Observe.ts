/** The questions by which an endpoint shows how it behaves. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import { pageBeyondAll } from "../../model/Limits.ts"
import * as Ask from "./Ask.ts"
import * as Blocks from "./Blocks.ts"
import * as Patience from "./Patience.ts"
import * as Rows from "./ListedRows.ts"

export type SortField = "started_at" | "startedAt"

/** The effect of a sort field: `unknown` if the rows do not differ, or had this order already. */
type SortAnswer = "understood" | "ignored" | "refused" | "unknown"

const fields: ReadonlyArray<SortField> = ["started_at", "startedAt"]

export const unsorted: Ask.Sort = { by: undefined, order: undefined }

/** The sort that brings the newest first. */
export const newest = (field: SortField | "none"): Ask.Sort =>
  field === "none" ? unsorted : { by: field, order: "desc" }

/** Rows in the order of the answer, and the page they are on. */
export interface Numbered {
  readonly page: number
  readonly rows: ReadonlyArray<Rows.Row>
}

const nothing: Ask.Answer = { rows: [], observedAt: 0, edition: undefined, characters: 0 }

const orRefused = <A, B>(answer: Effect.Effect<A, AgniError>, refused: B): Effect.Effect<A | B, AgniError> =>
  Effect.catchReason(answer, "AgniError", "InvalidRequest", () => Effect.succeed(refused))

/** A server may refuse a question with a 400, which answers it. A row that it cannot render teaches nothing. */
const orElse = <A>(
  answer: Effect.Effect<Ask.Answer, AgniError>,
  refused: A
): Effect.Effect<Ask.Answer | A, AgniError> =>
  Ask.catchPoison(orRefused(answer, refused), () => Effect.succeed(nothing))

const orEmpty = (answer: Effect.Effect<Ask.Answer, AgniError>) => orElse(answer, nothing)

export const comesNewestFirst = (rows: ReadonlyArray<Rows.Row>): boolean =>
  Rows.isNewestFirst(rows) && Rows.distinctStarts(rows) > 1

const comesOldestFirst = (rows: ReadonlyArray<Rows.Row>): boolean => comesNewestFirst(rows.toReversed())

type Order = "start-desc" | "start-asc" | "created-desc" | "created-asc" | "other" | "unknown"

/** How rows come, as far as they show it. */
export const orderOf = (rows: ReadonlyArray<Rows.Row>): Order => {
  if (Rows.distinctStarts(rows) < 2) return "unknown"
  const byCreation = rows.map((row): Rows.Row => ({ ...row, start: Rows.createdOf(row) }))
  return comesNewestFirst(rows)
    ? "start-desc"
    : comesOldestFirst(rows)
      ? "start-asc"
      : comesNewestFirst(byCreation)
        ? "created-desc"
        : comesOldestFirst(byCreation)
          ? "created-asc"
          : "other"
}

/** The most rows in one request that a server does not refuse; nothing where it refuses a single one, too: then the size is not at fault. */
const largestSize = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  refused: number
): Effect.fn.Return<number | undefined, AgniError> {
  // A page that cannot be rendered was not refused.
  const isAccepted = (size: number) =>
    ask(1, {}, { size, how: Patience.soon }).pipe(
      Effect.as(true),
      Effect.catchIf(Ask.isPoison, () => Effect.succeed(true)),
      Effect.catchIf(Ask.isRefusal, () => Effect.succeed(false))
    )
  if (refused === 1 || !(yield* isAccepted(1))) return undefined
  let low = 1
  let high = refused
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (yield* isAccepted(middle)) low = middle
    else high = middle
  }
  return low
})

interface First {
  readonly answer: Ask.Answer
  readonly page: number
  readonly size: number
  /** There are records, and each page with one fails. */
  readonly fails: boolean
  /** So many rows in one request are refused. */
  readonly refused?: number
}

/** The first page, as large as the server accepts it. */
export const firstAnswer = (ask: Ask.Ask, asked: number): Effect.Effect<First, AgniError> =>
  Effect.catchIf(rendered(ask, asked), Ask.isRefusal, (error) =>
    Effect.flatMap(largestSize(ask, asked), (size) =>
      size === undefined
        ? Effect.fail(error)
        : Effect.map(rendered(ask, size), (first): First => ({ ...first, refused: asked }))
    )
  )

/**
 * The first page, as large as the server can render it. When it holds a row that cannot be rendered, the next one may be
 * without; when all are too large for a response, smaller ones are not.
 */
const rendered = Effect.fnUntraced(function* (ask: Ask.Ask, asked: number): Effect.fn.Return<First, AgniError> {
  /** The fullest page behind the first one. */
  let best: { readonly answer: Ask.Answer; readonly page: number; readonly size: number } | undefined
  const rows = () => best?.answer.rows.length ?? 0
  for (let size = asked; size > Math.max(0, rows()); size = Math.floor(size / 2)) {
    for (let page = 1; page <= (size === 1 ? 8 : 2); page++) {
      // So deep a server may not go.
      const answer = yield* Effect.catchIf(
        ask(page, {}, { size, how: Patience.soon }),
        (error) => Ask.isPoison(error) || (page > 1 && Ask.isRefusal(error)),
        () => Effect.undefined
      )
      if (answer === undefined) continue
      if (page === 1 || answer.rows.length >= size) return { answer, page, size, fails: false }
      if (best === undefined || answer.rows.length > rows()) best = { answer, page, size }
    }
  }
  if (best === undefined) return { answer: yield* ask(1, {}), page: 1, size: 1, fails: false }
  // All that there is fails.
  return rows() > 0 ? { ...best, fails: false } : { answer: best.answer, page: 2, size: asked, fails: true }
})

/**
 * As many are asked for as were seen to come: a server that cuts pages may count their places by the size that was asked for, and
 * one more call than a short first page would never be shown.
 */
export const pageSize = (first: ReadonlyArray<Rows.Row>, asked: number): number =>
  first.length === 0 ? asked : Math.max(2, first.length)

/**
 * A short first page has all rows, or as many as a page can have: the next one shows which, unless calls came meanwhile, with which
 * the first is longer than it was. One that brings the first again
 * may come from a server that repeats its only page, or beyond a limit: then there may be more that cannot be requested so. Two that
 * bring the first in parts come from a server that rounds sizes.
 */
export const afterShort = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  page: number,
  first: ReadonlyArray<Rows.Row>,
  asked: number
): Effect.fn.Return<"end" | "more" | "grown" | "again" | "smaller" | "rounded", AgniError> {
  if (first.length === 0 || first.length >= asked) return "end"
  const size = first.length
  // A page that cannot be rendered exists, and a refused one may exist.
  const look = (page: number, size: number) => Ask.orNothing(ask(page, {}, { size, how: Patience.soon }))
  // Twice, so that both of two replicas that answer in turn are asked.
  const isLonger = Effect.map(Effect.all([look(page, asked), look(page, asked)], { concurrency: 2 }), (answers) =>
    answers.some((answer) => answer !== undefined && answer.rows.length > size)
  )
  const next = yield* look(page + 1, size)
  if (next === undefined) return "more"
  const known = new Set(first.map(({ key }) => key))
  if (next.rows.length === 0) return "end"
  if (next.rows.some(({ key }) => !known.has(key))) return (yield* isLonger) ? "grown" : "more"
  if (next.rows.length >= size) return "again"
  // A part of the same again: where no call moved it, both pages were cut smaller than asked for, and nothing is behind one as before.
  const [same, behind] = yield* Effect.all([look(page, size), look(page + 1, asked)], { concurrency: 2 })
  const parts = [...(same?.rows ?? []), ...next.rows]
  const isCut = (same?.rows.length ?? size) < size && isBeginning(parts, first)
  return !isCut ? "again" : behind?.rows.length === 0 ? "rounded" : "smaller"
})

/** Whether these are the first rows of those. */
const isBeginning = (rows: ReadonlyArray<Rows.Row>, of: ReadonlyArray<Rows.Row>): boolean =>
  rows.every(({ key }, i) => of[i]?.key === key)

/**
 * Whether a server that has more than a page gives pages of another size as they are asked for: one call less must bring one
 * less. The list of the oldest shows it where it was asked for so many. A call that left, or that this answer hides, leaves a place
 * that others fill: a page that was cut has the first of the same rows.
 */
export const rounds = (
  ask: Ask.Ask,
  first: ReadonlyArray<Rows.Row>,
  size: number,
  less: { readonly asked: number; readonly rows: ReadonlyArray<Rows.Row> } | undefined
): Effect.Effect<boolean, AgniError> => {
  if (first.length < size || size < 3) return Effect.succeed(false)
  if (less?.asked === size - 1 && less.rows.length === less.asked) return Effect.succeed(false)
  // A size may be refused because it is not one of the server's.
  return Ask.catchPoison(
    Effect.map(
      orRefused(ask(1, {}, { size: size - 1, how: Patience.soon }), nothing),
      ({ rows }) => rows.length !== size - 1 && isBeginning(rows.slice(0, size), first)
    ),
    () => Effect.succeed(false)
  )
}

/** Where a server rounds sizes, the number of calls on a short first page is no size of it: how many come for that one. */
export const roundedSize = (ask: Ask.Ask, size: number): Effect.Effect<number, AgniError> =>
  Effect.map(Ask.orNothing(ask(1, {}, { how: Patience.soon })), (answer) => {
    const brought = answer?.rows.length ?? size
    return brought > 1 && brought < size ? brought : size
  })

/** Whether a page that lies far beyond any end brings something; what cannot be rendered is there. */
export const repeats = (ask: Ask.Ask, first: ReadonlyArray<Rows.Row>) =>
  first.length === 0
    ? Effect.succeed(true)
    : Ask.catchPoison(
        Effect.map(orRefused(ask(pageBeyondAll, {}, { how: Patience.soon }), nothing), ({ rows }) => rows.length > 0),
        () => Effect.succeed(true)
      )

/** The order that is asked for, and the first page in it. */
export interface Sorted {
  readonly sortBy: SortField | "none"
  readonly newestFirst: boolean
  readonly rows: ReadonlyArray<Rows.Row>
}

/** Which sort field brings the newest first, and what it brings, when they do not come so by themselves. */
export const chooseSort = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  first: ReadonlyArray<Rows.Row>
): Effect.fn.Return<Sorted, AgniError> {
  const newestFirst = comesNewestFirst(first)
  if (newestFirst || first.length < 2) return { sortBy: "none", newestFirst, rows: first }
  const answers = yield* Effect.all(
    fields.map((field) => orEmpty(ask(1, {}, { sort: newest(field), how: Patience.soon }))),
    { concurrency: "unbounded" }
  )
  const at = fields.findIndex((_, i) => comesNewestFirst(answers[i]?.rows ?? []))
  return { sortBy: fields[at] ?? "none", newestFirst: at >= 0, rows: answers[at]?.rows ?? first }
})

/**
 * The readable rows of a first page that fails as a whole. Only failing rows can be before the first of them.
 */
export const front = (ask: Ask.Ask, sort: Ask.Sort, size: number): Effect.Effect<ReadonlyArray<Rows.Row>, AgniError> =>
  Effect.catchIf(
    Effect.map(Blocks.make(ask, {}, sort).part(0, Blocks.largest(size)), ({ rows }) =>
      rows.flatMap((row) => row ?? [])
    ),
    // Smaller pages lie deeper: so deep the server may not go.
    Ask.isRefusal,
    () => Effect.succeed([])
  )

/** The oldest first. */
export const ascending = (field: SortField): Ask.Sort => ({ by: field, order: "asc" })

/** What asking for the oldest first brings. */
export const oldestFirst = (
  ask: Ask.Ask,
  field: SortField
): Effect.Effect<ReadonlyArray<Rows.Row> | "refused" | "fails", AgniError> =>
  Ask.catchPoison(
    Effect.map(orRefused(ask(1, {}, { sort: ascending(field), how: Patience.soon }), "refused" as const), (answer) =>
      answer === "refused" ? answer : answer.rows
    ),
    () => Effect.succeed("fails" as const)
  )

/** What became of asking for the oldest first, beside how rows come when no order is asked for. */
export const sortAnswer = (
  ascending: ReadonlyArray<Rows.Row> | "refused" | "fails",
  unsorted: ReadonlyArray<Rows.Row>
): SortAnswer =>
  ascending === "refused"
    ? ascending
    : ascending === "fails" || Rows.distinctStarts(ascending) < 2 || comesOldestFirst(unsorted)
      ? "unknown"
      : comesOldestFirst(ascending)
        ? "understood"
        : "ignored"

export interface Depth {
  readonly pages: ReadonlyArray<Numbered>
  /** A page beyond the end, and whether the page of half its number was not read yet. */
  readonly pagesAtMost: number
  readonly unsure: boolean
}

/** Pages by their numbers; one that is refused, or fails, is empty. */
export const look = (ask: Ask.Ask, numbers: ReadonlyArray<number>) =>
  Effect.map(
    Effect.all(
      numbers.map((page) => orEmpty(ask(page, {}, { how: Patience.soon }))),
      { concurrency: "unbounded" }
    ),
    (answers) => answers.map(({ rows }, i): Numbered => ({ page: numbers[i] ?? 2, rows }))
  )

/** Pages that share most rows are beyond the end. */
const isBeyond = ({ rows }: Numbered, first: ReadonlyArray<Rows.Row>, before: ReadonlyArray<Rows.Row>): boolean =>
  rows.length === 0 || Rows.alike(rows, first) || Rows.alike(rows, before)

/** Pages 4, 16, 64 … until one is beyond the end: empty, or what another one was. */
export const gallop = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  first: ReadonlyArray<Rows.Row>,
  guess: number | undefined
): Effect.fn.Return<Depth, AgniError> {
  if (first.length === 0) return { pages: [], pagesAtMost: 0, unsure: false }
  if (guess !== undefined && guess >= 2) {
    const numbers = [guess / 8, guess / 4, guess / 2, guess].filter((page) => page >= 2)
    const seen = yield* look(ask, numbers)
    const within = seen.slice(0, -1).every((page, i) => !isBeyond(page, first, seen[i - 1]?.rows ?? first))
    const last = seen.at(-1)
    if (within && last !== undefined && isBeyond(last, first, seen.at(-2)?.rows ?? first)) {
      return { pages: seen, pagesAtMost: guess, unsure: false }
    }
  }
  const pages: Array<Numbered> = []
  let before = first
  for (let exponent = 1; exponent <= 15; exponent += 5) {
    const seen = yield* look(
      ask,
      Array.from({ length: 5 }, (_, i) => 4 ** (exponent + i))
    )
    // Those beyond the end too: they may be all that is known.
    pages.push(...seen)
    for (const page of seen) {
      if (isBeyond(page, first, before)) return { pages, pagesAtMost: page.page, unsure: true }
      before = page.rows
    }
  }
  return { pages, pagesAtMost: 4 ** 15, unsure: false }
})

/** The depth to the next power of two. */
export const halve = (ask: Ask.Ask, first: ReadonlyArray<Rows.Row>, depth: Depth): Effect.Effect<Depth, AgniError> => {
  const { pages, pagesAtMost, unsure } = depth
  if (!unsure) return Effect.succeed(depth)
  const before = pages.findLast(({ page }) => page < pagesAtMost)?.rows ?? first
  return Effect.map(look(ask, [pagesAtMost / 2]), (seen) => ({
    pages: [...pages, ...seen].toSorted((left, right) => left.page - right.page),
    pagesAtMost: seen.some((page) => isBeyond(page, first, before)) ? pagesAtMost / 2 : pagesAtMost,
    unsure: false
  }))
}
