/**
 * What a sync has to know of calls, without their content, as columns: a thread can make them while it has the objects, and then
 * nobody else needs these.
 */
import * as CallSession from "../CallSession.ts"
import * as Change from "../Change.ts"
import type { Instant } from "../Instant.ts"
import { of as instantOf } from "../Instant.ts"
import type { Item } from "../Item.ts"
import * as Packed from "./Packed.ts"

export interface Outline {
  readonly created: Instant | undefined
  readonly ended: Instant | undefined
  /** The id of its agent, `""` without one. */
  readonly agent: string
  readonly status: CallSession.StatusClass
  readonly milestones: ReadonlyArray<Change.Milestone>
  readonly digests: (key: Change.Key) => ReadonlyArray<number>
}

const statuses = ["open", "answered", "unanswered"] as const

/** Lists of the same few milestones, made once. */
const reached: ReadonlyArray<ReadonlyArray<Change.Milestone>> = Array.from({ length: 32 }, (_, bits) =>
  Change.Milestone.literals.filter((_, i) => (bits & (1 << i)) !== 0)
)

const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

/** The place of a text in a list, which gets it if it is new. */
const placeIn = (list: Array<string>, places: Map<string, number>, text: string): number => {
  const known = places.get(text)
  if (known !== undefined) return known
  places.set(text, list.length)
  return list.push(text) - 1
}

export const make = (sessions: ReadonlyArray<CallSession.CallSession>): Packed.Outlines => {
  const { length } = sessions
  const agents: Array<string> = []
  const places = new Map<string, number>()
  const organizations = new Set<string>()
  const ended = new Float64Array(length)
  const flags = new Uint8Array(length)
  const agentOf = new Uint32Array(length)
  for (const [i, session] of sessions.entries()) {
    ended[i] = CallSession.endInstant(session) ?? Number.NaN
    const bits = Change.milestones(session).reduce((all, one) => all | (1 << Change.Milestone.literals.indexOf(one)), 0)
    flags[i] = statuses.indexOf(CallSession.statusClass(session)) | (bits << 2)
    agentOf[i] = placeIn(agents, places, textOf(session.agentId))
    const organization = textOf(session.organizationId)
    if (organization !== "") organizations.add(organization)
  }
  return { sums: Change.sums(sessions), ended, flags, agents, agentOf, organizations: [...organizations] }
}

const at = (
  { agentOf, agents, ended, flags, sums }: Packed.Outlines,
  created: Instant | undefined,
  place: number
): Outline => {
  const [end = Number.NaN, bits = 0, agent = 0] = [ended[place], flags[place], agentOf[place]]
  return {
    created,
    ended: Number.isNaN(end) ? undefined : instantOf(end),
    agent: agents[agent] ?? "",
    status: statuses[bits & 3] ?? "open",
    milestones: reached[bits >>> 2] ?? [],
    digests: (key) => Change.digestsAt(sums, place, key)
  }
}

/** The outline of a call. */
export const of = (session: CallSession.CallSession): Outline =>
  at(make([session]), CallSession.createdInstant(session), 0)

/** The same of an item, whose content is read only if nobody made its outline. */
export const ofItem = (item: Item<CallSession.CallSession>): Outline => {
  const found = Packed.outlineOf(item)
  return found === undefined ? of(item.row) : at(found.outlines, item.created, found.place)
}

/** The outlines that an item is in, which are made if nobody made them, its place in them, and when it was created. */
export interface Placed {
  readonly outlines: Packed.Outlines
  readonly place: number
  readonly created: Instant | undefined
}

export const placeOf = (item: Item<CallSession.CallSession>): Placed => {
  const found = Packed.outlineOf(item)
  if (found !== undefined) return { ...found, created: item.created }
  const { row } = item
  return { outlines: make([row]), place: 0, created: CallSession.createdInstant(row) }
}

/** The organizations that items name. */
export const organizationsOf = (items: ReadonlyArray<Item<CallSession.CallSession>>): ReadonlySet<string> => {
  const found = new Set<string>()
  let last: Packed.Outlines | undefined
  for (const item of items) {
    const outlines = Packed.outlineOf(item)?.outlines
    if (outlines === undefined) {
      const organization = textOf(item.row.organizationId)
      if (organization !== "") found.add(organization)
    } else if (outlines !== last) for (const one of outlines.organizations) found.add(one)
    last = outlines
  }
  return found
}
