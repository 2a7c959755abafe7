/** Calls without a start time in front of the list: which ones a window lacks, and all of them where no window can show them. */
import * as Effect from "effect/Effect"
import { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import * as Packed from "../../model/internal/Packed.ts"
import type { Rejected } from "../../model/Rejected.ts"
import type * as Coverage from "../../history/Coverage.ts"
import * as WithoutStart from "../../history/internal/WithoutStart.ts"
import type { Entry } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Why } from "../Sync.ts"
import type { Micros } from "../Tail.ts"
import * as Endpoint from "./Endpoint.ts"
import type * as Pass from "./Pass.ts"

interface Found {
  readonly items: ReadonlyArray<Item<CallSession>>
  readonly requests: number
  /** Calls that were created in the range and did not come; nothing where the window cannot show that. */
  readonly expected: ReadonlyArray<Entry> | undefined
  readonly unread?: ReadonlyArray<Rejected> | undefined
}

/**
 * A window of calls without a start time may be proven by counts alone, and each count may be another replica's. So those that it
 * lacks are looked for in front of the list, where most servers have them, before they are called absent. A search looks there in any
 * case.
 */
export const find = Effect.fnUntraced(function* (
  run: Pass.Run,
  why: Why,
  from: Micros,
  window: Coverage.Window,
  came: ReadonlyArray<Item<CallSession>>
): Effect.fn.Return<Found, AgniError | LedgerError, AgniClient> {
  const { coverage, outside, to } = window
  const { filters, horizon, lease } = run.settings
  const end = Math.min(to, run.now - horizon)
  const isShown = coverage._tag === "Proven" && outside !== undefined && outside.unassigned === 0
  if (!isShown && why !== "missing") return { items: came, requests: 0, expected: undefined }
  const here = new Set(came.map(({ id }) => id))
  // A window that read all of them shows which ones left, whenever those were created.
  const there = WithoutStart.allIn(window)
  const isIn = ({ created = Infinity, id }: Entry) =>
    created < end && !here.has(id) && (created >= from ? true : there !== undefined && !there.has(id))
  const lacks = (yield* lease.withoutStart).filter(isIn)
  const expected = isShown ? lacks : undefined
  if (lacks.length === 0) return { items: came, requests: 0, expected }
  const endpoint = Endpoint.make((yield* AgniClient).list, filters, run.profile)
  const wanted = new Set(lacks.map(({ id }) => id))
  const { isWhole, items, rejected: unread } = yield* endpoint.front
  const found = items.filter(({ id }) => wanted.has(id))
  return {
    items: [...came, ...found],
    requests: endpoint.requests(),
    expected: isWhole ? expected : undefined,
    unread
  }
})

/**
 * No window shows them where no call with a start time is left. Then the list is read from its front: they are all that is there, and
 * which of them are absent is known without a window.
 */
export const all = Effect.fnUntraced(function* (
  run: Pass.Run
): Effect.fn.Return<Found, AgniError | LedgerError, AgniClient> {
  const { filters, from, horizon, lease, remember } = run.settings
  const endpoint = Endpoint.make((yield* AgniClient).list, filters, run.profile)
  const { isWhole, items, rejected: unread } = yield* endpoint.front
  const known = yield* lease.withoutStart
  const ids = new Set(known.map(({ id }) => id))
  const earliest = Math.max(from, run.now - remember)
  const isMeant = (item: Item<CallSession>) =>
    ids.has(item.id) || (Packed.createdInstant(item) ?? -Infinity) >= earliest
  const loose = items.filter((item) => item.start === undefined && isMeant(item))
  const here = new Set(items.map(({ id }) => id))
  const end = run.now - horizon
  const lacks = known.filter(({ created, id }) => created !== undefined && created < end && !here.has(id))
  return { items: loose, requests: endpoint.requests(), expected: isWhole ? lacks : undefined, unread }
})
