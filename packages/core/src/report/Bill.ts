/**
 * What to charge for the calls of a period: from final calls only, by group, with those that may still change listed.
 *
 * @since 0.1.0
 */
import * as BigDecimal from "effect/BigDecimal"
import * as CallSession from "../model/CallSession.ts"
import * as Instant from "../model/Instant.ts"
import type * as Outcome from "../model/Outcome.ts"
import * as Money from "./Money.ts"
import { timeOf } from "./Report.ts"
import * as Totals from "./Totals.ts"

/**
 * Which calls, and by what.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Calls before this are not billed. @default all are */
  readonly from?: Instant.Instant | undefined
  /** Calls at this time or later are not billed. @default all are */
  readonly to?: Instant.Instant | undefined
  /** The group of a call, such as its agent; empty where it has none. */
  readonly groupOf: (session: CallSession.CallSession) => string
  /** The name of its group, such as that of its agent: the one of the latest call counts. @default the group itself */
  readonly nameOf?: ((session: CallSession.CallSession) => string | undefined) | undefined
  /** Whether an id may come more than once, as in files that were joined: only the first of them counts. @default false */
  readonly repeats?: boolean | undefined
}

/**
 * The final calls of a group.
 *
 * @since 0.1.0
 * @category models
 */
export interface Group {
  readonly group: string
  readonly name: string
  readonly calls: number
  /** The sum of `durationSec`. */
  readonly seconds: number
  readonly cost: BigDecimal.BigDecimal
  /** Calls of the group that may still change, and are not in the figures above. */
  readonly open: number
}

/**
 * A call that may still change.
 *
 * @since 0.1.0
 * @category models
 */
export interface Open {
  readonly id: string
  readonly group: string
  readonly time: Instant.Instant
  readonly outcome: Outcome.Outcome
  /** What it costs so far. */
  readonly cost: BigDecimal.BigDecimal | undefined
}

/**
 * What to charge.
 *
 * @since 0.1.0
 * @category models
 */
export interface Bill {
  /** The highest cost first. */
  readonly groups: ReadonlyArray<Group>
  readonly total: Omit<Group, "group" | "name">
  /** By time. */
  readonly open: ReadonlyArray<Open>
  /** Calls that have neither a start nor a time of creation: they are in no period. */
  readonly withoutTime: number
  /** Calls whose id had come before. */
  readonly repeats: number
  readonly first: Instant.Instant | undefined
  readonly last: Instant.Instant | undefined
}

/**
 * A bill in the making.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fold {
  readonly add: (sessions: ReadonlyArray<CallSession.CallSession>) => void
  readonly bill: () => Bill
}

/**
 * Begins a bill.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fold = ({ from, groupOf, nameOf, repeats = false, to }: Options): Fold => {
  const groups = new Map<string, { readonly sum: Totals.Sum; name: string; named: Instant.Instant }>()
  const open: Array<Open> = []
  const ids = new Set<string>()
  const left = { withoutTime: 0, repeats: 0 }
  const seen: { first: Instant.Instant | undefined; last: Instant.Instant | undefined } = {
    first: undefined,
    last: undefined
  }
  const one = (session: CallSession.CallSession): void => {
    const time = timeOf(session)
    if (repeats) {
      if (ids.has(session.id)) {
        left.repeats++
        return
      }
      ids.add(session.id)
    }
    if (time === undefined) left.withoutTime++
    if (time === undefined || (from !== undefined && time < from) || (to !== undefined && time >= to)) return
    seen.first = Instant.min(seen.first ?? time, time)
    seen.last = Instant.max(seen.last ?? time, time)
    const facts = Totals.factsOf(session)
    const group = groupOf(session)
    const entry = groups.get(group) ?? { sum: Totals.empty(), name: "", named: time }
    groups.set(group, entry)
    const { sum } = entry
    const name = nameOf?.(session) ?? ""
    if (name !== "" && (entry.name === "" || time >= entry.named)) {
      entry.name = name
      entry.named = time
    }
    if (facts.isFinal) Totals.add(sum, facts)
    else {
      sum.open.calls++
      open.push({ id: session.id, group, time, outcome: facts.outcome, cost: facts.cost })
    }
  }
  return {
    add: (sessions) => sessions.forEach(one),
    bill: () => {
      const all = Array.from(
        groups,
        ([
          group,
          {
            name,
            sum: { calls, final, open, seconds }
          }
        ]): Group => ({
          group,
          name: name === "" ? group : name,
          calls,
          seconds,
          cost: final.cost,
          open: open.calls
        })
      )
      return {
        groups: all.sort(
          (left, right) =>
            BigDecimal.Order(right.cost, left.cost) || right.calls - left.calls || (left.group < right.group ? -1 : 1)
        ),
        total: {
          calls: all.reduce((sum, { calls }) => sum + calls, 0),
          seconds: all.reduce((sum, { seconds }) => sum + seconds, 0),
          cost: all.reduce((sum, { cost }) => BigDecimal.sum(sum, cost), Money.zero),
          open: open.length
        },
        open: open.sort((left, right) => left.time - right.time || (left.id < right.id ? -1 : 1)),
        ...left,
        ...seen
      }
    }
  }
}
