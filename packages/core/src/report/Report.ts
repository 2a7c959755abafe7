/**
 * A report: what the calls of a period come to. It is a fold over arrays of calls, and the order of the calls makes no
 * difference.
 *
 * @since 0.1.0
 */
import type { Calendar, Day as CalendarDay } from "../model/Calendar.ts"
import * as CallSession from "../model/CallSession.ts"
import * as Instant from "../model/Instant.ts"
import * as StandIn from "../model/internal/StandIn.ts"
import type * as Outcome from "../model/Outcome.ts"
import * as Distribution from "./Distribution.ts"
import * as Callers from "./internal/Callers.ts"
import * as Texts from "./internal/Texts.ts"
import * as Totals from "./Totals.ts"

/**
 * Which calls, and how they are read.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Whose days and hours are meant. */
  readonly calendar: Calendar
  /** Calls before this are not in the period. @default the time of the first call */
  readonly from?: Instant.Instant | undefined
  /** Calls at this time or later are not in the period. @default just after the last call */
  readonly to?: Instant.Instant | undefined
  /** The text of an error that may be shown. @default the `errorMessage` */
  readonly errorOf?: ((session: CallSession.CallSession) => string | undefined) | undefined
  /** Whether an id may come more than once, as in files that were joined: only the first of them counts. @default false */
  readonly repeats?: boolean | undefined
}

/**
 * A day of the period.
 *
 * @since 0.1.0
 * @category models
 */
export interface Day extends CalendarDay {
  /** The period begins or ends within the day. */
  readonly partial: boolean
  readonly totals: Totals.Totals
}

/**
 * The calls of an agent. `id` and `name` are empty where the record has none.
 *
 * @since 0.1.0
 * @category models
 */
export interface Agent {
  readonly id: string
  readonly name: string
  readonly totals: Totals.Totals
}

/**
 * A customer who had several calls.
 *
 * @since 0.1.0
 * @category models
 */
export interface Caller {
  readonly number: string
  readonly calls: number
  readonly last: Instant.Instant
}

/**
 * A text with how often it occurs.
 *
 * @since 0.1.0
 * @category models
 */
export interface Counted {
  readonly text: string
  readonly calls: number
}

/**
 * A text with how often it occurs, and in the calls of how many customers: 3 stands for three or more.
 *
 * @since 0.1.0
 * @category models
 */
export interface Shared extends Counted {
  readonly customers: number
}

/**
 * What the calls of a period come to. A call counts at its start, one that never connected at its creation.
 *
 * @since 0.1.0
 * @category models
 */
export interface Report {
  readonly from: Instant.Instant
  readonly to: Instant.Instant
  readonly totals: Totals.Totals
  /** Of the period of the same length before; `undefined` where the period has no beginning of its own. */
  readonly before: Totals.Totals | undefined
  /** Ascending, days without a call too. */
  readonly days: ReadonlyArray<Day>
  /** The API's own statuses by outcome, most calls first. */
  readonly statuses: ReadonlyArray<Counted & { readonly outcome: Outcome.Outcome }>
  readonly directions: ReadonlyArray<{ readonly direction: CallSession.Direction; readonly totals: Totals.Totals }>
  /** Most calls first. */
  readonly agents: ReadonlyArray<Agent>
  /** Calls by day of the week, Monday first, and hour. */
  readonly hours: ReadonlyArray<ReadonlyArray<number>>
  /** Seconds of calls that had a length above 0. */
  readonly durations: Distribution.Distribution
  /** Milliseconds of calls that had a latency above 0. */
  readonly latency: Distribution.Distribution
  /** Most calls first. */
  readonly reasons: ReadonlyArray<Shared>
  readonly errors: ReadonlyArray<Shared>
  readonly callers: {
    /** Customers whose number is known. */
    readonly known: number
    /** Those of them with two calls or more, and the calls of these. */
    readonly repeated: number
    readonly calls: number
    /** The ones with the most calls. */
    readonly most: ReadonlyArray<Caller>
  }
  /** Calls that have neither a start nor a time of creation: they are in no period. */
  readonly withoutTime: number
  /** Calls whose id had come before. */
  readonly repeats: number
}

/**
 * A report in the making.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fold {
  readonly add: (sessions: ReadonlyArray<CallSession.CallSession>) => void
  readonly report: () => Report
}

const microsPerHour = 3_600_000_000
const microsPerDay = 24 * microsPerHour

/** Of a longer period only days with calls are listed. */
const mostDays = 3700

/** When a call counts: at its start, or at its creation if it never connected. */
export const timeOf = (session: CallSession.CallSession): Instant.Instant | undefined =>
  CallSession.startInstant(session) ?? CallSession.createdInstant(session)

const textOf = (value: unknown): string => (typeof value === "string" ? value.trim() : "")

const at = <K, A>(map: Map<K, A>, key: K, make: () => A): A => {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}

const count = <K>(map: Map<K, number>, key: K): void => void map.set(key, (map.get(key) ?? 0) + 1)

const positive = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined

/** Everything that is counted; an object, so that one call changes it in place. */
const makeState = () => ({
  totals: Totals.empty(),
  before: Totals.empty(),
  days: new Map<string, { readonly day: CalendarDay; readonly sum: Totals.Sum }>(),
  statuses: new Map<string, { readonly outcome: Outcome.Outcome; readonly text: string; calls: number }>(),
  directions: new Map<CallSession.Direction, Totals.Sum>(),
  agents: new Map<string, { readonly id: string; name: string; named: Instant.Instant; readonly sum: Totals.Sum }>(),
  hours: Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => 0)),
  durations: new Map<number, number>(),
  latency: new Map<number, number>(),
  reasons: Texts.make(),
  errors: Texts.make(),
  callers: Callers.make(),
  ids: new Set<string>(),
  first: undefined as Instant.Instant | undefined,
  last: undefined as Instant.Instant | undefined,
  withoutTime: 0,
  repeats: 0
})

type State = ReturnType<typeof makeState>

/** A number that redaction masked is that of anyone. */
const numberOf = (session: CallSession.CallSession): string | undefined => {
  const number = CallSession.customerNumber(session)
  return number === StandIn.phoneMask ? undefined : number
}

/** Counts a call of the period. */
const enter = (
  state: State,
  session: CallSession.CallSession,
  time: Instant.Instant,
  facts: Totals.Facts,
  { calendar, errorOf }: Pick<Options, "calendar" | "errorOf">
): void => {
  const { agents, callers, days, directions, durations, errors, hours, latency, reasons, statuses, totals } = state
  Totals.add(totals, facts)
  state.first = Instant.min(state.first ?? time, time)
  state.last = Instant.max(state.last ?? time, time)
  const day = calendar.day(time)
  Totals.add(at(days, day.date, () => ({ day, sum: Totals.empty() })).sum, facts)
  const status = textOf(session.status)
  at(statuses, status, () => ({ outcome: facts.outcome, text: status, calls: 0 })).calls++
  Totals.add(at(directions, CallSession.direction(session), Totals.empty), facts)
  const id = textOf(session.agentId)
  const name = textOf(session.agentName)
  const agent = at(agents, id === "" ? `name ${name}` : `id ${id}`, () => ({
    id,
    name,
    named: time,
    sum: Totals.empty()
  }))
  Totals.add(agent.sum, facts)
  // An agent may be renamed: the last name counts.
  if (name !== "" && (agent.name === "" || time > agent.named || (time === agent.named && name > agent.name))) {
    agent.name = name
    agent.named = time
  }
  const local = calendar.toLocal(time)
  const dayNumber = Math.floor(local / microsPerDay)
  const row = hours[(((dayNumber + 3) % 7) + 7) % 7]
  const hour = Math.floor((local - dayNumber * microsPerDay) / microsPerHour)
  if (row !== undefined) row[hour] = (row[hour] ?? 0) + 1
  const length = positive(facts.seconds)
  if (length !== undefined) count(durations, length)
  const wait = positive(session.callLatencyMs)
  if (wait !== undefined) count(latency, wait)
  const number = numberOf(session)
  const customer = number ?? session.id
  Texts.add(reasons, textOf(session.disconnectReason), customer)
  Texts.add(errors, textOf(errorOf === undefined ? session.errorMessage : errorOf(session)), customer)
  if (number !== undefined) Callers.add(callers, number, time)
}

/**
 * Begins a report. It keeps no call, but a few figures for each day, agent, customer, length and text that occurs.
 *
 * ```ts
 * const fold = Report.fold({ calendar: Calendar.utc })
 * yield* Stream.runForEachArray(CallSessions.sessions({ from }), (calls) => Effect.sync(() => fold.add(calls)))
 * const { days, totals } = fold.report()
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fold = (options: Options): Fold => {
  const { from, repeats = false, to } = options
  const state = makeState()
  const earlier = from === undefined || to === undefined ? undefined : from - (to - from)
  const one = (session: CallSession.CallSession): void => {
    const time = timeOf(session)
    if (repeats) {
      if (state.ids.has(session.id)) {
        state.repeats++
        return
      }
      state.ids.add(session.id)
    }
    if (time === undefined) state.withoutTime++
    else if (to !== undefined && time >= to) return
    else if (from === undefined || time >= from) enter(state, session, time, Totals.factsOf(session), options)
    else if (earlier !== undefined && time >= earlier) Totals.add(state.before, Totals.factsOf(session))
  }
  return { add: (sessions) => sessions.forEach(one), report: () => finish(state, options) }
}

const daysOf = (state: State, { calendar, ...bounds }: Options, from: Instant.Instant, to: Instant.Instant) => {
  const days: Array<Day> = []
  const push = (day: CalendarDay, totals: Totals.Totals) => {
    const partial =
      (bounds.from !== undefined && day.from < bounds.from) || (bounds.to !== undefined && day.to > bounds.to)
    days.push({ ...day, partial, totals })
  }
  if (to - from > mostDays * microsPerDay) {
    for (const { day, sum } of state.days.values()) push(day, sum)
    return days.sort((left, right) => left.from - right.from)
  }
  for (let time = from; time < to;) {
    const day = calendar.day(time)
    push(day, state.days.get(day.date)?.sum ?? Totals.empty())
    time = day.to
  }
  return days
}

const most = (left: Counted, right: Counted): number =>
  right.calls - left.calls || (left.text < right.text ? -1 : left.text > right.text ? 1 : 0)

const finish = (state: State, options: Options): Report => {
  const from = options.from ?? state.first ?? options.to ?? Instant.of(0)
  const to = options.to ?? (state.last === undefined ? from : Instant.max(Instant.of(state.last + 1), from))
  return {
    from,
    to,
    totals: state.totals,
    before: options.from === undefined || options.to === undefined ? undefined : state.before,
    days: daysOf(state, options, from, to),
    statuses: [...state.statuses.values()].sort(most),
    directions: [...state.directions]
      .map(([direction, totals]) => ({ direction, totals }))
      .sort((left, right) => right.totals.calls - left.totals.calls || (left.direction < right.direction ? -1 : 1)),
    agents: [...state.agents.values()]
      .map(({ id, name, sum }) => ({ id, name, totals: sum }))
      .sort(
        (left, right) =>
          right.totals.calls - left.totals.calls || (left.id + left.name < right.id + right.name ? -1 : 1)
      ),
    hours: state.hours,
    durations: Distribution.make(state.durations),
    latency: Distribution.make(state.latency),
    reasons: Texts.list(state.reasons),
    errors: Texts.list(state.errors),
    callers: Callers.summary(state.callers),
    withoutTime: state.withoutTime,
    repeats: state.repeats
  }
}
