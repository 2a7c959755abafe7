/** How a pass begins: by one page where the ledger knows the endpoint, and by probes elsewhere. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Struct from "effect/Struct"
import { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import { isAbsent, type Lease } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Micros } from "../Tail.ts"
import * as Allowance from "./Allowance.ts"
import * as CreationSearch from "./CreationSearch.ts"
import * as CreationWalk from "./CreationWalk.ts"
import * as Endpoint from "./Endpoint.ts"
import * as FreshCalls from "./FreshCalls.ts"
import * as Opening from "./Opening.ts"
import type * as Pass from "./Pass.ts"
import * as SyncState from "./SyncState.ts"

/** What a pass begins with. */
export interface Begun {
  readonly _tag: "Begun"
  readonly run: Pass.Run
  readonly endpoint: Endpoint.Endpoint
  /** The newest calls in the order of creation, where the server brings them so. */
  readonly first: CreationSearch.Created | undefined
}

/** It waits. */
export interface PutOff {
  readonly _tag: "PutOff"
  readonly head: number
  readonly state: SyncState.SyncState
}

/** A machine whose clock is earlier has none that runs. */
const earliest = 946_684_800_000_000

const minute = 60_000_000
const day = 86_400_000_000

/** Whether a page has as many calls as it should: a server may give smaller pages than before, or be down in part. */
const isFull = Effect.fnUntraced(function* (
  lease: Lease,
  { isLast, rows }: CreationSearch.Created
): Effect.fn.Return<boolean, LedgerError> {
  if (!isLast) return true
  const dated = yield* lease.count({ from: -Number.MAX_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER })
  return rows >= dated + (yield* lease.withoutStart).length
})

/** So many calls are looked for on the pages that should have them, and so many pages behind the first one are read. */
const [mostAsked, mostBehind] = [3, 2]

/**
 * Whether other pages show the order of creation where calls without a start time are hidden otherwise: the first page of all may have
 * none of them, and one may be the first or the last row of its page.
 */
const isShownBehind = Effect.fnUntraced(function* (
  lease: Lease,
  endpoint: Endpoint.Endpoint,
  first: CreationSearch.Created,
  { byCreation, withoutStart }: SyncState.SyncState
): Effect.fn.Return<boolean, AgniError | LedgerError> {
  if (byCreation !== undefined || (withoutStart?.hidden ?? 0) === 0) return false
  const entries = (yield* lease.withoutStart).filter((entry) => !isAbsent(entry)).slice(-mostAsked)
  const ranks = yield* Effect.forEach(entries, ({ created = 0 }) => CreationWalk.rankOf(lease, created))
  const behind = Array.from({ length: mostBehind }, (_, i) => 2 + i)
  const pages = ranks.map((rank) => Math.floor(rank / first.rows) + 1)
  const found = new Map([[1, first]])
  for (const page of [...pages, ...pages.map((page) => page + 1), ...behind]) {
    const one = found.has(page) ? undefined : yield* endpoint.created(page, first.rows)
    if (one === undefined) continue
    found.set(page, one)
    const inOrder = [...found].sort(([left], [right]) => left - right)
    if (one.isShown || CreationSearch.isAmongOthers(inOrder.flatMap(([, { starts }]) => starts))) return true
  }
  return false
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
  const endpoint = Endpoint.make(list, filters, profile)
  const page = yield* endpoint.created(1, Opening.sizeOf(profile, options.pageSize))
  if (page === undefined) return { first: undefined, state: { ...state, byCreation: { works: false, at: now } } }
  // Rows that any order would bring so show nothing.
  const isKnown = page.isShown || state.byCreation?.works === true
  if (page.rows === 0 || !(isKnown || (yield* isShownBehind(lease, endpoint, page, state)))) {
    return { first: undefined, state }
  }
  return {
    first: (yield* isFull(lease, page)) ? page : undefined,
    state: {
      ...state,
      byCreation: { works: true, at: page.observedAt },
      profile: { ...profile, pageSize: Math.max(profile.pageSize, page.rows) }
    }
  }
})

/** What reading everything that is new will take, if as much came as a day ago. */
const needed = Effect.fnUntraced(function* (
  { horizon, lease, maxRequests }: Pass.Settings,
  { profile, read, requests }: SyncState.SyncState,
  now: Micros
): Effect.fn.Return<number, LedgerError> {
  if (read === undefined || requests === undefined) return 1
  // By the server's clock, as far as the last pass shows it.
  const to = read.last + (now - requests.last)
  const isWhole = FreshCalls.isWholeAt(read, to, horizon)
  const from = isWhole ? read.whole - horizon : read.last
  const calls = yield* lease.count({ from: from - day, to: to - day })
  const pages = Math.ceil(calls / (profile?.pageSize ?? 100))
  const must = Math.max(pages + 3, Math.min(requests.must, (maxRequests ?? 0) / 8))
  return isWhole ? must + Allowance.forAuditsOf(requests, now) : pages + 1
})

/** Begins a pass, unless it has to wait for requests: then there is the state that says so. */
export const begin = Effect.fnUntraced(function* (
  settings: Pass.Settings
): Effect.fn.Return<Begun | PutOff, AgniError | LedgerError, AgniClient> {
  const { lease, maxRequests: most } = settings
  const { head, state } = yield* SyncState.open(lease, settings.from, settings.horizon)
  const now = yield* Allowance.now
  const about = { before: state.requests, now, most, isFirst: state.audits.length === 0 }
  if (Allowance.shareOf(about) < (yield* needed(settings, state, now))) {
    const { requests: before = Allowance.empty } = state
    const work = new Set<Allowance.Work>(before.waiting.map((one) => one.work)).add("passes")
    const requests = Allowance.withWaiting(before, { most, now, work: [...work] })
    return { _tag: "PutOff", head, state: { ...state, requests } }
  }
  const allowance = yield* Allowance.make(yield* AgniClient, about)
  return yield* open(settings, { allowance, head, kept: state }).pipe(
    Effect.provideService(AgniClient, allowance.client)
  )
})

interface Kept {
  readonly allowance: Allowance.Allowance
  readonly head: number
  readonly kept: SyncState.SyncState
}

const open = Effect.fnUntraced(function* (
  settings: Pass.Settings,
  { allowance, head, kept }: Kept
): Effect.fn.Return<Begun, AgniError | LedgerError, AgniClient> {
  const { options } = settings
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
  // The same time as in the last pass, though this machine's clock moved.
  const isStopped = now <= (state.read?.last ?? 0) && local - (state.requests?.last ?? local) >= minute
  const going = Struct.omit(SyncState.withHorizon(state, settings.horizon, now), ["stopped"])
  const run: Pass.Run = {
    // The first pass decided where the ledger begins.
    settings: { ...settings, from: state.from },
    profile,
    seen: see,
    allowance,
    began: Math.floor(now / 1_000_000) * 1_000_000,
    before: state.read?.last,
    // Nothing is known of pages while there are no calls.
    state: { ...going, ...(isStopped ? { stopped: Math.floor(now) } : {}), ...(shows ? { profile } : {}) },
    head,
    now,
    isFirst: state.audits.length === 0,
    looked: 0,
    isCounted: false,
    judge: undefined
  }
  const { list } = yield* AgniClient
  return { _tag: "Begun", run, endpoint: Endpoint.make(list, settings.filters, profile), first }
})
