/** How a pass begins: by one page where the ledger knows the endpoint, and by probes elsewhere. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { Lease } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type * as CreationSearch from "./CreationSearch.ts"
import * as Endpoint from "./Endpoint.ts"
import * as FreshCalls from "./FreshCalls.ts"
import * as Opening from "./Opening.ts"
import type * as Pass from "./Pass.ts"
import * as SyncState from "./SyncState.ts"

/** What a pass begins with. */
export interface Begun {
  readonly run: Pass.Run
  readonly endpoint: Endpoint.Endpoint
  /** The newest calls in the order of creation, where the server brings them so. */
  readonly first: CreationSearch.Created | undefined
}

/** A machine whose clock is earlier has none that runs. */
const earliest = 946_684_800_000_000

/** Whether a page has as many calls as it should: a server may give smaller pages than before, or be down in part. */
const isFull = Effect.fnUntraced(function* (
  lease: Lease,
  { isLast, rows }: CreationSearch.Created
): Effect.fn.Return<boolean, LedgerError> {
  if (!isLast) return true
  const dated = yield* lease.count({ from: -Number.MAX_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER })
  return rows >= dated + (yield* lease.withoutStart).length
})

/** The first page in the order of creation, where it can stand for all probes. */
const openByCreation = Effect.fnUntraced(function* (
  { filters, lease, options }: Pass.Settings,
  state: SyncState.SyncState,
  local: number
): Effect.fn.Return<
  { readonly first: CreationSearch.Created | undefined; readonly state: SyncState.SyncState },
  AgniError | LedgerError,
  AgniClient
> {
  const { profile } = state
  const now = local < earliest ? (state.read?.last ?? local) : local
  if (profile === undefined || profile.filterProblem !== undefined || !FreshCalls.isByCreation(state, now)) {
    return { first: undefined, state }
  }
  const { list } = yield* AgniClient
  const page = yield* Endpoint.make(list, filters, profile).created(1, Opening.sizeOf(profile, options.pageSize))
  if (page === undefined) return { first: undefined, state: { ...state, byCreation: { works: false, at: now } } }
  // Rows that any order would bring so show nothing.
  if (page.rows === 0 || (!page.isShown && state.byCreation?.works !== true)) return { first: undefined, state }
  return {
    first: (yield* isFull(lease, page)) ? page : undefined,
    state: {
      ...state,
      byCreation: { works: true, at: page.observedAt },
      profile: { ...profile, pageSize: Math.max(profile.pageSize, page.rows) }
    }
  }
})

export const begin = Effect.fnUntraced(function* (
  settings: Pass.Settings
): Effect.fn.Return<Begun, AgniError | LedgerError, AgniClient> {
  const { lease, options } = settings
  const { head, state: kept } = yield* SyncState.open(lease, settings.from, settings.horizon)
  const local = (yield* Clock.currentTimeMillis) * 1000
  const { first, state } = yield* openByCreation(settings, kept, local)
  const about = { ...settings, from: state.from, pageSize: options.pageSize, watermark: state.watermark }
  const see = yield* Effect.cached(Opening.see({ ...about, profile: state.profile }))
  // Without that page, what a reading to a proof has to see says what time it is.
  const { profile, serverNow, shows } =
    first === undefined || state.profile === undefined
      ? yield* Effect.map(see, ({ pages, profile, serverNow }) => {
          return { profile, serverNow, shows: pages.some(({ rows }) => rows.length > 0) }
        })
      : { profile: state.profile, serverNow: first.observedAt, shows: true }
  const now = local < earliest ? serverNow : Math.min(local, serverNow)
  const run: Pass.Run = {
    // The first pass decided where the ledger begins.
    settings: { ...settings, from: state.from },
    profile,
    seen: see,
    began: Math.floor(now / 1_000_000) * 1_000_000,
    before: state.read?.last,
    // Nothing is known of pages while there are no calls.
    state: { ...SyncState.withHorizon(state, settings.horizon, now), ...(shows ? { profile } : {}) },
    head,
    now,
    isFirst: state.audits.length === 0,
    looked: 0,
    isCounted: false
  }
  const { list } = yield* AgniClient
  return { run, endpoint: Endpoint.make(list, settings.filters, profile), first }
})
