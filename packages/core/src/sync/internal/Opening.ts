/** What a reading to a proof has to see of the endpoint: by what the ledger knows, where one page shows that it still holds. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Instant from "../../model/Instant.ts"
import type { EndpointProfile } from "../../endpoint/EndpointProfile.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Misplaced from "../../endpoint/internal/Misplaced.ts"
import * as Observe from "../../endpoint/internal/Observe.ts"
import * as Patience from "../../endpoint/internal/Patience.ts"
import * as Probes from "../../endpoint/internal/Probes.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Entry, Lease } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Micros } from "../Tail.ts"

const { second } = Ask
const day = 86_400 * second

export interface About {
  readonly lease: Pick<Lease, "between">
  readonly filters: Ask.Filters
  readonly pageSize: number | undefined
  readonly profile: EndpointProfile | undefined
  /** Where the ledger begins, and up to where it is proven. */
  readonly from: Micros
  readonly watermark: Micros
}

const rowOf = ({ id, start }: Entry): ReadonlyArray<Rows.Dated> =>
  start === undefined ? [] : [{ key: id, start: Instant.of(start), item: undefined, rejected: undefined }]

/** Rows to ask for: where fewer came because there were no more, there may be more now. */
export const sizeOf = ({ clamped, pageSize }: EndpointProfile, asked = 100): number =>
  clamped ? pageSize : Math.max(pageSize, asked)

/**
 * The newest calls that start after some that are known: they must come newest first, within the bound, as many as a page has, and
 * most of those that are known among them.
 */
const recognize = Effect.fnUntraced(function* (
  { filters, from, lease, pageSize, watermark }: About,
  profile: EndpointProfile
): Effect.fn.Return<Probes.Seen | undefined, AgniError | LedgerError, AgniClient> {
  const size = sizeOf(profile, pageSize)
  const localNow = (yield* Clock.currentTimeMillis) * 1000
  const begin = Math.max(from, watermark - day)
  const known = (yield* lease.between({ from: begin, to: Number.MAX_SAFE_INTEGER })).flatMap(rowOf).slice(-10 * size)
  const oldest = known.at(-size) ?? known[0]
  if (oldest === undefined || profile.filterProblem !== undefined || !profile.newestFirst) return undefined
  const list = Patience.make((yield* AgniClient).list)
  const ask = Ask.make(list, filters, { size, sort: Observe.newest(profile.sortBy) })
  const after = Ask.floorSecond(oldest.start) - 2 * second
  const answer = yield* Ask.orNothing(ask(1, { after }, { how: Patience.soon }))
  if (answer === undefined) return undefined
  const { characters, observedAt, rows } = answer
  const wanted = Math.min(size, known.filter(({ start }) => start >= oldest.start).length)
  if (rows.length < wanted || Misplaced.problemIn(rows, after - second, Infinity) !== undefined) return undefined
  if (!Observe.comesNewestFirst(rows)) return undefined
  const dated = rows.filter(Rows.isDated)
  const first = dated[0]
  const last = dated.at(-1)
  if (first === undefined || last === undefined || first.start === last.start) return undefined
  const controls = [...new Map([...known, ...dated].map((row) => [row.key, row])).values()]
  return {
    profile: { ...profile, pageSize: Math.max(profile.pageSize, rows.length) },
    serverNow: observedAt,
    localNow,
    oldest: undefined,
    isOldestSure: false,
    isListCut: false,
    pagesAtMost: 1,
    about: Math.max(1, controls.length),
    rate: (dated.length - 1) / (first.start - last.start),
    measured: false,
    repeats: Effect.succeed(profile.repeatsBeyondEnd),
    // None of the list without bounds: what lies below was not in it.
    pages: [],
    sorted: true,
    controls: controls.sort((left, right) => left.start - right.start),
    ends: { newest: true, oldest: false },
    oldRows: [],
    log: ask.log,
    trusted: true,
    charactersPerPage: (characters / rows.length) * size
  }
})

/**
 * With too few calls left nothing shows what bounds do, nor contradicts what they did before: a single call comes by itself, whether
 * bounds mean anything or not.
 */
const isUntried = ({ pages, profile: { filterProblem: problem } }: Probes.Seen): boolean => {
  if (problem !== undefined) return problem._tag === "BoundsUnclear" || problem._tag === "NoStartSeen"
  return new Set(pages.flatMap(({ rows }) => rows.map(({ key }) => key))).size === 1
}

/** A page where a ledger knows the endpoint, and probes where that does not hold any more. */
export const see = Effect.fnUntraced(function* (
  about: About
): Effect.fn.Return<Probes.Seen, AgniError | LedgerError, AgniClient> {
  const { filters, pageSize, profile } = about
  const known = profile === undefined ? undefined : yield* recognize(about, profile)
  if (known !== undefined) return known
  const seen = yield* Probes.probe({ filters, pageSize, profile, deep: false, bounded: true })
  if (profile === undefined || !isUntried(seen)) return seen
  if (profile.filterProblem === undefined) return { ...seen, profile, trusted: true }
  return { ...seen, profile: { ...seen.profile, filterProblem: profile.filterProblem } }
})
