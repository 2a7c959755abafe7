/**
 * A server of another shape, which shares nothing with the simulator: it knows no order but the newest start first, calls
 * without one last, and takes a time for the bound after it; pages have 50 rows; starts have whole seconds; costs come at the next
 * full hour, recordings in ten minutes, and every analysis of a day at two o'clock at night, when old calls are deleted as well.
 */
import * as World from "./World.ts"

const { day, hour, minute, origin, second } = World

export interface Options {
  readonly seed: number
  readonly perDay: number
  readonly days: number
}

/** Numbers in [0, 1), by a linear congruence. */
const chanceOf = (seed: number) => {
  let state = BigInt(seed) + 1n
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffff_ffff_ffff_ffffn
    return Number(state >> 11n) / 2 ** 53
  }
}

interface Call {
  readonly id: string
  readonly created: number
  readonly start: number | undefined
  readonly end: number
  readonly cost: number
  readonly recording: number
  readonly analysis: number
  readonly deleted: number
}

/** A call each time that as many seconds are over, from eight to eight; the phone rings for half a minute at most. */
const callsOf = ({ days, perDay, seed }: Options): ReadonlyArray<Call> => {
  const next = chanceOf(seed)
  const [gap, calls] = [(12 * hour) / perDay, Math.floor(days * perDay)]
  return Array.from({ length: calls }, (_, i) => {
    const [date, within] = [Math.floor(i / perDay), i % perDay]
    const created = Math.floor(origin + date * day + 8 * hour + (within + next()) * gap)
    const isAnswered = next() < 0.8
    const start = Math.floor((created + next() * 30 * second) / second) * second
    const end = start + Math.floor(10 + next() * 600) * second
    const nightOf = (at: number) => Math.ceil((at - origin - 2 * hour) / day) * day + origin + 2 * hour
    return {
      id: `call-${seed}-${Math.floor(next() * 2 ** 40).toString(36)}-${i}`,
      created,
      start: isAnswered ? start : undefined,
      end: isAnswered ? end : created + minute,
      cost: isAnswered ? Math.ceil((end + minute) / hour) * hour : Infinity,
      recording: isAnswered && next() < 0.7 ? end + 10 * minute : Infinity,
      analysis: isAnswered && next() < 0.6 ? nightOf(end) : Infinity,
      deleted: next() < 0.002 ? nightOf(end) + Math.floor(next() * 5) * day : Infinity
    }
  }).sort((left, right) => (left.start ?? left.created) - (right.start ?? right.created))
}

/** It is in the list from its end on. */
const isListed = ({ deleted, end }: Call, at: number) => at >= end && at < deleted

const textOf = (at: number) => new Date(at / 1000).toISOString()

const recordOf = (call: Call, at: number) => ({
  id: call.id,
  organization_id: "b2b2b2b2-0000-4000-8000-000000000002",
  agent_id: `agent-${call.id.length % 3}`,
  created_at: textOf(call.created),
  started_at: call.start === undefined ? null : textOf(call.start),
  ended_at: textOf(call.end),
  status: call.start === undefined ? "no_answer" : "completed",
  duration_sec: call.start === undefined ? 0 : (call.end - call.start) / second,
  cost_total: at >= call.cost ? 0.25 : null,
  recording_url: at >= call.recording ? `https://files.example.org/${call.id}?sig=${Math.floor(at / second)}` : null,
  post_call_analysis_result: at >= call.analysis ? { mood: "good" } : null
})

const lifeOf = (call: Call): World.Life => {
  const { analysis, cost, deleted, end, id, recording, start } = call
  const changes = [end, cost, recording, analysis, deleted].filter((at) => at >= end && at <= deleted && at < Infinity)
  return {
    id,
    visibleAt: World.instant(end),
    leavesAt: World.instant(deleted),
    startedAt: start === undefined ? undefined : World.instant(start),
    startKnownAt: start === undefined ? undefined : World.instant(end),
    changesAt: [...new Set(changes)].toSorted((left, right) => left - right).map(World.instant)
  }
}

export const make = (options: Options): World.World => {
  const calls = callsOf(options)
  const dated = calls.filter(({ start }) => start !== undefined)
  const undated = calls.filter(({ start }) => start === undefined)
  /** The first call with a start that is not before. */
  const placeOf = (at: number) => {
    let [low, high] = [0, dated.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((dated[middle]?.start ?? 0) < at) low = middle + 1
      else high = middle
    }
    return low
  }
  const boundOf = (text: string | undefined) => (text === undefined ? undefined : Date.parse(text) * 1000)
  return World.make(calls.map(lifeOf), (parameters, at) => {
    const [after, before] = [boundOf(parameters["started_after"]), boundOf(parameters["started_before"])]
    const size = Math.min(50, Number(parameters["page_size"] ?? 20))
    const skipped = (Number(parameters["page"] ?? 1) - 1) * size
    const isAscending = parameters["sort_order"] === "asc"
    const [from, to] = [
      after === undefined ? 0 : placeOf(after + 1),
      Math.min(before === undefined ? dated.length : placeOf(before), placeOf(at))
    ]
    const rows: Array<Call> = []
    let seen = 0
    const take = (call: Call | undefined) => {
      if (call !== undefined && isListed(call, at) && seen++ >= skipped) rows.push(call)
      return rows.length === size
    }
    if (isAscending) for (let i = from; i < to && !take(dated[i]); i++);
    else for (let i = to - 1; i >= from && !take(dated[i]); i--);
    if (after === undefined && before === undefined && rows.length < size) {
      for (let i = undated.length - 1; i >= 0 && !take(undated[i]); i--);
    }
    return JSON.stringify({
      success: true,
      message: "",
      data: rows.map((call) => recordOf(call, at)),
      meta: { limit: size, offset: skipped }
    })
  })
}
