/** Which rows of the adversary a request matches, in which order, and which of them it does not show though they are there. */
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import type { Row, Traits, When } from "./Adversary.ts"

export interface Request extends CallSessionQuery {
  readonly number: number
  readonly connection: number
  /** The server's time. */
  readonly at: number
}

export interface Bounds {
  readonly after: number
  readonly before: number
}

export interface Matching {
  readonly rows: ReadonlyArray<Row>
  /** There and within the bounds, and not among `rows`. */
  readonly withheld: ReadonlyArray<Row>
  /** A limit on results took some away. */
  readonly isCut: boolean
}

const hash = (text: string, seed: number): number => {
  let h = Math.imul(seed + 1, 0x9e3779b1)
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x85ebca6b)
  return (h ^ (h >>> 13)) >>> 0
}

const bound = (input: CallSessionQuery["startedAfter"]): number | undefined =>
  typeof input === "string" ? Date.parse(input) * 1000 : undefined

/** The start of a row at a time. */
export const startOf = (row: Row, at: number): number | undefined =>
  row.moves?.findLast((move) => at >= move.at)?.start ?? row.start

export const isThere = ({ gone = Infinity, seen = -Infinity }: Row, at: number): boolean => seen <= at && gone > at

const orderOf = (traits: Traits, request: Request) => {
  const { change } = traits
  const order = change?.order !== undefined && request.number >= change.at ? change.order : traits.order
  const asked = traits.sorting ? request.sortBy : undefined
  const field =
    asked === "started_at" || asked === "startedAt"
      ? "start"
      : asked === "created_at" || asked === "createdAt"
        ? "created"
        : order
  const descends =
    request.sortOrder === undefined || !traits.sorting ? traits.newestFirst : request.sortOrder === "desc"
  return { field, descends } as const
}

/** Rows of an order, kept where it does not hang on the request: sorting is what a history costs. */
export const makeMatching = (rows: ReadonlyArray<Row>, traits: Traits, seed: number, began: number) => {
  const sorted = new Map<string, ReadonlyArray<Row>>()
  const moves = rows.flatMap((row) => (row.moves ?? []).map(({ at }) => at)).sort((a, b) => a - b)

  const meets = (when: When, { at, connection, number }: Request): boolean => {
    switch (when.by) {
      case "number":
        return number % when.every < when.for
      case "time":
        return at >= began + when.from && at < began + when.to
      case "connection":
        return connection % when.of === 0
      case "chance":
        return hash(String(number), seed) / 2 ** 32 < when.share
    }
  }

  const startIn = (row: Row, at: number): number | undefined =>
    startOf(row, at) ?? (traits.coalesces === true ? row.created : undefined)

  /** The bounds that were asked for, as far as they are understood; open ones are infinite. */
  const boundsOf = (request: Request): Bounds & { readonly given: boolean } => {
    const isIgnored = traits.ignores !== undefined && meets(traits.ignores, request)
    const [after, before] = isIgnored ? [] : [bound(request.startedAfter), bound(request.startedBefore)]
    return {
      after: after ?? -Infinity,
      before: before ?? Infinity,
      given: after !== undefined || before !== undefined
    }
  }

  const tieOf = (row: Row, { number, page, pageSize, startedAfter, startedBefore }: Request): number =>
    traits.tieOrder === "id"
      ? hash(row.id, 3)
      : traits.tieOrder === "random"
        ? hash(row.id, number)
        : hash(`${row.id} ${JSON.stringify([page, pageSize, startedAfter, startedBefore])}`, 5)

  const ordered = (request: Request, at: number): ReadonlyArray<Row> => {
    const { descends, field } = orderOf(traits, request)
    const moved = moves.findLastIndex((move) => at >= move)
    const key = `${field} ${descends} ${moved}`
    const known = sorted.get(key)
    if (known !== undefined) return known
    const sign = descends ? -1 : 1
    const place = (row: Row): number => {
      if (field === "id") return hash(row.id, 11)
      if (field === "created") return row.created
      return startIn(row, at) ?? (traits.undatedFirst === descends ? Infinity : -Infinity)
    }
    const keyed = rows.map((row) => ({ row, key: place(row), tie: tieOf(row, request) }))
    keyed.sort((a, b) => (a.key === b.key ? a.tie - b.tie : a.key < b.key ? -sign : sign))
    const found = keyed.map(({ row }) => row)
    if (traits.tieOrder === "id") sorted.set(key, found)
    return found
  }

  /** What the request asks for, or less of it where it is wider than the server answers. */
  const within = ({ after: asked, before: until }: Bounds): Bounds | "error" | "empty" | "failure" => {
    const { span, zone = 0 } = traits
    const [after, before] = [asked + zone, until + zone]
    if (span === undefined || !(before - after > span.most) || before - after === Infinity) return { after, before }
    if (span.cut !== "first" && span.cut !== "last") return span.cut
    return span.cut === "last" ? { after: before - span.most, before } : { after, before: after + span.most }
  }

  const isWithin = ({ after, before }: Bounds, start: number | undefined): boolean =>
    start !== undefined &&
    (traits.includes.after ? start >= after : start > after) &&
    (traits.includes.before ? start <= before : start < before)

  // A replica that lags shows what was.
  const lagOf = (request: Request): number =>
    traits.replica !== undefined && meets(traits.replica.when, request) ? traits.replica.lag : 0

  const match = (request: Request): Matching | "error" | "failure" => {
    const { hidden, results, shard } = traits
    const asked = boundsOf(request)
    const bounds = within(asked)
    if (bounds === "error" || bounds === "failure") return bounds
    const nothing: Matching = { rows: [], withheld: [], isCut: false }
    if (bounds === "empty") return nothing
    const lag = lagOf(request)
    const at = request.at - lag
    const away = shard !== undefined && meets(shard.when, request) ? shard.of : undefined
    const hides = hidden !== undefined && meets(hidden.when, request) ? new Set(hidden.ids) : undefined
    const isMeant = (row: Row, at: number) =>
      !asked.given || traits.filterAfterPaging || isWithin(bounds, startIn(row, at))
    const withheld: Array<Row> = []
    const shown = (row: Row): boolean => {
      const fits =
        isThere(row, at) &&
        (away === undefined || hash(row.id, 7) % away !== 0) &&
        hides?.has(row.id) !== true &&
        isMeant(row, at)
      if (!fits && (lag > 0 || away !== undefined || hides !== undefined) && isThere(row, request.at))
        if (isMeant(row, request.at)) withheld.push(row)
      return fits
    }
    const all = ordered(request, at).filter(shown)
    if (results === undefined || all.length <= results.most) return { rows: all, withheld, isCut: false }
    if (asked.given && results.cut === "error") return "error"
    if (asked.given && results.cut === "empty") return nothing
    const rows = results.cut === "last" ? all.slice(-results.most) : all.slice(0, results.most)
    return { rows, withheld, isCut: true }
  }
  return Object.assign(match, { boundsOf, lagOf, meets })
}
